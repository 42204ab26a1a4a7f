"""Maps of the same items beside each other, and whose neighbours changed: on Compare and Your data."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from bvae.app.beliefs import neighbours
from bvae.app.beliefs.neighbours import Change, LinkedMap, Moved
from bvae.app.beliefs.selection import SHOWN, adopt, in_proportion, select, selection
from bvae.app.state import BIND, ink
from bvae.app.templates import render
from bvae.app.widgets import charts, legends, small_table
from bvae.app.widgets.layout import columns, gallery
from bvae.app.widgets.markdown import plain
from bvae.plots.latent import scatter

MOST_SHOWN = 4
"""Of the items whose neighbours changed most."""


def linked_maps(
    maps: Sequence[LinkedMap], names: Sequence[str], items: np.ndarray, group: np.ndarray, group_names: Sequence[str],
    colors: Sequence[str], called: Callable[[int], str], pictures: Callable[[int], str], y: np.ndarray, caption: str,
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
        See `bvae.plots.latent.grouped`.
    called, pictures : callable
        An item's name as plain text, and its pictures as HTML.
    y : ndarray
        (N,) classes of all items there are, those that are not on the map too.
    caption : str
        How to read the maps.

    Returns
    -------
    picked : list of int
        The selected items.
    finish : callable
        Draws the maps, when whatever should be there before them is there.
    """
    picked = selection(len(y), "draw a lasso in any map, click a point, or write numbers: 3, 17, 20-24")
    st.html(legends.legend(group_names, colors, ["circle"] * len(group_names)))
    slots: list[Any] = []
    for place, name, m in zip(columns(len(maps)), names, maps, strict=True):
        with place:
            st.markdown(f"**{plain(name)}**" + ("" if slots else " (the reference)"))
            slots.append(st.container())
            if len(slots) > 1:
                how = f"aligned, residual {m.residual:.3g}" if m.moved else "in the reference's plane"
                st.caption(f"{how}; {m.changed.mean():.0%} of the neighbours are others")
    st.caption(caption)
    if picked:
        shown = in_proportion(picked, y[picked].tolist(), SHOWN)
        st.html(gallery([pictures(i) for i in shown]))
        if len(picked) > len(shown):
            st.caption(f"{len(shown)} of {len(picked)} selected items" + (
                ", of every class as many as its share." if len(group_names) > 1 else "."))

    def finish() -> None:
        limits = neighbours.common_limits(maps)
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
    if shares is None or not shares.any():
        return f"All means lie in one place, as far as double precision can tell. n = {points:,}."
    others = dimensions - 2
    hidden = f"what differs in the other {others} cannot be seen here" if others > 0 else "nothing is hidden"
    return (f"The two directions in which the means spread most, {shares.sum():.0%} of the variance; {hidden}. "
            f"n = {points:,}.")


def neighbour_changes(
    maps: Sequence[LinkedMap], keys: Sequence[str], names: Sequence[str], items: np.ndarray,
    label: Callable[[int], str], pictures: Callable[[int], str], file_name: str,
) -> None:
    """How many neighbours changed between the first contender and the others, and the items that changed most.

    Parameters
    ----------
    maps, keys, names
        One per contender.
    items : ndarray
        (n,) numbers of the items.
    label, pictures : callable
        An item's class in words and its pictures as HTML.
    file_name : str
        Of the numbers.
    """
    n = len(items)
    k = min(neighbours.NUM_NEIGHBOURS, n - 1)
    st.html(small_table.table(changes_table(neighbours.changes(maps), names), "How many neighbours changed"))
    st.caption(f"For each of {n:,} items: the share of its {k} nearest neighbours in the full latent space of "
               f"{plain(names[0])} that are others in the other one; mean over the items. Unrelated spaces: "
               f"{1 - k / max(1, n - 1):.0%}. Residual: the share of the first map's spread that the other one does "
               "not follow after shifting, turning, mirroring and scaling (Procrustes).")
    other = 1
    if len(maps) > 2:
        others = list(keys[1:])
        if st.session_state.get("changed", others[0]) not in others:  # that contender has gone
            del st.session_state["changed"]
        chosen = st.segmented_control(f"Changed most between {plain(names[0])} and", others, default=others[0],
                                      required=True, key="changed", bind=BIND, wrap=True,
                                      format_func=dict(zip(keys, names, strict=True)).__getitem__)
        other = list(keys).index(chosen) if chosen in others else 1
    moved = neighbours.most_changed(maps, other, items)
    top = moved.item[:MOST_SHOWN].tolist()
    st.html(gallery([
        render("changes", share=f"{share:.0%}", apart=f"{apart:.2f}", pictures=pictures(item))
        for item, share, apart in zip(top, moved.share, moved.apart, strict=False)]))
    with st.container(horizontal=True):
        st.button("Select these in the maps", icon=":material/select_all:", on_click=select, args=(top,))
        charts.numbers_button("changed", lambda: moved_table(moved, maps, names, label),
                              file_name.removesuffix(".csv"), title="All items")


def changes_table(found: Sequence[Change], names: Sequence[str]) -> pd.DataFrame:
    """One row per contender but the first, which `names` begin with."""
    return pd.DataFrame([{"compared with " + names[0]: name, "neighbours changed": c.share, "standard error": c.error,
                          "residual of the alignment": c.residual} for c, name in zip(found, names[1:], strict=True)])


def moved_table(
    moved: Moved, maps: Sequence[LinkedMap], names: Sequence[str], label: Callable[[int], str]
) -> pd.DataFrame:
    """All items with their classes and their coordinates in every map."""
    return pd.DataFrame({
        "item": moved.item, "label": [label(int(i)) for i in moved.item], "neighbours changed": moved.share,
        "distance between the maps": moved.apart,
        **{f"{name}: {axis}": m.points[moved.place, a] for m, name in zip(maps, names, strict=True)
           for a, axis in enumerate("xy")}})
