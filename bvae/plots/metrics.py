"""Curves of metrics by the number of observed views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from bvae.plots import style

# One line per method: a colour, a dash and a marker, so that no two differ in colour alone.
LINES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def curve_figure(
    curves: Mapping[str, Mapping[str, Mapping[str, float]]], title: str, ink: style.Ink, order: Sequence[str],
    reference: float | None = None, height: int = 420,
) -> go.Figure:
    """One line per method with error bars of two standard errors.

    Parameters
    ----------
    curves : mapping
        Method -> number of views -> {"mean", "se"}.
    title : str
        Of the vertical axis.
    ink : style.Ink
    order : sequence of str
        All methods, so that a method keeps its look whatever is chosen.
    reference : float, optional
        A horizontal line at this value.
    height : int
        Pixels.
    """
    figure = go.Figure()
    for method, points in curves.items():
        k = list(order).index(method)
        xs = [int(n) for n in points]
        color = style.CLASS_COLORS[k % len(style.CLASS_COLORS)]
        figure.add_scatter(
            x=xs, y=[points[str(n)]["mean"] for n in xs], mode="lines+markers", name=method,
            line={"color": color, "width": 2, "dash": LINES[k % len(LINES)]},
            marker={"size": 8, "symbol": style.marker(k), "color": color},
            error_y={"array": [2 * points[str(n)]["se"] for n in xs], "thickness": 1.2, "width": 3},
            hovertemplate="%{y:.3f} ± %{error_y.array:.3f}, %{x} views<extra>" + method + "</extra>",
        )
    if reference is not None:
        figure.add_hline(y=reference, line={"color": ink.faint, "width": 1, "dash": "dot"})
    style.layout(figure, ink, height)
    figure.update_xaxes(title="number of observed views", dtick=1)
    figure.update_yaxes(title=title)
    return figure
