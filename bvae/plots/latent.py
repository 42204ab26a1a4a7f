"""Maps of many items: scatter plots of projected posterior means."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from bvae.plots import style
from bvae.plots.sketch import Sketch

MOST_SVG = 4000
"""Points that are drawn as SVG: of so few, making a WebGL context takes longer, and browsers give out few of them."""

SIZES, CROWDED = (6, 11), (4, 8)
"""Pixels of a point and of a selected one, of few points and of more than `MOST_SVG`: without a graphics card, drawing
50,000 takes half as long, and fewer hide others."""
MOST_COLORS = 10
"""Groups that colours tell apart, grey for all others among them."""


def grouped(
    classes: Sequence[str], y: np.ndarray, most: int = MOST_COLORS, chosen: Sequence[str] = ()
) -> tuple[np.ndarray, list[str], list[str]]:
    """Groups for the colours of a map: at most `most`, the smallest classes together in grey if there are more.

    Parameters
    ----------
    classes : sequence of str
    y : ndarray
        (n,) positions in `classes`.
    most : int
    chosen : sequence of str
        Classes that have a colour each, at most `most` - 1; all others are grey.

    Returns
    -------
    group : ndarray
        (n,) positions in `names`.
    names, colors : list of str
    """
    if not classes:
        return np.zeros(len(y), dtype=int), ["items"], [style.CLASS_COLORS[0]]
    wanted = [k for k, name in enumerate(classes) if name in set(chosen)][: most - 1]
    if len(classes) <= most and not wanted:
        return y, list(classes), list(style.CLASS_COLORS[: len(classes)])
    counts = np.bincount(y, minlength=len(classes))
    large = np.array(wanted) if wanted else np.sort(np.argsort(-counts, kind="stable")[: most - 1])
    place = np.full(len(classes), len(large))
    place[large] = np.arange(len(large))
    names = [classes[i] for i in large]
    if len(large) < len(classes):
        names.append(f"{len(classes) - len(large)} others")
    colors = [*style.CLASS_COLORS[: len(large)], style.CLASS_COLORS[-1]]
    return place[y], names, colors[: len(names)]


def scatter(
    points: np.ndarray,
    groups: np.ndarray,
    group_names: Sequence[str],
    colors: Sequence[str],
    symbols: Sequence[str],
    ids: np.ndarray,
    hover: Sequence[str],
    ink: style.Ink,
    titles: tuple[str, str],
    height: int = 620,
    *,
    picked: Sequence[int] | None = None,
    limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
    point_symbols: np.ndarray | None = None,
    values: np.ndarray | None = None,
    values_title: str = "",
) -> go.Figure:
    """One marker per point, one trace and legend entry per group.

    Parameters
    ----------
    points : ndarray
        (N, 2).
    groups : ndarray
        (N,) positions in `group_names`, `colors` and `symbols`.
    ids : ndarray
        (N, ...) what a selection returns as ``customdata``.
    hover : sequence of str
        N texts.
    titles : tuple of str
        Of both axes; empty where an axis means nothing (t-SNE).
    picked : sequence of int, optional
        First entries of `ids` that stand out while the others fade.
    limits : tuple of tuple of float, optional
        Of both axes, where several maps share them.
    point_symbols : ndarray, optional
        (N,) a Plotly symbol for each point, instead of one for each group.
    values : ndarray, optional
        (N,) numbers to colour by, with a bar, instead of the groups' colours; NaN where there is none.
    values_title : str
        Of the bar.
    """
    # Ids go out as lists: of arrays the browser would make typed ones, and of these a selection returns dictionaries.
    figure = Sketch()
    draw = partial(figure.add, "scattergl" if len(points) > MOST_SVG else "scatter")
    size, large = CROWDED if len(points) > MOST_SVG else SIZES
    hover_texts = np.asarray(hover, dtype=object)
    for g, name in enumerate(group_names):
        chosen = groups == g
        if not chosen.any():
            continue
        fill = {"color": colors[g]} if values is None else {"color": values[chosen], "coloraxis": "coloraxis"}
        symbol = symbols[g] if point_symbols is None else point_symbols[chosen].tolist()
        draw(
            x=points[chosen, 0], y=points[chosen, 1], mode="markers", name=name, customdata=ids[chosen].tolist(),
            text=hover_texts[chosen], hovertemplate="%{text}<extra></extra>",
            marker={**fill, "symbol": symbol, "size": size, "opacity": 0.75},
            selected={"marker": {"size": large, "opacity": 1}}, unselected={"marker": {"opacity": 0.2}},
            selectedpoints=np.flatnonzero(np.isin(ids[chosen].reshape(chosen.sum(), -1)[:, 0], picked)).tolist()
            if picked is not None and len(picked) else None,
        )
    # What Streamlit would set for a lasso anyway; told beforehand, it need not draw the map anew for each of them.
    style.layout(figure, ink, height, dragmode="lasso", clickmode="event", hovermode="closest")
    meaningful = bool(titles[0])
    room = {"left": 58} if meaningful else {"left": 8, "below": 8}
    style.fix_margins(figure, **room, above=8 if values is None else 56)
    if values is not None:
        low, high = scale_of(values)
        bar = {"title": {"text": values_title, "side": "top"}, "orientation": "h", "thickness": 12, "len": 0.6,
               "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "nticks": 4}
        scale = [[k / 8, c] for k, c in enumerate(sample_colorscale("Cividis", np.linspace(
            *scale_ends(ink == style.DARK), 9).tolist()))]
        figure.update_layout(coloraxis={"colorscale": scale, "cmin": low, "cmax": high, "colorbar": bar})
    axes = {"showticklabels": meaningful, "showgrid": meaningful}  # what t-SNE's axes count means nothing
    figure.update_xaxes(title=titles[0] or None, **axes)
    figure.update_yaxes(title=titles[1] or None, scaleanchor="x", scaleratio=1, **axes)
    if limits:
        figure.update_xaxes(range=limits[0], constrain="domain")
        figure.update_yaxes(range=limits[1], constrain="domain")
    return figure.figure()


def scale_of(values: np.ndarray) -> tuple[float, float]:
    """Ends of a scale for numbers, NaN among them: a few extreme items must not use it up."""
    known = values[np.isfinite(values)]
    low, high = (float(v) for v in np.quantile(known, (0.01, 0.99))) if len(known) else (0.0, 1.0)
    return low, max(high, low + 1e-9)


def scale_ends(dark: bool) -> tuple[float, float]:
    """The part of Cividis that a scale is: it is read the same with and without colour blindness, and the end that
    sinks into the paper is left out.
    """
    return (0.2, 1.0) if dark else (0.0, 0.9)


def put_behind(
    figure: go.Figure, picture: str, limits: tuple[tuple[float, float], tuple[float, float]], opacity: float
) -> None:
    """Lay one picture under a map, stretched over a window of its axes.

    Parameters
    ----------
    figure : Figure
    picture : str
        A data URI.
    limits : tuple of tuple of float
        Of both axes.
    opacity : float
    """
    (x0, x1), (y0, y1) = limits
    figure.add_layout_image(source=picture, xref="x", yref="y", x=x0, y=y1, sizex=x1 - x0, sizey=y1 - y0,
                            sizing="stretch", layer="below", opacity=opacity)


def put_words_behind(
    figure: go.Figure, words: Sequence[Sequence[str]], limits: tuple[tuple[float, float], tuple[float, float]],
    ink: style.Ink,
) -> None:
    """Write a grid of n x n words under a map, the first row at the top."""
    n = len(words)
    x, y = (low + (np.arange(n) + 0.5) / n * (high - low) for low, high in limits)
    trace = go.Scatter(
        x=np.tile(x, n), y=np.repeat(y[::-1], n), text=[word for row in words for word in row], mode="text",
        hoverinfo="skip", showlegend=False, textfont={"size": 10, "color": ink.faint, "family": "monospace"})
    figure.add_trace(trace)
    figure.data = (figure.data[-1], *figure.data[:-1])


def add_prior(figure: go.Figure, ink: style.Ink) -> None:
    """The prior's circles at 1 and 2 sigma, in a plane of two latent dimensions."""
    angle = np.linspace(0, 2 * np.pi, 73)
    for radius in (1, 2):
        figure.add_scatter(
            x=radius * np.cos(angle), y=radius * np.sin(angle), mode="lines", name="prior, 1σ and 2σ",
            legendgroup="prior", showlegend=radius == 1, hoverinfo="name",
            line={"color": ink.aggregate, "width": 1.2, "dash": "dot" if radius == 2 else "solid"})
