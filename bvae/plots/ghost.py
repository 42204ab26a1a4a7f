"""The joint belief of before a change, as a ghost in the picture of now."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from bvae.plots import style
from bvae.plots.posterior import Aggregate, Plane, ellipse

NAME = "joint belief before the change"


def add_ghost(figure: go.Figure, plane: Plane, before: Aggregate, now: Aggregate, ink: style.Ink) -> None:
    """Draw where a joint belief was, and the way of its mean, into a figure of :func:`plane_figure`.

    Parameters
    ----------
    figure : Figure
    plane : Plane
        The figure's.
    before, now : Aggregate
        Of a mixture, its mean and variance are drawn.
    ink : style.Ink
    """
    start, end = plane.point(before.mean), plane.point(now.mean)
    covariance = plane.covariance(np.sqrt(before.variance))
    line = {"color": ink.faint, "dash": "dot", "width": 2}
    for radius in (1, 2):
        outline = ellipse(start, covariance, radius)
        figure.add_scatter(x=outline[:, 0], y=outline[:, 1], mode="lines", line=line, name=NAME, legendgroup=NAME,
                           showlegend=radius == 1, hoverinfo="name", opacity=1.0 if radius == 1 else 0.6)
    figure.add_scatter(x=[start[0], end[0]], y=[start[1], end[1]], mode="lines+markers", line={**line, "width": 1.5},
                       name=NAME, legendgroup=NAME, showlegend=False, hoverinfo="name",
                       marker={"symbol": "circle-open", "size": [9, 0], "color": ink.faint})
