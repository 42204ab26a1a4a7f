"""Views of columns as what fits the place of a picture: a few columns in words, many as a pattern of squares."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from bvae.data import Modality, MultimodalDataset
from bvae.data.columns import Column, places

FEW = 4
"""Columns that are written out; more are squares."""
SOME = 1000
"""Items of which a column's usual values are taken."""
LOW, MIDDLE, HIGH, GAP = (0.13, 0.40, 0.67), (0.97, 0.97, 0.95), (0.85, 0.37, 0.05), (0.62, 0.64, 0.66)
"""Colours of two standard deviations below a column's mean, of the mean, of two above it, and of what is missing."""
SURE = 0.995
"""A word that is at least as probable stands alone."""


def has_tables(data: MultimodalDataset) -> bool:
    """Whether a view is made of columns."""
    return any(m.columns for m in data.modalities.values())


def note(data: MultimodalDataset) -> str:
    """How to read the squares, where there are some; else ""."""
    if not any(len(m.columns) > FEW for m in data.modalities.values()):
        return ""
    return "Squares: one for each column; orange above its mean over the items, blue below."


def number(value: float) -> str:
    """A number in a column's own unit, to three digits."""
    if math.isnan(value):
        return "–"
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else "0" if size == 0 else f"{value:.3g}"


def called(column: Column) -> str:
    """A column's name for a person."""
    return column.name.replace("_", " ")


def words(column: Column, cells: Tensor) -> list[tuple[str, float]]:
    """The words of a column with their probabilities, the most probable first; nothing of numbers and gaps."""
    if column.type not in ("binary", "category") or bool(cells.isnan().any()):
        return []
    p = cells.tolist()
    named = zip(column.categories or ("0", "1"), [1 - p[0], p[0]] if column.type == "binary" else p, strict=True)
    return sorted(named, key=lambda pair: -pair[1])


def written(column: Column, cells: Tensor) -> str:
    """A column of one item: its number, or its most probable word."""
    found = words(column, cells)
    if not found:
        return number(float(cells[0]))
    word, p = found[0]
    return word if p >= SURE else f"{word} {p:.0%}"


def tile(data: MultimodalDataset, view: str, value: Tensor) -> Tensor | str:
    """One item's cells (P,) in words, or as a picture (3, H, W) of one square each."""
    modality = data.modalities[view]
    if len(modality.columns) <= FEW:
        return ", ".join(f"{called(c)} {written(c, value[at])}" for c, at in zip(
            modality.columns, places(modality.columns), strict=True))
    mean, deviation = usual(data, view)
    return squares((value - mean) / deviation, modality)


@functools.lru_cache(maxsize=32)
def usual(data: MultimodalDataset, view: str) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (P,) of every cell over the items that have it."""
    have = data.x[view][data.present[list(data.modalities).index(view)]][:SOME]
    mean = have.nanmean(0)
    deviation = (have - mean).square().nanmean(0).sqrt()
    return mean.nan_to_num(), torch.where(deviation > 0, deviation, 1.0).nan_to_num(1.0)


def squares(z: Tensor, modality: Modality) -> Tensor:
    """Standardised cells (P,) as a picture (3, H, W), in rows that are about as many as the squares of each."""
    low, middle, high, gap = (torch.tensor(c).unsqueeze(1) for c in (LOW, MIDDLE, HIGH, GAP))
    part = (z / 2).clamp(-1, 1)
    colors = torch.where(part < 0, middle + (low - middle) * -part, middle + (high - middle) * part)
    colors = torch.where(z.isnan(), gap, colors)
    width = math.ceil(math.sqrt(len(z)))
    height = math.ceil(len(z) / width)
    out = torch.ones(3, height * width)
    out[:, : len(z)] = colors
    return out.view(3, height, width)
