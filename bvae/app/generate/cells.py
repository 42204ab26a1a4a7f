"""Cells of an item that a person changes or empties: which they are, as links hold them, and what the item becomes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from bvae.app.beliefs import columns
from bvae.data import MultimodalDataset
from bvae.data.columns import Column, places

Place: TypeAlias = tuple[int, int]
"""Number of the view, number of its column."""
Changes: TypeAlias = dict[Place, float | None]
"""What is put in a column's place: a number, the number of a word, or None for nothing at all."""
WORDS = ("binary", "category")
MOST_IN_LINK = 60
"""Changed cells that a link holds."""
BEYOND = 3
"""Spans of a column by which a number may lie beyond all items."""


def of_words(column: Column) -> bool:
    """Whether one chooses among words, and does not type a number."""
    return column.type in WORDS


def words(column: Column) -> tuple[str, ...]:
    """The words that one chooses from."""
    return column.categories or ("0", "1")


def own(data: MultimodalDataset, item: int, place: Place) -> float | None:
    """What an item has in a column, as :data:`Changes` has it; None for a gap."""
    view, column, at = found(data, place)
    cells = data.x[view][item][at]
    if not data.has(view, item) or bool(cells.isnan().any()):
        return None
    if column.type == "category":
        return float(cells.argmax())
    return float(f"{float(cells[0]):.6g}")


def found(data: MultimodalDataset, place: Place) -> tuple[str, Column, slice]:
    """Name of the view, the column, and where its cells are. Raises KeyError if there is no such place."""
    m, k = place
    names = list(data.modalities)
    if not 0 <= m < len(names) or not 0 <= k < len(data.modalities[names[m]].columns):
        raise KeyError(place)
    of_view = data.modalities[names[m]].columns
    return names[m], of_view[k], places(of_view)[k]


def usual(data: MultimodalDataset, place: Place) -> tuple[float, float]:
    """The least and the greatest number of a column among the test items."""
    view, _, at = found(data, place)
    low, high = columns.ends(data, view)
    return low[at.start], high[at.start]


def bounds(data: MultimodalDataset, item: int, place: Place) -> tuple[float, float]:
    """Between which numbers a column can be changed: wider than the items are, yet not so wide that nothing is said."""
    low, high = usual(data, place)
    span = BEYOND * ((high - low) or abs(low) or 1.0)
    mine = own(data, item, place)
    around = [low - span, high + span] + ([] if mine is None else [mine])
    least = max(0.0, min(around)) if found(data, place)[1].type == "count" else min(around)
    return float(f"{least:.6g}"), float(f"{max(around):.6g}")


def step(data: MultimodalDataset, place: Place) -> float:
    """How far the arrows beside a number go: about a twentieth of what the items have, as a power of ten."""
    low, high = usual(data, place)
    return 10.0 ** math.floor(math.log10((high - low) / 20)) if high > low else 1.0


def changed(data: MultimodalDataset, item: int, changes: Mapping[Place, float | None]) -> dict[str, Tensor]:
    """The item's views of columns with what was changed: name -> (1, P). Views that it lacks begin with nothing."""
    out = {name: data.x[name][[item]].clone() if data.has(name, item) else torch.full((1, *m.shape), torch.nan)
           for name, m in data.modalities.items() if m.columns}
    for place, value in changes.items():
        view, column, at = found(data, place)
        out[view][0, at] = torch.nan if value is None else torch.tensor(cells_of(column, value))
    return out


def cells_of(column: Column, value: float) -> list[float]:
    """The cells of a column's value."""
    return [float(k == int(value)) for k in range(column.width)] if column.type == "category" else [float(value)]


def encode(changes: Mapping[Place, float | None]) -> str:
    """Changes as links hold them: "0.1:45.2_2.0:" for a number, and for a cell that is emptied."""
    return "_".join(f"{m}.{k}:{'' if v is None else f'{v:.6g}'}" for (m, k), v in sorted(changes.items()))


def decode(text: str, data: MultimodalDataset, item: int) -> Changes:
    """The inverse of :func:`encode`; numbers are brought within :func:`bounds`.

    Raises
    ------
    ValueError
        If these are no changes, or none of this data set.
    """
    out: Changes = {}
    parts = text.split("_")
    if len(parts) > MOST_IN_LINK:
        raise ValueError(f"expected at most {MOST_IN_LINK} cells, got {len(parts)}")
    for part in parts:
        place, _, written = part.partition(":")
        m, _, k = place.partition(".")
        at = int(m), int(k)
        try:
            column = found(data, at)[1]
        except KeyError as error:
            raise ValueError(f"no column {place!r:.20}") from error
        value = float(written) if written else None
        if value is not None and of_words(column):
            if value not in range(len(words(column))):
                raise ValueError(f"no word {written!r:.20} of {column.name!r:.40}")
        elif value is not None:
            if not math.isfinite(value):
                raise ValueError(f"no number: {written!r:.20}")
            low, high = bounds(data, item, at)
            value = min(high, max(low, value))
            value = float(round(value)) if column.type == "count" else value
        out[at] = value
    return out
