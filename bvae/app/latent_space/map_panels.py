"""Parts of the Latent space page: the figure, the selected items, one item closely, the modality gap, files, code."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

import bvae
from bvae.aggregators.comparison import gelbrich
from bvae.app import loaders, pages
from bvae.app.beliefs import item_beliefs
from bvae.app.beliefs.item_maps import map_note
from bvae.app.beliefs.selection import MOST_PICKED, SHOWN, as_text, in_proportion, select
from bvae.app.latent_space import mapping
from bvae.app.latent_space.coloring import Coloring
from bvae.app.latent_space.mapping import Made, Map
from bvae.app.latent_space.state import (
    ATTRIBUTE,
    CLASS,
    DISAGREEMENT,
    MISFIT,
    NEIGHBOURS,
    OFF,
    UNCERTAINTY,
    LatentSpace,
)
from bvae.app.loaders import ModelKey
from bvae.app.state import Form, ink
from bvae.app.widgets import charts, fold, images, legends, tiles
from bvae.app.widgets.choose import label
from bvae.app.widgets.layout import gallery
from bvae.app.widgets.markdown import plain
from bvae.data import MultimodalDataset
from bvae.gaussians import diagonal
from bvae.gaussians.dimensions import axis_title, z_name
from bvae.maps import map_tables, maps
from bvae.maps.maps import EVERYTHING, JOINT, Clouds
from bvae.plots import latent, style
from bvae.plots import posterior as posterior_plots
from bvae.runs.isolated import ComputationError

MADE = {Made.BEFORE: "ready-made, from the file beside the checkpoint", Made.HERE: "computed here"}
SAYS = {
    UNCERTAINTY: "Uncertainty: how wide each point's belief is (its standard deviation, mean over the latent "
                 "dimensions).",
    DISAGREEMENT: "Disagreement: how far the views' beliefs of an item lie from their Wasserstein barycenter, "
                  "√(mean of W2²); it does not depend on the rule that joins them.",
    MISFIT: "Misfit: how much better what each view says would fit the other views of a random item than those of its "
            "own, in nats; above 0 the views may be mixed up. See Who says what.",
}


def figure(
    key: ModelKey, found: Clouds, placed: Map, coloring: Coloring, picked: Sequence[int],
    data: MultimodalDataset, background: str | None,
) -> go.Figure:
    """The map. In the plane itself with the prior's circles and what a view's decoder makes of every place."""
    # Only where several clouds are drawn does a point have to say of which it is.
    several = len(found.names) > 1
    hover = [f"{html.escape(data.called(int(i)))}{f', {found.names[c]}' if several else ''}<br>uncertainty {u:.3g}, "
             f"disagreement {d:.3g}" for i, c, u, d in zip(found.item, found.cloud, found.uncertainty,
                                                           found.disagreement, strict=True)]
    limits: Any = maps.window(placed.points) if placed.projection == maps.PLANE else None
    out = latent.scatter(
        placed.points, coloring.group, [html.escape(n) for n in coloring.names], coloring.colors, coloring.symbols,
        np.stack([found.item, found.cloud], axis=1), hover, ink(), placed.titles, picked=picked, limits=limits,
        point_symbols=coloring.point_symbols, values=coloring.values, values_title=coloring.column or coloring.name)
    out.update_layout(showlegend=False)  # it is written above, where it also stays readable on a phone
    if placed.projection == maps.PLANE:
        latent.add_prior(out, ink())
        out.update_traces(marker={"line": {"width": 0.8, "color": ink().paper}}, selector={"mode": "markers"})
        behind = mapping.decoded(key, background, limits) if background else None
        if isinstance(behind, str):
            latent.put_behind(out, behind, limits, 0.4)
        elif behind:
            latent.put_words_behind(out, behind, limits, ink())
    return out


def to_mark(chart: str, picked: list[int], of_the_map: tuple) -> list[int]:
    """Which items the figure has to mark as selected.

    Streamlit builds a chart anew when its figure changes, and the zoom is lost. The browser marks what is selected in
    the map itself, so the figure then stays as it was drawn, unless something else of it has changed.

    Parameters
    ----------
    chart : str
        Key of the map.
    picked : list of int
        All that is selected.
    of_the_map : tuple
        Everything else that the figure depends on.
    """
    before, marked = st.session_state.get("_marked", (None, []))
    points = chart in st.session_state and st.session_state[chart].selection.points
    own = list(dict.fromkeys(int(p["customdata"][0]) for p in points or [] if p.get("customdata")))
    kept = 0 < len(own) <= MOST_PICKED  # of more, some are not selected, and only the figure knows which
    if kept and before == of_the_map and as_text(own) == st.session_state.get("picked"):
        return marked
    st.session_state["_marked"] = (of_the_map, list(picked))
    return picked


def legend(coloring: Coloring, found: Clouds, placed: Map) -> str:
    """What colours and markers mean, as HTML."""
    further = []
    if coloring.point_symbols is not None and coloring.values is None and (
            coloring.column or coloring.name in (CLASS, ATTRIBUTE)):
        markers = dict(zip(found.names, [coloring.point_symbols[found.cloud == c][0] for c in range(len(found.names))],
                           strict=True))
        further.append("markers: " + ", ".join(f"{legends.SYMBOLS.get(s, '●')} {n}" for n, s in markers.items()))
    if placed.projection == maps.PLANE:
        further.append("circles: the prior, 1σ and 2σ")
    names, colors, symbols = list(coloring.names), list(coloring.colors), list(coloring.symbols)
    if coloring.values is not None:
        colors = [ink().faint] * len(names)
        if len(found.names) == 1:
            names, colors, symbols = [], [], []
    elif further and coloring.point_symbols is not None:
        symbols = ["circle"] * len(names)
    return legends.legend(names, colors[: len(names)], symbols[: len(names)], " · ".join(further))


def takeaway(key: ModelKey, which: str, coloring: Coloring) -> str:
    """What the map says, in numbers of the whole latent space; if these could not be computed, why."""
    try:
        return _takeaway(key, which, coloring)
    except ComputationError as error:
        return f"Nothing can be said in numbers. {error}"


def _takeaway(key: ModelKey, which: str, coloring: Coloring) -> str:
    if coloring.values is not None:
        low, middle, high = np.nanquantile(coloring.values, (0, 0.5, 1))
        none = int(np.isnan(coloring.values).sum())
        lacking = f" {none:,} points have none." if none else ""
        of = plain(coloring.column) or coloring.name.capitalize()
        return f"{of} goes from {low:.3g} over {middle:.3g} (half the points) to {high:.3g}.{lacking}"
    if which == EVERYTHING:
        found = mapping.gap(key)[0]
        return (f"Among the {mapping.NEAR} nearest points of a view's point, {found.same:.0%} are of the same view; by "
                f"chance {found.same_by_chance:.0%}.")
    if coloring.column:
        counts = np.bincount(coloring.group, minlength=len(coloring.names))
        return "Points: " + ", ".join(f"{n:,} with {plain(coloring.column)} {plain(name)}" for name, n in zip(
            coloring.names, counts, strict=True)) + "."
    if not loaders.test_data(key.data_name).labelled:
        return f"{len(mapping.clouds(key, which).item):,} items, without labels."
    share, chance = mapping.same_class(key, which)
    some = f" ({mapping.ASKED:,} items were asked)" if len(mapping.clouds(key, which).item) > mapping.ASKED else ""
    return (f"Of an item's {mapping.NEAR} nearest neighbours in the whole latent space {share:.0%} share its class; by "
            f"chance {chance:.0%}{some}.")


def selected(data: MultimodalDataset, picked: Sequence[int], drawn: Sequence[int]) -> list[int]:
    """Images of the selected items, or of some that are on the map; returns those that are shown.

    Of more than are shown, as many of every class as the class has among them.
    """
    what = "views" if tiles.has_tables(data) else "images"
    st.subheader(f"Their {what}" if picked else "Some of the items")
    if not picked:
        st.write(f"Select points with the lasso or by a click, or write numbers above: their {what} appear here.")
        there = np.unique(drawn)
        shown = there[maps.spread(len(there), min(len(there), SHOWN - 1))[1:-1]].tolist() or there.tolist()
    else:
        labels = data.y[list(picked)].tolist() if data.labelled else [0] * len(picked)
        shown = in_proportion(picked, labels, SHOWN)
        st.markdown(_counted(data, labels))
        notes = []
        if len(picked) > len(shown):
            notes.append(f"Below: {len(shown)} of them" + (", in these shares." if len(set(labels)) > 1 else "."))
        if len(picked) >= MOST_PICKED:
            notes.append(f"At most {MOST_PICKED} are kept, of a larger lasso evenly: read the counts as shares.")
        if notes:
            st.caption(" ".join(notes))
    st.html("".join(images.item(data, i) for i in shown))
    if note := tiles.note(data):
        st.caption(note)
    return shown


def _counted(data: MultimodalDataset, labels: Sequence[int]) -> str:
    """How many items were selected, and of which classes, the most frequent first."""
    total = f"**{len(labels)} {'item' if len(labels) == 1 else 'items'}**"
    if not data.labelled:
        return f"{total}."
    counts = pd.Series(labels).value_counts(sort=True)
    if len(counts) == 1:
        return f"{total} of class {plain(data.class_names[labels[0]])}."
    return f"{total}: " + ", ".join(f"{c} of class {plain(data.class_names[k])}" for k, c in counts.items()) + "."


def closely(
    form: Form[LatentSpace], data: MultimodalDataset, which: str, candidates: Sequence[int], wasserstein: bool
) -> str:
    """One item: its neighbours in z and its posteriors; returns the cloud that was searched."""
    loaded = form.about.loaded
    st.subheader("One item closely")
    key = loaded.key
    views = list(data.modalities)
    if st.session_state.setdefault("_candidates", list(candidates)) != list(candidates):
        st.session_state["focus"] = candidates[0]  # others were selected: look at their first one
    st.session_state["_candidates"] = list(candidates)
    own, beside = st.columns([1, 1.2], gap="large")
    item = form.ask(own.selectbox, "focus", "Item", options=candidates, first=candidates[0], width=200)
    own.html(images.item(data, item))
    cloud = JOINT if which == EVERYTHING else which
    found = mapping.clouds(key, cloud)
    near = maps.nearest(found, item, NEIGHBOURS, wasserstein)
    of = "joint beliefs" if cloud == JOINT else f"beliefs of {cloud} alone"
    measure = "W2 between the beliefs" if wasserstein else "Euclidean distance of the means"
    st.markdown(f"**Its nearest neighbours** among the {of} of all {len(found.item):,} items, in all "
                f"{found.loc.shape[1]} latent dimensions; with each the {measure}.")
    st.html(gallery([images.item(data, i, f" · {d:.3g}") for i, d in near], 90 * len(views)))
    st.button("Select these on the map", icon=":material/select_all:", on_click=select,
              args=([item, *(i for i, _ in near)],))
    with beside:
        apart, exact = _posteriors(loaded, views, item)
    with own:
        st.caption(f"How far each view's belief lies from the joint one (W2): {plain(apart)}"
                   + ("." if exact else " (the joint one is a mixture: Gelbrich's lower bound)."))
        st.page_link(pages.script("explore"), label=f"Explore item {item}", icon=":material/explore:",
                     query_params={"data": key.data_name, "item": str(item), "model": label(key.model_name)})
    return cloud


def _posteriors(loaded: loaders.Loaded, views: Sequence[str], item: int) -> tuple[str, bool]:
    """The posteriors of an item, drawn; returns their distances to the joint one in words, and if these are exact."""
    now = item_beliefs.build(loaded, item, [True] * len(views), [1.0] * len(views), None)
    mapped = item_beliefs.arrays(now.decoded, now.rule_name if now.decoded is now.posterior else "wasserstein", "joint")
    loc, scale, seen = now.loc[:, 0].numpy(), now.scale[:, 0].numpy(), now.present[:, 0].tolist()
    exact = now.decoded.num_components == 1
    far = (diagonal.wasserstein2(now.loc, now.scale, now.decoded.loc, now.decoded.scale) if exact
           else gelbrich(now.loc, now.scale, now.decoded))[:, 0].tolist()
    st.markdown("**Its beliefs**" + ("" if loc.shape[1] == 2 else ", in the dimensions in which the views "
                                        "disagree most"))
    st.html(legends.legend([*views, "joint belief"], [*(style.color(m) for m in range(len(views))), ink().aggregate],
                           [*(style.marker(m) for m in range(len(views))), "circle"]))
    if loc.shape[1] == 2:
        plane = posterior_plots.Plane(np.eye(2), np.zeros(2), (axis_title(0), axis_title(1)))
        drawn = posterior_plots.plane_figure(plane, views, loc, scale, seen, [mapped], ink(), height=360)
        drawn.update_layout(showlegend=False)
    else:
        drawn = posterior_plots.interval_figure(views, loc, scale, seen, [mapped], ink(), height=320)

    def table() -> pd.DataFrame:
        d = loc.shape[1]
        rows = [*zip(views, loc, scale, strict=True), ("joint", mapped.mean, np.sqrt(mapped.variance))]
        return pd.DataFrame({"posterior of": np.repeat([r[0] for r in rows], d),
                             "dimension": [*map(z_name, range(d))] * len(rows),
                             "mean": np.concatenate([r[1] for r in rows]),
                             "standard deviation": np.concatenate([r[2] for r in rows])})

    apart = ", ".join(f"{v} {w:.3g}" for v, w in zip(views, far, strict=True))
    charts.show(drawn, "focus_chart",
                f"Beliefs of item {item}: how far each view's lies from the joint one (W2): {apart}.", table,
                f"posteriors_{loaded.key.data_name}_{loaded.key.model_name}_{item}")
    return apart, exact


def gap_panel(key: ModelKey, views: Sequence[str]) -> None:
    """The modality gap in three numbers, and between every pair of clouds."""
    found, pairs = mapping.gap(key)
    st.subheader("The modality gap")
    st.markdown("Do the views of the items share one region of the latent space, or has each view a region of its own? "
                "Three numbers that see different things; all are of the whole latent space, not of the map.")
    row = st.columns(3)
    row[0].metric("Distance of the clouds' centres", f"{found.distance:.3g}", "in units of the clouds' size",
                  delta_color="off", delta_arrow="off", border=True,
                  help="Mean over the pairs of views, in units of the clouds' own size (root mean square distance of "
                       "a point to its cloud's centre). About 0: on top of each other; above 1: further apart than "
                       "they are large.")
    row[1].metric("A linear classifier tells the view", f"{found.accuracy:.1%}" if found.accuracy == found.accuracy
                  else "–", f"± {found.standard_error:.1%} · by chance {found.accuracy_by_chance:.0%}",
                  delta_color="off", delta_arrow="off", border=True,
                  help="Share of points whose view a logistic regression names rightly, on items that it was not "
                       "trained on (five folds), with its standard error over the items.")
    row[2].metric("Neighbours of the same view", f"{found.same:.1%}", f"by chance {found.same_by_chance:.0%}",
                  delta_color="off", delta_arrow="off", border=True,
                  help=f"Among the {mapping.NEAR} nearest points of a point, mean over all points of all views.")
    names = [*views, "joint"]
    table = pd.DataFrame(pairs, columns=names)
    table.insert(0, "centres apart", names)
    st.dataframe(table, hide_index=True, column_config={
        n: st.column_config.NumberColumn(format="%.3g") for n in names})
    st.caption(f"Distance between the centres of each two clouds, in units of their size; the joint cloud included. "
               f"n = {min(maps.EVERYTHING_ITEMS, len(loaders.test_data(key.data_name)))} items. The term, and the "
               "difference of the means as its measure, are from Liang et al., \"Mind the gap\", NeurIPS 2022; they "
               "study contrastive models. Centres can coincide while a classifier still tells the views apart: then "
               "the clouds lie in one place and differ in form.")


def files(state: LatentSpace, found: Clouds, placed: Map, labels: np.ndarray, cloud: str, name: str) -> None:
    """Coordinates with all that was mapped, and how to get the same; `cloud` is that of :func:`closely`."""
    key = state.shown

    def content() -> None:
        st.markdown("Every point with its item, label, view, place on the map, uncertainty, disagreement, and the mean "
                    "and standard deviation of its belief in every latent dimension.")
        facts = {"data": key.data_name, "model": key.model_name, "weights": key.weights_hash, "bvae": bvae.__version__,
                 "map": placed.projection}
        with st.container(horizontal=True):
            st.download_button("All as CSV", lambda: map_tables.as_csv(placed.points, found, labels), f"{name}.csv",
                               "text/csv", on_click="ignore", icon=":material/download:", key="all_csv")
            st.download_button("All as NPZ", lambda: map_tables.as_npz(placed.points, found, labels, facts),
                               f"{name}.npz", "application/octet-stream", on_click="ignore",
                               icon=":material/download:", key="all_npz",
                               help="For numpy.load(…, allow_pickle=False).")
        rounded = placed.made is Made.BEFORE
        st.markdown(f"bvae {bvae.__version__}, weights {key.weights_hash[:12]}. The link in the address bar holds "
                    "everything that you chose."
                    + (" The ready-made map is rounded to half precision." if rounded else "")
                    + (" t-SNE in one thread gives the same map on the same machine; another machine rounds otherwise, "
                       "and small differences grow." if state.projection == maps.TSNE else ""))
        st.code(state.script(cloud), language="python")
        st.code(state.command(), language="bash")

    fold.show("Coordinates as files, and how to reproduce them", "code", "reproduce", content)


def table(placed: Map, found: Clouds, data: MultimodalDataset) -> pd.DataFrame:
    """What the map draws."""
    return pd.DataFrame(map_tables.columns(placed.points, found, data.y.numpy()))


def notes(state: LatentSpace, placed: Map, found: Clouds, picked: Sequence[int]) -> str:
    """How to read the map, and how not."""
    projection = "raw" if placed.projection == maps.PLANE else placed.projection
    parts = [map_note(projection, len(found.loc), found.loc.shape[1], placed.shares, state.perplexity, state.seed)]
    if placed.made:
        parts.append(f"This map is {MADE[placed.made]}.")
    if state.background != OFF and placed.projection == maps.PLANE:
        parts.append("Behind the points: what the decoder makes of every place. Far from all points it can only guess.")
    if len(found.names) > 1:
        there = np.unique(found.item)
        missing = len(set(picked) - set(there.tolist()))
        parts.append(f"{len(there)} items, {len(found.names)} points each."
                     + (f" Not among them: {missing} of the selected ones." if missing else ""))
    return " ".join([*parts, *([SAYS[state.coloring]] if state.coloring in SAYS else [])])
