"""Figures of many traces, made quickly: Plotly checks every trace and every change of a figure; here it checks once."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go


class Sketch:
    """Gathers what a figure holds as plain dictionaries; `figure` makes it at the end.

    Names are Plotly's, nested ones as dictionaries (no ``marker_size``). Arrays of floats go out in single precision:
    half as much for the browser to read, and far finer than a pixel. `bvae.plots.style.layout` takes a sketch, too.
    """

    def __init__(self) -> None:
        self._traces: list[dict[str, Any]] = []
        self._layout: dict[str, Any] = {"xaxis": {}, "yaxis": {}}

    def add(self, type: str, **trace: Any) -> None:
        """One trace, such as ``add("scatter", x=..., y=...)``."""
        self._traces.append({"type": type, **{key: _single(value) for key, value in trace.items()}})

    def update_layout(self, **changes: Any) -> None:
        """Entries of the layout, each as a whole."""
        self._layout.update(changes)

    def update_xaxes(self, **changes: Any) -> None:
        """Entries of the horizontal axis."""
        self._layout["xaxis"].update(changes)

    def update_yaxes(self, **changes: Any) -> None:
        """Entries of the vertical axis."""
        self._layout["yaxis"].update(changes)

    def across(self, y: float, color: str, dash: str = "solid") -> None:
        """A hairline over the whole width."""
        self._layout.setdefault("shapes", []).append(
            {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": y, "y1": y,
             "line": {"color": color, "width": 1, "dash": dash}})

    def figure(self) -> go.Figure:
        """What was gathered."""
        return go.Figure(self._traces, self._layout)


def joined(outlines: list[np.ndarray]) -> np.ndarray:
    """Several lines, each (n, 2), as one with gaps between them: a trace less for each."""
    gap = np.full((1, 2), np.nan)
    return np.concatenate([part for line in outlines for part in (line, gap)][:-1])


def _single(value: Any) -> Any:
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == np.float64 else value
