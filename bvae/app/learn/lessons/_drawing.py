"""A figure of lines as a small drawing for paper: SVG, black and grey on white, dashes instead of colours."""

from __future__ import annotations

import html

import numpy as np
import plotly.graph_objects as go

DASHES = {"solid": "", "dash": "7 4", "dot": "1.5 3.5", "dashdot": "7 3 1.5 3", "longdash": "12 4",
          "longdashdot": "12 3 1.5 3"}
WIDTH, HEIGHT, EDGE = 460, 150, 26


def svg(figure: go.Figure, alt: str) -> str:
    """Lines on common axes; experts (filled curves) are grey with their letter at the top, the others are named below.

    Returns
    -------
    str
        Empty if the figure holds anything else than lines, such as a map.
    """
    lines = [t for t in figure.data if t.type == "scatter" and "lines" in (t.mode or "") and t.visible != "legendonly"]
    if not lines or len(lines) < len([t for t in figure.data if t.visible != "legendonly"]):
        return ""
    xs = np.concatenate([np.asarray(t.x, float) for t in lines])
    ys = np.concatenate([np.asarray(t.y, float) for t in lines])
    x0, x1, y1 = xs.min(), xs.max(), ys.max() * 1.12

    def place(x, y) -> tuple[np.ndarray, np.ndarray]:
        return (EDGE + (np.asarray(x, float) - x0) / (x1 - x0) * (WIDTH - 2 * EDGE),
                HEIGHT - EDGE - np.asarray(y, float) / y1 * (HEIGHT - EDGE - 8))

    parts, legend = [], []
    for trace in lines:
        px, py = place(trace.x, trace.y)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True))
        expert = trace.fill is not None
        dash = DASHES.get((trace.line.dash if trace.line else None) or "solid", "")
        parts.append(f'<polyline points="{points}" fill="{"#ddd" if expert else "none"}" fill-opacity="0.5" '
                     f'stroke="{"#666" if expert else "#000"}" stroke-width="{1 if expert else 1.8}" '
                     f'stroke-dasharray="{dash}"/>')
        top = int(py.argmin())
        if expert:
            parts.append(f'<text x="{px[top]:.1f}" y="{py[top] - 3:.1f}" text-anchor="middle">'
                         f'{html.escape(trace.name)}</text>')
        else:
            if trace.showlegend is not False:
                legend.append((trace.name, dash))
    ticks = [v for v in np.linspace(np.ceil(x0), np.floor(x1), 7) if abs(v - round(v)) < 1e-9]
    for v in ticks or [x0, x1]:
        px, py = place(v, 0)
        parts.append(f'<text x="{px:.1f}" y="{py + 13:.1f}" text-anchor="middle">{v:g}</text>'.replace(">-", ">−"))
    if not any(t.fill for t in lines):  # curves of values rather than densities: their height counts
        for v in (0.0, float(ys.max())):
            _, py = place(x0, v)
            parts.append(f'<text x="{EDGE - 3}" y="{py + 3:.1f}" text-anchor="end">{v:.3g}</text>')
    _, floor = place(x0, 0)
    parts.append(f'<line x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{floor:.1f}" y2="{floor:.1f}" stroke="#000"/>')
    names = "".join(
        f'<span><svg width="34" height="8" aria-hidden="true"><line x1="1" x2="33" y1="4" y2="4" stroke="#000" '
        f'stroke-width="1.8" stroke-dasharray="{dash}"/></svg> {html.escape(name)}</span> ' for name, dash in legend)
    axes = [axis.title.text for axis in (figure.layout.xaxis, figure.layout.yaxis)]
    names += f"<span>Across: {html.escape(axes[0] or '')}. Up: {html.escape(axes[1] or '')}.</span>"
    return (f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(alt)}">{"".join(parts)}'
            f"</svg><figcaption>{names}</figcaption></figure>")
