"""Figures of many traces, made quickly: Plotly checks every trace and every change of a figure; here it checks once."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from bvae.plots import style


class Sketch:
    """Gathers what a figure holds as plain dictionaries and makes it at the end.

    Names are Plotly's, nested ones as dictionaries (no ``marker_size``). Arrays of floats go out in single precision:
    half as much for the browser to read, and far finer than a pixel.
    """

    def __init__(self) -> None:
        self._traces: list[dict[str, Any]] = []

    def add(self, type: str, **trace: Any) -> None:
        """One trace, such as ``add("scatter", x=..., y=...)``."""
        self._traces.append({"type": type, **{key: single(value) for key, value in trace.items()}})

    def figure(
        self, ink: style.Ink, height: int, xaxis: dict[str, Any] | None = None, yaxis: dict[str, Any] | None = None,
        **layout: Any,
    ) -> go.Figure:
        """The figure, in the layout that all figures share; see `bvae.plots.style.layout`."""
        axes = style.axes(ink)
        return go.Figure(self._traces, {**style.common(height), "xaxis": {**axes, **(xaxis or {})},
                                        "yaxis": {**axes, **(yaxis or {})}, **layout})


def single(value: Any) -> Any:
    """An array of floats in single precision; anything else as it is."""
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == np.float64 else value


def joined(outlines: list[np.ndarray]) -> np.ndarray:
    """Several lines, each (n, 2), as one with gaps between them: a trace less for each."""
    gap = np.full((1, 2), np.nan)
    return np.concatenate([part for line in outlines for part in (line, gap)][:-1])
