"""A card to share: who was fooled and who was not, with the pictures and the link, as a PNG."""

from __future__ import annotations

import io
import math
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import segno
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from bvae.plots import style

SPELT = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "×": "x", "α": "alpha"}
"""Letters that the font lacks."""
WIDTH, EDGE = 1200, 40
PICTURE, TILE, LANE = 112, 46, 52
TRUTH, LIE, NEITHER = style.COLORS[2], style.COLORS[5], style.LIGHT.faint
FRAMES = {"truth": TRUTH, "lie": LIE, "other": NEITHER}
MARKS = {"holds": TRUTH, "torn": style.COLORS[1], "fooled": LIE, "lost": NEITHER}
INK, QUIET, PAPER = "#0E151D", "#56606B", "#FFFFFF"
MOST_LINK = 600
"""Characters of a link; longer ones have too fine a QR code."""


@dataclass(frozen=True)
class Given:
    """A view that the rules were shown.

    Attributes
    ----------
    name : str
    value : Tensor or str
        See `images.content`.
    lies : bool
    """

    name: str
    value: Tensor | str
    lies: bool


@dataclass(frozen=True)
class Lane:
    """One rule.

    Attributes
    ----------
    name, verdict, shows : str
    draws : sequence of (Tensor or str, str)
        What each shows, and of `FRAMES` which.
    """

    name: str
    verdict: str
    shows: str
    draws: Sequence[tuple[Tensor | str, str]]


def png(headline: str, about: str, given: Sequence[Given], lanes: Sequence[Lane], link: str, note: str) -> bytes:
    """The card, as wide as `WIDTH` and as high as it has to be.

    Parameters
    ----------
    headline : str
        Who was fooled.
    about : str
        The item, the model, the lie.
    given : sequence of Given
    lanes : sequence of Lane
        The best first.
    link : str
        Shows the same race.
    note : str
        How to read it.
    """
    title = wrapped(headline, 40, WIDTH - 2 * EDGE)
    below = wrapped(about, 20, WIDTH - 2 * EDGE)
    top = EDGE + 50 * len(title) + 28 * len(below) + 16
    lanes_top = top + PICTURE + 50
    left = WIDTH - 2 * EDGE - 190
    words = wrapped(note, 16, left)
    foot = lanes_top + LANE * len(lanes) + 20
    height = foot + max(190, 22 * (len(words) + 3)) + EDGE
    image = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(image)
    for i, line in enumerate(title):
        pen.text((EDGE, EDGE + 50 * i), line, INK, font(40))
    for i, line in enumerate(below):
        pen.text((EDGE, EDGE + 50 * len(title) + 28 * i + 8), line, QUIET, font(20))
    for i, view in enumerate(given):
        x = EDGE + i * (PICTURE + 16)
        color = LIE if view.lies else NEITHER
        framed(image, view.value, (x, top), PICTURE, color, 6 if view.lies else 2)
        name = spelt(f"{view.name} lies" if view.lies else view.name)
        pen.text((x, top + PICTURE + 6), name, color if view.lies else QUIET, font(18))
    for i, lane in enumerate(lanes):
        y = lanes_top + LANE * i
        pen.rectangle((EDGE, y, EDGE + 7, y + LANE - 6), MARKS.get(lane.verdict, NEITHER))
        pen.text((EDGE + 20, y + 10), spelt(lane.name), INK, font(20))
        for k, (value, kind) in enumerate(lane.draws):
            framed(image, value, (EDGE + 230 + k * (TILE + 5), y), TILE, FRAMES[kind], 3)
        x = EDGE + 230 + (TILE + 5) * len(lane.draws) + 16
        pen.text((x, y + 10), spelt(lane.verdict), MARKS.get(lane.verdict, QUIET), font(20))
        pen.text((x + 150, y + 12), spelt(lane.shows), QUIET, font(17))
    for i, line in enumerate(words):
        pen.text((EDGE, foot + 22 * i), line, QUIET, font(16))
    code = segno.make(link, error="l") if len(link) <= MOST_LINK else None
    for i, line in enumerate(wrapped(link, 14, left)[:6]):
        pen.text((EDGE, foot + 22 * len(words) + 14 + 18 * i), line, style.COLORS[0], font(14))
    if code is not None:
        image.paste(square(code, 180), (WIDTH - EDGE - 180, foot))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own: no file of the system is needed."""
    return ImageFont.load_default(size=size)


def spelt(text: str) -> str:
    """In letters that the font has."""
    known = "".join(SPELT.get(letter, letter) for letter in text)
    return unicodedata.normalize("NFKD", known).encode("ascii", "ignore").decode("ascii")


def wrapped(text: str, size: int, width: int) -> list[str]:
    """Lines no wider than so many pixels; a word that is wider, such as an address, is broken."""
    letters, text = font(size), spelt(text)
    lines: list[str] = []
    line = ""
    for word in text.split():
        while letters.getlength(word) > width:
            cut = max(1, bisect_right(range(1, len(word)), width, key=lambda n: math.ceil(letters.getlength(word[:n]))))
            lines, line, word = [*lines, *[line] * bool(line), word[:cut]], "", word[cut:]
        longer = f"{line} {word}".strip()
        if letters.getlength(longer) <= width:
            line = longer
        else:
            lines, line = [*lines, line], word
    return [*lines, line] if line else lines


def framed(image: Image.Image, value: Tensor | str, at: tuple[int, int], side: int, color: str, line: int) -> None:
    """Put a picture, enlarged without smoothing, or a text into a frame of so many pixels."""
    pen, (x, y) = ImageDraw.Draw(image), at
    pen.rectangle((x, y, x + side - 1, y + side - 1), "#EEF0F2", color, line)
    inside = side - 2 * line
    if isinstance(value, str):
        size = 15 if side > TILE else 9
        text = "\n".join(wrapped(value, size, inside - 2)[: inside // (size + 3)])
        pen.multiline_text((x + side / 2, y + side / 2), text, INK, font(size), anchor="mm", align="center", spacing=1)
        return
    pixels = (value.clamp(0, 1) * 255).round().byte().permute(1, 2, 0)[..., :3].numpy()
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    picture = Image.fromarray(pixels)
    enlarges = max(picture.size) <= inside
    image.paste(picture.resize((inside, inside), Image.Resampling.NEAREST if enlarges else Image.Resampling.BOX),
                (x + line, y + line))


def square(code: segno.QRCode, side: int) -> Image.Image:
    """A QR code in so many pixels, each of its cells as large as every other."""
    cells = np.array([[not dark for dark in row] for row in code.matrix_iter(border=2)], dtype=np.uint8)
    scale = max(1, side // len(cells))
    small = Image.fromarray(255 * np.kron(cells, np.ones((scale, scale), np.uint8)))
    out = Image.new("L", (side, side), 255)
    out.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return out
