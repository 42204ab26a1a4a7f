"""Small figures of the lessons: curves of rules, parts of a mixture, maps without a selection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from bvae.plots import style

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
ROOM, GAP = 0.26, 0.075
"""Shares of the width that labels at the ends of lines take, and of the height that lies between two of them."""


def rule_curves(
    x: Sequence[float], curves: Mapping[str, Sequence[float]], names: Mapping[str, tuple[str, str]], ink: style.Ink,
    titles: tuple[str, str], reference: tuple[float, str] | None = None,
    limits: tuple[float, float] | None = None, height: int = 360,
) -> go.Figure:
    """One line per rule, in its own colour, with a dash and a marker that no other here has, and its name at its end.
    Where ends meet, names stand in the order of the lines before.

    Parameters
    ----------
    x : sequence of float
        (N,).
    curves : mapping
        Registered name of a rule -> (N,) values.
    names : mapping
        Registered name -> its name, and the short one that stands at the line's end and at a point.
    titles : tuple of str
        Of both axes.
    reference : tuple of float and str, optional
        A horizontal line with its name.
    limits : tuple of float, optional
        Of the vertical axis; from 0 on by default.
    """
    figure = go.Figure()
    used: list[str] = []
    for k, (rule, y) in enumerate(curves.items()):
        used.append(next(d for d in (style.dash(rule), *DASHES) if d not in used or len(used) >= len(DASHES)))
        _curve(figure, x, y, names[rule], rule, used[-1], k, ink)
    ends = {names[rule][1]: (0.95 * y[-1] + 0.05 * y[-2], style.rule_color(rule, dark=ink is style.DARK))
            for rule, y in curves.items()}
    if reference is not None:
        _reference(figure, x, *reference, ink)
        ends[reference[1]] = (reference[0], ink.aggregate)
    top = max(max(y) for y in curves.values())
    _ending(figure, x, ends, limits or (0.0, 1.06 * max([top, *(y for y, _ in ends.values())])), ink, titles, height)
    figure.update_layout(showlegend=len(curves) > 1)
    return figure


def few_of_many(
    x: Sequence[float], curves: Mapping[str, Sequence[float]], shown: Mapping[str, str], ink: style.Ink,
    titles: tuple[str, str], reference: float | None = None, height: int = 380,
) -> go.Figure:
    """Curves of which a few stand out, each with its name at its end; the others are thin and grey.

    Parameters
    ----------
    x : sequence of float
        (N,).
    curves : mapping
        Name -> (N,) values.
    shown : mapping
        Name of a curve that stands out -> registered name of the rule whose colour and dash it has.
    ink : style.Ink
    titles : tuple of str
        Of both axes.
    reference : float, optional
        A horizontal line at this value.
    height : int
        Pixels.
    """
    figure = go.Figure()
    for name, y in curves.items():
        if name not in shown:
            figure.add_scatter(x=list(x), y=list(y), mode="lines", name=name, hoverinfo="name",
                               line={"color": ink.faint, "width": 1}, opacity=0.45)
    used: list[str] = []
    ends: dict[str, tuple[float, str]] = {}
    for k, (name, rule) in enumerate(shown.items()):
        y = curves[name]
        used.append(next(d for d in (style.dash(rule), *DASHES) if d not in used or len(used) >= len(DASHES)))
        _curve(figure, x, y, (name, name), rule, used[-1], k, ink)
        ends[name] = (y[-1], style.rule_color(rule, dark=ink is style.DARK))
    values = np.asarray(list(curves.values()), float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if reference is not None:
        _reference(figure, x, reference, f"{reference:g}", ink)
        ends[f"{reference:g}"] = (reference, ink.aggregate)
        low, high = min(low, reference), max(high, reference)
    room = 0.06 * (high - low)
    _ending(figure, x, ends, (low - room, high + room), ink, titles, height)
    return figure


def _curve(figure: go.Figure, x: Sequence[float], y: Sequence[float], names: tuple[str, str], rule: str, dash: str,
           k: int, ink: style.Ink) -> None:
    color = style.rule_color(rule, dark=ink is style.DARK)
    figure.add_scatter(
        x=list(x), y=list(y), mode="lines+markers", name=names[0],
        line={"color": color, "dash": dash, "width": 3 if rule == "wasserstein" else 2.2},
        marker={"size": 7, "symbol": style.marker(k), "color": color},
        hovertemplate="%{y:.3g}<extra>" + names[1] + "</extra>",
    )


def _reference(figure: go.Figure, x: Sequence[float], y: float, name: str, ink: style.Ink) -> None:
    figure.add_scatter(x=[min(x), max(x)], y=[y] * 2, mode="lines", name=name, hoverinfo="name",
                       line={"color": ink.faint, "width": 1.5, "dash": "dot"})


def _ending(figure: go.Figure, x: Sequence[float], ends: Mapping[str, tuple[float, str]], limits: tuple[float, float],
            ink: style.Ink, titles: tuple[str, str], height: int) -> None:
    """Names at the ends of lines instead of a legend, none on another."""
    style.layout(figure, ink, height)
    span = (max(x) - min(x)) / (1 - ROOM)
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title=titles[0], range=[min(x) - 0.02 * span, max(x) + ROOM * span], tickvals=list(x))
    figure.update_yaxes(title=titles[1], range=list(limits))
    for (name, (_, color)), y in zip(ends.items(), apart([y for y, _ in ends.values()], limits), strict=True):
        figure.add_annotation(x=max(x) + 0.025 * span, y=y, text=name, showarrow=False, xanchor="left",
                              font={"size": 12, "color": color})


def apart(values: Sequence[float], limits: tuple[float, float]) -> list[float]:
    """Heights (N,) for labels near values (N,), in their order, none too near to another as long as there is room."""
    low, high = limits
    gap = min(GAP, 1 / max(len(values), 1)) * (high - low)
    order = np.argsort(values, kind="stable")
    crowds: list[list[float]] = []  # neighbours that have to share a place: the lowest height of each, and how many
    for k, value in enumerate(np.asarray(values, float)[order]):
        crowds.append([value - k * gap, 1])
        while len(crowds) > 1 and crowds[-2][0] > crowds[-1][0]:
            (a, m), (b, n) = crowds[-2:]
            crowds[-2:] = [[(a * m + b * n) / (m + n), m + n]]
    start = np.repeat([a for a, _ in crowds], [int(n) for _, n in crowds])
    places = start + gap * np.arange(len(order))
    places = np.minimum(places, high - gap * (len(order) - 0.5 - np.arange(len(order))))
    out = np.empty(len(order))
    out[order] = np.maximum(places, low + gap * np.arange(len(order)))
    return out.tolist()


def counts(
    x: Sequence[int], curves: Mapping[str, Sequence[int]], ink: style.Ink, titles: tuple[str, str], height: int = 360
) -> go.Figure:
    """Whole numbers against whole numbers, one line per name, each point with its value."""
    figure = go.Figure()
    for k, (name, y) in enumerate(curves.items()):
        figure.add_scatter(
            x=list(x), y=list(y), mode="lines+markers+text" if k == 0 else "lines+markers", name=name,
            text=[f"{v:,}" for v in y], hovertemplate="%{y:,}<extra>" + name + "</extra>", textposition="top center",
            cliponaxis=False,
            line={"color": ink.aggregate, "width": 2.5, "dash": "solid" if k == 0 else "dot"},
            marker={"size": 8, "symbol": style.marker(k), "color": ink.aggregate},
        )
    style.layout(figure, ink, height)
    figure.update_xaxes(title=titles[0], dtick=1, range=[min(x) - 0.4, max(x) + 0.4])
    top = max(max(y) for y in curves.values())
    figure.update_yaxes(title=titles[1], range=[-0.08 * top, 1.15 * top])
    return figure


def components(
    names: Sequence[str], weights: np.ndarray, loc: np.ndarray, scale: np.ndarray, touched: Sequence[bool],
    groups: tuple[str, str], ink: style.Ink, limits: tuple[float, float], height: int = 360,
) -> go.Figure:
    """The weighted parts of a mixture on a line, and their sum.

    Parameters
    ----------
    names : sequence of str
        K.
    weights, loc, scale : ndarray
        (K,).
    touched : sequence of bool
        K: parts of the second group are dashed and vermilion, the others solid and blue.
    groups : tuple of str
        Names of both groups.
    """
    x = np.linspace(*limits, 500)
    parts = weights[:, None] * np.exp(-0.5 * ((x - loc[:, None]) / scale[:, None]) ** 2) / (
        scale[:, None] * np.sqrt(2 * np.pi))
    figure = go.Figure()
    named: set[bool] = set()
    rank = np.argsort(np.argsort(loc))
    for k, name in enumerate(names):
        group = bool(touched[k])
        color = style.COLORS[5] if group else style.COLORS[0]
        figure.add_scatter(
            x=x, y=parts[k], mode="lines", name=groups[group], legendgroup=groups[group],
            showlegend=group not in named, hovertemplate=name + "<extra></extra>",
            line={"color": color, "width": 2, "dash": "dash" if group else "solid"},
        )
        named.add(group)
        top = int(parts[k].argmax())
        figure.add_annotation(x=x[top], y=parts[k, top], text=name, showarrow=False, yshift=9 + 12 * (rank[k] % 2),
                              font={"size": 12, "color": color})
    figure.add_scatter(x=x, y=parts.sum(0), mode="lines", name="their sum, the mixture", hoverinfo="name",
                       line={"color": ink.aggregate, "width": 1.2})
    style.layout(figure, ink, height)
    figure.update_xaxes(title="z", range=list(limits))
    figure.update_yaxes(title="density", rangemode="tozero")
    return figure


def still_map(points: np.ndarray, groups: np.ndarray, names: Sequence[str], colors: Sequence[str], ink: style.Ink,
              titles: tuple[str, str] = ("", ""), height: int = 400) -> go.Figure:
    """A map (N, 2) to look at, one colour per group; see `bvae.plots.latent.scatter`."""
    figure = go.Figure()
    for g, name in enumerate(names):
        chosen = groups == g
        figure.add_scatter(
            x=points[chosen, 0], y=points[chosen, 1], mode="markers", name=name, hoverinfo="name",
            marker={"color": colors[g % len(colors)], "symbol": style.marker(g // 5), "size": 6, "opacity": 0.8},
            showlegend=len(names) > 1,
        )
    style.layout(figure, ink, height, dragmode=False)
    axes = {"showticklabels": bool(titles[0]), "showgrid": bool(titles[0])}  # what t-SNE's axes count means nothing
    figure.update_xaxes(title=titles[0] or None, **axes)
    figure.update_yaxes(title=titles[1] or None, scaleanchor="x", scaleratio=1, **axes)
    figure.update_layout(legend={"y": -0.08 if not titles[0] else -0.2})
    return figure
