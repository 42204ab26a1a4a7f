"""Tags as a modality: cells of several words each, such as "jazz; piano", as a vocabulary of yes and no."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from bvae.data.base import DataError
from bvae.data.columns import LONGEST, Column
from bvae.data.own.tables import Table

SEPARATORS = ";|,"
"""What stands between tags: the first one of these that stands in any cell."""
MOST_TAGS = 2000
"""Different tags that are kept, the commonest ones."""


def separator_of(cells: Sequence[str | None]) -> str:
    """What stands between the tags of these cells."""
    return next((mark for mark in SEPARATORS if any(mark in c for c in cells if c)), SEPARATORS[0])


def parted(cell: str, separator: str) -> list[str]:
    """The tags of one cell, each once, without blanks around them; none in a cell of separators only."""
    return list(dict.fromkeys(t for t in (" ".join(part.split()) for part in cell.split(separator)) if t))


def tag_table(
    where: str, cells: Sequence[str | None], known: Sequence[Column] | None = None
) -> tuple[Table, list[str]]:
    """One column a tag, of 0 and 1; a cell that is None is a gap in all of them.

    Parameters
    ----------
    where : str
        For errors.
    cells : sequence
    known : sequence of Column, optional
        The vocabulary of a model; by default the tags of the cells, in the order of the alphabet.

    Returns
    -------
    table : Table
    notes : list of str
        What was left out, in sentences.

    Raises
    ------
    DataError
        If no cell has a tag and none are known, or a tag is too long or cannot be printed.
    """
    mark = separator_of(cells)
    tags = [None if c is None else parted(c, mark) for c in cells]
    counted = Counter(t for row in tags if row for t in row)
    notes = []
    strange = next((t for t in counted if len(t) > LONGEST or not t.isprintable()), None)
    if strange is not None:
        row = next(k for k, found in enumerate(tags) if found and strange in found)
        raise DataError(f"{where}, row {row + 1} of the cells: expected tags of at most {LONGEST} printable characters "
                        f"with {mark!r} between them, got {strange[:40]!r}")
    if known is not None:
        words = [c.name for c in known]
        new = sorted(set(counted) - set(words))
        if new:
            notes.append(f"{where}: {len(new):,} tags are not known and are left out: {', '.join(new[:5])}")
    else:
        if not counted:
            raise DataError(f"{where}: expected cells with tags, such as \"jazz; piano\", got none")
        words = sorted(t for t, _ in counted.most_common(MOST_TAGS))
        if len(counted) > MOST_TAGS:
            notes.append(f"{where}: {len(counted):,} different tags, of which the {MOST_TAGS:,} commonest are kept")
    places = {t: k for k, t in enumerate(words)}
    out = np.zeros((len(cells), len(words)))
    for k, found in enumerate(tags):
        if found is None:
            out[k] = np.nan
        else:
            out[k, [places[t] for t in found if t in places]] = 1
    return Table(where, {t: out[:, k] for k, t in enumerate(words)}, 0), notes


def written(values: np.ndarray, columns: Sequence[Column]) -> np.ndarray:
    """Probabilities (N, P) as cells: the tags that are more probable than not."""
    return np.array(["; ".join(c.name for c, p in zip(columns, row, strict=True) if p > 0.5) or ";" for row in values],
                    dtype=object)
