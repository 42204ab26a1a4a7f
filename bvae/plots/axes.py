"""Axes of drawings: limits, and ticks at round numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np


class Axis:
    """Limits, ticks and title of one axis.

    Parameters
    ----------
    layout : mapping
        Plotly's.
    low, high : float
        Of what is drawn.
    count : int
        About how many ticks.
    padded : bool
        Whether there is room around what is drawn, where the layout has no range.
    """

    def __init__(self, layout: Mapping[str, Any], low: float, high: float, count: int, padded: bool) -> None:
        self.title = plain((layout.get("title") or {}).get("text") or "")
        if layout.get("range"):
            low, high = map(float, layout["range"])
        else:
            if layout.get("rangemode") == "tozero":
                low, high = min(low, 0.0), max(high, 0.0)
            room = (high - low) * 0.06 or 1.0
            low -= room if padded and not (layout.get("rangemode") == "tozero" and low == 0) else 0
            high += room if padded else 0
        self.low, self.high = low, high if high != low else low + 1
        self.layout, self.count = layout, count
        self.name_ticks()

    def name_ticks(self) -> None:
        """Where labels stand."""
        layout, low, high = self.layout, self.low, self.high
        values = layout.get("tickvals")
        if not layout.get("showticklabels", True):
            values, texts = [], []
        elif values is None:
            step = layout.get("dtick") or nice(abs(high - low) / self.count)
            first = math.ceil(min(low, high) / step - 1e-9)
            values = [k * step for k in range(first, math.floor(max(low, high) / step + 1e-9) + 1)]
            digits = max(0, -math.floor(math.log10(step) + 1e-9))
            texts = [f"{v:,.{digits}f}" if step < 1e5 else f"{v:g}" for v in values]
        else:
            texts = layout.get("ticktext") or [f"{v:g}" for v in values]
        self.ticks = [(float(self.place(float(v))), re.sub(r"^-", "−", plain(str(t))))
                      for v, t in zip(values, texts, strict=True)]
        self.grid = layout.get("showgrid", True) and layout.get("gridcolor")

    def place(self, value: Any) -> Any:
        """0 at the lower limit, 1 at the upper one."""
        return (np.asarray(value, float) - self.low) / (self.high - self.low)


def nice(step: float) -> float:
    """The next larger number of 1, 2 and 5 with zeros."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(k * power for k in (1, 2, 5, 10) if k * power >= step * (1 - 1e-9))


def plain(text: str) -> str:
    """Without the tags that Plotly knows."""
    return text.replace("<b>", "").replace("</b>", "").replace("<br>", " ")


def one_scale(x: Axis, y: Axis) -> None:
    """Make the shorter axis as long as the other one, around its middle."""
    half = max(x.high - x.low, y.high - y.low) / 2
    for axis in (x, y):
        middle = (axis.low + axis.high) / 2
        axis.low, axis.high = middle - half, middle + half
        axis.name_ticks()
