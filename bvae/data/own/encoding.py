"""Which type a column is of, and its cells as numbers: detected from values, or as a model was trained on them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from bvae.data.base import DataError
from bvae.data.checks import LARGEST, not_of_columns
from bvae.data.columns import LONGEST, TYPES, Column, is_word, places
from bvae.data.own.tables import Table
from bvae.data.own.words import is_gap, word
from bvae.data.sparse import SparseColumns, SparseRows

MOST_CATEGORIES = 50
"""A column of words with more different ones is not taken for a category by itself."""
MOST_DECLARED = 2000
"""Categories of a column that is declared to be one."""
NEARLY = 0.8
"""A column in which so many cells are numbers was meant to hold numbers: the others are named."""
COUNTS_FROM, ZEROS = 20, 0.05
"""A table of at least so many columns, all whole numbers from 0, with at least this share of zeros, holds counts."""
RATED = 10
"""A table of fewer columns may hold ratings or codes: counts go beyond this in most of them."""
OVERDISPERSED = 1.5
"""Variance over mean that the counts of such a table have in most columns,"""
SKEWED = 0.15
"""and how far their mean lies above the median, in standard deviations."""
CODES = re.compile(r"(^|[\W_])(id|code|label|class|cluster|group|batch|year|month|day|age|zip|rank|score|grade|level)s?"
                   r"([\W_]|$)", re.IGNORECASE)
"""Names of columns of whole numbers that count nothing."""


def detected(table: Table, name: str) -> Column | str:
    """The column as it seems to be, or a sentence that says why it is left out.

    Raises
    ------
    DataError
        For a column of numbers in which a few cells are none; it names the first.
    """
    values = table.columns[name]
    if values.dtype.kind == "f":
        there = values[~np.isnan(values)]
        if not len(there):
            return f"column {name!r} holds nothing but gaps"
        if set(np.unique(there[:10_000])) <= {0.0, 1.0} and set(np.unique(there)) <= {0.0, 1.0}:
            return Column(name, "binary")
        return Column(name, "number")
    words = [v for v in values if v is not None]
    if not words:
        return f"column {name!r} holds nothing but gaps"
    _complain_of_nearly_numbers(table, name)
    odd = next((k for k, v in enumerate(values) if v is not None and not is_word(v)), None)
    if odd is not None:
        return (f"column {name!r} holds texts of more than {LONGEST} characters or of several lines, such as in row "
                f"{odd + table.first_row}, and is left out; declare it a text if it is one")
    kinds = sorted(set(map(str, words)))
    if len(kinds) == 2:
        return Column(name, "binary", tuple(kinds))
    if len(kinds) > MOST_CATEGORIES or len(kinds) > max(2, len(words) // 2):
        return (f"column {name!r} holds {len(kinds):,} different words (such as {kinds[0][:30]!r}) and is left out; "
                f"declare it a category, a text or a label column if it is one")
    return Column(name, "category", tuple(kinds))


def _complain_of_nearly_numbers(table: Table, name: str) -> None:
    values = table.columns[name]
    good = np.array([v is None or _is_number(v) for v in values])
    real = np.array([v is not None for v in values])
    if real.sum() >= 5 and (good & real).sum() >= NEARLY * real.sum() and not good.all():
        index = int((~good).argmax())
        odd = sorted({str(v) for v, fine in zip(values, good, strict=True) if not fine})
        if all(str(v).startswith("0") and str(v).isdigit() for v in values[real & good]):
            return
        raise DataError(f"{table.row(index)}, column {name!r}: expected a number as in most rows, got "
                        f"{str(values[index])[:40]!r}; mend the cell, or declare {odd[:3]} as gaps")


def _is_number(word: object) -> bool:
    try:
        return bool(np.isfinite(float(str(word).replace(",", "."))))
    except ValueError:
        return False


def why_counts(table: Table) -> str:
    """Why a table looks like counts, in words; "" if it does not.

    Every cell is a whole number from 0. In a table of :data:`COUNTS_FROM` columns some zeros, and values over 1, will
    do. Of fewer columns, which may be measurements, ratings or codes, most have to hold zeros, values beyond
    :data:`RATED`, a variance above the mean and a mean well above the median, and none the name of a code.
    """
    if not table.columns or any(v.dtype.kind != "f" for v in table.columns.values()):
        return ""
    few = len(table.columns) < COUNTS_FROM
    zeros = cells = counting = 0
    largest = 0.0
    for values in table.columns.values():
        there = values[~np.isnan(values)]
        if len(there) and (there.min() < 0 or not (there == np.round(there)).all()):
            return ""
        zeros, cells = zeros + int((there == 0).sum()), cells + len(there)
        largest = max(largest, float(there.max(initial=0)))
        counting += few and len(there) > 0 and there.min() == 0 and there.max() > RATED and bool(
            there.var() > OVERDISPERSED * there.mean() and there.mean() - np.median(there) > SKEWED * there.std())
    if few and (2 * counting <= len(table.columns) or any(map(CODES.search, table.columns))):
        return ""
    if not few and (largest <= 1 or zeros < ZEROS * max(1, cells)):
        return ""
    return (f"whole numbers from 0 to {largest:,.0f}, {zeros / cells:.0%} of them 0"
            + (", spread more than their mean" if few else ""))


def columns_of(
    table: Table, types: Mapping[str, str] | None = None, only: str = ""
) -> tuple[tuple[Column, ...], list[str]]:
    """The columns of a table that can be used, and sentences about those that cannot.

    Parameters
    ----------
    table : Table
    types : mapping, optional
        Name of a column -> its type, where it is declared: one of :data:`TYPES`, or "skip".
    only : str
        A type that all columns without a declared one are of, "" to detect each.
    """
    types = dict(types or {})
    unknown = [name for name in types if name not in table.columns]
    if unknown:
        raise DataError(f"{table.where}: expected types of columns that are there, got {unknown[0]!r}")
    found, notes = [], []
    for name in table.columns:
        wanted = types.get(name, only)
        if wanted == "skip":
            continue
        if not wanted:
            column = detected(table, name)
        elif wanted in TYPES:
            column = declared(table, name, wanted)
        else:
            raise DataError(f"{table.where}, column {name!r}: expected one of {', '.join(TYPES)}, skip, got {wanted!r}")
        if isinstance(column, str):
            notes.append(f"{table.where}: {column}")
            continue
        found.append(column)
        if constant(table.columns[name]):
            notes.append(f"{table.where}: column {name!r} has one value in all rows, from which nothing can be learned")
    return tuple(found), notes


def declared(table: Table, name: str, wanted: str) -> Column | str:
    """A column of a type that a person states. Raises DataError if its cells are not of it."""
    values = table.columns[name]
    if values.dtype.kind == "f" and np.isnan(values).all():
        return f"column {name!r} holds nothing but gaps"
    if wanted in ("number", "count"):
        return Column(name, wanted)
    words = sorted({word(v) for v in values if not is_gap(v)}, key=_in_order)
    if odd := [w for w in words if not is_word(w)]:
        row = next(k for k, v in enumerate(values) if not is_gap(v) and word(v) == odd[0])
        raise DataError(f"{table.row(row)}, column {name!r}: expected a word of at most {LONGEST} printable "
                        f"characters, got {odd[0][:40]!r}")
    if not words:
        return f"column {name!r} holds nothing but gaps"
    if wanted == "binary":
        if values.dtype.kind == "f" and set(words) <= {"0", "1"}:
            return Column(name, "binary")
        if len(words) > 2:
            raise DataError(f"{table.where}, column {name!r}: expected two different values (binary), got "
                            f"{len(words):,}, such as {', '.join(words[:3])}")
        return Column(name, "binary", tuple(words)) if len(words) == 2 else Column(name, "category", tuple(words))
    if len(words) > MOST_DECLARED:
        raise DataError(f"{table.where}, column {name!r}: expected at most {MOST_DECLARED:,} categories, got "
                        f"{len(words):,}")
    return Column(name, "category", tuple(words))


def _in_order(text: str) -> tuple[bool, float, str]:
    return (False, float(text), text) if _is_number(text) else (True, 0.0, text)


def constant(values: np.ndarray) -> bool:
    """Whether all cells that are there hold the same."""
    if values.dtype.kind == "f":
        there = values[~np.isnan(values)]
        return len(there) > 1 and bool((there == there[0]).all())
    seen = {v for v in values if v is not None}
    return len(seen) == 1 and len(values) > 1


def encoded(
    table: Table, columns: Sequence[Column], missing_columns: bool = False
) -> tuple[np.ndarray | SparseRows, list[str]]:
    """Cells as numbers, in the order of `columns`, whatever order the table has.

    Parameters
    ----------
    table : Table
        Further columns are not read.
    columns : sequence of Column
        What a data set, or a model that was trained before, knows.
    missing_columns : bool
        Whether columns may lack, which are gaps then; else DataError names them.

    Returns
    -------
    values : ndarray or SparseRows
        (N, P) float32, NaN for gaps; sparse if the table is.
    notes : list of str
        What became a gap, in sentences.
    """
    lacking = [c.name for c in columns if c.name not in table.columns]
    if lacking and not missing_columns:
        raise DataError(f"{table.where}: expected the columns {', '.join(lacking[:5])}{', ...' * (len(lacking) > 5)}, "
                        "got a table without them")
    notes = [f"{table.where}: {len(lacking):,} columns are not there and count as gaps: {', '.join(lacking[:5])}"
             + ", ..." * (len(lacking) > 5)] if lacking else []
    if isinstance(table.columns, SparseColumns) and not lacking and not any(c.categories for c in columns):
        return _sparse_cells(table, columns), notes
    out = np.full((table.num_rows, sum(c.width for c in columns)), np.nan, np.float32)
    for column, place in zip(columns, places(columns), strict=True):
        if column.name in table.columns:
            out[:, place], note = _cells(table, column)
            notes += [note] if note else []
    return out, notes


def _sparse_cells(table: Table, columns: Sequence[Column]) -> SparseRows:
    """Cells of numbers, counts, and 0 and 1: only those that are not 0 are looked at."""
    assert isinstance(table.columns, SparseColumns)
    found = table.columns.only([c.name for c in columns])
    column = np.repeat(np.arange(len(columns)), np.diff(found.matrix.indptr))
    bad = not_of_columns(found.matrix.data, column, columns)
    if bad.any():
        _cells(table, columns[int(column[bad.argmax()])])  # says which cell, and raises
    return found.as_rows()


def as_held(values: np.ndarray | SparseRows) -> Any:
    """What :func:`encoded` gives as a data set holds it: a tensor, or still sparse."""
    return values if isinstance(values, SparseRows) else torch.from_numpy(values)


def _cells(table: Table, column: Column) -> tuple[np.ndarray, str]:
    """One column as (N, width) float32, and what is to be said of it."""
    values = table.columns[column.name]
    where = f"column {column.name!r}"
    if column.type in ("number", "count") or (column.type == "binary" and not column.categories):
        if values.dtype.kind != "f":
            index = next((k for k, v in enumerate(values) if not is_gap(v) and not _is_number(v)), -1)
            if index >= 0:
                raise DataError(f"{table.row(index)}, {where}: expected a number, got {str(values[index])[:40]!r}")
            values = np.array([np.nan if is_gap(v) else float(str(v).replace(",", ".")) for v in values])
        there = ~np.isnan(values)
        if column.type == "count":
            bad = there & ((values < 0) | (values != np.round(values)))
            if bad.any():
                index = int(bad.argmax())
                raise DataError(f"{table.row(index)}, {where}: expected a count (0, 1, 2, ...), got {values[index]:g}; "
                                "declare the column a number if it holds measurements")
        if column.type == "binary":
            bad = there & (values != 0) & (values != 1)
            if bad.any():
                index = int(bad.argmax())
                raise DataError(f"{table.row(index)}, {where}: expected 0 or 1, got {values[index]:g}")
        too_large = there & (np.abs(values) > LARGEST)
        if too_large.any():
            index = int(too_large.argmax())
            raise DataError(f"{table.row(index)}, {where}: expected a number below 3e38, got {values[index]:g}")
        return values[:, None].astype(np.float32), ""
    places = {name: k for k, name in enumerate(column.categories)}
    codes = np.array([-1 if is_gap(v) else places.get(word(v), -2) for v in values], dtype=np.int64)
    strange = sorted({word(v) for v, code in zip(values, codes, strict=True) if code == -2})
    note = (f"{table.where}: {where} has {int((codes == -2).sum()):,} cells with words that are not known "
            f"({', '.join(strange[:3])}), which count as gaps") if strange else ""
    if column.type == "binary":
        return np.where(codes < 0, np.nan, codes).astype(np.float32)[:, None], note
    out = np.zeros((len(values), column.width), np.float32)
    out[codes >= 0, codes[codes >= 0]] = 1
    out[codes < 0] = np.nan
    return out, note
