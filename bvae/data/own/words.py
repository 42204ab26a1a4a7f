"""Single cells: what is a gap, what a cell is called as a word, and which ids can be taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bvae.data.base import DataError

LONGEST_ID = 200
"""Letters of an id."""


def is_gap(value: Any) -> bool:
    """Whether a cell is a gap: None or NaN."""
    return value is None or (isinstance(value, (float, np.floating)) and bool(np.isnan(value)))


def word(value: Any) -> str:
    """A cell as a word: 3.0 as "3", whole numbers with all their digits."""
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if abs(number) < 2**53 and number.is_integer() else f"{number:.15g}"
    return str(value)


def can_name(values: np.ndarray) -> bool:
    """Whether the cells of a column can be the names of items: none is a gap, none stands twice."""
    if values.dtype.kind == "f":
        return not np.isnan(values).any() and len(np.unique(values)) == len(values)
    return not any(map(is_gap, values)) and len(set(values.tolist())) == len(values)


def check_ids(where: str, ids: Sequence[str], first_row: int | None = None) -> None:
    """Raise DataError unless all ids are short, printable and different.

    Parameters
    ----------
    where : str
        What to call the table.
    ids : sequence of str
    first_row : int, optional
        What the file calls the first row; by default items are counted from 0.
    """

    def place(k: int) -> str:
        return f"{where}, item {k}" if first_row is None else f"{where}, row {k + first_row}"

    seen: dict[str, int] = {}
    for k, i in enumerate(ids):
        if not i or len(i) > LONGEST_ID or not i.isprintable():
            got = f"one of {len(i):,}" if len(i) > LONGEST_ID else repr(i)
            raise DataError(f"{place(k)}: expected an id of 1 to {LONGEST_ID} printable characters, got {got}")
        if i in seen:
            before = place(seen[i]).removeprefix(where)[2:]
            raise DataError(f"{place(k)}: expected every id once, got {i!r}, which {before} has; give each item one "
                            "row, such as the mean of its rows")
        seen[i] = k
