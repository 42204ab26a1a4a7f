"""How far latent vectors lie from the data."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from bvae.plots import style


def along(
    t: Sequence[float], ratio: Sequence[float], edge: Sequence[float], beyond: Sequence[float], ends: tuple[str, str],
    ink: style.Ink,
) -> go.Figure:
    """Distance to the data along a path, with the levels that 90 and 99 percent of the data stay below.

    Parameters
    ----------
    t, ratio : sequence of float
        (T,) positions from 0 to 1, and distances; see `bvae.maps.latent_distance.Closeness`.
    edge, beyond : sequence of float
        (T,) the two levels, which depend on the part of the data that is nearest.
    ends : (str, str)
        What is at 0 and at 1.
    ink : Ink
    """
    top = 1.15 * max(*ratio, *beyond)
    figure = go.Figure()
    levels = ((edge, "rgba(0,0,0,0)", None), (beyond, style.rgba("#D55E00", 0.12), "at the edge"),
              ([top] * len(t), style.rgba("#D55E00", 0.30), "beyond the data"))
    for level, color, name in levels:
        figure.add_scatter(x=list(t), y=list(level), mode="lines", line={"width": 0}, hoverinfo="skip",
                           fill="tonexty" if name else None, fillcolor=color, name=name or "", showlegend=bool(name))
    figure.add_scatter(x=list(t), y=list(ratio), mode="lines+markers", name="z", showlegend=False,
                       line={"color": ink.aggregate, "width": 2}, marker={"size": 6},
                       hovertemplate="%{x:.0%}: %{y:.3g}<extra></extra>")
    style.layout(figure, ink, 280)
    figure.update_xaxes(tickvals=[0, 0.5, 1], ticktext=[ends[0], "half", ends[1]], range=[-0.12, 1.12])
    figure.update_yaxes(range=[0, top], title="distance to the data")
    return figure
