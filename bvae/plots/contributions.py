"""Who says what: shares of the views as bars, and what each latent dimension explains as a heat map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from bvae.plots import style

BAR, ROW = 44, 22
"""Pixels of a bar and of a row of the heat map."""
LETTER = 7.5
BLUE = "#0072B2"
"""Of the largest value."""
LEAST_TOP = 0.1
"""What the darkest colour stands for at least: where no dimension explains more, none looks as if it did."""


def shares_figure(
    views: Sequence[str], shares: np.ndarray, low: np.ndarray, high: np.ndarray, ink: style.Ink
) -> go.Figure:
    """One bar for each view with a line over the middle items.

    Parameters
    ----------
    views : sequence of str
    shares, low, high : ndarray
        (M,) in [0, 1]; the ends of the line.
    """
    figure = go.Figure()
    figure.add_bar(
        y=list(views), x=shares, orientation="h", marker={"color": [style.color(m) for m in range(len(views))]},
        error_x={"type": "data", "symmetric": False, "array": high - shares, "arrayminus": shares - low,
                 "color": ink.muted, "thickness": 1.5, "width": 5},
        customdata=np.stack([low, high], 1),
        hovertemplate="%{y}: %{x:.0%}, the middle items %{customdata[0]:.0%} to %{customdata[1]:.0%}<extra></extra>")
    style.layout(figure, ink, BAR * len(views) + 60, bargap=0.35)
    style.fix_margins(figure, _room(views))
    figure.add_vline(x=1 / len(views), line={"color": ink.faint, "width": 1.5, "dash": "dot"})
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="share of the joint belief", tickformat=".0%", rangemode="tozero")
    return figure


def explained_figure(
    views: Sequence[str], dimensions: Sequence[str], explained: np.ndarray, ink: style.Ink
) -> go.Figure:
    """A row for each latent dimension, a column for each view; the number in each cell.

    Parameters
    ----------
    views, dimensions : sequence of str
    explained : ndarray
        (D, M): R2 that is lost without the dimension; NaN where there is none.
    """
    figure = go.Figure()
    top = max(float(np.nanmax(explained, initial=0.0)), LEAST_TOP)
    figure.add_heatmap(
        x=list(views), y=list(dimensions), z=explained, zmin=0, zmax=top, xgap=2, ygap=2, texttemplate="%{z:.2f}",
        colorscale=[[0, ink.paper], [1, BLUE]], showscale=False, hoverongaps=False,
        hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>")
    style.layout(figure, ink, ROW * len(dimensions) + 72)
    style.fix_margins(figure, _room(dimensions) + 24, below=8, above=64)
    figure.update_xaxes(side="top", type="category", showgrid=False)
    figure.update_yaxes(title="latent dimension", type="category", autorange="reversed", showgrid=False)
    return figure


def _room(names: Sequence[str]) -> int:
    return round(12 + LETTER * max(map(len, names)))
