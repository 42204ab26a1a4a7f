"""Curves of metrics by the number of observed views, or by the share of modalities that are missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go

from bvae.plots import style
from bvae.plots.sketch import Sketch

FEW = 5  # lines that eyes can follow when all have colours
LINE = 15  # pixels from one name to the next


def curve_figure(
    curves: Mapping[str, Mapping[str, Mapping[str, float]]], title: str, ink: style.Ink, order: Sequence[str],
    reference: float | None = None, height: int = 420, across: str = "number of observed views",
    runs: Mapping[str, Mapping[str, Mapping[str, float]]] | None = None, called: Callable[[str], str] = str,
    highlight: str | None = None,
) -> go.Figure:
    """One line per method with error bars of two standard errors, and its name where it ends.

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
    highlight : str, optional
        The method that keeps its colour among more than `FEW`; the others are grey.
    """
    sketch = Sketch()
    ticks: set[int] = set()
    many = len(curves) > FEW and highlight in curves
    drawn = sorted(curves, key=lambda method: method == highlight)  # the last one lies above the others
    for method in drawn:
        points, k = curves[method], list(order).index(method)
        grey = many and method != highlight
        xs = [int(n) for n in points]
        ticks.update(xs)
        name = called(method)
        color = ink.faint if grey else ink.of(method)
        sketch.add(
            "scatter", x=xs, y=[points[str(n)]["mean"] for n in xs], mode="lines+markers", name=name,
            legendgroup=method,
            line={"color": color, "width": 1.4 if grey else 3 if many else 2, "dash": style.dash(method)},
            marker={"size": 5 if grey else 8, "symbol": style.marker(k), "color": color},
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
    reach = [p["mean"] + side * 2 * p["se"] for points in curves.values() for p in points.values() for side in (-1, 1)]
    reach += [reference] if reference is not None else []
    if reach:
        low, high = min(reach), max(reach)
        air = 0.06 * (high - low) or 0.5
        sketch.update_yaxes(title=title, range=[low - air, high + air])
        ends = {method: curves[method][str(max(map(int, curves[method])))]["mean"] for method in drawn}
        scale = (height - 54) / (high - low + 2 * air)
        places = apart([value * scale for value in ends.values()], LINE)
        sketch.update_layout(annotations=[{
            "xref": "paper", "x": 1, "xanchor": "left", "xshift": 18, "y": value, "showarrow": False,
            "yshift": place - value * scale, "text": f"<b>{called(method)}</b>" if many and method == highlight
            else called(method), "font": {"size": 12, "color": ink.muted if many and method != highlight else
                                          ink.of(method)},
        } for (method, value), place in zip(ends.items(), places, strict=True)])
    return sketch.figure()


def apart(wanted: Sequence[float], distance: float) -> list[float]:
    """Places as near as possible to those that are wanted, no two nearer to each other than a distance.

    Neighbours that would overlap become a block around the mean of what they want: the least squares solution (the
    pool-adjacent-violators algorithm).
    """
    order = sorted(range(len(wanted)), key=lambda k: wanted[k])
    blocks: list[tuple[float, int]] = []  # sum of what is wanted, less the steps inside of the block; how many
    for rank, k in enumerate(order):
        total, count = wanted[k] - rank * distance, 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / count:
            before, many = blocks.pop()
            total, count = total + before, count + many
        blocks.append((total, count))
    found = [0.0] * len(wanted)
    rank = 0
    for total, count in blocks:
        for _ in range(count):
            found[order[rank]] = total / count + rank * distance
            rank += 1
    return found
