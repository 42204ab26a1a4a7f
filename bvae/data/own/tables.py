"""A table as a reader gives it: ids and columns of numbers or words, before anything is decided about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bvae.data.base import DataError
from bvae.data.sparse import MOST_DENSE, SparseColumns
from bvae.registry import Registry

MIB = 1024 * 1024
MAX_FILE = 4096 * MIB
MAX_CELLS, MAX_COLUMNS, MAX_ITEMS = 600_000_000, 150_000, 5_000_000
MAX_NAME = 200
"""Letters of a column's name."""
UNNAMED = "row names"
"""What a first column without a name is called, as pandas, R and spreadsheets write one: it holds the ids."""
GAPS = ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "none", "-", "?", "#N/A", ".")
"""Words that stand for a gap everywhere; a manifest may declare more, such as -999."""


@dataclass(frozen=True)
class Table:
    """Columns of as many rows each.

    Attributes
    ----------
    where : str
        What to call it in an error: the file's name.
    columns : mapping
        Name -> (N,) float64 with NaN for gaps, or (N,) of objects: words, None for gaps. Of a sparse matrix a
        `SparseColumns`, which makes a column dense when it is looked at.
    first_row : int
        What the file calls the first row, for errors: 2 below a header in line 1.
    """

    where: str
    columns: Mapping[str, np.ndarray]
    first_row: int = 2

    @property
    def num_rows(self) -> int:
        """N."""
        return len(next(iter(self.columns.values()), ()))

    def row(self, index: int) -> str:
        """A row as the file counts it."""
        return f"{self.where}, row {index + self.first_row}"

    def only(self, names: Sequence[str]) -> Table:
        """Some of the columns, in this order."""
        columns = self.columns
        chosen = columns.only(names) if isinstance(columns, SparseColumns) else {name: columns[name] for name in names}
        return Table(self.where, chosen, self.first_row)

    def without(self, names: Sequence[str]) -> Table:
        """The other columns."""
        return self.only([name for name in self.columns if name not in names])


@dataclass(frozen=True)
class Views:
    """What a reader found in one file or folder.

    Attributes
    ----------
    tables : dict
        Name of a part -> table; a file of one table calls it "".
    arrays : dict
        Name of a part -> (N, ...) pictures or the like, with `ids` beside.
    ids : dict
        Name of a part of `arrays` -> ids of its rows, where it has some.
    notes : list of str
        What was left out or changed, in sentences.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


READERS: Registry[Callable[..., Views]] = Registry("file type")
"""Suffix such as ".csv" -> reader: (path, options of the modality) -> Views."""


def check_size(path: Path, most: int = MAX_FILE) -> None:
    """Raise DataError for a file that is empty or too large to be read into memory."""
    size = path.stat().st_size
    if not size:
        raise DataError(f"{path.name}: expected a table, got an empty file")
    if size > most:
        raise DataError(f"{path.name}: expected at most {most // MIB:,} MB, got {size / MIB:,.0f} MB; write it as "
                        "Parquet or float32, or with fewer columns")


def check_extent(where: str, rows: int, columns: int) -> None:
    """Raise DataError for a table of more rows, columns or cells than are taken."""
    for got, most, what in ((rows, MAX_ITEMS, "rows"), (columns, MAX_COLUMNS, "columns"),
                            (rows * columns, MAX_CELLS, "cells")):
        if got > most:
            raise DataError(f"{where}: expected at most {most:,} {what}, got {got:,}; leave out what is not needed")
    if not columns:
        raise DataError(f"{where}: expected at least one column, got none")
    if not rows:
        raise DataError(f"{where}: expected at least one row, got a header without rows")


def check_columns(where: str, names: Sequence[Any]) -> list[str]:
    """Names of columns in one line, without blanks around them: each once, and each one that a person can read."""
    out: list[str] = []
    seen: dict[str, int] = {}
    for k, given in enumerate(names, start=1):
        name = " ".join(str(given).split()) or (UNNAMED if k == 1 else "")
        if not name:
            raise DataError(f"{where}, column {k}: expected a name in the first row, got none; give it one")
        if len(name) > MAX_NAME or not (name.isprintable()):
            raise DataError(f"{where}, column {k}: expected a name of at most {MAX_NAME} printable characters, got "
                            f"{name[:40]!r}")
        if name in seen:
            raise DataError(f"{where}, column {k}: expected every name once, got {name!r}, which column {seen[name]} "
                            "has; rename one")
        seen[name] = k
        out.append(name)
    return out


def columns_of_matrix(where: str, values: Any, names: Sequence[str]) -> Mapping[str, np.ndarray]:
    """The columns of a matrix (N, P) of numbers; of a sparse one, in which most cells are 0, they stay sparse.

    Raises DataError if it holds no numbers, or is a sparse one that is damaged.
    """
    if not hasattr(values, "toarray"):
        values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise DataError(f"{where}: expected numbers, got {values.dtype}")
    if hasattr(values, "toarray") and values.nnz <= MOST_DENSE * np.prod(values.shape, dtype=float):
        check_indices(where, values)
        return SparseColumns(values, names)
    cells = dense(where, values)
    return {name: cells[:, k].astype(np.float64) for k, name in enumerate(names)}


def check_indices(where: str, values: Any) -> None:
    """Raise DataError for a sparse matrix whose indices point outside of it.

    SciPy does not look at them when it writes the cells out, and would write anywhere in the memory.
    """
    if hasattr(values, "check_format"):
        try:
            values.check_format(full_check=True)
        except ValueError as error:
            raise DataError(f"{where}: expected a sparse matrix, got a damaged one ({told(error)})") from error


def dense(where: str, values: Any) -> np.ndarray:
    """A matrix, sparse or not, as an array. Raises DataError for a damaged one, see :func:`check_indices`."""
    check_indices(where, values)
    return values.toarray() if hasattr(values, "toarray") else np.asarray(values)


def told(error: BaseException, most: int = 100) -> str:
    """What a library says of a file, in one line and short."""
    return " ".join(str(error).split())[:most]


def suffix_of(path: Path) -> str:
    """What a file's type is told by: its last suffix, in small letters."""
    return path.suffix.lower()
