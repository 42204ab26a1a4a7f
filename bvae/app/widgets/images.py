"""Images as HTML: enlarged without smoothing, framed in their modality's colour, with alternative texts."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from bvae.data import MultimodalDataset
from bvae.data.sheet import drawable
from bvae.plots import style

SIDE = 84
SHORT_TEXT = 12  # characters: shown large, in one line, with their blanks; longer ones wrap


def data_uri(image: Tensor) -> str:
    """A (C, H, W) float image in [0, 1] as a PNG data URI; the browser enlarges it."""
    pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0)[..., :3].numpy()
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1)  # a third of the time, a few bytes more
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def content(data: MultimodalDataset, view: str, value: Tensor) -> Tensor | str:
    """What :func:`figure` shows of a modality's value: an image (C, H, W) as it is, characters (L, A) as a text.

    Of long texts, what fills them up on both sides is left out. Of what is neither, its range in words.
    """
    modality = data.modalities[view]
    if not drawable(data, modality):
        return f"{value.numel():,} numbers from {float(value.min()):.2g} to {float(value.max()):.2g}"
    if modality.kind == "image":
        return value
    text = data.read_text(value.unsqueeze(0))[0]
    return text if len(text) <= SHORT_TEXT else text.strip(data.text_padding)


def figure(
    image: Tensor | str | None, alt: str, color: str | None = None, caption: str = "", side: int = SIDE,
    shrinks: bool = False,
) -> str:
    """One image or text as HTML.

    Parameters
    ----------
    image : Tensor, str or None
        (C, H, W) or a text; None draws a dashed empty frame.
    alt : str
        What a person who cannot see it should hear.
    color : str, optional
        Of the frame; none by default.
    caption : str
        Below the image.
    side : int
        Pixels.
    shrinks : bool
        Whether it becomes smaller where its row has no room.
    """
    frame = f"3px solid {color}" if color and image is not None else f"2px dashed {color or '#9AA3AD'}"
    border = f"border:{frame};" if color or image is None else "border:3px solid transparent;"
    size = "width:100%;aspect-ratio:1;" if shrinks else f"width:{side}px;height:{side}px;"
    style = f"{size}box-sizing:border-box;border-radius:6px;{border}"
    if image is None:
        body = (f'<div role="img" aria-label="{html.escape(alt)}" style="{style}display:flex;align-items:center;'
                'justify-content:center;opacity:.7;font-size:12px">absent</div>')
    elif isinstance(image, str):
        short = len(image) <= SHORT_TEXT
        letters = html.escape(image).replace(" ", "·") if short else html.escape(image)
        look = f"font-size:{side / (6 if short else 11):.0f}px;"
        look += "" if short else "line-height:1.15;overflow:hidden;overflow-wrap:anywhere;"
        said = html.escape(f"{alt}: {image.strip()}")
        body = (f'<div role="img" aria-label="{said}" style="{style}display:flex;'
                f'align-items:center;justify-content:center;font-family:monospace;{look}'
                f'background:rgba(128,128,128,.12)">{letters}</div>')
    else:
        body = f'<img src="{data_uri(image)}" alt="{html.escape(alt)}" style="{style}image-rendering:pixelated">'
    below = f'<div style="font-size:12px;text-align:center;opacity:.85">{caption}</div>' if caption else ""
    place = f"flex:0 1 {side}px;min-width:0" if shrinks else "display:inline-block;vertical-align:top"
    return f'<div style="{place}">{body}{below}</div>'


def row(label: str, color: str, figures: Sequence[str], wraps: bool = True) -> str:
    """A labelled row of figures; on narrow screens it wraps, or those of its figures that can become smaller do."""
    return (
        '<div style="margin:0 0 6px 0">'
        f'<div style="font-size:13px;line-height:1.5"><span style="color:{color}">&#9632;</span> {html.escape(label)}'
        f'</div><div style="display:flex;gap:6px{";flex-wrap:wrap" if wraps else ""}">{"".join(figures)}</div></div>'
    )


def of_item(name: str, label: int, shown: Mapping[str, Tensor | str | None], note: str = "") -> str:
    """All views of an item in one line, as HTML.

    Parameters
    ----------
    name : str
        The item's.
    label : int
        Its class, for the colour.
    shown : mapping
        view -> what stands for it, see :func:`figure`.
    note : str
        Written after the name.
    """
    return row(name + note, style.CLASS_COLORS[label % len(style.CLASS_COLORS)], [
        figure(value, f"{name}, {view}", style.color(m), shrinks=True) for m, (view, value) in enumerate(shown.items())
    ], wraps=False)


def item(data: MultimodalDataset, i: int, note: str = "") -> str:
    """All views of a test item in one line, as HTML; an empty frame for those that it lacks."""
    return of_item(data.called(i), int(data.y[i]), {v: of_view(data, v, i) for v in data.x}, note)


def of_view(data: MultimodalDataset, view: str, i: int) -> Tensor | str | None:
    """See :func:`content`, of a test item; None if it lacks this view."""
    return content(data, view, data.x[view][i]) if data.has(view, i) else None


def generations(
    data: MultimodalDataset, views: Sequence[str], observed: Sequence[bool], drawn: Mapping[str, Tensor], by: str,
    captions: Mapping[str, Sequence[str]],
) -> str:
    """What one model generates, one row per view, as HTML.

    Parameters
    ----------
    drawn : mapping of str to Tensor
        view -> (S, ...).
    by : str
        Who generates, for alternative texts.
    captions : mapping of str to sequence of str
        view -> S pieces of HTML; views may be missing.
    """
    return "".join(
        row(f"{view} ({'seen' if observed[m] else 'never seen'})", style.color(m), [
            figure(content(data, view, value), f"{by}: {view} generated, sample {i + 1}", None,
                   captions[view][i] if view in captions else "") for i, value in enumerate(drawn[view])])
        for m, view in enumerate(views))
