"""Figures of a walk through one sample: one latent dimension, and how aggregators cope with the same experts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from bvae.gaussians.dimensions import axis_title
from bvae.plots import style
from bvae.plots.posterior import Aggregate, normal_density

LIE = "#D55E00"


def line_figure(
    d: int, names: Sequence[str], loc: np.ndarray, scale: np.ndarray, observed: Sequence[bool], ink: style.Ink,
    weights: np.ndarray | None = None, aggregates: Sequence[Aggregate] = (), samples: np.ndarray | None = None,
    height: int = 380,
) -> go.Figure:
    """Densities of experts and aggregates in one latent dimension, and samples of z below them.

    Parameters
    ----------
    d : int
        The dimension.
    names : sequence of str
        M.
    loc, scale : ndarray
        (M, D). Experts that are not observed set the limits of the axis but are not drawn.
    observed : sequence of bool
        M.
    ink : style.Ink
    weights : ndarray, optional
        (M,): the experts' densities are multiplied with their weights.
    aggregates : sequence of Aggregate
    samples : ndarray, optional
        (S, D).
    height : int
        Pixels.
    """
    reach = 3.2 * scale[:, d]
    low, high = min(-1.0, (loc[:, d] - reach).min()), max(1.0, (loc[:, d] + reach).max())
    x = np.linspace(low, high, 500)
    figure = go.Figure()
    figure.add_scatter(x=x, y=normal_density(x, 0, 1), mode="lines", name="prior", hoverinfo="name",
                       line={"color": ink.faint, "width": 1})
    for m, name in enumerate(names):
        if observed[m]:
            w = 1.0 if weights is None else float(weights[m])
            figure.add_scatter(
                x=x, y=w * normal_density(x, loc[m, d], scale[m, d]), mode="lines", fill="tozeroy", hoverinfo="name",
                name=name,
                fillcolor=style.rgba(style.color(m), 0.14), line={"color": style.color(m), "width": 1.4})
    for i, q in enumerate(aggregates):
        y = sum(w * normal_density(x, m[d], s[d]) for w, m, s in zip(q.weights, q.loc, q.scale, strict=True))
        figure.add_scatter(x=x, y=y, mode="lines", name=q.label, hoverinfo="name",
                           line={"color": ink.of(q.rule), "width": 3 if i == 0 else 1.6,
                                 "dash": style.dash(q.rule)})
    if samples is not None and len(samples):
        figure.add_scatter(
            x=samples[:, d], y=np.zeros(len(samples)), mode="markers+text", name="samples of z", hoverinfo="name",
            text=[str(s + 1) for s in range(len(samples))], textposition="top center",
            marker={"symbol": "line-ns", "size": 14, "line": {"width": 2, "color": ink.aggregate}})
    style.layout(figure, ink, height)
    figure.update_xaxes(title=axis_title(d), range=[low, high])
    figure.update_yaxes(title="density" if weights is None else "weight × density", rangemode="tozero")
    return figure


def coping_figure(
    rules: Sequence[str], true: np.ndarray, lied: np.ndarray | None, error: np.ndarray, chosen: int, ink: style.Ink,
    names: tuple[str, str],
) -> go.Figure:
    """Probabilities of two classes in the generations by each rule, as dots in one row each.

    Parameters
    ----------
    rules : sequence of str
        R names, from the top.
    true, lied : ndarray
        (R,) probabilities; `lied` may be None.
    error : ndarray
        (R,) standard errors of `true`.
    chosen : int
        The row that stands out.
    ink : style.Ink
    names : tuple of str
        What the two are.
    """
    rows = np.arange(len(rules))
    figure = go.Figure()
    if lied is not None:
        for row in rows:
            figure.add_scatter(x=[true[row], lied[row]], y=[row, row], mode="lines", showlegend=False,
                               hoverinfo="skip", line={"color": ink.faint, "width": 1.5})
        figure.add_scatter(x=lied, y=rows, mode="markers", name=names[1],
                           hovertemplate="%{x:.2f}<extra>" + names[1] + "</extra>",
                           marker={"symbol": "x", "size": 9, "color": LIE})
    figure.add_scatter(x=true, y=rows, mode="markers", name=names[0],
                       hovertemplate="%{x:.2f}<extra>" + names[0] + "</extra>",
                       error_x={"array": error, "color": ink.aggregate, "thickness": 1.2, "width": 3},
                       marker={"symbol": "circle", "size": 10, "color": ink.aggregate})
    style.layout(figure, ink, 110 + 27 * len(rules))
    figure.update_xaxes(title="probability by the judges", range=[-0.03, 1.03])
    figure.update_yaxes(tickvals=rows, ticktext=[f"<b>{r}</b>" if i == chosen else r for i, r in enumerate(rules)],
                        range=[len(rules) - 0.5, -0.5], showgrid=True)
    return figure
