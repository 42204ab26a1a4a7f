"""Frames of a path as files: an animated GIF, and a strip as PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

SIDE, GAP = 112, 4
PERIOD = 110  # milliseconds


def tile(value: Tensor | str) -> Image.Image:
    """One picture, enlarged without smoothing, or one text."""
    if isinstance(value, str):
        out = Image.new("RGB", (SIDE, SIDE), "#EEF0F2")
        font = ImageFont.load_default(size=16 if len(value) <= 12 else 9)
        per_line = 12 if len(value) <= 12 else 20
        lines = "\n".join(value[i : i + per_line] for i in range(0, len(value), per_line))
        ImageDraw.Draw(out).multiline_text((SIDE / 2, SIDE / 2), lines, "#1B2430", font, anchor="mm", align="center")
        return out
    pixels = (value.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels).resize(
        (SIDE, SIDE), Image.Resampling.NEAREST)


def sheet(rows: Sequence[Sequence[Tensor | str]]) -> Image.Image:
    """Tiles on white, row by row."""
    step = SIDE + GAP
    out = Image.new("RGB", (GAP + step * len(rows[0]), GAP + step * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            out.paste(tile(value), (GAP + x * step, GAP + y * step))
    return out


def png(frames: Mapping[str, Sequence[Tensor | str]]) -> bytes:
    """A strip: one row for each modality, one column for each frame."""
    buffer = io.BytesIO()
    sheet(list(frames.values())).save(buffer, format="PNG")
    return buffer.getvalue()


def gif(frames: Mapping[str, Sequence[Tensor | str]]) -> bytes:
    """An animation to and fro that repeats: all modalities side by side."""
    there = [sheet([list(values)]) for values in zip(*frames.values(), strict=True)]
    order = [*there, *there[-2:0:-1]]
    rest = [PERIOD] * len(order)
    rest[0] = rest[len(there) - 1] = 6 * PERIOD
    buffer = io.BytesIO()
    order[0].save(buffer, format="GIF", save_all=True, append_images=order[1:], duration=rest, loop=0)
    return buffer.getvalue()
