"""A figure of lines, or a map, as a small drawing for paper: SVG, black and grey on white, dashes and letters instead
of colours."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from bvae.app.templates import Markup, render

DASHES = {"solid": "", "dash": "7 4", "dot": "1.5 3.5", "dashdot": "7 3 1.5 3", "longdash": "12 4",
          "longdashdot": "12 3 1.5 3"}
WIDTH, HEIGHT, EDGE = 460, 150, 26
MAP_SIDE, MAP_EDGE = 220, 6


def drawing(figure: go.Figure, alt: str, title: str = "") -> Markup:
    """A figure of lines or a map; empty if it is neither. The title is said of maps only."""
    return svg(figure, alt) or map_svg(figure, alt, title)


def map_svg(figure: go.Figure, alt: str, title: str) -> Markup:
    """Points of several groups, each as the name of its group, such as the digit that a picture shows.

    Returns
    -------
    Markup
        Empty if the figure holds anything else, or names of more than two letters.
    """
    if not figure.data or any(t.type != "scatter" or t.mode != "markers" or len(t.name or "") not in (1, 2)
                              for t in figure.data):
        return Markup("")
    xy = np.concatenate([np.stack([np.asarray(t.x, float), np.asarray(t.y, float)], axis=1) for t in figure.data])
    low, side = xy.min(axis=0), max(np.ptp(xy, axis=0).max(), 1e-9)
    middle = (side - np.ptp(xy, axis=0)) / 2
    places = MAP_EDGE + (xy - low + middle) / side * (MAP_SIDE - 2 * MAP_EDGE)
    names = [t.name for t in figure.data for _ in t.x]
    return render("paper_map", side=MAP_SIDE, alt=alt, title=title, points=[
        (f"{x:.1f}", f"{MAP_SIDE - y:.1f}", name) for (x, y), name in zip(places, names, strict=True)])


def round_values(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` multiples of 1, 2 or 5 times a power of ten from `low` to `high`, as many as there can be."""
    power = 10.0 ** np.floor(np.log10((high - low) / most))
    step = next(power * k for k in (1, 2, 5, 10, 20) if np.floor(high / power / k) - np.ceil(low / power / k) < most)
    return [float(k * step) for k in range(int(np.ceil(low / step)), int(np.floor(high / step + 1e-9)) + 1)]


def svg(figure: go.Figure, alt: str) -> Markup:
    """Lines on common axes; experts (filled curves) are grey with their letter at the top, the others are named below.

    Returns
    -------
    Markup
        Empty if the figure holds anything else than lines, such as a map.
    """
    lines = [t for t in figure.data if t.type == "scatter" and "lines" in (t.mode or "") and t.visible != "legendonly"]
    if not lines or len(lines) < len([t for t in figure.data if t.visible != "legendonly"]):
        return Markup("")
    xs = np.concatenate([np.asarray(t.x, float) for t in lines])
    ys = np.concatenate([np.asarray(t.y, float) for t in lines])
    x0, x1, y1 = xs.min(), xs.max(), ys.max() * 1.12

    def place(x, y) -> tuple[np.ndarray, np.ndarray]:
        return (EDGE + (np.asarray(x, float) - x0) / (x1 - x0) * (WIDTH - 2 * EDGE),
                HEIGHT - EDGE - np.asarray(y, float) / y1 * (HEIGHT - EDGE - 8))

    drawn, legend, numbers = [], [], []
    for trace in lines:
        px, py = place(trace.x, trace.y)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True))
        expert = trace.fill is not None
        dash = DASHES.get((trace.line.dash if trace.line else None) or "solid", "")
        top = int(py.argmin())
        drawn.append({"points": points, "expert": expert, "dash": dash, "name": trace.name, "x": f"{px[top]:.1f}",
                      "y": f"{py[top] - 3:.1f}"})
        if not expert and trace.showlegend is not False:
            legend.append((trace.name, dash))
    ticks = [v for v in np.linspace(np.ceil(x0), np.floor(x1), 7) if abs(v - round(v)) < 1e-9]
    for v in ticks or [x0, x1]:
        px, py = place(v, 0)
        numbers.append((f"{px:.1f}", f"{py + 13:.1f}", "middle", f"{v:g}".replace("-", "−")))
    if not any(t.fill for t in lines):  # curves of values rather than densities: their height counts
        for v in round_values(0.0, float(ys.max())):
            _, py = place(x0, v)
            numbers.append((f"{EDGE - 3}", f"{py + 3:.1f}", "end", f"{v:.3g}"))
    across, up = (axis.title.text or "" for axis in (figure.layout.xaxis, figure.layout.yaxis))
    return render("paper_drawing", width=WIDTH, height=HEIGHT, edge=EDGE, floor=f"{place(x0, 0)[1]:.1f}", alt=alt,
                  lines=drawn, numbers=numbers, legend=legend, across=across, up=up)
