"""XLSX, by openpyxl: the values of cells, a table for each sheet. No formula is computed, no link is followed."""

from __future__ import annotations

import datetime
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bvae.data.base import DataError
from bvae.data.own.readers.text import numbers, numbers_or_words
from bvae.data.own.tables import (
    GAPS,
    MIB,
    READERS,
    Table,
    Views,
    check_columns,
    check_extent,
    check_size,
    told,
)
from bvae.data.own.words import word

SUFFIX = ".xlsx"
MAX_BOOK = 200 * MIB
MAX_PARTS, MAX_UNPACKED = 5_000, 1024 * MIB
MAX_SHEET_CELLS, MAX_SHEET_ROWS = 3_000_000, 1_048_576
"""Cells and rows of a sheet; the latter is what Excel has."""
FAULTS = ("#DIV/0!", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#NAME?", "#SPILL!", "#CALC!", "#GETTING_DATA")
"""What formulas that fail show, beside #N/A, which is a gap everywhere."""
OLE, LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "EncryptedPackage".encode("utf-16-le")
"""How the old format begins, and what it holds where it is the envelope of a workbook with a password."""
BLOCK, OVERLAP = 1024 * 1024, 16 * 1024
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+\d+:[A-Z]+\d+)"')
FORMULA = re.compile(rb'<c ([^>]*)>\s*<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>')
"""A cell with a formula and without its value."""


@READERS.register(SUFFIX)
def read_xlsx(path: Path, gaps: tuple[str, ...] = ()) -> Views:
    """A workbook: one table "" if one sheet holds something, else a table for each, by the sheet's name.

    The first row that is not empty names the columns. Dates become texts such as 2024-05-31, true and false 1 and 0; a
    cell in which a formula failed is a gap; numbers that stand there as texts, decimal commas among them, are numbers
    where the whole column is. Hidden and empty sheets are left out.

    Raises
    ------
    DataError
        In a sentence with file, sheet, row and column.
    """
    check_size(path, MAX_BOOK)
    check_parts(path)
    try:
        from openpyxl.reader.excel import ExcelReader
    except ModuleNotFoundError as error:
        raise DataError(f"{path.name}: reading spreadsheets needs openpyxl: pip install 'bvae[tables]'") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that are not kept
            reader = ExcelReader(path, read_only=True, data_only=True, keep_links=False)
            with reader.archive:
                reader.read()
                return sheets_of(path.name, reader, gaps)
    except DataError:
        raise
    except Exception as error:  # openpyxl raises errors of many kinds for damaged files
        raise DataError(f"{path.name}: expected an Excel workbook, got one that cannot be read ({told(error)}); open "
                        "it and save it again as .xlsx") from error


def check_parts(path: Path) -> None:
    """Raise DataError for a file that is no workbook, has a password, or would unpack to more than is taken."""
    with open(path, "rb") as file:
        start = file.read(len(OLE))
        if start == OLE:
            old = LOCKED not in start + file.read()
            raise DataError(f"{path.name}: expected an Excel workbook, got one " + (
                "of the old format (.xls); open it and save it as .xlsx" if old else
                "behind a password; open it and save it without"))
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{path.name}: expected an Excel workbook, got a file that is none or has been cut off; open "
                        "the table in Excel or LibreOffice and save it as .xlsx") from error
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED:
        raise DataError(f"{path.name}: expected a workbook of at most {MAX_UNPACKED // MIB:,} MB unpacked, got "
                        f"{unpacked / MIB:,.0f} MB in {len(parts):,} parts; save its sheets as CSV")


def sheets_of(where: str, reader: Any, gaps: tuple[str, ...]) -> Views:
    """The tables of a workbook that openpyxl has opened."""
    out, faults = Views(), []
    parts = {sheet.name: rel.target for sheet, rel in reader.parser.find_sheets()}
    for sheet in reader.wb.worksheets:
        called = f"{where}, sheet {sheet.title!r}"
        if sheet.sheet_state != "visible":
            out.notes.append(f"{called} is hidden and is left out")
            continue
        try:
            with reader.archive.open(parts[sheet.title]) as file:
                check_cells(called, file)
            table = table_of(called, sheet, gaps, out.notes)
        except DataError as error:
            faults.append(error)
        else:
            if table is not None:
                out.tables[sheet.title] = table
    if faults and not out.tables:
        raise faults[0]
    out.notes.extend(f"left out: {fault}" for fault in faults)
    if not out.tables:
        raise DataError(f"{where}: expected a sheet with a table, got empty or hidden ones only")
    if len(out.tables) == 1 and not faults:
        return Views({"": next(iter(out.tables.values()))}, notes=out.notes)
    return out


def check_cells(where: str, file: Any) -> None:
    """Raise DataError for merged cells, and for formulas whose values nobody has computed, by the text of a sheet."""
    before = b""
    while block := file.read(BLOCK):
        text = before + block
        if found := MERGED.search(text):
            raise DataError(f"{where}, cells {found[1].decode()}: expected a value in each cell, got merged cells; "
                            "undo the merging and fill each of them")
        for cell in FORMULA.finditer(text):
            if b't="str"' not in cell[1]:  # that one is an empty text
                place = re.search(rb'r="([A-Z]+\d+)"', cell[1])
                raise DataError(f"{where}, cell {place[1].decode() if place else '?'}: expected a value, got a formula "
                                "that was never computed; open the file in Excel or LibreOffice and save it")
        before = text[-OVERLAP:]


def table_of(where: str, sheet: Any, gaps: tuple[str, ...], notes: list[str]) -> Table | None:
    """The table of a sheet, without empty rows above and below it and without columns that are empty; None if all
    are."""
    first, rows = cells_in(where, sheet)
    if not rows:
        return None
    width = max(map(len, rows))
    columns = [[row[k] if k < len(row) else None for row in rows] for k in range(width)]
    columns = [cells for cells in columns if any(v is not None for v in cells)]
    names = check_names(where, first, [cells[0] for cells in columns])
    check_extent(where, len(rows) - 1, len(columns))
    filled = {name: cells_of(where, name, cells[1:], gaps, first + 1, notes)
              for name, cells in zip(names, columns, strict=True)}
    return Table(where, filled, first + 1)


def cells_in(where: str, sheet: Any) -> tuple[int, list[Sequence[Any]]]:
    """The number of the first row that is not empty, and the rows from there to the last that is not."""
    rows: list[Sequence[Any]] = []
    first, last, total = 0, 0, 0
    sheet.reset_dimensions()  # what a file says of them need not be so
    for k, row in enumerate(plain_rows(sheet), start=1):
        total += len(row)
        if k > MAX_SHEET_ROWS or total > MAX_SHEET_CELLS:
            raise DataError(f"{where}: expected at most {MAX_SHEET_ROWS:,} rows and {MAX_SHEET_CELLS:,} cells, got "
                            "more; save the sheet as CSV or Parquet")
        empty = all(v is None for v in row)
        first = first or (0 if empty else k)
        if first:
            rows.append(row)
            last = last if empty else len(rows)
    return first, rows[:last]


def plain_rows(sheet: Any) -> Iterator[Sequence[Any]]:
    """The values of each row; texts of blanks only are no values."""
    for row in sheet.iter_rows(values_only=True):
        yield [None if isinstance(v, str) and not v.strip() else v for v in row]


def check_names(where: str, row: int, given: Sequence[Any]) -> list[str]:
    """Names of the columns. Raises DataError where the first row is no row of names."""
    if sum(v is not None for v in given) < len(given) - 1:
        title = next((str(v) for v in given if v is not None), "")
        raise DataError(f"{where}, row {row}: expected a name for each of {len(given):,} columns, got "
                        f"{title[:40]!r} and empty cells; delete the rows above those names")
    return check_columns(where, ["" if v is None else as_text(v) for v in given])


def cells_of(
    where: str, name: str, cells: Sequence[Any], gaps: tuple[str, ...], first_row: int, notes: list[str]
) -> np.ndarray:
    """One column as (N,) float64, NaN for gaps, or as objects, None for gaps; what was changed goes to the notes."""
    import pyarrow as pa

    failed = [k for k, v in enumerate(cells) if v in FAULTS]
    if failed:
        notes.append(f"{where}, row {failed[0] + first_row}, column {name!r}: {cells[failed[0]]} is taken for a gap"
                     + (f", and {len(failed) - 1:,} more in this column" if len(failed) > 1 else ""))
    held = [None if v in FAULTS or (isinstance(v, str) and v.strip() in (*GAPS, *gaps)) else v for v in cells]
    counted = [float(v) if isinstance(v, (bool, int, float)) else np.nan for v in held]
    texts = [None if v is None or isinstance(v, (bool, int, float)) else as_text(v) for v in held]
    if not any(t is not None for t in texts):
        return numbers(where, name, counted, gaps, first_row)
    found = numbers_or_words(where, name, pa.array(texts, pa.string()), gaps, first_row)
    if found.dtype.kind == "f":
        notes.append(f"{where}, column {name!r}: {sum(t is not None for t in texts):,} numbers stand there as texts "
                     "and are read as numbers")
        both = np.where([t is None for t in texts], numbers(where, name, counted, gaps, first_row), found)
        return np.asarray(both, dtype=np.float64)
    return np.array([word(float(v)) if isinstance(v, (bool, int, float)) else t
                     for v, t in zip(held, found, strict=True)], dtype=object)


def as_text(value: Any) -> str:
    """A cell as a text: dates as 2024-05-31, with the time of day where there is one."""
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds")
    return word(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value).strip()
