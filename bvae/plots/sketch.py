"""Figures of many traces, made quickly: Plotly checks every value of every trace, which takes longer than all else."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go


class Sketch:
    """Stands in for a `plotly.graph_objects.Figure` while it is put together; `figure` makes that one at the end.

    Names are Plotly's, nested ones as dictionaries (no ``marker_size``). Nothing is checked, so that a misspelt name is
    ignored by the browser; the tests check the figures. Arrays of floats go out in single precision: half as much for
    the browser to read, and far finer than a pixel.
    """

    def __init__(self) -> None:
        self._traces: list[dict[str, Any]] = []
        self._layout: dict[str, Any] = {"xaxis": {}, "yaxis": {}, "shapes": []}

    def add(self, type: str, **trace: Any) -> None:
        """One trace, such as ``add("scatter", x=..., y=...)``."""
        self._traces.append({"type": type, **{key: _single(value) for key, value in trace.items()}})

    def add_scatter(self, **trace: Any) -> None:
        """Lines and markers."""
        self.add("scatter", **trace)

    def add_contour(self, **trace: Any) -> None:
        """Lines of equal height."""
        self.add("contour", **trace)

    def add_hline(self, y: float, line: dict[str, Any]) -> None:
        """A line over the whole width."""
        self._layout["shapes"].append(
            {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": line})

    def update_layout(self, **changes: Any) -> None:
        """Entries of the layout, each as a whole."""
        self._layout.update(changes)

    def update_xaxes(self, **changes: Any) -> None:
        """Entries of the horizontal axis."""
        self._layout["xaxis"].update(_titled(changes))

    def update_yaxes(self, **changes: Any) -> None:
        """Entries of the vertical axis."""
        self._layout["yaxis"].update(_titled(changes))

    def figure(self) -> go.Figure:
        """What was gathered."""
        return go.Figure(self._traces, self._layout, _validate=False)


def _titled(changes: dict[str, Any]) -> dict[str, Any]:
    return {**changes, "title": {"text": changes["title"]}} if "title" in changes else changes


def _single(value: Any) -> Any:
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == np.float64 else value
