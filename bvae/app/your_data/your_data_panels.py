"""Your data: what the page shows of a file of posteriors, in each of its views."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from bvae.aggregators import Aggregator, aggregator, naming
from bvae.app import loaders, pages, reproduce
from bvae.app.beliefs import item_beliefs
from bvae.app.beliefs.belief_charts import belief_charts, expert_numbers
from bvae.app.beliefs.contenders import FIRST_RULES, Contender, allowed
from bvae.app.beliefs.item_maps import linked_maps, map_note, neighbour_changes
from bvae.app.beliefs.neighbours import link, plane_maps
from bvae.app.beliefs.numbers import key_numbers, numbers
from bvae.app.beliefs.selection import SHOWN, in_proportion
from bvae.app.beliefs.side_by_side import contender_columns, numbers_table
from bvae.app.state import Form, ink
from bvae.app.widgets import charts, choose, computing, fold, images
from bvae.app.widgets.markdown import plain
from bvae.app.your_data import uploading
from bvae.app.your_data.state import CLOUD_ITEMS, CLOUDS, JOINT, MAP_ITEMS, WHICH, Own, YourData
from bvae.data import uploads
from bvae.gaussians.dimensions import axis_title
from bvae.plots import posterior as posterior_plots
from bvae.plots import style
from bvae.plots.latent import grouped, scatter
from bvae.runs.isolated import gaps

EXTEND = next(folder for folder in (pages.HERE / "extend", pages.CHECKOUT / "docs" / "extend") if folder.is_dir())


def choose_item(form: Form[YourData], box: Any) -> int:
    """A box for the number of an item."""
    return form.ask(box.number_input, "item", "Item", help=f"One of {len(form.about.data):,}.")


def posterior(form: Form[YourData]) -> None:
    """One item's posteriors and their barycenter."""
    own: Own = form.about
    data, views = own.data, own.views
    with st.container(key="after_picture_choices"):
        top = st.columns([1, 1.6, 2], vertical_alignment="bottom")
    item = choose_item(form, top[0])
    form.ask(top[1].selectbox, "rule", "Rule")
    form.ask(top[2].segmented_control, "plane", "Plane")
    left, middle = st.columns([1, 2.4], gap="large")
    known = data.experts.present[:, item].tolist()
    with left, st.container(key="after_picture_observed"):
        st.subheader("What is observed")
        on = form.ask(st.pills, "on", "Views that are on", wrap=True)
        for m, view in enumerate(views):
            picture, slider = st.columns([1, 1.25], vertical_alignment="center", wrap=False, gap="small")
            seen = view in on and known[m]
            gone = "hidden" if known[m] else "not there"
            picture.html(images.figure(own.content(view, item) if seen else None,
                                       f"{view}, " + (own.called(item) if seen else gone), style.color(m), gone=gone))
            form.ask(slider.slider, "weights", f"weight of {plain(view)}", of=view, disabled=not seen)
        st.caption(plain(own.called(item)) + ". " + ("" if all(known) else "The file lacks "
                   + plain(", ".join(v for v, k in zip(views, known, strict=True) if not k)) + " here."))
    state = form.state(is_example=own.is_example)
    now = item_beliefs.of_experts(data.experts, item, state.observed(views), list(state.weights),
                                  aggregator(state.rule))
    loc, scale = now.loc[:, 0].numpy(), now.scale[:, 0].numpy()
    plane = (posterior_plots.dimension_plane(loc, scale) if state.plane == "dims" else
             posterior_plots.principal_plane(loc))
    middle.subheader("What it believes")
    weights = None if now.weights is None else now.weights.tolist()
    with st.container(key="below_picture_numbers"):
        st.subheader("Numbers")
        expert_numbers(views, now, known)
        if now.rule.formula:
            fold.show("The rule's formula", "function", "formula", lambda: _formula(now.rule))
        reproduce.show(state.script([state.rule], views, weights), "your_data.py")
    with middle:  # plots take longest: numbers do not wait for them
        belief_charts(plane, views, now, now.drawn()[:1])


def _formula(rule: Aggregator) -> None:
    """What a rule computes, and what it minimises."""
    st.latex(rule.formula)
    if rule.divergence:
        st.caption(f"It minimises: {rule.divergence}.")


def latent_map(form: Form[YourData]) -> None:
    """All items as points."""
    own: Own = form.about
    data, views = own.data, own.views
    with st.container(key="after_picture_choices"):
        top = st.columns([2.4, 1, 1], vertical_alignment="bottom")
    which = form.ask(top[0].segmented_control, "which", "A point is the mean belief of", wrap=True)
    projection = form.ask(top[1].segmented_control, "projection", "Map")
    form.ask(top[2].selectbox, "rule", "Rule", disabled=which != JOINT)
    if projection == "tsne":
        with st.expander("Advanced", icon=":material/tune:"):
            form.ask(st.select_slider, "perplexity", "Perplexity of t-SNE")
            form.ask(st.number_input, "map_seed", "Seed of t-SNE")
    state = form.state(is_example=own.is_example)  # but for the colours, which are asked where the map is
    means, item, cloud = uploading.means(data, which, views, state.rule, CLOUD_ITEMS if which == CLOUDS else MAP_ITEMS)
    flat = data.latent_dim == 2
    projection = "raw" if projection == "pca" and flat else projection
    if len(means) == 0:
        st.info(f"No item of the file has {plain(WHICH.get(which, which))}.")
        return
    with computing.said():
        _map(form, means, item, cloud, projection)
    reproduce.show(state.map_script(views, flat), "your_map.py", title="Reproduce this map",
                   seed=state.map_seed if projection == "tsne" else None)
    if len(views) > 1:
        st.subheader("Is there a gap between the views?")
        with computing.said():
            clouds, _, where = uploading.means(data, CLOUDS, views, state.rule, CLOUD_ITEMS)
            apart = gaps([clouds[where == m] for m in range(len(views))])
            st.dataframe(pd.DataFrame(apart, index=views, columns=views).round(3), width="stretch")
            st.caption("How far the centres of two views' clouds lie apart, in units of the clouds' own size (root "
                       "mean square distance to the centre), in the full latent space. About 0: they lie on top of "
                       "each other.")


def _map(form: Form[YourData], means: np.ndarray, item: np.ndarray, cloud: np.ndarray, projection: str) -> None:
    """The map of some means, and the items that are selected in it; `projection`: "raw", "pca" or "tsne"."""
    own: Own = form.about
    data, views = own.data, own.views
    which, rule_name, perplexity, map_seed = map(form.answer, ("which", "rule", "perplexity", "map_seed"))
    shares = np.zeros(2)
    if projection == "tsne":
        with st.spinner(f"t-SNE of {len(means):,} points, once"):
            points = uploading.kept(("tsne", which, rule_name, perplexity, map_seed),
                                    lambda: loaders.embed(means, perplexity, map_seed))
    elif projection == "pca":
        points, shares = loaders.pca(means)
    else:
        points = means
    titles = {"tsne": ("", ""), "raw": (axis_title(0), axis_title(1))}.get(projection) or (
        f"first principal component ({shares[0]:.0%} of the variance)", f"second ({shares[1]:.0%})")
    coloring = "class"
    if which == CLOUDS:
        coloring = form.ask(st.segmented_control, "coloring", "Colour by")
    if coloring == "view":
        group, names = cloud, views
        colors, symbols = [style.color(m) for m in range(len(views))], [style.marker(m) for m in range(len(views))]
    else:
        group, names, colors = grouped(data.classes, data.y[item])
        symbols = ["circle"] * len(names)
    chart, side = st.columns([1.9, 1], gap="large")
    with chart:
        figure = scatter(
            points, group, [html.escape(n) for n in names], colors, symbols, np.stack([item, cloud], axis=1),
            [html.escape(own.called(int(i)) + (f", {views[c]}" if which == CLOUDS else ""))
             for i, c in zip(item, cloud, strict=True)], ink(), titles)
        event = charts.show(
            figure, f"my_map_{which}_{projection}_{coloring}",
            f"Map of {len(means)} mean beliefs, coloured by {coloring}.",
            lambda: pd.DataFrame({"item": item, "label": [data.label(int(i)) for i in item],
                                  "view": [views[c] if which != JOINT else WHICH[JOINT] for c in cloud],
                                  "x": points[:, 0], "y": points[:, 1]}),
            f"map_{projection}", on_select="rerun", selection_mode=("points", "lasso", "box"))
        st.caption(map_note(projection, len(means), data.latent_dim, shares, perplexity, map_seed))
    with side:
        st.subheader("Selected items")
        picked = list(dict.fromkeys(int(p["customdata"][0]) for p in event.selection.points if p.get("customdata")))
        if not picked:
            st.write("Select points with the lasso or by a click: their items appear here. Until then, some of them:")
            picked = [int(i) for i in item[loaders.spread(len(item), min(5, len(item)))]]
        shown = in_proportion(picked, data.y[picked].tolist(), SHOWN)
        st.html("".join(own.pictures(i) for i in shown))
        if len(picked) > len(shown):
            st.caption(f"{len(shown)} of {len(picked)} selected items, of every class as many as its share.")


def comparison(form: Form[YourData]) -> None:
    """Several rules on the same posteriors."""
    own: Own = form.about
    data, views = own.data, own.views
    top = st.columns([1, 3], vertical_alignment="bottom")
    item = choose_item(form, top[0])
    picked = form.ask(top[1].pills, "rules", "Rules", wrap=True)
    chosen, note = allowed(picked, choose.rules(), FIRST_RULES)
    if note:
        st.caption(f":material/info: {note}")
    form.ask(st.pills, "on", "Views that are on", wrap=True)
    state = form.state(is_example=own.is_example)
    observed, known = state.observed(views), data.experts.present[:, item].tolist()
    st.html(own.pictures(item))
    contenders = []
    for name in chosen:
        now = item_beliefs.of_experts(data.experts, item, observed, [1.0] * len(views), aggregator(name))
        plane = posterior_plots.dimension_plane(now.loc[:, 0].numpy(), now.scale[:, 0].numpy())
        contenders.append(Contender(name, naming.title(name), naming.short(name), now, plane))
    found, exact = numbers(contenders, views, known=known)
    brief = [key_numbers(found, c.key, []) for c in contenders]
    st.subheader("Side by side")
    contender_columns(contenders, views, True, brief)()
    st.subheader("All numbers")
    numbers_table(found, exact, contenders, "your_numbers.csv")
    reproduce.show(state.script(chosen, views), "your_data.py")
    if len(data) > 2:
        with computing.said():
            _spaces(own, contenders, observed)


def _spaces(own: Own, contenders: Sequence[Contender], observed: Sequence[bool]) -> None:
    """Every contender's map of the same items, and whose neighbours changed most."""
    data = own.data
    st.subheader("The same items in every space")
    st.markdown("**Draw a lasso in one map:** where are its items in the others?")
    items = loaders.spread(len(data), min(len(data), CLOUD_ITEMS))
    means = [uploading.joint_means(data, c.key, observed, items) for c in contenders]
    flat, titles = plane_maps(means, True)
    maps = link(means, flat, titles, True)
    group, names, colors = grouped(data.classes, data.y[items])
    short = [c.short for c in contenders]
    _, draw = linked_maps(
        maps, short, items, group, names, colors, own.called, own.pictures, data.y,
        "All in one plane of the latent space, found from all of them together by PCA"
        f"{' (the space itself: D = 2)' if data.latent_dim == 2 else ''}. n = {len(items):,}.",
        [f"my_{c.key}" for c in contenders])
    draw()
    st.subheader("Whose neighbours changed most")
    neighbour_changes(maps, [c.key for c in contenders], short, items, own.of_class, own.pictures,
                      "your_neighbours.csv")


def instructions() -> None:
    """The format of the file, and how to extend."""
    def the_format() -> None:
        st.markdown(f"One `.npz` or `.safetensors` file of at most {uploads.MAX_FILE // uploads.MIB} MB "
                    f"({uploads.MAX_UNPACKED // uploads.MIB} MB unpacked), with these arrays for 1 to "
                    f"{uploads.MAX_MODALITIES} views; N up to {uploads.MAX_ITEMS:,} items, D up to "
                    f"{uploads.MAX_DIMENSIONS:,} latent dimensions, the same N and D everywhere.")
        st.dataframe(pd.DataFrame([
            {"array": key if key in ("labels", "name") else f"{key}_NAME", "shape": f.shape,
             "type": uploads.KIND_NAMES[f.kinds], "what": f.says} for key, f in uploads.FIELDS.items()]),
            hide_index=True, width="stretch")
        st.markdown("NAME is yours: letters, digits, `-`, `.` and `_`. Beliefs are diagonal Gaussians in **one** "
                    "latent space that all views share. To write it:")
        st.code((EXTEND / "posteriors.py").read_text(encoding="utf-8"), language="python")
        st.markdown("A `.safetensors` file has the same arrays under the same names, all but the texts, which are in "
                    "its metadata: `name`, and `classes`, a JSON list of which `labels` holds the positions.")
        st.code((EXTEND / "posteriors_safetensors.py").read_text(encoding="utf-8"), language="python")

    def extending() -> None:
        st.markdown("Each is one file or one line; it then appears in every list of this app, on the command line and "
                    "in the tests. These three files are run by the tests as they stand.")
        for title, file in (("A rule", "aggregator.py"), ("A data set", "dataset.py"),
                            ("A method, and a model trained with it", "method.py")):
            st.markdown(f"**{title}**")
            st.code((EXTEND / file).read_text(encoding="utf-8"), language="python")

    fold.show("The format of the file", "description", "the_format", the_format)
    fold.show("How to add a data set, a rule, a method of your own", "extension", "extending", extending)
