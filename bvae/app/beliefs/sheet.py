"""Contact sheets as HTML tables: pictures and texts with what is said of each, as wide as the screen allows."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bvae.app.beliefs.generation import MARKS, Generated, mark, spoken
from bvae.app.templates import Markup, render
from bvae.app.widgets import images
from bvae.data import MultimodalDataset
from bvae.maps.latent_distance import LatentCloud
from bvae.plots import style

WIDEST = 112  # pixels of a picture


def picture(value: torch.Tensor | str | None, alt: str, color: str | None = None) -> Markup:
    """A picture or a text as wide as its place, framed in `color`; None is an empty frame. See `images.figure`."""
    text, uri, ratio = (value, "", "") if value is None or isinstance(value, str) else (
        None, images.data_uri(value), f"{value.shape[2]}/{value.shape[1]}")
    return render("sheet_picture", uri=uri, ratio=ratio, text=text, alt=alt, color=color,
                  short=text is not None and len(text) <= images.SHORT_TEXT)


def said(text: str) -> Markup:
    """A line under a picture."""
    return render("said", text=text)


def cell(
    data: MultimodalDataset, generated: Generated, name: str, s: int, alt: str, color: str | None = None,
    distance: bool = True,
) -> Markup:
    """One generation with the judges' class and, under it, the distance of its z to the data."""
    value = images.content(data, name, generated.values[name][s])
    judged, below = generated.judged(name, s), Markup("")
    if judged:
        named = data.class_names[judged[0]]
        below += said(render("judged", name=named, p=judged[1]))
        alt += f", judged {named}"
    if distance:
        below += said(far(generated, s))
    return picture(value, alt, color) + below


def far(generated: Generated, s: int) -> Markup:
    """The mark of a distance, with its meaning for those who cannot see it."""
    return render("far", spoken=spoken(generated.closeness, s), mark=mark(generated.closeness, s))


def head(name: str, m: int, more: str = "") -> Markup:
    """A modality's name with its colour."""
    return render("head", color=style.color(m), name=name, below=small(more))


def small(text: str) -> Markup:
    """A second line of a head; nothing of nothing."""
    return render("second_line", text=text) if text else Markup("")


def near(generated: Generated, s: int) -> Markup:
    """How many neighbours a z has among the data."""
    return small(f"{int(generated.closeness.neighbours[s])} near")


def table(
    label: str, columns: Sequence[str], names: Sequence[str], cells: Sequence[Sequence[str]],
    widths: Sequence[int] | None = None, side: int | None = 46, narrowest: int = 52,
) -> Markup:
    """A sheet: heads of columns and of rows, and what :func:`cell` makes; texts, or HTML.

    Parameters
    ----------
    label : str
        What the sheet shows, for screen readers.
    columns, names : sequence of str
    cells : sequence of rows of str
    widths : sequence of int, optional
        The widest that each column becomes, in pixels.
    side : int, optional
        Pixels of the heads of rows; None for heads as wide as a column, up to a picture's width.
    narrowest : int
        Pixels of a cell below which the sheet scrolls within its own frame.
    """
    widest = widths or [WIDEST] * len(columns)
    total = (side or WIDEST) + sum(widest)
    # In a fixed layout, columns without a width share what is left; percentages where they differ.
    equal = len(set(widest)) == 1 and (side is not None or widest[0] == WIDEST)
    shares = [""] * len(widest) if equal else [f"{100 * w / total:.2f}" for w in widest]
    return render("sheet", label=label, columns=columns, lines=list(zip(names, cells, strict=True)), side=side,
                  shares=shares, total=total, narrowest=(side or narrowest) + narrowest * len(columns))


def width_of(data: MultimodalDataset, name: str) -> int:
    """How wide a column of a modality may be: long texts need room."""
    m = data.modalities[name]
    return 240 if m.kind == "text" and m.shape[0] > images.SHORT_TEXT else WIDEST


MARKS_SAY = (
    f"{MARKS[0]} among the data, {MARKS[1]} at their edge, {MARKS[2]} beyond them. The number beside it is the "
    "distance to the data: 1 is as close as the data usually lie to each other. It says where data are, not whether "
    "a picture is good."
)


def distances_say(cloud: LatentCloud) -> str:
    """How a distance to the data is measured, in full."""
    count, n = cloud.points.shape[:2]
    which = "" if count == 1 else (
        f" The joint belief has {count} parts, each with a z of every item; the part counts whose are nearest.")
    return (f"Distance to the data: from z to the {cloud.k}th nearest of the z of {n:,} test items, divided by what "
            f"that distance usually is between items (their median).{which} At the edge: farther than 90 % of the "
            "items are from each other; beyond: farther than 99 %. Neighbours: items within the distance at which "
            f"95 % of the items have {cloud.k}.")
