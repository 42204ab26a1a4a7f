"""A map of very many points, painted by the processor: as smooth without a graphics card as with one.

The browser moves and enlarges it, tells what lies under the pointer, and sends what a lasso, a box, a click or the
Enter key selects (the modules beside this file). What it sends is checked here.
"""

from __future__ import annotations

import functools
import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from bvae.app.components.playground.modules import bundle
from bvae.plots.style import Ink

HERE = Path(__file__).parent
MOST_COLORS = 256


@dataclass(frozen=True)
class Points:
    """What is drawn of each of N points.

    Attributes
    ----------
    places : ndarray
        (N, 2) finite numbers.
    item : ndarray
        (N,) numbers of the items, which a selection holds.
    uncertainty, disagreement : ndarray
        (N,) what is said of a point under the pointer.
    color, symbol : ndarray
        (N,) positions in `colors` and `symbols`.
    colors : sequence of str
        At most `MOST_COLORS`, such as "#0072B2".
    symbols : sequence of str
        Names of Plotly's markers.
    names : bytes
        Of :func:`named`: what the points are called.
    """

    places: np.ndarray
    item: np.ndarray
    uncertainty: np.ndarray
    disagreement: np.ndarray
    color: np.ndarray
    symbol: np.ndarray
    colors: Sequence[str]
    symbols: Sequence[str]
    names: bytes


@dataclass(frozen=True)
class Scenery:
    """What is around the points.

    Attributes
    ----------
    window : tuple
        Limits of both axes that the whole map has.
    titles : tuple of str
        Of the axes; empty where they mean nothing.
    prior : bool
        Whether the prior's circles are drawn.
    behind : dict or None
        What lies behind the points: ``{"limits": ..., "uri": "data:..."}``, or ``"words"`` in place of ``"uri"``: rows
        of words with the first at the top.
    bar : dict or None
        ``{"title", "low", "high"}`` of the scale that the colours are, the last one of which means that there is none.
    """

    window: tuple[tuple[float, float], tuple[float, float]]
    titles: tuple[str, str]
    prior: bool = False
    behind: dict[str, Any] | None = None
    bar: dict[str, str] | None = None


@functools.cache
def component():
    """Registered once per process, at the first use."""
    return st.components.v2.component(
        "bvae_point_map",
        html='<div class="bvae-map"></div>\n<!-- filled by the script -->\n',
        css=(HERE / "point_map.css").read_text(encoding="utf-8"),
        js=bundle(HERE / "point_map.mjs"),
    )


def named(names: Sequence[str]) -> bytes:
    """What points are called, each in one line, as it is sent."""
    return zlib.compress("\n".join(" ".join(name.splitlines()) for name in names).encode(), 6)


def packed(points: Points, scenery: Scenery, picked: Sequence[int], most: int, ink: Ink, alt: str, file: str) -> bytes:
    """All that the browser gets, as ``unpacked`` in cloud.mjs reads it.

    Four bytes with the header's length, the header as JSON with blanks up to a multiple of four bytes, the arrays one
    after another (little-endian, four bytes a number, one a colour and a marker), and the compressed names.
    """
    if len(points.colors) > MOST_COLORS:
        raise ValueError(f"colors: expected at most {MOST_COLORS}, got {len(points.colors)}")
    arrays = [(points.places[:, 0], "<f4"), (points.places[:, 1], "<f4"), (points.item, "<i4"),
              (points.uncertainty, "<f4"), (points.disagreement, "<f4"), (points.color, "u1"), (points.symbol, "u1")]
    body = b"".join(np.ascontiguousarray(values, dtype=kind).tobytes() for values, kind in arrays) + points.names
    header = json.dumps({
        "count": len(points.item), "revision": hashlib.sha256(body).hexdigest()[:16], "colors": list(points.colors),
        "symbols": list(points.symbols), "window": scenery.window, "titles": scenery.titles, "prior": scenery.prior,
        "behind": scenery.behind, "bar": scenery.bar, "picked": list(picked), "most": most,
        "ink": {"muted": ink.muted, "grid": ink.grid}, "alt": alt, "file": file}).encode()
    header += b" " * (-len(header) % 4)
    return len(header).to_bytes(4, "little") + header + body


def show(content: bytes, *, key: str, on_picked: Callable[[], None]) -> None:
    """Show the map.

    Parameters
    ----------
    content : bytes
        Of :func:`packed`.
    key : str
        Streamlit's key.
    on_picked : callable
        Is called when a visitor has selected something, see :func:`picked`.
    """
    component()(key=key, data=content, on_picked_change=on_picked)


def picked(key: str, total: int, most: int) -> list[int]:
    """The items that the browser last sent, each once; what is no item of `total` is left out."""
    return checked((st.session_state.get(key) or {}).get("picked"), total, most)


def checked(sent: Any, total: int, most: int) -> list[int]:
    """What a browser sent, as items; [] if that is no selection."""
    items = sent.get("items") if isinstance(sent, dict) else None
    if not isinstance(items, list):
        return []
    there = [i for i in items[:most] if isinstance(i, int) and not isinstance(i, bool) and 0 <= i < total]
    return list(dict.fromkeys(there))
