"""Drawings: what a person draws or uploads, as 28 x 28 cells in four grey levels. As text for links; as MNIST has it.

A drawing is (28, 28) uint8 with the values 0, 85, 170 and 255, light ink on black. There is one form for all sources
(canvas, upload, example, link), so that a link shows its receiver exactly the same picture.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from PIL import Image

SIZE = 28
BOX = 20  # MNIST's digits fit into so many pixels
LEVELS = 4
STEP = 255 // (LEVELS - 1)
PACKED = SIZE * SIZE // 4  # bytes, four cells each
MOST_CHARACTERS = 280  # of a link: what 196 bytes need that cannot be compressed, and a little
MOST_BYTES = 2 * 2**20
MOST_PIXELS = 4096  # of each side
WORKING = 512  # uploads are reduced to so many pixels before they are looked at


class BadDrawing(ValueError):
    """What came is no drawing; the text says why."""


def parse(digits: str) -> Tensor:
    """The drawing of 784 characters "0" to "3", row by row.

    Raises
    ------
    BadDrawing
        For anything else.
    """
    if not isinstance(digits, str):
        raise BadDrawing(f"expected {SIZE * SIZE} digits as text, got {type(digits).__name__}")
    if len(digits) != SIZE * SIZE:
        raise BadDrawing(f"expected {SIZE * SIZE} digits, got {len(digits):,} characters")
    if not re.fullmatch("[0-3]*", digits):
        raise BadDrawing("expected digits 0 to 3, got another character")
    cells = np.frombuffer(digits.encode("ascii"), np.uint8) - ord("0")
    return torch.from_numpy(cells * np.uint8(STEP)).view(SIZE, SIZE)


def digits_of(drawing: Tensor) -> str:
    """The inverse of :func:`parse`."""
    return "".join(map(str, _levels(drawing).flatten().tolist()))


def encode(drawing: Tensor) -> str:
    """A drawing as text for a link: 2 bits a cell, deflated, in the URL-safe alphabet of base64."""
    cells = _levels(drawing).view(-1, 4).numpy()
    packed = (cells[:, 0] << 6 | cells[:, 1] << 4 | cells[:, 2] << 2 | cells[:, 3]).astype(np.uint8).tobytes()
    squeeze = zlib.compressobj(9, wbits=-15)
    return base64.urlsafe_b64encode(squeeze.compress(packed) + squeeze.flush()).decode("ascii").rstrip("=")


def decode(text: str) -> Tensor:
    """The inverse of :func:`encode`, for text from anywhere: its length and what it unpacks to are bounded.

    Raises
    ------
    BadDrawing
    """
    if len(text) > MOST_CHARACTERS:
        raise BadDrawing(f"expected at most {MOST_CHARACTERS} characters, got {len(text):,}")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise BadDrawing("expected letters, digits, '-' and '_'")
    unpack = zlib.decompressobj(wbits=-15)
    try:
        packed = unpack.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), PACKED + 1)
    except (binascii.Error, zlib.error) as error:
        raise BadDrawing("it cannot be unpacked") from error
    if len(packed) != PACKED or not unpack.eof or unpack.unused_data:
        raise BadDrawing(f"expected exactly {PACKED} bytes inside")
    cells = np.frombuffer(packed, np.uint8)
    parts = np.stack([cells >> 6, cells >> 4 & 3, cells >> 2 & 3, cells & 3], axis=1)
    return torch.from_numpy(parts * np.uint8(STEP)).view(SIZE, SIZE)


def quantised(values: Tensor) -> Tensor:
    """(28, 28) numbers from 0 to 255 as a drawing: each the nearest of the four levels."""
    return (values.float() / STEP).round().clamp(0, LEVELS - 1).to(torch.uint8) * STEP


def centred(drawing: Tensor) -> Tensor:
    """As MNIST's digits are: scaled to fit 20 x 20 pixels, its centre of mass in the middle of 28 x 28.

    LeCun et al.'s recipe. It makes a small or a shifted drawing one that a model of such digits can read; of a
    drawing that is no digit it makes a large one too.

    Parameters
    ----------
    drawing : Tensor
        (28, 28) uint8.

    Returns
    -------
    Tensor
        (28, 28) uint8, all grey levels; without ink, the same.
    """
    ink = drawing.float()
    rows, columns = (torch.nonzero(ink.amax(axis)).flatten() for axis in (1, 0))
    if len(rows) == 0:
        return drawing
    cut = ink[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]
    scale = BOX / max(cut.shape)
    size = [max(1, round(side * scale)) for side in cut.shape]
    scaled = F.interpolate(cut[None, None], size, mode="bilinear", antialias=True, align_corners=False)[0, 0]
    out = torch.zeros(3 * SIZE, 3 * SIZE)  # room to shift
    start = []
    for axis, side in enumerate(size):
        mass = scaled.sum(1 - axis)
        start.append(SIZE + round(SIZE / 2 - float((mass * (torch.arange(side) + 0.5)).sum() / mass.sum())))
    out[start[0] : start[0] + size[0], start[1] : start[1] + size[1]] = scaled
    return out[SIZE : 2 * SIZE, SIZE : 2 * SIZE].round().clamp(0, 255).to(torch.uint8)


def strokes(lines: Sequence[Sequence[tuple[float, float]]], radius: float = 1.1) -> Tensor:
    """Polylines drawn with the canvas's soft brush, as a drawing.

    Parameters
    ----------
    lines : sequence of sequences of (x, y)
        In cells, from the left and from the top, 0 to 28.
    radius : float
        Of full ink around the line; it fades over one more cell.
    """
    axis = torch.arange(SIZE) + 0.5
    cells = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)  # (28, 28, 2) as (x, y)
    nearest = torch.full((SIZE, SIZE), torch.inf)
    for line in lines:
        for start, end in zip(line, line[1:] or line, strict=False):
            a, b = torch.tensor(start, dtype=torch.float32), torch.tensor(end, dtype=torch.float32)
            along = ((cells - a) @ (b - a) / (b - a).square().sum().clamp_min(1e-9)).clamp(0, 1)
            nearest = torch.minimum(nearest, (cells - a - along.unsqueeze(-1) * (b - a)).norm(dim=-1))
    return quantised(255 * (radius + 1 - nearest).clamp(0, 1))


def read_picture(content: bytes) -> Tensor:
    """A drawing from an uploaded PNG or JPEG, whatever its polarity.

    What differs from the grey of the picture's border is ink; faint differences (below 30 % of the largest) are paper.
    It is meant for a photographed or painted figure on an even ground. Nothing is written to disk.

    Parameters
    ----------
    content : bytes
        At most 2 MB and 4096 pixels a side.

    Raises
    ------
    BadDrawing
    """
    from PIL import Image

    if len(content) > MOST_BYTES:
        raise BadDrawing(f"expected at most {MOST_BYTES // 2**20} MB, got {len(content) / 2**20:.1f} MB")
    try:
        with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as picture:
            if max(picture.size) > MOST_PIXELS:  # known from the header, before any pixel is unpacked
                raise BadDrawing(f"expected at most {MOST_PIXELS} pixels a side, got {picture.width} x "
                                 f"{picture.height}")
            grey = _grey(picture)
    except BadDrawing:
        raise
    except Exception as error:  # a damaged file makes the decoder raise almost anything
        raise BadDrawing("expected a PNG or JPEG file, this one cannot be read") from error
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.abs(grey - np.median(border))
    strongest = ink.max()
    if strongest < 16:
        raise BadDrawing("the picture is of one grey: there is nothing drawn on it")
    ink[ink < 0.3 * strongest] = 0
    rows, columns = (np.flatnonzero(ink.max(axis)) for axis in (1, 0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] * (255 / strongest)
    scale = BOX / max(cut.shape)
    size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    small = np.asarray(Image.fromarray(cut.round().astype(np.uint8)).resize(size, Image.Resampling.BOX))
    small = small.astype(np.float32) * (255 / max(1, small.max()))  # thin lines fade when they are reduced
    out = np.zeros((SIZE, SIZE), np.float32)
    top, left = (SIZE - size[1]) // 2, (SIZE - size[0]) // 2
    out[top : top + size[1], left : left + size[0]] = small
    return quantised(torch.from_numpy(out))


def _grey(picture: Image.Image) -> np.ndarray:
    """A picture as (H, W) float32 greys, upright, of at most 512 pixels a side; what is transparent is paper."""
    from PIL import ImageOps

    picture.draft("L", (WORKING, WORKING))  # JPEG: unpacked at a smaller size
    picture = ImageOps.exif_transpose(picture)
    picture.thumbnail((WORKING, WORKING))
    picture = picture.convert("RGBA")
    values = np.asarray(picture, np.float32)
    opaque = values[..., 3] / 255
    grey = values[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)
    mean = float((grey * opaque).sum() / max(opaque.sum(), 1e-6))
    paper = 255.0 if mean < 128 else 0.0  # of the other end than the ink
    return grey * opaque + paper * (1 - opaque) if opaque.min() < 1 else grey


def _levels(drawing: Tensor) -> Tensor:
    if drawing.shape != (SIZE, SIZE) or drawing.dtype != torch.uint8 or bool((drawing % STEP).any()):
        raise ValueError(f"drawing: expected uint8 of shape {(SIZE, SIZE)} with multiples of {STEP}, got "
                         f"{drawing.dtype} of {tuple(drawing.shape)}")
    return drawing // STEP


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[tuple[float, float]]:
    """Points of an ellipse, angles in degrees, clockwise from the right."""
    angles = np.deg2rad(np.linspace(start, end, 24))
    return [(x + rx * float(np.cos(a)), y + ry * float(np.sin(a))) for a in angles]


EXAMPLES: dict[str, Tensor] = {
    "a 7": strokes([[(7.5, 6.5), (20, 6), (15.5, 13.5), (12, 22.5)]]),
    "a 2": strokes([[*_arc(13.5, 10, 5.5, 4.5, 190, 380), (8, 21.5), (20.5, 21)]]),
    "a 3": strokes([[*_arc(13, 9.5, 5, 4, 200, 440), *_arc(13, 17.7, 5.8, 4.4, -80, 160)]]),
    "a 4": strokes([[(10.5, 5.5), (7.5, 15), (20, 14.5)], [(17.5, 6.5), (15.8, 23)]]),
    "an 8": strokes([[*_arc(14, 9.5, 4, 4, 90, 450), *_arc(14, 18, 4.8, 4.5, -90, 270)]]),
    "a 0": strokes([_arc(14, 14, 5.6, 8.2, -70, 290)]),
    "a house": strokes([[(7, 13), (7, 22), (21, 22), (21, 13)], [(4.5, 13.5), (14, 5.5), (23.5, 13.5)]]),
}
"""Drawn here, as strokes. The house is no digit: what does a model of digits see in it?"""
