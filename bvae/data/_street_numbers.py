"""Synthetic street numbers: house numbers as a camera might see them, drawn from typefaces. Not SVHN.

Every picture has one digit in the middle, whole, and often parts of others beside it, on a plate or a wall, in
perspective, blurred, with uneven light and noise: 3 x 32 x 32, as SVHN's are (Netzer et al., 2011), in the manner of
the synthetic digits of Ganin & Lempitsky (2015).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

SIZE = 32
CANVAS = 96  # drawn three times as large, then reduced
# Typefaces that matplotlib ships: Bitstream Vera / DejaVu, STIX and Computer Modern, all free to embed in pictures.
FACES = (
    "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf", "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf",
    "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSerif-Italic.ttf", "STIXGeneral.ttf", "STIXGeneralBol.ttf",
    "STIXGeneralItalic.ttf", "cmr10.ttf", "cmss10.ttf", "cmtt10.ttf", "cmb10.ttf",
)


@functools.lru_cache(maxsize=512)
def _face(name: str, size: int) -> Any:
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), size)


def render(labels: Tensor, seed: int) -> Tensor:
    """One picture for each label.

    Parameters
    ----------
    labels : Tensor
        (N,) integers 0 to 9.
    seed : int
        Picture n depends on (seed, n, label) alone.

    Returns
    -------
    Tensor
        (N, 3, 32, 32) uint8.
    """
    pictures = [_picture(int(label), np.random.default_rng([seed, n])) for n, label in enumerate(labels)]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()


def _colors(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Ink and ground, (3,) each in 0..255, with enough contrast to read; the ink is the lighter one in 3 of 4.

    With as many of either kind, what a handwritten digit tells of a street number would average to plain grey, and
    that is all that a decoder of means could show.
    """
    sign = 1 if rng.random() < 0.75 else -1
    while True:
        # Mostly grey, as façades are: a lightness of its own, and a colour cast.
        ground = rng.uniform(20, 235) + rng.normal(0, 22, 3)
        ink = rng.uniform(10, 245) + rng.normal(0, 26, 3)
        if rng.random() < 0.15:
            ink = rng.uniform(0, 255, 3)
        if sign * ((ink - ground) @ (0.299, 0.587, 0.114)) > rng.uniform(32, 90):
            return ink.clip(0, 255), ground.clip(0, 255)


def _picture(label: int, rng: np.random.Generator) -> np.ndarray:
    """(32, 32, 3) uint8."""
    from PIL import Image, ImageDraw, ImageFilter

    face = _face(FACES[rng.integers(len(FACES))], int(rng.integers(58, 84)))
    ink, ground = _colors(rng)
    # The number: the digit and, often, neighbours.
    before = str(rng.integers(10)) if rng.random() < 0.45 else ""
    after = str(rng.integers(10)) if rng.random() < 0.45 else ""
    layer = Image.new("L", (3 * CANVAS, CANVAS), 0)
    draw = ImageDraw.Draw(layer)
    width = draw.textlength(str(label), font=face)
    top, bottom = draw.textbbox((0, 0), str(label), font=face)[1::2]
    x = 1.5 * CANVAS - width / 2
    y = CANVAS / 2 - (top + bottom) / 2
    gap = rng.uniform(-2, 6)
    draw.text((x, y), str(label), 255, font=face)
    if before:
        draw.text((x - draw.textlength(before, font=face) - gap, y), before, 255, font=face)
    if after:
        draw.text((x + width + gap, y), after, 255, font=face)
    if rng.random() < 0.2:  # an embossed or bold stroke
        layer = layer.filter(ImageFilter.MaxFilter(3))
    # The view: shift, turn, shear and perspective of the window that is cut out.
    turn = rng.normal(0, 0.12)
    reach = CANVAS * rng.uniform(0.44, 0.58)
    corners = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) * reach + rng.normal(0, 5.0, (4, 2))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    quad = corners @ rotation.T + np.array([1.5 * CANVAS, CANVAS / 2]) + rng.normal(0, 4.0, 2)
    mask = layer.transform((CANVAS, CANVAS), Image.Transform.QUAD, quad.flatten().tolist(), Image.Resampling.BILINEAR)
    mask = mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 3.2)))
    alpha = np.asarray(mask.resize((SIZE, SIZE), Image.Resampling.BOX), np.float64)[..., None] / 255
    # Wall, plate, light.
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, SIZE), np.linspace(-1, 1, SIZE)), -1)
    wall = np.broadcast_to(ground, (SIZE, SIZE, 3)).copy()
    if rng.random() < 0.35:  # the edge of a plate, or of a door frame
        direction = rng.normal(size=2)
        edge = grid @ (direction / np.linalg.norm(direction)) > rng.uniform(0.55, 1.1)
        wall[edge] += rng.normal(0, 45, 3)
    light = 1 + (grid @ rng.normal(0, 0.16, 2))[..., None]
    picture = (alpha * ink + (1 - alpha) * wall) * light
    if rng.random() < 0.5:  # the texture of the wall
        picture = picture + rng.normal(0, rng.uniform(0, 9), (SIZE, SIZE, 1))
    picture = picture + rng.normal(0, rng.uniform(1, 5), (SIZE, SIZE, 3))
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)
