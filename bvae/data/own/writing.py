"""Tables out: embeddings and imputed views as CSV, TSV, Parquet or NPZ, in the format of what came in."""

from __future__ import annotations

import csv
import io
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from bvae.data.base import DataError
from bvae.data.columns import Column, places
from bvae.data.own.tables import UNNAMED
from bvae.data.own.words import is_gap, word
from bvae.io.storage import write_atomically

SUFFIXES = (".csv", ".tsv", ".parquet", ".npz")
DIGITS = 7
"""Significant digits of a number of a model in a text table: as many as float32 has."""
FORMULA = re.compile(r"'?[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


class TableWriter(AbstractContextManager["TableWriter"]):
    """Writes columns of the same length to a file, of the type that its suffix says, some rows after the other.

    The file is there whole when the block ends without an error, or not at all. Text tables are written as the rows
    come; what is in another format is kept until then.

    Raises
    ------
    DataError
        For another suffix than :data:`SUFFIXES`.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.suffix = path, path.suffix.lower()
        if self.suffix not in SUFFIXES:
            raise DataError(f"{path.name}: expected a file that ends with {', '.join(SUFFIXES)}, got {self.suffix!r}")
        self.text = self.suffix in (".csv", ".tsv")
        self.held: Any = tempfile.TemporaryFile()  # noqa: SIM115  # it is closed in __exit__
        self.pieces: list[Mapping[str, Any]] = []

    def write(self, columns: Mapping[str, Sequence[Any] | np.ndarray]) -> None:
        """Write further rows, of the same columns."""
        if not self.text:
            self.pieces.append(columns)
            return
        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t" if self.suffix == ".tsv" else ",", lineterminator="\n")
        if not self.held.tell():
            writer.writerow("" if name == UNNAMED else harmless(name) for name in columns)
        writer.writerows(zip(*([written(v) for v in values] for values in columns.values()), strict=True))
        self.held.write(text.getvalue().encode())

    def __exit__(self, kind: Any, *_: object) -> None:
        with self.held:
            if kind is not None:
                return
            if not self.text:
                _binary(self.held, self.suffix, {name: _joined([piece[name] for piece in self.pieces])
                                                 for name in (self.pieces[0] if self.pieces else ())})
            self.held.seek(0)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, self._copy)

    def _copy(self, place: Path) -> None:
        with open(place, "wb") as file:
            shutil.copyfileobj(self.held, file)


def write_table(path: Path, columns: Mapping[str, Sequence[Any] | np.ndarray]) -> None:
    """Write columns of the same length to a file at once. See `TableWriter`."""
    with TableWriter(path) as writer:
        writer.write(columns)


def _joined(pieces: Sequence[Any]) -> Any:
    """One column of several pieces: an array of arrays, else a list."""
    if len(pieces) == 1:
        return pieces[0]
    if all(isinstance(piece, np.ndarray) and piece.dtype.kind != "O" for piece in pieces):
        return np.concatenate(pieces)
    return [value for piece in pieces for value in piece]


def _binary(file: Any, suffix: str, columns: Mapping[str, Any]) -> None:
    """Write columns to an open file as NPZ or Parquet."""
    if suffix == ".npz":
        np.savez_compressed(file, **{k: _plain(v) for k, v in columns.items()})  # type: ignore[arg-type]
        return
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({k: arrow(pa, v) for k, v in columns.items()}), file)


def arrow(pa: Any, values: Any) -> Any:
    """Cells as an Arrow array: numbers, or words where one of them is one."""
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return pa.array(values)
    cells = [None if is_gap(v) else v for v in values]
    return pa.array([v if v is None else word(v) for v in cells] if any(isinstance(v, str) for v in cells) else cells)


def _plain(values: Any) -> np.ndarray:
    """Numbers with NaN for gaps, or words with "" for them: NPZ without pickles."""
    array = np.asarray(values, dtype=object)
    cells = [None if is_gap(v) else v for v in array.tolist()]
    if all(v is None or isinstance(v, (bool, int, float)) for v in cells):
        return np.array([np.nan if v is None else v for v in cells], dtype=np.asarray(values).dtype if isinstance(
            values, np.ndarray) and values.dtype.kind == "f" else np.float64)
    return np.array(["" if v is None else word(v) for v in cells])


def written(value: Any) -> str:
    """A cell as text: nothing for a gap, numbers of a model with :data:`DIGITS` digits, those that came in as they
    were."""
    if is_gap(value):
        return ""
    if isinstance(value, np.float32):
        return f"{value:.{DIGITS}g}"
    return word(value) if isinstance(value, (float, np.floating)) else harmless(str(value))


def harmless(text: str) -> str:
    """A word that no spreadsheet runs as a formula: with an apostrophe before it, which our readers take away again."""
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def as_words(values: np.ndarray, columns: Sequence[Column]) -> dict[str, np.ndarray]:
    """Cells (N, P) as the columns that a person gave: numbers, rounded counts, the most probable words.

    Parameters
    ----------
    values : ndarray
        Means: of a binary column the probability of its second word, of a category of each.
    columns : sequence of Column
    """
    out: dict[str, np.ndarray] = {}
    for column, place in zip(columns, places(columns), strict=True):
        cells = values[:, place]
        gaps = np.isnan(cells).any(1)
        if column.type == "category" or column.categories:
            best = cells.argmax(1) if column.type == "category" else (cells[:, 0] > 0.5).astype(int)
            found = np.array([None if gap else column.categories[k] for gap, k in zip(gaps, best, strict=True)],
                             dtype=object)
        elif column.type == "binary":
            found = np.where(gaps, np.nan, cells[:, 0] > 0.5)
        else:
            found = cells[:, 0].astype(np.float32)
            if column.type == "count":
                found = found.round()
        out[column.name] = found
    return out


def as_spread(scale: np.ndarray, mean: np.ndarray, columns: Sequence[Column]) -> dict[str, np.ndarray]:
    """What is uncertain of imputed cells, by column: the standard deviation of a number, 0 where it was observed; of
    words one minus the probability of the word that is written.

    Parameters
    ----------
    scale, mean : ndarray
        (N, P), see `bvae.models.imputation.Imputed`.
    """
    out: dict[str, np.ndarray] = {}
    for column, place in zip(columns, places(columns), strict=True):
        cells = mean[:, place]
        if column.type == "category":
            out[column.name] = 1 - cells.max(1)
        elif column.type == "binary":
            out[column.name] = np.minimum(cells[:, 0], 1 - cells[:, 0])
        else:
            out[column.name] = scale[:, place][:, 0].astype(np.float32)
    return out
