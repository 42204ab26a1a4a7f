"""Columns of the data, as what a map is coloured by and items are found by: labels, and cells of tables."""

from __future__ import annotations

import numpy as np

from bvae.data import MultimodalDataset
from bvae.data.columns import places
from bvae.data.own.own_data import OwnData
from bvae.data.own.words import is_gap, word

BETWEEN = ": "
"""Between the name of a view and that of a column in it."""
MOST_WORDS = 10
"""Different numbers that are told apart as words are."""
NONE_GIVEN = "none given"


def cells(data: MultimodalDataset) -> list[str]:
    """Names of all columns of views that are tables, each with that of its view."""
    return [f"{view}{BETWEEN}{column.name}" for view, m in data.modalities.items() for column in m.columns]


def labels(data: MultimodalDataset) -> list[str]:
    """Names of all label columns."""
    return list(data.label_columns) if isinstance(data, OwnData) else []


def values(data: MultimodalDataset, name: str) -> np.ndarray:
    """(N,) numbers and words of a column of :func:`labels` or :func:`cells`, None for gaps; all None of no column."""
    if isinstance(data, OwnData) and name in data.label_columns:
        return data.label_columns[name]
    out = np.full(len(data), None, dtype=object)
    for m, (view, modality) in enumerate(data.modalities.items()):
        for column, place in zip(modality.columns, places(modality.columns), strict=True):
            if name != f"{view}{BETWEEN}{column.name}":
                continue
            there = data.x[view][:, place].numpy()
            known = data.present[m].numpy() & ~np.isnan(there).any(1)
            number = there.argmax(1) if column.type == "category" else there[:, 0]
            out[known] = ([column.categories[int(k)] for k in number[known]] if column.categories
                          else number[known].astype(float).tolist())
    return out


def numbers(found: np.ndarray) -> np.ndarray | None:
    """(N,) of a column that is read as a scale, NaN for gaps: many different numbers and no word; else None."""
    there = [v for v in found if not is_gap(v)]
    if not all(isinstance(v, (int, float, np.number)) for v in there) or len(set(there)) <= MOST_WORDS:
        return None
    return np.array([np.nan if is_gap(v) else float(v) for v in found])


def words(found: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """A column as classes: (N,) positions, and the words; numbers in their order, gaps last."""
    said = [NONE_GIVEN if is_gap(v) else word(v) for v in found]
    classes = sorted(set(said), key=lambda w: (w == NONE_GIVEN, not w.isdigit(), w.zfill(12) if w.isdigit() else w))
    place = {w: k for k, w in enumerate(classes)}
    return np.array([place[w] for w in said], dtype=int), classes


def patterns(data: MultimodalDataset) -> np.ndarray:
    """(N,) which views each item has, in words."""
    views = list(data.modalities)
    there, which = np.unique(data.present.numpy().T, axis=0, return_inverse=True)  # (patterns, M), (N,)
    said = ["all" if row.all() else " + ".join(v for v, has in zip(views, row, strict=True) if has) for row in there]
    return np.array(said, dtype=object)[which.reshape(-1)]
