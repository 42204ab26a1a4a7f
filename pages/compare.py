"""Compare: two to six methods or aggregators side by side on one sample, with the same noise."""

import html

import numpy as np
import streamlit as st

import bvae
from bvae.aggregators import name_of, options_of
from bvae.plots import posterior as plots
from bvae.plots import style
from bvae.storage import StorageError
from bvae.ui import comparing, images, loaders, panels, pins, reproduce, scene, share
from bvae.ui.choose import choose_data, choose_model, label
from bvae.ui.comparing import Contender
from bvae.ui.state import BIND, begin_page, forget

begin_page()
RULES, MODELS = "aggregators", "models"
FIRST_MODELS = ("mvae", "mmvae", "wb-vae")
MAP_ITEMS = 300

st.title("Compare")
st.markdown("**Hide another view, or add a contender:** who becomes unsure, who splits into several opinions, who does "
            "not notice? All columns have the same sample, the same noise and axes of the same span.")

# -- controls ------------------------------------------------------------------------------------------------------
top = st.columns([1, 1.5, 1.3, 0.8, 1.3], vertical_alignment="bottom")
mode = top[1].segmented_control("Compare", [RULES, MODELS], default=RULES, required=True, key="mode", bind=BIND,
                                format_func={RULES: "Aggregators", MODELS: "Trained models"}.get,
                                help="Aggregators: several rules on the same encoders, so in one latent space. Trained "
                                     "models: each with encoders, rule and decoders of its own.")
if mode == RULES:
    data_name, base_name, loaded = choose_model(top[0], top[2])
    trained = [base_name]
else:
    data_name, trained = choose_data(top[0])
data = loaders.test_data(data_name)
views = list(data.modalities)
class_names = getattr(data, "class_names", None) or [str(k) for k in range(data.num_classes)]
if mode == MODELS:
    top[2].caption("Each model with the rule it was trained with.")
item = int(top[3].number_input("Sample", 0, len(data) - 1, min(342, len(data) - 1), key="item", bind=BIND,
                               help=f"One of {len(data)} test items."))
tools = top[4].container(horizontal=True, gap="small")
with tools:
    share.button()
with tools.popover("Advanced", icon=":material/tune:"):
    plane_name = st.segmented_control("Plane", ["dims", "pca"], default="dims", required=True, key="plane", bind=BIND,
                                      format_func={"dims": "Most disagreeing dimensions", "pca": "PCA"}.get)
    num_samples = st.slider("Samples", 1, 8, 4, key="n", bind=BIND)
    seed = int(st.number_input("Seed of the noise", 0, 9999, 0, key="seed", bind=BIND))
    st.button("Reset everything", icon=":material/restart_alt:", on_click=forget,
              args=("mode", "model", "item", "plane", "n", "seed", "views", "compared", "models", "map", "picked",
                    "changed", "perplexity", "map_seed"))

choices, sample = st.columns([1.25, 1], gap="large")
if mode == RULES:
    options, first = style.ordered(bvae.aggregators()), list(comparing.FIRST_RULES)
    picked = choices.pills("Contenders", options, default=first, selection_mode="multi", key="compared", bind=BIND,
                           format_func=style.short, wrap=True)
else:
    options = trained
    first = [name for name in FIRST_MODELS if name in trained] or trained[:3]
    picked = choices.pills("Contenders", options, default=first, selection_mode="multi", key="models", bind=BIND,
                           format_func=label, wrap=True)
chosen, note = comparing.allowed(picked, options, first)
if note:
    choices.caption(f":material/info: {note}")
if len(chosen) < comparing.FEWEST:
    choices.info(f"Only one model of {data_name} is trained, and it takes two to compare. Train another one with "
                 f"`python -m bvae train {data_name} METHOD`, or compare aggregators.")
if st.session_state.get("views") and not set(st.session_state["views"]) & set(views):
    forget("views")  # those of another data set
on = choices.pills("Views", views, default=views[:-1] or views, selection_mode="multi", key="views", bind=BIND,
                   wrap=True)
observed = tuple(v in on for v in views)
called = f"class {class_names[data.y[item]]}"
sample.html(images.row(f"The sample: item {item}, {called}", style.COLORS[0], [
    images.figure(images.content(data, data.x[v][item]) if observed[m] else None,
                  f"{v}, " + (called if observed[m] else "absent"), style.color(m), html.escape(v))
    for m, v in enumerate(views)]))


def pictures(i: int, side: int = 52) -> str:
    """All views of a test item, as HTML."""
    name = f"item {i}, class {class_names[data.y[i]]}"
    return images.row(name, style.CLASS_COLORS[int(data.y[i]) % len(style.CLASS_COLORS)], [
        images.figure(images.content(data, data.x[v][i]), f"{name}, {v}", style.color(m), side=side)
        for m, v in enumerate(views)])


# -- contenders ----------------------------------------------------------------------------------------------------
models, contenders, drawn, seen = {}, [], {}, {}
judges = loaders.judges(data_name)
for name in chosen:
    try:
        models[name] = loaded if mode == RULES else loaders.load_model(data_name, name)
    except StorageError as error:
        st.warning(f"{label(name)} cannot be read and is left out: {error}", icon=":material/warning:")
        continue
    now = scene.build(models[name], item, list(observed), [1.0] * len(views), name if mode == RULES else None)
    loc, scale = now.loc[:, 0].numpy(), now.scale[:, 0].numpy()
    plane = plots.dimension_plane(loc, scale) if plane_name == "dims" else plots.principal_plane(loc)
    rule = name_of(now.rule)
    contenders.append(Contender(name, style.title(name) if mode == RULES else f"{label(name)}: {style.short(rule)}",
                                style.short(name) if mode == RULES else label(name), now, plane))
    _, drawn[name], _ = scene.imagine(models[name], now, num_samples, seed, None)
    seen[name] = comparing.verdicts(judges, drawn[name])
if not contenders:
    st.stop()
table, exact = comparing.numbers(contenders, views, seen, int(data.y[item]))
hidden = [v for v, o in zip(views, observed, strict=True) if not o]
short = [c.short for c in contenders]
brief = {name: comparing.key_numbers(table, name, hidden) for name in short}
settings = {"data": data_name, "item": str(item), "views": list(on), "n": str(num_samples), "seed": str(seed)}


def imagined(contender: Contender) -> None:
    """What a contender generates, one row per view."""
    for m, view in enumerate(views):
        texts = (comparing.captions(seen[contender.key][view], class_names) if view in seen[contender.key]
                 else [""] * num_samples)
        st.html(images.row(f"{view} ({'seen' if observed[m] else 'never seen'})", style.color(m), [
            images.figure(images.content(data, image), f"{contender.short}: {view} generated, sample {i + 1}", None,
                          texts[i]) for i, image in enumerate(drawn[contender.key][view])]))


st.subheader("Side by side")
panels.contender_columns(contenders, views, mode == RULES, [brief[c.short] for c in contenders], imagined)
dimensions = {m.model.latent_dim for m in models.values()}
st.caption(("One latent space: all columns show the same plane. " if mode == RULES else
            "Every model has a latent space of its own: the planes differ, only their span is the same. ")
           + (f"The noise is that of seed {seed} for all; sample 1 of every column starts from the same numbers."
              if len(dimensions) == 1 else
              f"Seed {seed} for all, but the latent spaces differ in size, so the noise cannot be the same.")
           + (" The decoders know only the rule they were trained with." if mode == RULES else "")
           + (" Below each image: the class that a classifier of real images sees, and how sure it is."
              if judges is not None else ""))
widths = {c.short: c.width for c in contenders}
if len(widths) > 1:
    most, least = max(widths, key=widths.get), min(widths, key=widths.get)
    st.markdown(f"The joint belief of **{panels.plain(most)}** is the widest here (standard deviation "
                f"{widths[most]:.2f} on average), that of **{panels.plain(least)}** the narrowest "
                f"({widths[least]:.2f}).")

pins.button([pins.Run(data_name, base_name if mode == RULES else c.key,
                      label(base_name if mode == RULES else c.key), name_of(c.scene.rule),
                      "" if mode == MODELS else style.short(c.key), tuple(on), item, seed, num_samples,
                      brief[c.short]) for c in contenders])

st.subheader("All numbers")
panels.numbers_table(table, exact, f"compare_{data_name}_{item}.csv")

# -- maps ----------------------------------------------------------------------------------------------------------
if len(contenders) > 1:
    st.subheader("The same items in every space")
    st.markdown("**Draw a lasso in one map:** where are its items in the others?")
    pick = st.columns([1, 1, 1], vertical_alignment="bottom")
    projection = pick[0].segmented_control("Map", ["pca", "tsne"], default="pca", required=True, key="map", bind=BIND,
                                           format_func={"pca": "PCA", "tsne": "t-SNE"}.get)
    if projection == "tsne":
        perplexity = pick[1].select_slider("Perplexity of t-SNE", [5, 15, 30, 50], 30, key="perplexity", bind=BIND)
        map_seed = int(pick[2].number_input("Seed of t-SNE", 0, 99, 0, key="map_seed", bind=BIND))
    n = min(len(data), MAP_ITEMS)
    items = loaders.spread(len(data), n)
    keys = [(data_name, base_name if mode == RULES else c.key, models[c.key].checkpoint.hash,
             c.key if mode == RULES else None, observed, n) for c in contenders]
    means = [loaders.joint_means(*key) for key in keys]
    raw = all(m.shape[1] == 2 for m in means)
    if projection == "tsne":
        with st.spinner(f"t-SNE of {n} points for {len(contenders)} contenders, once"):
            flat, titles = [loaders.joint_tsne(*key, perplexity, map_seed) for key in keys], [("", "")] * len(keys)
        caption = ("Read it honestly: t-SNE keeps neighbours, not distances. The size of an island, the gaps between "
                   "islands and their arrangement mean nothing, and aligning two such maps does not change that. "
                   f"n = {n}, perplexity {perplexity}, seed {map_seed}.")
    else:
        flat, titles = comparing.plane_maps(means, mode == RULES)
        caption = ("The latent space itself: it has two dimensions." if raw else
                   "PCA: what differs in further directions cannot be seen here, but counts below.") + f" n = {n}."
    caption += (" Means of the joint posteriors given "
                + (", ".join(v for v, o in zip(views, observed, strict=True) if o) or "nothing") + "; "
                + ("all in one plane of the shared space." if mode == RULES and projection == "pca" else
                   f"each map is shifted, turned, mirrored and scaled onto the first, {panels.plain(short[0])}."))
    same = [f"{a} and {b}" for i, a in enumerate(short) for j, b in enumerate(short) if i < j
            and means[i].shape == means[j].shape and np.allclose(means[i], means[j], atol=1e-4)]
    if same and any(observed):
        caption += f" The means of {panels.plain(', '.join(same))} are the same: only their shapes differ."
    maps = comparing.link(means, flat, titles, mode == RULES and projection == "pca")
    group, names, colors = comparing.grouped(class_names, data.y.numpy()[items])
    selected = panels.linked_maps(
        maps, short, items, group, names, colors, lambda i: f"item {i}, class {class_names[data.y[i]]}", pictures,
        len(data), caption, [c.key for c in contenders])
    if selected:
        def adopt() -> None:
            """Compare the first selected item above."""
            st.session_state["item"] = selected[0]

        st.button(f"Compare item {selected[0]} above", icon=":material/arrow_upward:", on_click=adopt)
    st.subheader("Whose neighbours changed most")
    panels.neighbour_changes(maps, short, items, lambda i: f"item {i}, class {class_names[data.y[i]]}", pictures,
                             f"neighbours_{data_name}.csv")

pins.table()

reproduce.show(
    comparing.compare_code(
        data_name, [(base_name if mode == RULES else c.key, c.scene.rule_name,
                     options_of(c.scene.rule) if mode == RULES else None) for c in contenders],
        item, [v for v in views if v in on], num_samples, seed), "compare.py", seed=seed,
    title="Reproduce this comparison",
    checkpoints=sorted({f"{panels.plain(m.checkpoint.name)} {m.checkpoint.hash[:12]}" for m in models.values()}),
    commands=[(f"python -m bvae evaluate {data_name} {name}", "the model's figures on the whole test split")
              for name in dict.fromkeys(base_name if mode == RULES else c.key for c in contenders)])
