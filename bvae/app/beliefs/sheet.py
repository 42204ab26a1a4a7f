"""Contact sheets as HTML tables: pictures and texts with what is said of each, as wide as the screen allows."""

from __future__ import annotations

import html
from collections.abc import Sequence

import torch

from bvae.app.beliefs.generation import MARKS, Generated, mark, spoken
from bvae.app.widgets import images
from bvae.data import MultimodalDataset
from bvae.plots import style

WIDEST = 112  # pixels of a picture


def picture(value: torch.Tensor | str | None, alt: str, color: str | None = None) -> str:
    """A picture or a text as wide as its place, framed in `color`; None is an empty frame. See `images.figure`."""
    frame = f"3px solid {color}" if color else "3px solid transparent"
    box = f"width:100%;box-sizing:border-box;border-radius:6px;border:{frame};"
    if value is None:
        return f'<div role="img" aria-label="{html.escape(alt)}" style="{box}aspect-ratio:1"></div>'
    if isinstance(value, str):
        short = len(value) <= images.SHORT_TEXT
        letters = html.escape(value).replace(" ", "·") if short else html.escape(value)
        size = f"calc(150cqw / {max(len(value), 1)})" if short else "11px"
        look = "aspect-ratio:1;justify-content:center;" if short else "line-height:1.25;padding:4px;"
        return (f'<div style="container-type:inline-size"><div role="img" aria-label="{html.escape(alt)}: '
                f'{html.escape(value.strip())}" style="{box}{look}display:flex;align-items:center;'
                f'font-family:monospace;font-size:{size};background:rgba(128,128,128,.12)">{letters}</div></div>')
    return (f'<img src="{images.data_uri(value)}" alt="{html.escape(alt)}" style="{box}display:block;aspect-ratio:'
            f'{value.shape[2]}/{value.shape[1]};image-rendering:pixelated">')


def said(text: str) -> str:
    """A line under a picture."""
    return f'<div style="font-size:12px;line-height:1.35;text-align:center">{text}</div>'


def cell(
    data: MultimodalDataset, generated: Generated, name: str, s: int, alt: str, color: str | None = None,
    distance: bool = True,
) -> str:
    """One generation with the judges' class and, under it, the distance of its z to the data."""
    value = images.content(data, name, generated.values[name][s])
    judged, below = generated.judged(name, s), ""
    if judged:
        named = data.class_names[judged[0]]
        below += said(f'{html.escape(named)} <span style="opacity:.75">p={judged[1]:.2f}</span>')
        alt += f", judged {named}"
    if distance:
        below += said(far(generated, s))
    return picture(value, alt, color) + below


def far(generated: Generated, s: int) -> str:
    """The mark of a distance, with its meaning for those who cannot see it."""
    return (f'<span role="img" aria-label="z is {spoken(generated.closeness, s)}" style="font-variant-numeric:'
            f'tabular-nums">{mark(generated.closeness, s)}</span>')


def head(name: str, m: int, more: str = "") -> str:
    """A modality's name with its colour."""
    return f'<span style="color:{style.color(m)}">&#9632;</span> {html.escape(name)}{small(more)}'


def small(text: str) -> str:
    """A second line of a head; nothing of nothing."""
    return f'<div style="font-weight:400;opacity:.8;font-size:11px">{html.escape(text)}</div>' if text else ""


def near(generated: Generated, s: int) -> str:
    """How many neighbours a z has among the data."""
    return small(f"{int(generated.closeness.neighbours[s])} near")


def table(
    label: str, columns: Sequence[str], names: Sequence[str], cells: Sequence[Sequence[str]],
    widths: Sequence[int] | None = None, side: int | None = 46, narrowest: int = 52,
) -> str:
    """A sheet: heads of columns and of rows, and what :func:`cell` makes, all of it HTML.

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
    share = [""] * len(widest) if equal else [f' style="width:{100 * w / total:.2f}%"' for w in widest]
    cols = (f'<col style="width:{side}px">' if side else "<col>") + "".join(f"<col{w}>" for w in share)
    edge = "padding:2px;text-align:center;vertical-align:top;border:0;overflow-wrap:anywhere;"
    top = "".join(f'<th scope="col" style="{edge}font-weight:600">{c}</th>' for c in columns)
    body = "".join(
        f'<tr><th scope="row" style="{edge}text-align:left;font-weight:600">{name}</th>'
        + "".join(f'<td style="{edge}">{c}</td>' for c in line) + "</tr>"
        for name, line in zip(names, cells, strict=True)
    )
    return (
        f'<div role="region" aria-label="{html.escape(label)}" tabindex="0" style="overflow-x:auto;max-width:100%">'
        f'<table aria-label="{html.escape(label)}" style="table-layout:fixed;border-collapse:collapse;border:0;'
        f'font-size:12px;line-height:1.35;width:100%;max-width:{total}px;'
        f'min-width:{(side or narrowest) + narrowest * len(columns)}px">'
        f'<colgroup>{cols}</colgroup><thead><tr><td style="border:0"></td>{top}</tr></thead><tbody>{body}</tbody>'
        "</table></div>"
    )


def width_of(data: MultimodalDataset, name: str) -> int:
    """How wide a column of a modality may be: long texts need room."""
    m = data.modalities[name]
    return 240 if m.kind == "text" and m.shape[0] > images.SHORT_TEXT else WIDEST


LEGEND = (
    f"{MARKS[0]} among the data, {MARKS[1]} at their edge, {MARKS[2]} beyond them. The number is the distance of z to "
    "its {k}th nearest among the z of {n:,} test items{clouds}, in units of that distance among the items: 1 is usual. "
    f"{MARKS[1]}: more than 90 % of the items have, {MARKS[2]}: more than 99 %. Near: how many items' z are within the "
    "distance at which 95 % of the items have {k}. This says where data are, not whether a picture is good: decoders "
    "can be bad among the data."
)
