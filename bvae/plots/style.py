"""One visual language: a colour and a marker per modality, a colour and a dash per rule and per method."""

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


@dataclass(frozen=True)
class Look:
    """How the line of a rule or a method is drawn: a colour in both themes, and a dash, a name of Plotly's."""

    light: str
    dark: str
    dash: str


LOOKS = {
    "poe": Look("#AA3377", "#FF9FD0", "dash"),
    "geometric": Look("#D44AE5", "#D8C8F8", "dashdot"),
    "moe": Look("#4B5A00", "#C9D66B", "dot"),
    "moment": Look("#A58E14", "#928C19", "longdash"),
    "wasserstein": Look("#111111", "#FFFFFF", "solid"),
    "mopoe": Look("#CC3311", "#FF8A75", "dash"),
    "mwb": Look("#332288", "#8F9BFF", "solid"),
    "hoelder": Look("#5C51F6", "#9A81A8", "longdashdot"),
    "helvae": Look("#80779F", "#BA48FC", "dashdot"),
    "jeffreys": Look("#085C43", "#07A31D", "longdash"),
    "fisher-rao": Look("#0F5A6E", "#13FBED", "dot"),
    "code": Look("#B2856C", "#A97C55", "dash"),
    "mixture(code)": Look("#6A4113", "#FBC58B", "solid"),
    "mvtcae": Look("#E25F75", "#F41576", "dashdot"),
    "wb-vae-unimodal": Look("#548DF0", "#9FE0FE", "dot"),
    "wb-vae-tc": Look("#019DAB", "#1F98AA", "dash"),
    "mmvae-dreg": Look("#08A512", "#3AFC89", "longdash"),
    "mmvae-plus": Look("#6E8B68", "#87B79C", "longdashdot"),
    "mmvae-plus-dreg": Look("#1C042A", "#5D606D", "dash"),
    "mmjsd": Look("#4E061C", "#CC0302", "dash"),
    "mmvm-vae": Look("#514452", "#546C54", "dot"),
    "sum-pooling": Look("#635F53", "#3B5ACA", "solid"),
    "self-attention": Look("#8B5855", "#AFA9A7", "longdash"),
    "conditional-flow": Look("#A3670A", "#0785CF", "dashdot"),
    "hoelder-vae-plus": Look("#9303B4", "#DDFFDA", "dot"),
    "hoelder-vae-plus-plus": Look("#0E270A", "#736227", "longdash"),
    "mwb-vae-hierarchical": Look("#989A97", "#905252", "dash"),
    "mwb-vae-plus": Look("#F86E14", "#F98702", "longdashdot"),
    "wb-vae-plus": Look("#810A02", "#8A4985", "longdash"),
}
"""One look for each rule, and for each method that does not share its rule's, in every picture: no two are nearer than
17 by CIEDE2000, in neither theme (`tests/unit/plots/test_style.py`)."""
LOOKS |= {method: LOOKS[rule] for method, rule in {
    "mvae": "poe", "mmvae": "moe", "mopoe-vae": "mopoe", "wb-vae": "wasserstein", "mwb-vae": "mwb",
    "hoelder-vae": "hoelder", "code-vae": "mixture(code)", "sum-pooling-vae": "sum-pooling",
    "self-attention-vae": "self-attention", "joint-flow-vae": "conditional-flow"}.items()}
# For what stands in no table: none of these colours is another one's or a modality's. A name always gets the same,
# whatever others there are.
SPARE_COLORS = (("#BF00B8", "#F366FF"), ("#A6645B", "#FF7866"), ("#0F00BF", "#66FFA3"), ("#4C0900", "#B2A172"),
                ("#BF0045", "#72FF66"), ("#381F4C", "#63BF4D"))
SPARE_DASHES = ("longdashdot", "dashdot", "dot", "longdash", "dash")
OTHER_DASH = {"solid": "dash", "dash": "dot", "dot": "longdash", "longdash": "dashdot", "dashdot": "longdashdot",
              "longdashdot": "solid"}
FLAT = "-2d"
"""What names of checkpoints with two latent dimensions end in: they have their method's colour and another dash."""


def look(name: str) -> Look:
    """Of a rule, a method or a checkpoint, by its registered name; a spare one for a newcomer."""
    if name in LOOKS:
        return LOOKS[name]
    of = LOOKS.get(name.removesuffix(FLAT))
    if of is not None:
        return Look(of.light, of.dark, OTHER_DASH[of.dash])
    number = _number(name)
    return Look(*SPARE_COLORS[number % len(SPARE_COLORS)],
                SPARE_DASHES[number // len(SPARE_COLORS) % len(SPARE_DASHES)])


def rule_color(name: str, dark: bool = False) -> str:
    """The colour of a rule or a method, see :func:`look`."""
    return look(name).dark if dark else look(name).light


def dash(name: str) -> str:
    """The dash of a rule or a method, see :func:`look`."""
    return look(name).dash


def _number(rule: str) -> int:
    """The same for a name in every process, which `hash` is not."""
    return zlib.crc32(rule.encode())


@dataclass(frozen=True)
class Ink:
    """Colours that depend on the theme; `muted` is for words that step back, `faint` for lines."""

    aggregate: str
    muted: str
    faint: str
    grid: str
    paper: str

    def of(self, name: str) -> str:
        """The colour of a rule or a method in this theme."""
        return rule_color(name, dark=self == DARK)


LIGHT = Ink(aggregate="#111111", muted="#5F6973", faint="#9AA3AD", grid="rgba(120,130,140,0.16)", paper="#FFFFFF")
DARK = Ink(aggregate="#FFFFFF", muted="#A3ADB7", faint="#6B7580", grid="rgba(160,170,180,0.16)", paper="#12161C")


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
