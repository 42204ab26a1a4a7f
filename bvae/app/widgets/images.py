"""Images as HTML: enlarged without smoothing, framed in their modality's colour, with alternative texts."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from bvae.app.templates import Markup, render
from bvae.app.widgets import tiles
from bvae.data import MultimodalDataset
from bvae.data.sheet import drawable
from bvae.plots import style

SIDE = 84
SHORT_TEXT = 12  # characters: shown large, in one line, with their blanks; longer ones wrap
FEW_LINES = 48  # characters of those that have room in letters of 10 pixels


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

    Of long texts, what fills them up on both sides is left out. Of columns see `tiles.tile`; of what is nothing of all
    this, its range in words.
    """
    modality = data.modalities[view]
    if modality.columns:
        return tiles.tile(data, view, value)
    if not drawable(data, modality):
        return f"{value.numel():,} numbers from {float(value.min()):.2g} to {float(value.max()):.2g}"
    if modality.kind == "image":
        return value
    text = data.read_text(value.unsqueeze(0))[0]
    return text if len(text) <= SHORT_TEXT else text.strip(data.text_padding)


def figure(
    image: Tensor | str | None, alt: str, color: str | None = None, caption: str = "", side: int = SIDE,
    shrinks: bool = False, gone: str = "hidden",
) -> Markup:
    """One image or text as HTML.

    Parameters
    ----------
    image : Tensor, str or None
        (C, H, W) or a text; None draws a dashed empty frame.
    alt : str
        What a person who cannot see it should hear.
    color : str, optional
        Of the frame; none by default.
    caption : str or Markup
        Below the image.
    side : int
        Pixels.
    shrinks : bool
        Whether it becomes smaller where its row has no room.
    gone : str
        What stands in the frame if there is nothing.
    """
    text = image if isinstance(image, str) else None
    short = text is not None and len(text) <= SHORT_TEXT
    uri = "" if image is None or isinstance(image, str) else data_uri(image)
    return render("figure", uri=uri, text=text, alt=alt,
                  color=color, caption=caption, side=side, shrinks=shrinks, short=short, gone=gone,
                  letters=f"{side / (6 if short else 8.4 if len(text or '') <= FEW_LINES else 11):.0f}")


def row(label: str, color: str, figures: Sequence[str], wraps: bool = True) -> Markup:
    """A labelled row of figures; on narrow screens it wraps, or those of its figures that can become smaller do."""
    return render("row", label=label, color=color, figures=figures, wraps=wraps)


def of_item(name: str, label: int, shown: Mapping[str, Tensor | str | None], note: str = "") -> Markup:
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


def item(data: MultimodalDataset, i: int, note: str = "") -> Markup:
    """All views of a test item in one line, as HTML; an empty frame for those that it lacks."""
    return of_item(data.called(i), int(data.y[i]), {v: of_view(data, v, i) for v in data.x}, note)


def of_view(data: MultimodalDataset, view: str, i: int) -> Tensor | str | None:
    """See :func:`content`, of a test item; None if it lacks this view."""
    return content(data, view, data.x[view][i]) if data.has(view, i) else None


def generations(
    data: MultimodalDataset, views: Sequence[str], observed: Sequence[bool], drawn: Mapping[str, Tensor], by: str,
    captions: Mapping[str, Sequence[str]],
) -> Markup:
    """What one model generates, one row per view, as HTML.

    Parameters
    ----------
    drawn : mapping of str to Tensor
        view -> (S, ...); views that it lacks get no row.
    by : str
        Who generates, for alternative texts.
    captions : mapping of str to sequence of str
        view -> S texts or pieces of HTML; views may be missing.
    """
    return Markup("").join(
        row(f"{view} ({'seen' if observed[m] else 'hidden'})", style.color(m), [
            figure(content(data, view, value), f"{by}: {view} generated, draw {i + 1}", None,
                   captions[view][i] if view in captions else "") for i, value in enumerate(drawn[view])])
        for m, view in enumerate(views) if view in drawn)
