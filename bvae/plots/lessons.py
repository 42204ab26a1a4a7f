"""Small figures of the lessons: curves of rules, parts of a mixture, maps without a selection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from bvae.plots import style


def rule_curves(
    x: Sequence[float], curves: Mapping[str, Sequence[float]], names: Mapping[str, tuple[str, str]], ink: style.Ink,
    titles: tuple[str, str], reference: tuple[float, str] | None = None,
    limits: tuple[float, float] | None = None, height: int = 360,
) -> go.Figure:
    """One line per rule, in its own style.

    Parameters
    ----------
    x : sequence of float
        (N,).
    curves : mapping
        Registered name of a rule -> (N,) values.
    names : mapping
        Registered name -> what stands in the legend, and at a point.
    titles : tuple of str
        Of both axes.
    reference : tuple of float and str, optional
        A horizontal line with its name.
    limits : tuple of float, optional
        Of the vertical axis; from 0 on by default.
    """
    figure = go.Figure()
    for k, (rule, y) in enumerate(curves.items()):
        color = style.rule_color(rule, dark=ink is style.DARK)
        figure.add_scatter(
            x=list(x), y=list(y), mode="lines+markers", name=names[rule][0],
            line={"color": color, "dash": style.dash(rule), "width": 3 if rule == "wasserstein" else 2},
            marker={"size": 7, "symbol": style.marker(k), "color": color},
            hovertemplate="%{y:.3g}<extra>" + names[rule][1] + "</extra>",
        )
    if reference is not None:
        figure.add_scatter(x=[min(x), max(x)], y=[reference[0]] * 2, mode="lines", name=reference[1], hoverinfo="name",
                           line={"color": ink.faint, "width": 1.5, "dash": "dot"})
    style.layout(figure, ink, height)
    figure.update_xaxes(title=titles[0])
    figure.update_yaxes(title=titles[1], rangemode="tozero", range=limits)
    return figure


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
