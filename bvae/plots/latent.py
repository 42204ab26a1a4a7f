"""Maps of many items: scatter plots of projected posterior means."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import plotly.graph_objects as go

from bvae.plots import style
from bvae.plots.sketch import Sketch


def scatter(
    points: np.ndarray,
    groups: np.ndarray,
    group_names: Sequence[str],
    colors: Sequence[str],
    symbols: Sequence[str],
    ids: np.ndarray,
    hover: Sequence[str],
    ink: style.Ink,
    titles: tuple[str, str],
    height: int = 620,
    *,
    picked: Sequence[int] | None = None,
    limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
    webgl: bool = True,
) -> go.Figure:
    """One marker per point, one trace and legend entry per group.

    Parameters
    ----------
    points : ndarray
        (N, 2).
    groups : ndarray
        (N,) positions in `group_names`, `colors` and `symbols`.
    ids : ndarray
        (N, ...) what a selection returns as ``customdata``.
    hover : sequence of str
        N texts.
    titles : tuple of str
        Of both axes; empty where an axis means nothing (t-SNE).
    picked : sequence of int, optional
        First entries of `ids` that stand out while the others fade.
    limits : tuple of tuple of float, optional
        Of both axes, where several maps share them.
    webgl : bool
        False for many small maps on a page: browsers give out few WebGL contexts.
    """
    # Ids go out as lists: of arrays the browser would make typed ones, and of these a selection returns dictionaries.
    figure = Sketch()
    draw = partial(figure.add, "scattergl" if webgl else "scatter")
    hover = np.asarray(hover, dtype=object)
    for g, name in enumerate(group_names):
        chosen = groups == g
        if not chosen.any():
            continue
        draw(
            x=points[chosen, 0], y=points[chosen, 1], mode="markers", name=name, customdata=ids[chosen].tolist(),
            text=hover[chosen], hovertemplate="%{text}<extra></extra>",
            marker={"color": colors[g], "symbol": symbols[g], "size": 6, "opacity": 0.75},
            selected={"marker": {"size": 11, "opacity": 1}}, unselected={"marker": {"opacity": 0.2}},
            selectedpoints=np.flatnonzero(np.isin(ids[chosen].reshape(chosen.sum(), -1)[:, 0], picked)).tolist()
            if picked is not None and len(picked) else None,
        )
    style.layout(figure, ink, height, dragmode="lasso")
    meaningful = bool(titles[0])
    axes = {"showticklabels": meaningful, "showgrid": meaningful}  # what t-SNE's axes count means nothing
    figure.update_xaxes(title=titles[0] or None, **axes)
    figure.update_yaxes(title=titles[1] or None, scaleanchor="x", scaleratio=1, **axes)
    if limits:
        figure.update_xaxes(range=limits[0], constrain="domain")
        figure.update_yaxes(range=limits[1], constrain="domain")
    return figure.figure()
