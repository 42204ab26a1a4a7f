"""Figures of lines and markers as SVG: pictures that need no script in the browser, and are there with the page.

What is drawn is a Plotly figure of scatter traces (and areas above a height) on one pair of axes, in its own colours.
The picture has a fixed height and is as wide as its place, or a square if its axes have one scale; texts and strokes
keep their size.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import plotly.graph_objects as go

from bvae.plots import marks
from bvae.plots.axes import Axis, one_scale, plain
from bvae.plots.style import DARK, LIGHT, LOOKS, Ink

SIDE = 1000  # of the square in which lines are drawn, before it is stretched
TOLERANCE = 0.4  # of it: how far a line may lie from where it should, less than half a pixel
MANY = 64  # points from which on those are left out that nobody would miss
MOST = 500  # markers; more are a map, in which one points at items
LEADER = 18  # pixels from the end of a line to its name
LETTER = 6.6  # pixels of a digit of tick labels
FONT = 12
FILLS = ("tonexty", "tozeroy", "toself")
SVG = "http://www.w3.org/2000/svg"
ANCHORS = {"left": "start", "center": "middle", "right": "end"}
SAFE = " !$'()*,-./:;=?@[]_~{}"
"""Of an address inside an attribute with double quotes."""


def drawable(figure: go.Figure) -> bool:
    """Whether :func:`picture` can draw it: some traces of the kinds it knows, on one pair of axes, and not a map."""
    layout, traces = figure.layout.to_plotly_json(), _traces(figure)
    return (bool(traces) and all(t["type"] in ("scatter", "contour") for t in traces)
            and sum(len(np.atleast_1d(t["x"])) for t in traces if "markers" in t.get("mode", "")) <= MOST
            and not any(k.startswith(("xaxis", "yaxis")) and k not in ("xaxis", "yaxis") for k in layout))


def _traces(figure: go.Figure) -> list[dict[str, Any]]:
    return [t for t in (trace.to_plotly_json() for trace in figure.data)
            if t.get("visible") is not False and t.get("visible") != "legendonly"]


def _reach(t: Mapping[str, Any], axis: str) -> np.ndarray:
    """All that a trace covers along an axis."""
    values = np.asarray(t[axis], float)
    if t["type"] == "contour":
        return values
    error = np.asarray((t.get(f"error_{axis}") or {}).get("array", 0.0), float)
    return np.concatenate([np.ravel(values - error), np.ravel(values + error), np.ravel(values)])


class Drawn(NamedTuple):
    """What is inside of the axes as SVG, in shares of their width and height; the axes; and the room around, in pixels.

    Room is left, above, right, below. `square`: whether both axes have one scale. `ends`: names beside the right edge.
    """

    inside: str
    x: Axis
    y: Axis
    height: int
    room: tuple[int, int, int, int]
    square: bool
    ends: tuple[End, ...] = ()


class End(NamedTuple):
    """The name of a line: where the line ends (0 below, 1 above), pixels by which the name is moved up, its colour."""

    text: str
    at: float
    shift: float
    color: str
    bold: bool


def draw(figure: go.Figure, ink: Ink) -> Drawn:
    """A figure that is :func:`drawable`. Raises ValueError if it has no trace."""
    traces, layout = _traces(figure), figure.layout.to_plotly_json()
    if not traces:
        raise ValueError("figure: expected at least one trace, got none")
    square = bool(layout.get("yaxis", {}).get("scaleanchor"))
    xs, ys = (np.concatenate([_reach(t, axis) for t in traces]) for axis in "xy")
    marked = any("markers" in t.get("mode", "") for t in traces)
    x = Axis(layout.get("xaxis", {}), np.nanmin(xs), np.nanmax(xs), 7, marked)
    y = Axis(layout.get("yaxis", {}), np.nanmin(ys), np.nanmax(ys), 5, True)
    if square:
        one_scale(x, y)
    left = math.ceil(LETTER * max((len(text) for _, text in y.ticks), default=0)) + 12 + (20 if y.title else 0)
    parts = [*(_line((f"{100 * at:.2f}%", 0), (f"{100 * at:.2f}%", "100%"), f"stroke='{x.grid}'")
               for at, _ in x.ticks if x.grid),
             *(_line((0, f"{100 - 100 * at:.2f}%"), ("100%", f"{100 - 100 * at:.2f}%"), f"stroke='{y.grid}'")
               for at, _ in y.ticks if y.grid)]
    for shape in layout.get("shapes") or ():
        at = f"{100 - 100 * float(y.place(shape['y0'])):.2f}%"
        parts.append(_line((0, at), ("100%", at), _stroke(shape.get("line", {}))))
    for k, t in enumerate(traces):
        parts.append(_trace(t, x, y, traces[k - 1] if k else None))
    ends = []
    for note in layout.get("annotations") or ():
        font = note.get("font") or {}
        if note.get("xref") == "paper":
            ends.append(End(plain(note["text"]), float(y.place(note["y"])), float(note.get("yshift", 0)),
                            font.get("color", ink.aggregate), "<b>" in note["text"]))
            continue
        parts.append(_text(x.place(note["x"]), y.place(note["y"]), note.get("text", ""),
                           (note.get("font") or {}).get("color", ink.aggregate), -float(note.get("yshift", 0)) + 4,
                           ANCHORS[note.get("xanchor", "center")]))
    return Drawn(_in_ink("".join(parts), ink), x, y, int(layout.get("height") or 360),
                 (left, 10, room_for(ends), 24 + (20 if x.title else 0)), square, tuple(ends))


def room_for(ends: Sequence[End]) -> int:
    """Pixels that names at the right edge need, with the lines that lead to them."""
    return LEADER + math.ceil(LETTER * max(len(end.text) for end in ends)) if ends else 14


def _leaders(ends: Sequence[End]) -> str:
    """From the ends of lines to their names, in a strip that begins at the right edge."""
    return "".join(f"<svg y='{100 - 100 * e.at:.2f}%' overflow='visible'><path d='M3,0L{LEADER - 4},{-e.shift:.1f}' "
                   f"fill='none' stroke='{e.color}' stroke-width='1'/></svg>" for e in ends if e.shift)


def _in_ink(drawing: str, ink: Ink) -> str:
    """With the theme's ink, opaque or not, as the current colour."""
    rgb = ",".join(str(int(ink.aggregate[k:k + 2], 16)) for k in (1, 3, 5))
    drawing = re.sub(rf"(fill|stroke)='rgba\({rgb},([\d.]+)\)'", r"\1='currentColor' \1-opacity='\2'", drawing)
    return drawing.replace(f"'{ink.aggregate}'", "'currentColor'")


def _in_themes(drawing: str, ink: Ink) -> str:
    """A drawing that follows the theme without a word from the server: ink, and the colours of rules and methods."""
    own: dict[str, tuple[str, str]] = {}  # an image knows the colour scheme of the element that shows it
    for look in LOOKS.values():
        color = look.dark if ink is DARK else look.light
        if color == ink.aggregate or color in own:
            continue
        variable, rgb = f"var(--k{len(own)})", ",".join(str(int(color[k:k + 2], 16)) for k in (1, 3, 5))
        themed = re.sub(rf"(fill|stroke)='rgba\({rgb},([\d.]+)\)'", rf"\1='{variable}' \1-opacity='\2'", drawing)
        themed = themed.replace(f"'{color}'", f"'{variable}'")
        if themed != drawing:
            drawing, own[color] = themed, (look.light, look.dark)
    light, dark = ("".join(f"--k{k}:{pair[mode]};" for k, pair in enumerate(own.values())) for mode in (0, 1))
    return (f"<style>svg{{{light}color:{LIGHT.aggregate}}}@media(prefers-color-scheme:dark)"
            f"{{svg{{{dark}color:{DARK.aggregate}}}}}</style>{drawing}")


def _line(start: tuple[object, object], end: tuple[object, object], look: str) -> str:
    return f"<line x1='{start[0]}' y1='{start[1]}' x2='{end[0]}' y2='{end[1]}' {look}/>"


def _stroke(line: Mapping[str, Any], of: str = "#777777") -> str:
    width = float(line.get("width", 2))
    dash = marks.dashes(line.get("dash") or "solid", width)
    dashed = f" stroke-dasharray='{dash}'" if dash else ""
    return f"stroke='{line.get('color', of)}' stroke-width='{width:g}'{dashed}"


def _text(px: float, py: float, text: str, color: str, dy: float = 0.0, anchor: str = "middle") -> str:
    return (f"<text x='{100 * float(px):.2f}%' y='{100 * (1 - float(py)):.2f}%' dy='{dy:.0f}' text-anchor='{anchor}' "
            f"fill='{color}'>{html.escape(plain(str(text)))}</text>")


def _area(t: Mapping[str, Any], x: Axis, y: Axis) -> str:
    """Where a grid of values is above a height, with its outline."""
    from skimage.measure import find_contours  # takes a moment, and few figures have one

    values, level = np.asarray(t["z"], float), float(t["contours"]["value"])
    xs, ys = np.asarray(t["x"], float), np.asarray(t["y"], float)
    padded = np.pad(values, 1, constant_values=min(values.min(), level) - 1)  # what is cut off at the edge is closed
    path = ""
    for outline in find_contours(padded, level):
        rows, columns = (np.clip(outline[:, k] - 1, 0, n - 1) for k, n in ((0, len(ys)), (1, len(xs))))
        path += "M" + points(x.place(np.interp(columns, np.arange(len(xs)), xs)),
                             y.place(np.interp(rows, np.arange(len(ys)), ys))) + "Z"
    return (f"<svg width='100%' height='100%' viewBox='0 0 {SIDE} {SIDE}' preserveAspectRatio='none'><path d='{path}' "
            f"fill='{t.get('fillcolor', 'none')}' fill-rule='evenodd' {_stroke(t.get('line') or {})} "
            "style='vector-effect:non-scaling-stroke'/></svg>")


def _trace(t: Mapping[str, Any], x: Axis, y: Axis, previous: Mapping[str, Any] | None) -> str:
    if t["type"] == "contour":
        return _area(t, x, y)
    mode, line, marker = t.get("mode", "lines"), t.get("line") or {}, t.get("marker") or {}
    px, py = np.atleast_1d(x.place(t["x"])), np.atleast_1d(y.place(t["y"]))
    parts = []
    path = points(px, py)
    if t.get("fill") in FILLS and len(px) > 1:
        floor = float(y.place(0.0))
        if t["fill"] == "tozeroy":
            edge = points(px[[-1, 0]], np.array([floor, floor]))
        elif t["fill"] == "tonexty" and previous is not None:
            edge = points(np.atleast_1d(x.place(previous["x"]))[::-1], np.atleast_1d(y.place(previous["y"]))[::-1])
        else:
            edge = ""
        parts.append(f"<path d='M{path}{'L' + edge if edge else ''}Z' fill='{t.get('fillcolor', 'none')}'/>")
    if "lines" in mode and float(line.get("width", 2)) > 0:
        parts.append(f"<path d='M{path}' fill='none' {_stroke(line, marker.get('color', '#777777'))} "
                     "stroke-linejoin='round' style='vector-effect:non-scaling-stroke'/>")
    drawn = (f"<svg width='100%' height='100%' viewBox='0 0 {SIDE} {SIDE}' preserveAspectRatio='none'>{''.join(parts)}"
             "</svg>") if parts else ""
    drawn += _errors(t, x, y, line.get("color") or marker.get("color", "#777777"))
    if "markers" in mode:
        drawn += marks.at(px, 1 - py, marker, line.get("color", "#777777"))
    if "text" in mode:
        color = line.get("color") or (marker.get("line") or {}).get("color") or marker.get("color", "#777777")
        drawn += "".join(_text(a, b, text, color, -10) for a, b, text in zip(px, py, t["text"], strict=True))
    return f"<g opacity='{t['opacity']:g}'>{drawn}</g>" if t.get("opacity") is not None else drawn


def _errors(t: Mapping[str, Any], x: Axis, y: Axis, color: str) -> str:
    parts = []
    for axis, other in (("x", "y"), ("y", "x")):
        error = t.get(f"error_{axis}") or {}
        if error.get("array") is None:
            continue
        values, places = np.asarray(t[axis], float), {"x": x, "y": y}
        reach = np.asarray(error["array"], float)
        low, high = places[axis].place(values - reach), places[axis].place(values + reach)
        at = places[other].place(t[other])
        style = f"stroke='{error.get('color', color)}' stroke-width='{error.get('thickness', 2):g}'"
        cap = float(error.get("width", 4))
        for a, b, c in zip(low, high, at, strict=True):
            if not np.isfinite([a, b, c]).all():
                continue
            if axis == "x":
                c = 1 - c
                parts.append(f"<line x1='{100 * a:.2f}%' x2='{100 * b:.2f}%' y1='{100 * c:.2f}%' y2='{100 * c:.2f}%' "
                             f"{style}/>")
            else:
                parts.append(f"<line x1='{100 * c:.2f}%' x2='{100 * c:.2f}%' y1='{100 - 100 * a:.2f}%' "
                             f"y2='{100 - 100 * b:.2f}%' {style}/>")
                a, b = 1 - a, 1 - b
            for end in (a, b) if cap else ():
                where = (end, c) if axis == "x" else (c, end)
                shape = f"M0,{-cap:g}V{cap:g}" if axis == "x" else f"M{-cap:g},0H{cap:g}"
                parts.append(f"<svg x='{100 * where[0]:.2f}%' y='{100 * where[1]:.2f}%' overflow='visible'>"
                             f"<path d='{shape}' {style}/></svg>")
    return "".join(parts)


def points(px: np.ndarray, py: np.ndarray) -> str:
    """Places (N,) from 0 to 1 as the points of a path, without those that lie on a line between others."""
    px, py = np.asarray(px, float) * SIDE, SIDE - np.asarray(py, float) * SIDE
    there = np.isfinite(px) & np.isfinite(py)
    px, py = px[there], py[there]
    if len(px) > MANY:
        kept = _bends(np.stack([px, py], axis=1))
        px, py = px[kept], py[kept]
    return "L".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True))


def _bends(path: np.ndarray) -> np.ndarray:
    """Which points (N, 2) of a path to keep so that no other is farther than the tolerance from the line through them.

    Ramer's and Douglas and Peucker's way, all chords at once: each gets its farthest point until none is too far.
    """
    place, kept = np.arange(len(path)), np.array([0, len(path) - 1])
    while True:
        chord = np.minimum(np.searchsorted(kept, place, side="right") - 1, len(kept) - 2)
        start, way = path[kept[chord]], path[kept[chord + 1]] - path[kept[chord]]
        along = ((path - start) * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-12)
        away = np.linalg.norm(path - start - np.clip(along, 0, 1)[:, None] * way, axis=1)
        order = np.lexsort((away, chord))
        farthest = order[np.flatnonzero(np.diff(chord[order], append=-1))]
        new = farthest[away[farthest] > TOLERANCE]
        if not len(new):
            return kept
        kept = np.union1d(kept, new)


def address(drawing: str) -> str:
    """A drawing as a data URI, for an attribute in double quotes."""
    return "data:image/svg+xml," + quote(drawing, safe=SAFE)


def legend(figure: go.Figure, ink: Ink) -> list[tuple[str, str]]:
    """Of each name its sample, what is inside of an SVG of 34 by 14 pixels, and the name; empty without a legend."""
    if figure.layout.showlegend is False:
        return []
    named: dict[str, str] = {}
    for t in _traces(figure):
        if t["type"] == "contour" or t.get("showlegend") is False or not t.get("name") or t["name"] in named:
            continue
        mode, line, marker = t.get("mode", "lines"), t.get("line") or {}, t.get("marker") or {}
        parts = []
        if t.get("fill") in FILLS:
            parts.append(f"<rect x='1' y='3' width='32' height='8' fill='{t.get('fillcolor', 'none')}'/>")
        if "lines" in mode and float(line.get("width", 2)) > 0:
            parts.append(f"<path d='M1,7H33' {_stroke(line, marker.get('color', '#777777'))}/>")
        if "markers" in mode:
            parts.append(marks.at(np.array([0.5]), np.array([0.5]), marker, line.get("color", "#777777")))
        named[t["name"]] = _in_ink("".join(parts), ink)
    return [(sample, plain(name)) for name, sample in named.items()] if len(named) > 1 else []


def picture(figure: go.Figure, alt: str, ink: Ink) -> str:
    """The drawing with axes and legend, as HTML: lines and markers are an image, all words around it are text.

    Parameters
    ----------
    figure : Figure
        See :func:`drawable`.
    alt : str
        What it says, in a sentence.
    ink : Ink
    """
    drawn = draw(figure, ink)
    left, above, right, below = drawn.room
    image = (f"<svg xmlns='{SVG}' width='100%' height='100%' font-family='sans-serif' font-size='{FONT}'>"
             f"{_in_themes(drawn.inside, ink)}</svg>")

    def sampled(inside: str) -> str:
        return address(f"<svg xmlns='{SVG}' width='34' height='14'>{_in_themes(inside, ink)}</svg>")

    def words(style: str, text: str, kind: str = "") -> str:
        return f'<span class="{kind}" style="position:absolute;white-space:nowrap;{style}">{html.escape(text)}</span>'

    around = [words(f"left:{100 * at:.2f}%;top:100%;transform:translate(-50%,3px)", text) for at, text in drawn.x.ticks]
    around += [words(f"right:100%;top:{100 - 100 * at:.2f}%;transform:translate(-7px,-50%)", text)
               for at, text in drawn.y.ticks]
    if drawn.x.title:
        around.append(words("left:50%;top:100%;transform:translate(-50%,22px)", drawn.x.title))
    if drawn.y.title:
        around.append(words(f"left:{1 - left}px;top:50%;writing-mode:vertical-rl;"
                            "transform:translateY(-50%) rotate(180deg)", drawn.y.title))
    for end in drawn.ends:
        around.append(words(f"left:calc(100% + {LEADER}px);top:{100 - 100 * end.at:.2f}%;"
                            f"transform:translateY(calc(-50% - {end.shift:.1f}px));"
                            + ("font-weight:700" if end.bold else "opacity:.8"), end.text, "bvae-end"))
    if drawn.ends:
        strip = f"<svg xmlns='{SVG}' width='{LEADER}' height='100%'>{_in_themes(_leaders(drawn.ends), ink)}</svg>"
        around.append('<img alt="" class="bvae-end" style="position:absolute;left:100%;top:0;height:100%;'
                      f'width:{LEADER}px" src="{address(strip)}">')
    entries = "".join(
        '<span style="white-space:nowrap"><span style="display:inline-block;width:34px;height:14px;vertical-align:-2px;'
        f'background:url(&quot;{sampled(sample)}&quot;)"></span> {html.escape(name)}</span>'
        for sample, name in legend(figure, ink))
    under = (f'<div role="group" aria-label="legend" class="bvae-drawn-legend">{entries}</div>') if entries else ""
    box = f"box-sizing:border-box;padding:{above}px {right}px {below}px {left}px;"
    box += (f"max-width:{drawn.height - above - below + left + right}px;margin:0 auto" if drawn.square
            else f"height:{drawn.height}px")
    kind = "bvae-drawn bvae-labelled" if drawn.ends else "bvae-drawn"
    return (f'<div class="{kind}" style="font-size:{FONT}px;line-height:1.4">'
            f'<div class="bvae-drawn-box" style="{box}">'
            f'<div style="position:relative;{"aspect-ratio:1" if drawn.square else "height:100%"}">'
            f'<img alt="{html.escape(alt)}" style="display:block;width:100%;height:100%" src="{address(image)}">'
            f'<div aria-hidden="true">{"".join(around)}</div></div></div>{under}</div>')


def file(figure: go.Figure, ink: Ink, width: int = 760) -> str:
    """The drawing with axes and legend as an SVG file, so many pixels wide or as wide as high, on the theme's paper."""
    drawn, entries = draw(figure, ink), legend(figure, ink)
    left, above, right, below = drawn.room
    high = drawn.height - above - below
    if drawn.square:
        width = left + high + right
    wide = width - left - right

    def words(x: float, y: float, text: str, anchor: str = "middle", turn: str = "") -> str:
        return (f"<text transform='translate({x:.1f} {y:.1f}){turn}' text-anchor='{anchor}' fill='{ink.aggregate}'>"
                f"{html.escape(text)}</text>")

    parts = [words(left + wide * at, above + high + 16, text) for at, text in drawn.x.ticks]
    parts += [words(left - 7, above + high * (1 - at) + 4, text, "end") for at, text in drawn.y.ticks]
    for end in drawn.ends:
        y = above + high * (1 - end.at)
        parts.append(f"<svg x='{left + wide}' y='{above}' width='{LEADER}' height='{high}'>{_leaders([end])}</svg>"
                     + words(left + wide + LEADER, y - end.shift + 4, end.text, "start"))
    parts.append(words(left + wide / 2, above + high + 36, drawn.x.title))
    parts.append(words(13, above + high / 2, drawn.y.title, turn=" rotate(-90)"))
    x, y = math.inf, drawn.height - 20
    for sample, name in entries:
        size = 56 + LETTER * len(name)
        if x + size > width:
            x, y = 12.0, y + 20
        parts.append(f"<g transform='translate({x:.0f} {y})'><svg width='34' height='14'>{sample}</svg></g>"
                     + words(x + 40, y + 11, name, "start"))
        x += size
    return (f"<svg xmlns='{SVG}' width='{width}' height='{y + 28}' font-family='sans-serif' font-size='{FONT}' "
            f"color='{ink.aggregate}'><rect width='100%' height='100%' fill='{ink.paper}'/>"
            f"<svg x='{left}' y='{above}' width='{wide}' height='{high}'>{drawn.inside}</svg>{''.join(parts)}</svg>\n")
