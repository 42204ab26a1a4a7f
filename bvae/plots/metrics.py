"""Curves of metrics by the number of observed views, or by the share of modalities that are missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go

from bvae.plots import style
from bvae.plots.sketch import Sketch

# One line per method: a colour, a dash and a marker, so that no two differ in colour alone.
LINES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def curve_figure(
    curves: Mapping[str, Mapping[str, Mapping[str, float]]], title: str, ink: style.Ink, order: Sequence[str],
    reference: float | None = None, height: int = 420, across: str = "number of observed views",
    runs: Mapping[str, Mapping[str, Mapping[str, float]]] | None = None, called: Callable[[str], str] = str,
) -> go.Figure:
    """One line per method with error bars of two standard errors.

    Parameters
    ----------
    curves : mapping
        Method -> number on the horizontal axis -> {"mean", "se"}.
    title : str
        Of the vertical axis.
    ink : style.Ink
    order : sequence of str
        All methods, so that a method keeps its look whatever is chosen.
    reference : float, optional
        A horizontal line at this value.
    height : int
        Pixels.
    across : str
        What the horizontal axis shows.
    runs : mapping, optional
        Method -> number on the horizontal axis -> seed -> value: a small ring for every training run.
    called : callable
        A method's name for a person; by default what it is given as.
    """
    sketch = Sketch()
    ticks: set[int] = set()
    for method, points in curves.items():
        k = list(order).index(method)
        xs = [int(n) for n in points]
        ticks.update(xs)
        name = called(method)
        color = style.CLASS_COLORS[k % len(style.CLASS_COLORS)]
        sketch.add(
            "scatter", x=xs, y=[points[str(n)]["mean"] for n in xs], mode="lines+markers", name=name,
            legendgroup=method,
            line={"color": color, "width": 2, "dash": LINES[k % len(LINES)]},
            marker={"size": 8, "symbol": style.marker(k), "color": color},
            error_y={"array": [2 * points[str(n)]["se"] for n in xs], "thickness": 1.2, "width": 3},
            hovertemplate="%{y:.3f} ± %{error_y.array:.3f}<br>" + across + ": %{x}<extra>" + name + "</extra>",
        )
        dots = [(int(n), value, seed) for n, by_seed in (runs or {}).get(method, {}).items()
                for seed, value in by_seed.items()]
        if dots:
            x, y, seeds = zip(*dots, strict=True)
            sketch.add(
                "scatter", x=x, y=y, mode="markers", name=f"{name}, each seed", legendgroup=method, showlegend=False,
                marker={"size": 7, "symbol": "circle-open", "color": color, "line": {"width": 1.5}}, customdata=seeds,
                hovertemplate="%{y:.3f}, seed %{customdata}<extra>" + name + "</extra>",
            )
    if reference is not None:
        sketch.add_hline(y=reference, line={"color": ink.faint, "width": 1, "dash": "dot"})
    style.layout(sketch, ink, height)
    sketch.update_layout(legend=style.LEGEND_BELOW)
    sketch.update_xaxes(title=across, tickvals=sorted(ticks))
    sketch.update_yaxes(title=title)
    return sketch.figure()
