"""Compare: two to six methods or aggregators side by side on one sample, with the same noise."""


import streamlit as st

import bvae
from bvae.aggregators import options_of
from bvae.app import loaders, reproduce
from bvae.app.beliefs import comparing, panels, scene
from bvae.app.compare import compare_maps, pins
from bvae.app.state import BIND, begin_page, forget, reset_button
from bvae.app.widgets import images, methods_told, share
from bvae.app.widgets.choose import choose_data, choose_model, first_model, label
from bvae.io.storage import StorageError
from bvae.plots import style
from bvae.runs import isolated

begin_page()
isolated.prepare()  # it is there when the maps, which come last, need it
RULES, MODELS = "aggregators", "models"

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
class_names = list(data.class_names) if data.labelled else ["items"]
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
    reset_button({
        "mode": RULES, "model": first_model(data_name), "item": min(342, len(data) - 1), "plane": "dims", "n": 4,
        "seed": 0, "views": views[:-1] or views, "compared": list(comparing.FIRST_RULES),
        "models": comparing.first_models(trained), "map": "pca", "picked": "", "perplexity": 30, "map_seed": 0})

choices, sample = st.columns([1.25, 1], gap="large")
if mode == RULES:
    options, first = style.ordered(bvae.aggregators()), list(comparing.FIRST_RULES)
    picked = choices.pills("Contenders", options, default=first, selection_mode="multi", key="compared", bind=BIND,
                           format_func=style.short, wrap=True)
else:
    options = trained
    first = comparing.first_models(trained)
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
observed = tuple(v in on and data.has(v, item) for v in views)
called = data.called(item)
sample.html(images.row(f"The sample: {called}", style.COLORS[0], [
    images.figure(images.of_view(data, v, item) if observed[m] else None,
                  f"{v}, " + (called if observed[m] else "absent"), style.color(m), v, shrinks=True)
    for m, v in enumerate(views)], wraps=False))

# -- contenders ----------------------------------------------------------------------------------------------------
models, contenders = {}, []
judges = loaders.judges(data_name)
for name in chosen:
    try:
        models[name] = loaded if mode == RULES else loaders.load_model(data_name, name)
    except StorageError as error:
        st.warning(f"{label(name)} cannot be read and is left out: {error}", icon=":material/warning:")
        continue
    now = scene.build(models[name], item, list(observed), [1.0] * len(views), name if mode == RULES else None)
    contenders.append(comparing.contender(name, label(name), now, mode == RULES, plane_name))
if not contenders:
    st.stop()
found = comparing.imagined([(models[c.key].model, c.scene) for c in contenders], num_samples, seed, judges)
drawn, seen = ({c.key: both[i] for c, both in zip(contenders, found, strict=True)} for i in (0, 1))
table, exact = comparing.numbers(contenders, views, seen, int(data.y[item]))
hidden = [v for v, o in zip(views, observed, strict=True) if not o]
of_model = [base_name if mode == RULES else c.key for c in contenders]


def generations(contender: comparing.Contender) -> None:
    """What a contender generates."""
    st.html(images.generations(data, views, observed, drawn[contender.key], contender.short,
                               {v: comparing.captions(p, class_names) for v, p in seen[contender.key].items()}))


# What is drawn takes longest and comes last: pictures, then plots.
st.subheader("Side by side")
draw_columns = panels.contender_columns(contenders, views, mode == RULES,
                                        [comparing.key_numbers(table, c.short, hidden) for c in contenders],
                                        generations)
st.caption(comparing.side_by_side_note(mode == RULES, {m.model.latent_dim for m in models.values()}, seed,
                                       judges is not None))
if len(contenders) > 1:
    st.markdown(comparing.widest({panels.plain(c.short): c.width for c in contenders}))


def chosen_now() -> list[pins.Run]:
    """What the controls say when a button is pressed: the page may not have followed them yet."""
    state = st.session_state
    return [pins.Run(data_name, model, c.key if mode == RULES else "", tuple(v for v in views if v in state["views"]),
                     int(state["item"]), int(state["seed"]), int(state["n"]))
            for model, c in zip(of_model, contenders, strict=True)]


pins.button(chosen_now)
st.subheader("All numbers")
panels.numbers_table(table, exact, f"compare_{data_name}_{item}.csv")
finish = None
if len(contenders) > 1:
    st.subheader("The same items in every space")
    finish = compare_maps.show(data, data_name, contenders, of_model,
                               [models[c.key].checkpoint.hash for c in contenders], mode == RULES, observed,
                               class_names)
if mode == MODELS:
    methods_told.show(m.checkpoint.settings.method for m in models.values())
pins.table()
reproduce.show(
    comparing.compare_code(
        data_name, [(model, c.scene.rule_name, options_of(c.scene.rule) if mode == RULES else None)
                    for model, c in zip(of_model, contenders, strict=True)],
        item, [v for v in views if v in on], num_samples, seed), "compare.py", seed=seed,
    title="Reproduce this comparison",
    checkpoints=sorted({f"{panels.plain(m.checkpoint.name)} {m.checkpoint.hash[:12]}" for m in models.values()}),
    commands=[(f"python -m bvae evaluate {data_name} {name}", "the model's figures on the whole test split")
              for name in dict.fromkeys(of_model)])
draw_columns()
if finish:
    finish()
