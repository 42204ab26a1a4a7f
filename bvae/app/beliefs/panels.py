"""Parts that Explore, Compare and Your data have in common: posteriors with their numbers, columns, linked maps."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from bvae.app.beliefs import comparing
from bvae.app.beliefs.comparing import Contender, LinkedMap
from bvae.app.beliefs.scene import Scene
from bvae.app.html import Markup, render
from bvae.app.state import BIND, ink
from bvae.app.widgets import charts, small_table
from bvae.gaussians import gaussian
from bvae.plots import posterior as plots
from bvae.plots import style
from bvae.plots.latent import scatter

SHOWN = 8
NUM_DIMENSIONS = 6
SYMBOLS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "x": "✖", "star": "★",
           "cross": "✚", "triangle-down": "▼", "pentagon": "⬟", "hexagram": "✶"}
DISTANCES = ("W2 to the joint", "KL(joint ‖ expert), nats", "KL(expert ‖ joint), nats", "entropy, nats")


def belief_charts(
    plane: plots.Plane, views: Sequence[str], scene: Scene, aggregates: Sequence[plots.Aggregate],
    samples: np.ndarray | None = None, before: np.ndarray | None = None, file_name: str = "posteriors",
) -> None:
    """One item's posteriors in a plane and along the dimensions of most disagreement.

    Parameters
    ----------
    plane : plots.Plane
    views : sequence of str
    scene : Scene
    aggregates : sequence of Aggregate
        The first one is the chosen one; none shows the experts alone.
    samples : ndarray, optional
        (S, D), see `plots.plane_figure`.
    before : ndarray, optional
        (M, D), see `plots.plane_figure`.
    file_name : str
        Of the charts' files.
    """
    loc, scale, observed = scene.loc[:, 0].numpy(), scene.scale[:, 0].numpy(), scene.present[:, 0].tolist()
    seen = ", ".join(v for v, o in zip(views, observed, strict=True) if o) or "no view"
    width = f"That of the experts is {float(scale[observed].mean()) if any(observed) else 1.0:.2f} on average."
    if aggregates:
        width = (f"The standard deviation of the joint posterior, {style.title(scene.rule_name)}, is "
                 f"{float(np.sqrt(aggregates[0].variance).mean()):.2f} on average. {width}")
    else:
        width = width.replace("That of the experts", "Their standard deviation")
    charts.show_lines(
        plots.plane_figure(plane, views, loc, scale, observed, aggregates, ink(), samples, height=500, before=before),
        "plane_chart", f"Posteriors of {seen} in a plane of the latent space. {width}",
        lambda: _plane_numbers(plane, views, loc, scale, observed, aggregates, samples), f"{file_name}_plane",
        zoom=True, caption="Means and standard deviations along both axes of the plane, of every expert, of every "
                           "component of the joint posterior and of the samples.")
    if aggregates and len(aggregates[0].weights) > 1:
        st.caption(f"Contours: {', '.join(f'{m:.0%}' for m in sorted(plots.MASSES))} of the mixture's mass in this "
                   "plane. Thin ellipses or small dots: its components.")
    if not any(observed):
        st.info("Nothing is observed: the joint belief is the prior, and every sample is a free invention.")
    dimensions = plots.most_disagreed(loc, scale, NUM_DIMENSIONS)
    charts.show_lines(
        plots.interval_figure(views, loc, scale, observed, aggregates, ink(), NUM_DIMENSIONS), "interval_chart",
        "Mean and two-sigma interval of every expert and of the joint posterior in the latent dimensions in which the "
        f"experts disagree most: {', '.join(map(str, dimensions))}.",
        lambda: _interval_numbers(views, loc, scale, observed, aggregates, dimensions), f"{file_name}_dimensions",
        zoom=True)


def _plane_numbers(plane, views, loc, scale, observed, aggregates, samples) -> pd.DataFrame:
    """What the plane shows, as a table."""
    rows = [(v, 1.0, loc[m], scale[m]) for m, v in enumerate(views) if observed[m]]
    rows += [(f"{q.label}, component {k + 1}" if len(q.weights) > 1 else q.label, float(q.weights[k]), q.loc[k],
              q.scale[k]) for q in aggregates for k in np.flatnonzero(q.weights > 0)]
    first, second = plane.names if plane.names[0] != plane.names[1] else (plane.names[0], "no second dimension")
    table = []
    for name, weight, mean, sigma in rows:
        centre, spread = plane.point(mean), np.sqrt(np.diagonal(plane.covariance(sigma)))
        table.append({"of": name, "weight": weight, f"mean, {first}": centre[0], f"mean, {second}": centre[1],
                      f"σ, {first}": spread[0], f"σ, {second}": spread[1]})
    for s, z in enumerate(samples if samples is not None else ()):
        centre = plane.point(z)
        table.append({"of": f"sample {s + 1}", f"mean, {first}": centre[0], f"mean, {second}": centre[1]})
    return pd.DataFrame(table)


def _interval_numbers(views, loc, scale, observed, aggregates, dimensions) -> pd.DataFrame:
    """What the intervals show, as a table."""
    rows = [(v, loc[m], scale[m]) for m, v in enumerate(views) if observed[m]]
    rows += [(q.label, q.mean, np.sqrt(q.variance)) for q in aggregates]
    return pd.DataFrame([{"dimension": int(d), "of": name, "mean": mean[d], "σ": sigma[d]}
                         for d in dimensions for name, mean, sigma in rows])


def expert_numbers(views: Sequence[str], scene: Scene, known: Sequence[bool] | None = None) -> None:
    """Distances of every view's posterior to the joint one, as a table; `known`: which posteriors exist at all."""
    far = scene.distances()
    table = pd.DataFrame({
        "view": list(views), "observed": scene.present[:, 0].tolist(),
        DISTANCES[0]: far.wasserstein2[:, 0].tolist(), DISTANCES[1]: far.kl_from_aggregate[:, 0].tolist(),
        DISTANCES[2]: far.kl_to_aggregate[:, 0].tolist(),
        DISTANCES[3]: gaussian.entropy(scene.scale[:, 0]).tolist(),
    })
    if known is not None:
        table.loc[~np.asarray(known), list(DISTANCES)] = np.nan
    st.html(small_table.table(table, "Distances of every view's posterior to the joint one"))
    if not far.exact and bool(scene.present.any()):
        st.caption(f"The joint posterior is a mixture: KL is a Monte Carlo estimate from "
                   f"{comparing.affordable_samples(scene.posterior):,} samples, W2 is Gelbrich's lower bound from its "
                   "mean and covariance.")


def meaning(scene: Scene) -> str:
    """What the joint posterior's width says beside the experts', and what the rule minimises, as Markdown."""
    q = scene.drawn()[0]
    width = float(np.sqrt(q.variance).mean())
    if bool(scene.present.any()):
        experts = float(scene.scale[scene.present].mean())
        said = (f"{style.title(scene.rule_name)}: on average over {len(q.mean)} dimensions the joint belief is "
                f"**{width / experts:.2f} times** as wide as an observed expert (standard deviation {width:.2f} "
                f"against {experts:.2f}).")
    else:
        said = f"No expert speaks, so the joint belief is the prior (standard deviation {width:.2f})."
    if scene.rule.divergence:
        said += f"\n\nIt minimises: {scene.rule.divergence}. Step 3 has the formula with this sample's numbers."
    return said


def legend(names: Sequence[str], colors: Sequence[str], symbols: Sequence[str], further: str = "") -> Markup:
    """One legend for several charts, as HTML."""
    entries = [(n, c, SYMBOLS.get(s, "●")) for n, c, s in zip(names, colors, symbols, strict=True)]
    return render("legend", entries=entries, further=further)


def contender_columns(
    contenders: Sequence[Contender], views: Sequence[str], one_space: bool, tables: Sequence[dict[str, float]],
    below: Callable[[Contender], None] | None = None,
) -> Callable[[], None]:
    """Posteriors of all contenders side by side, on axes of one span, each with its key numbers.

    Parameters
    ----------
    contenders : sequence of Contender
    views : sequence of str
    one_space : bool
        Whether all share their plane and its limits.
    tables : sequence of dict
        See `comparing.key_numbers`.
    below : callable, optional
        Writes what comes under a contender's numbers.

    Returns
    -------
    callable
        Draws `below` and then the planes, when whatever should be there before them is there.
    """
    drawn = [c.scene.drawn() for c in contenders]
    limits = plots.common_windows([c.plane for c in contenders], [c.loc for c in contenders],
                                  [c.scale for c in contenders], drawn)
    observed = contenders[0].observed
    st.html(legend([v for v, o in zip(views, observed, strict=True) if o],
                   [style.color(m) for m, o in enumerate(observed) if o],
                   [style.marker(m) for m, o in enumerate(observed) if o],
                   "black or white: the joint posterior · grey: the prior, 1σ · ellipses: 1σ and 2σ"))
    slots = []
    for place, c, table in zip(columns(len(contenders)), contenders, tables, strict=True):
        with place:
            st.markdown(f"##### {plain(c.title)}")
            picture = st.container()
            st.html(small_table.table(pd.DataFrame({"in brief": list(table), "value": list(table.values())}),
                                      f"{c.short} in brief"))
            slots.append((picture, st.container()))

    def finish() -> None:
        for c, (_, under) in zip(contenders, slots, strict=True):
            if below:
                with under:
                    below(c)
        for c, (picture, _), limit, joint in zip(contenders, slots, limits, drawn, strict=True):
            figure = plots.plane_figure(c.plane, views, c.loc, c.scale, c.observed, joint, ink(),
                                        height=420 if len(contenders) == 2 else 360, limits=limit)
            figure.update_layout(showlegend=False)
            charts.show_lines(
                figure, f"plane_{c.key}",
                f"{c.title}: mean standard deviation {c.width:.2f}, "
                + ("a mixture" if c.scene.posterior.num_components > 1 else "one Gaussian")
                + ", on the same axes as the others." * one_space,
                lambda c=c, joint=joint: _plane_numbers(c.plane, views, c.loc, c.scale, c.observed, joint, None),
                f"plane_{c.key}", place=picture)

    return finish


def columns(count: int, most: int = 3) -> list:
    """Places beside each other, at most three in a row: of more, nobody reads the figures.

    A fourth one begins a new row, so that the first three stay where they are and need not be drawn anew.
    """
    wide = min(count, most)
    rows = [st.columns(wide, gap="medium") for _ in range(0, count, wide)]
    return [place for row in rows for place in row][:count]


def numbers_table(table: pd.DataFrame, exact: bool, file_name: str) -> None:
    """All numbers of a comparison, and the same as CSV."""
    st.html(small_table.table(table, "All numbers", height=420))
    st.caption("No column is marked as the best: wide is not wrong and near is not right. "
               + ("All numbers are exact." if exact else
                  "Of mixtures, entropy and KL are Monte Carlo estimates, and W2 is Gelbrich's lower bound from the "
                  "mean and covariance."))
    st.download_button("Download as CSV", lambda: table.to_csv(index=False), file_name, "text/csv",
                       icon=":material/download:", on_click="ignore", key=f"csv_{file_name}")


def linked_maps(
    maps: Sequence[LinkedMap], names: Sequence[str], items: np.ndarray, group: np.ndarray, group_names: Sequence[str],
    colors: Sequence[str], called: Callable[[int], str], pictures: Callable[[int], str], total: int, caption: str,
    keys: Sequence[str],
) -> tuple[list[int], Callable[[], None]]:
    """Maps of the same items side by side: what is selected in one is marked in all, and shown.

    Parameters
    ----------
    maps, names, keys
        One per contender.
    items : ndarray
        (n,) numbers of the items.
    group, group_names, colors
        See `comparing.grouped`.
    called, pictures : callable
        An item's name as plain text, and its pictures as HTML.
    total : int
        Number of items there are.
    caption : str
        How to read the maps.

    Returns
    -------
    picked : list of int
        The selected items.
    finish : callable
        Draws the maps, when whatever should be there before them is there.
    """
    picked = selection(total, "draw a lasso in any map, click a point, or write numbers: 3, 17, 20-24")
    st.html(legend(group_names, colors, ["circle"] * len(group_names)))
    slots = []
    for place, name, m in zip(columns(len(maps)), names, maps, strict=True):
        with place:
            st.markdown(f"**{plain(name)}**" + ("" if slots else " (the reference)"))
            slots.append(st.container())
            if len(slots) > 1:
                how = f"aligned, residual {m.residual:.3g}" if m.moved else "in the reference's plane"
                st.caption(f"{how}; {m.changed.mean():.0%} of the neighbours are others")
    st.caption(caption)
    if picked:
        st.html(gallery([pictures(i) for i in picked[:SHOWN]]))
        if len(picked) > SHOWN:
            st.caption(f"The first {SHOWN} of {len(picked)} selected items.")

    def finish() -> None:
        limits = comparing.common_limits(maps)
        hover = [html.escape(called(int(i))) for i in items]
        for slot, name, m, key in zip(slots, names, maps, keys, strict=True):
            chart = f"map_{key}"
            figure = scatter(m.points, group, [html.escape(g) for g in group_names], colors,
                             ["circle"] * len(group_names), items[:, None], hover, ink(), m.titles,
                             400 if len(maps) < 3 else 340, picked=picked, limits=limits)
            figure.update_layout(showlegend=False)
            charts.show(
                figure, chart, f"Map of {len(items)} items by {name}; {len(picked)} items are selected.",
                lambda m=m: pd.DataFrame({
                    "item": items, "label": [group_names[g] for g in group], "x": m.points[:, 0],
                    "y": m.points[:, 1], "neighbours changed": m.changed}),
                chart, place=slot, on_select=lambda chart=chart: adopt(chart),
                selection_mode=("points", "lasso", "box"))

    return picked, finish


def selection(total: int, hint: str) -> list[int]:
    """The field that holds the selected items, for the link and the keyboard, and the button that clears it.

    Parameters
    ----------
    total : int
        Number of items there are.
    hint : str
        What to do, while it is empty.
    """
    st.session_state.setdefault("picked", "")
    row = st.columns([3, 1], vertical_alignment="bottom")
    text = row[0].text_input("Selected items", key="picked", bind=BIND, max_chars=1500, placeholder=hint)
    row[1].button("Clear the selection", icon=":material/deselect:", on_click=select, args=([],), width="stretch")
    return comparing.items_in(text, total)


def adopt(chart: str) -> None:
    """What was selected in one map becomes the selection of all; an empty one is a redrawn figure's."""
    points = st.session_state[chart].selection.points
    chosen = [int(p["customdata"][0]) for p in points if p.get("customdata")]
    if chosen:
        select(list(dict.fromkeys(chosen)))


def select(items: Sequence[int]) -> None:
    """Put items into the field of :func:`selection`."""
    st.session_state["picked"] = comparing.as_text(items)


def map_note(
    projection: str, points: int, dimensions: int, shares: np.ndarray | None, perplexity: int, seed: int
) -> str:
    """How not to misread a map.

    Parameters
    ----------
    projection : str
        "raw", "pca" or "tsne".
    points, dimensions : int
        N and D.
    shares : ndarray, optional
        (2,) of the variance, for "pca".
    perplexity, seed : int
        For "tsne".
    """
    if projection == "tsne":
        return ("Read it honestly: t-SNE keeps neighbours, not distances. The size of an island, the gaps between "
                f"islands and their arrangement mean nothing. n = {points:,}, perplexity {perplexity}, seed {seed}.")
    if projection == "raw":
        return f"The latent space itself: it has two dimensions. n = {points:,}."
    if not shares.any():
        return f"All means lie in one place, as far as double precision can tell. n = {points:,}."
    others = dimensions - 2
    hidden = f"what differs in the other {others} cannot be seen here" if others > 0 else "nothing is hidden"
    return (f"The two directions in which the means spread most, {shares.sum():.0%} of the variance; {hidden}. "
            f"n = {points:,}.")


def neighbour_changes(
    maps: Sequence[LinkedMap], names: Sequence[str], items: np.ndarray, called: Callable[[int], str],
    pictures: Callable[[int], str], file_name: str, extra: pd.DataFrame | None = None,
) -> None:
    """How many neighbours changed between the first contender and the others, and the items that changed most."""
    n = len(items)
    k = min(comparing.NUM_NEIGHBOURS, n - 1)
    st.html(small_table.table(comparing.changes(maps, names), "How many neighbours changed"))
    st.caption(f"For each of {n:,} items: the share of its {k} nearest neighbours in the full latent space of "
               f"{plain(names[0])} that are others in the other one; mean over the items. Unrelated spaces: "
               f"{1 - k / max(1, n - 1):.0%}. Residual: the share of the first map's spread that the other one does "
               "not follow after shifting, turning, mirroring and scaling (Procrustes).")
    other = 1
    if len(maps) > 2:
        if st.session_state.get("changed", names[1]) not in names[1:]:  # that contender has gone
            del st.session_state["changed"]
        chosen = st.segmented_control(f"Changed most between {plain(names[0])} and", list(names[1:]), default=names[1],
                                      required=True, key="changed", bind=BIND, wrap=True)
        other = list(names).index(chosen) if chosen in names[1:] else 1
    table = comparing.most_changed(maps, other, items)
    top = table.head(4)
    st.html(gallery([
        render("changes", share=f"{share:.0%}", apart=f"{apart:.2f}", pictures=pictures(int(item)))
        for item, share, apart in top.itertuples(index=False)]))
    with st.container(horizontal=True):
        st.button("Select these in the maps", icon=":material/select_all:", on_click=select,
                  args=(top["item"].tolist(),))
        charts.numbers_button("changed", lambda: _all_changes(table, maps, names, items, called),
                              file_name.removesuffix(".csv"), title="All items")


def _all_changes(table, maps, names, items, called) -> pd.DataFrame:
    """All items with their labels and their coordinates in every map."""
    table = table.copy()
    table.insert(1, "label", [called(int(i)).partition(", ")[2] for i in table["item"]])
    places = {f"{name}: {axis}": m.points[:, a] for m, name in zip(maps, names, strict=True)
              for a, axis in enumerate("xy")}
    return table.merge(pd.DataFrame({"item": items, **places}), on="item")


def gallery(blocks: Sequence[str], wide: int = 444) -> Markup:
    """Blocks of HTML of some width in pixels beside each other, as many as fit; each gets narrower where none does."""
    return render("gallery", blocks=blocks, wide=wide)


def plain(text: str) -> str:
    """A text as Markdown that shows it as it is."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!|<>~$:&" else c for c in text)
