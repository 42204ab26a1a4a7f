"""One visual language: a colour and a marker per modality, a line style per aggregate."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

# Okabe & Ito's colour-blind-safe palette (2008), in a fixed order.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "star")
CLASS_COLORS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C00", "#7F3C8D", "#80664D", "#7A7A7A",
)
CLASS_MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross", "triangle-down", "pentagon",
                 "hexagram")
JOINT_MARKER = "cross"
DASHES = {
    "poe": "dash", "geometric": "dashdot", "moe": "dot", "moment": "longdash", "wasserstein": "solid",
    "mopoe": "dash", "mwb": "solid", "hoelder": "longdashdot", "helvae": "dashdot", "jeffreys": "longdash",
    "fisher-rao": "dot", "code": "dash", "mixture(code)": "solid",
}
# One colour per rule, for pictures that hold many: (light theme, dark theme), after Paul Tol's "muted" and "light"
# schemes (SRON/EPS/TN/09-002). Elsewhere a single aggregate is drawn in the theme's ink.
RULE_COLORS = {
    "poe": ("#AA3377", "#FF9FD0"), "geometric": ("#882255", "#D98CB3"), "moe": ("#4B5A00", "#C9D66B"),
    "moment": ("#7A7A00", "#EEDD88"), "wasserstein": ("#111111", "#FFFFFF"), "mopoe": ("#CC3311", "#FFAABB"),
    "mwb": ("#555555", "#BBBBBB"), "hoelder": ("#332288", "#A9B4FF"), "helvae": ("#5B4BC4", "#C3B7FF"),
    "jeffreys": ("#117733", "#7FD69B"), "fisher-rao": ("#0B7285", "#66D9E8"), "code": ("#8A4B08", "#FFB870"),
    "mixture(code)": ("#777777", "#AAAAAA"),
}
# For rules that stand in neither table: none of these colours is another rule's or a modality's. A name always gets the
# same, whatever other rules there are.
SPARE_COLORS = (("#BF00B8", "#F366FF"), ("#A6645B", "#FF7866"), ("#0F00BF", "#66FFA3"), ("#4C0900", "#B2A172"),
                ("#BF0045", "#72FF66"), ("#381F4C", "#63BF4D"))
SPARE_DASHES = ("longdashdot", "dashdot", "dot", "longdash", "dash")


def rule_color(rule: str, dark: bool = False) -> str:
    """A rule's own colour, by its registered name; a spare one for a rule that has none."""
    return RULE_COLORS.get(rule, SPARE_COLORS[_number(rule) % len(SPARE_COLORS)])[dark]


def dash(rule: str) -> str:
    """A rule's line style, a name of Plotly's; a spare one for a rule that has none."""
    return DASHES.get(rule, SPARE_DASHES[_number(rule) // len(SPARE_COLORS) % len(SPARE_DASHES)])


def _number(rule: str) -> int:
    """The same for a name in every process, which `hash` is not."""
    return zlib.crc32(rule.encode())


@dataclass(frozen=True)
class Ink:
    """Colours that depend on the theme."""

    aggregate: str
    faint: str
    grid: str
    paper: str


LIGHT = Ink(aggregate="#111111", faint="#9AA3AD", grid="rgba(120,130,140,0.16)", paper="#FFFFFF")
DARK = Ink(aggregate="#FFFFFF", faint="#6B7580", grid="rgba(160,170,180,0.16)", paper="#12161C")


def color(m: int) -> str:
    """Colour of modality number m."""
    return COLORS[m % len(COLORS)]


def marker(m: int) -> str:
    """Marker of modality number m, a Plotly symbol."""
    return MARKERS[m % len(MARKERS)]


def rgba(hex_color: str, alpha: float) -> str:
    """"#RRGGBB" with an opacity, for CSS and Plotly."""
    r, g, b = (int(hex_color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{alpha:.3g})"


# Below everything else: on a phone a legend has many lines, and those would lie on the title of the axis.
LEGEND_BELOW = {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0, "font": {"size": 12}}


TITLE, TICKS = 24, 26
"""Pixels that an axis needs below for its title and for one line of tick labels."""


def layout(figure: Any, ink: Ink, height: int, **changes: Any) -> None:
    """Fonts and grid that all figures share, with margins that grow with what stands in them."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "yanchor": "top", "y": -0.2, "x": 0, "font": {"size": 12}},
        hoverlabel={"font": {"size": 12}},
        **changes,
    )
    axes = {"gridcolor": ink.grid, "zeroline": False, "showline": False, "ticks": ""}
    figure.update_xaxes(**axes)
    figure.update_yaxes(**axes)


def fix_margins(figure: Any, left: int, below: int = TICKS + TITLE, above: int = 8) -> None:
    """Margins that do not grow, in pixels, where one knows the room that the labels need.

    Plotly draws a figure with growing margins twice, at every change.
    """
    figure.update_layout(margin={"l": left, "r": 8, "t": above, "b": below})
    figure.update_xaxes(automargin=False)
    figure.update_yaxes(automargin=False)
