"""How far latent vectors lie from the data."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from bvae.plots import style


def along(
    t: Sequence[float], ratio: Sequence[float], edge: float, beyond: float, ends: tuple[str, str], ink: style.Ink
) -> go.Figure:
    """Distance to the data along a path, with the levels that 90 and 99 percent of the data stay below.

    Parameters
    ----------
    t, ratio : sequence of float
        (T,) positions from 0 to 1, and distances; see `bvae.latent_distance.Closeness`.
    edge, beyond : float
        The two levels.
    ends : (str, str)
        What is at 0 and at 1.
    ink : Ink
    """
    top = 1.12 * max(*ratio, beyond)
    figure = go.Figure()
    for low, high, name, opacity in ((edge, beyond, "at the edge", 0.10), (beyond, top, "beyond the data", 0.25)):
        figure.add_hrect(low, high, fillcolor=style.rgba("#D55E00", opacity), line_width=0, layer="below",
                         annotation_text=name, annotation_position="top left", annotation_font_size=11)
    figure.add_scatter(x=list(t), y=list(ratio), mode="lines+markers", name="z", showlegend=False,
                       line={"color": ink.aggregate, "width": 2}, marker={"size": 6},
                       hovertemplate="%{x:.0%}: %{y:.3g}<extra></extra>")
    style.layout(figure, ink, 260)
    figure.update_xaxes(tickvals=[0, 0.5, 1], ticktext=[ends[0], "", ends[1]], range=[-0.04, 1.04])
    figure.update_yaxes(range=[0, top], title="distance to the data")
    return figure
