"""Markers and dashes of Plotly as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def dashes(name: str, width: float) -> str:
    """A dash of Plotly as ``stroke-dasharray``; empty for a solid line."""
    w = max(width, 3.0)
    units = {"dot": (1, 1), "dash": (3, 3), "longdash": (5, 5), "dashdot": (3, 1, 1, 1), "longdashdot": (5, 2, 1, 2)}
    return " ".join(f"{k * w:g}" for k in units.get(name, ()))


def _polygon(corners: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.2f},{y:.2f}" for x, y in corners) + "Z"


def _regular(count: int, turn: float = 0.0, inner: float = 0.0) -> str:
    """A regular polygon, or a star with the inner corners at a share of its radius, as large to the eye as a circle."""
    radii = (1.2, 1.2 * inner) if inner else (1.2,)
    corners = count * len(radii)
    return _polygon([(r * math.sin(a), -r * math.cos(a)) for k in range(corners)
                     for r in [radii[k % len(radii)]] for a in [turn + 2 * math.pi * k / corners]])


def _cross(turn: float) -> str:
    arm, c, s = 0.4, math.cos(turn), math.sin(turn)
    outline = [(-arm, -1), (arm, -1), (arm, -arm), (1, -arm), (1, arm), (arm, arm), (arm, 1), (-arm, 1), (-arm, arm),
               (-1, arm), (-1, -arm), (-arm, -arm)]
    return _polygon([(x * c - y * s, x * s + y * c) for x, y in outline])


SHAPES = {
    "circle": "M1,0A1,1 0 1 1 -1,0A1,1 0 1 1 1,0Z",
    "square": "M-.9,-.9H.9V.9H-.9Z",
    "diamond": "M0,-1.3L1.3,0L0,1.3L-1.3,0Z",
    "triangle-up": _regular(3), "triangle-down": _regular(3, math.pi),
    "pentagon": _regular(5), "star": _regular(5, inner=0.42), "hexagram": _regular(6, inner=0.58),
    "cross": _cross(0), "x": _cross(math.pi / 4),
}
"""Symbol -> its outline in a circle of radius 1."""
STROKES = {"line-ns": "M0,-1V1", "line-ew": "M-1,0H1", "cross-thin": "M0,-1V1M-1,0H1"}
"""Symbols that are lines."""


def at(px: np.ndarray, py: np.ndarray, marker: Mapping[str, Any], color: str) -> str:
    """Markers at shares (N,) of the width and of the height, from the top.

    Parameters
    ----------
    marker : mapping
        Plotly's: size, symbol, color, opacity and line; size, symbol and color may be lists of N.
    color : str
        Where the marker has none.
    """
    def each(value: Any, k: int) -> Any:
        return value[k] if isinstance(value, (list, tuple, np.ndarray)) else value

    edge = marker.get("line") or {}
    parts = []
    for k, (x, y) in enumerate(zip(px, py, strict=True)):
        if not (np.isfinite(x) and np.isfinite(y)):
            continue
        symbol = str(each(marker.get("symbol", "circle"), k))
        fill, radius = each(marker.get("color", color), k), float(each(marker.get("size", 6), k)) / 2
        base = symbol.removesuffix("-open")
        width = float(edge.get("width", 1.5 if base != symbol or base in STROKES else 0))
        around = edge.get("color", fill if base != symbol or base in STROKES else "none")
        shape = STROKES.get(base) or SHAPES.get(base, SHAPES["circle"])
        inside = "none" if base != symbol or base in STROKES else fill
        opacity = each(marker.get("opacity"), k)
        seen = f" opacity='{float(opacity):g}'" if opacity is not None else ""
        stroke = f"stroke='{around}' stroke-width='{width / max(radius, 0.1):.2f}'"
        parts.append(f"<svg x='{100 * x:.2f}%' y='{100 * y:.2f}%' overflow='visible'><path d='{shape}' fill='{inside}' "
                     f"{stroke} transform='scale({radius:g})'{seen}/></svg>")
    return "".join(parts)
