"""The map of more points than are drawn as shapes: painted by the browser's processor, without Plotly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.colors import sample_colorscale

from bvae.app import loaders
from bvae.app.beliefs.selection import MOST_PICKED, select
from bvae.app.components import point_map
from bvae.app.components.point_map import Points, Scenery
from bvae.app.latent_space import mapping
from bvae.app.latent_space.coloring import Coloring
from bvae.app.latent_space.mapping import Map
from bvae.app.loaders import ModelKey
from bvae.app.state import ink
from bvae.app.widgets import charts
from bvae.maps import maps
from bvae.maps.maps import Clouds
from bvae.plots import latent, style

SHADES = point_map.MOST_COLORS - 1
"""Colours of a scale; one more is for points that have no number."""


def is_big(found: Clouds) -> bool:
    """Whether a map has so many points that it is painted."""
    return len(found.loc) > latent.MOST_SVG


@st.cache_data(max_entries=8, show_spinner=False)
def names(key: ModelKey, version: int, which: str) -> bytes:
    """What the points of a map are called, as they are sent; `version` is that of the data, see `loaders.version`."""
    data, found = loaders.test_data(key.data_name), mapping.clouds(key, which)
    several = len(found.names) > 1
    return point_map.named([data.called(int(i)) + (f", {found.names[c]}" if several else "")
                            for i, c in zip(found.item, found.cloud, strict=True)])


def shades(values: np.ndarray, dark: bool) -> tuple[np.ndarray, list[str], tuple[float, float]]:
    """Numbers as colours of a scale: (N,) positions in the colours, the colours, and the ends of the scale."""
    low, high = latent.scale_of(values)
    colors = sample_colorscale("Cividis", np.linspace(*latent.scale_ends(dark), SHADES).tolist(), colortype="tuple")
    known = np.isfinite(values)
    share = ((np.where(known, values, low) - low) / (high - low)).clip(0, 1)
    place = np.where(known, (share * (SHADES - 1)).round(), SHADES).astype(int)
    return place, ["#" + "".join(f"{round(255 * part):02X}" for part in color) for color in colors], (low, high)


def points_of(found: Clouds, placed: Map, coloring: Coloring, called: bytes) -> tuple[Points, dict[str, str] | None]:
    """The points as the map draws them, and its scale, if they are coloured by one."""
    symbols = sorted(set(coloring.symbols) | set([] if coloring.point_symbols is None else coloring.point_symbols))
    of_point = (np.array(coloring.symbols, dtype=object)[coloring.group] if coloring.point_symbols is None
                else coloring.point_symbols)
    symbol = np.searchsorted(symbols, of_point.astype(str))
    colors, color, bar = list(coloring.colors), coloring.group, None
    if coloring.values is not None:
        color, colors, (low, high) = shades(coloring.values, ink() == style.DARK)
        colors.append(ink().faint)
        bar = {"title": coloring.column or coloring.name, "low": f"{low:.3g}", "high": f"{high:.3g}"}
    return Points(placed.points, found.item, found.uncertainty, found.disagreement, color, symbol, colors, symbols,
                  called), bar


def scenery_of(key: ModelKey, placed: Map, bar: dict[str, str] | None, background: str | None) -> Scenery:
    """What is around the points: in the plane itself the prior, and what a view's decoder makes of every place."""
    if placed.projection != maps.PLANE:
        low, high = placed.points.min(axis=0), placed.points.max(axis=0)
        return Scenery(((float(low[0]), float(high[0])), (float(low[1]), float(high[1]))), placed.titles, bar=bar)
    limits = maps.window(placed.points)
    found = mapping.decoded(key, background, limits) if background else None
    behind = None if not found else {"limits": limits, "uri" if isinstance(found, str) else "words": found}
    return Scenery(limits, placed.titles, True, behind, bar)


def show(
    key: ModelKey, which: str, found: Clouds, placed: Map, coloring: Coloring, picked: Sequence[int],
    background: str | None, alt: str, figure: Callable[[], go.Figure], table: Callable[[], pd.DataFrame], name: str,
) -> None:
    """The map with the button for its numbers; `figure` makes the same as Plotly's, for who takes it away as a page."""
    chart, total = "big_map", len(loaders.test_data(key.data_name))
    points, bar = points_of(found, placed, coloring, names(key, loaders.version(key.data_name), which))
    content = point_map.packed(points, scenery_of(key, placed, bar, background), picked, MOST_PICKED, ink(), alt, name)

    def adopt() -> None:
        if items := point_map.picked(chart, total, MOST_PICKED):
            select(items)

    point_map.show(content, key=chart, on_picked=adopt)
    charts.numbers_button(chart, table, name, figure=figure)
