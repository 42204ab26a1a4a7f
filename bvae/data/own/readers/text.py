"""CSV and TSV: separators, decimal commas, encodings and line ends as they come, by pyarrow's reader."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bvae.data.base import DataError
from bvae.data.own.numerals import plainly
from bvae.data.own.tables import GAPS, MIB, READERS, Table, Views, check_columns, check_extent, check_size, told

SNIFFED = 65_536
"""Bytes that tell a file's encoding and separator."""
SEPARATORS = ",;\t|"
LARGEST_BLOCK = 256 * MIB
"""Bytes of a text that are read at once: no row may be longer."""
ENCODINGS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""Byte-order mark -> encoding."""
OTHERS = (
    (b"\x1f\x8b", "a packed file (gzip)", "unpack it"),
    (b"PK\x03\x04", "an Excel file or a ZIP", "let its name end with .xlsx or .zip"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls)", "open it and save it as .xlsx or CSV"),
    (b"PAR1", "a Parquet file", "let its name end with .parquet"),
    (b"%PDF", "a PDF", "save the table as CSV"),
    (b"\x89PNG", "a picture", "let its name end with .png"),
    (b"<!doctype", "a web page", "save the table itself as CSV"),
    (b"<html", "a web page", "save the table itself as CSV"),
    (b"<?xml", "XML", "save the table as CSV"),
    (b"{", "JSON", "save the table as CSV"),
    (b"[{", "JSON", "save the table as CSV"),
)
"""How other kinds of files begin, what they are, and what to do."""
NUMBER = r"^[+-]?(\d+([.]\d*)?|[.]\d+)([eE][+-]?\d{1,3})?$"
FORMULA = r"^'('?[=+\-@])"
"""An apostrophe that keeps spreadsheets from taking a word for a formula."""
CODE = r"^(0\d+|\d{16,})$"
"""No number that is measured: with leading zeros, or of more digits than numbers have in a computer."""
THOUSANDS = r"^[+-]?[1-9]\d{0,2}(,\d{3})*([.]\d*)?$"
COMMA_NUMBER = r"^[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d{1,3})?$"


@READERS.register(".csv")
def read_csv(path: Path, gaps: tuple[str, ...] = ()) -> Views:
    """A text table whose first row names its columns.

    Parameters
    ----------
    path : Path
    gaps : tuple of str
        Words that stand for a gap, beside :data:`~bvae.data.own.tables.GAPS`.

    Raises
    ------
    DataError
        In a sentence with file, row and column.
    """
    check_size(path)
    text, encoding = decoded(path.name, path.read_bytes())
    separator = separator_of(text[:SNIFFED], path.suffix.lower())
    given = header(path.name, text, separator)
    unnamed = trailing(given)  # a separator at the end of every line, as some programs write it
    names = check_columns(path.name, given[: len(given) - unnamed])
    check_extent(path.name, max(1, text.count("\n")), len(given))
    notes = [] if encoding.startswith("utf-8") else [f"{path.name}: read as {encoding}, since it is not UTF-8"]
    if text.count('"') % 2:
        row = next((k for k, line in enumerate(text.split("\n"), start=1) if line.count('"') % 2), 1)
        raise DataError(f"{path.name}, row {row}: expected every quotation mark to be closed, got one that is not; "
                        "look for a single \" in a cell")
    content = text.encode()
    del text  # of a large file there is one copy at a time: as bytes, as words, as numbers
    columns = _columns(path.name, content, separator, [*names, *(f"\0{k}" for k in range(unnamed))])
    del content
    for k, column in enumerate(list(columns.values())[len(names):], start=len(names) + 1):
        if any(word.strip() for word in column.to_pylist()):
            raise DataError(f"{path.name}, column {k}: expected a name in the first row, got none; give it one")
    notes += misnamed(path.name, names)
    cells = {}
    for name in names:
        words = columns.pop(name).combine_chunks()
        cells[name] = numbers_or_words(path.name, name, words, gaps, points=separator == ",")
    check_extent(path.name, len(next(iter(cells.values()))), len(names))
    filled = max(last_filled(values) for values in cells.values())
    count = len(next(iter(cells.values())))
    if filled < count:  # as spreadsheets leave them below a table
        notes.append(f"{path.name}: {count - filled:,} rows at its end have empty cells only and are left out")
        cells = {name: values[:filled] for name, values in cells.items()}
    check_extent(path.name, filled, len(names))
    return Views({"": Table(path.name, cells)}, notes=notes)


READERS.register(".tsv")(read_csv)
READERS.register(".txt")(read_csv)


def decoded(where: str, content: bytes) -> tuple[str, str]:
    """Bytes as text with plain line ends, and the encoding that they had."""
    check_kind(where, content)
    encoding = next((name for mark, name in ENCODINGS.items() if content.startswith(mark)), unmarked(content))
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if b"\0" in content[:SNIFFED]:
            raise DataError(f"{where}: expected a text table, got bytes that are no text; is it another kind of file "
                            "with this name?") from None
        text, encoding = content.decode("cp1252", "replace"), "Windows-1252"
    text = text.lstrip("\r\n")
    if "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        raise DataError(f"{where}, row {row}: expected text, got a zero byte; the file is damaged or no text")
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def check_kind(where: str, content: bytes) -> None:
    """Raise DataError for another kind of file that has the name of a text table."""
    start = content[:SNIFFED].lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, what, how in OTHERS:
        if start[: len(mark)].lower() == mark.lower():
            raise DataError(f"{where}: expected a text table, got {what} with this name; {how}")


def unmarked(content: bytes) -> str:
    """The encoding of a text without a byte-order mark: UTF-16 where every other byte is 0, else UTF-8."""
    head = content[:SNIFFED]
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(head) > 3 and head[start::2].count(0) > len(head) * 0.4 and not head[1 - start :: 2].count(0):
            return encoding
    return "utf-8"


def header(where: str, text: str, separator: str) -> list[str]:
    """The cells of the first row. Raises DataError if it cannot be read."""

    def lines() -> Iterator[str]:
        start = 0
        while start < len(text):
            end = text.find("\n", start) + 1 or len(text)
            yield text[start:end]
            start = end

    try:
        return next(csv.reader(lines(), delimiter=separator), [])
    except csv.Error as error:
        raise DataError(f"{where}, row 1: expected the names of the columns, got a row that cannot be read "
                        f"({told(error)})") from error


def trailing(names: list[str]) -> int:
    """How many columns at the end of a header have no name, if others have one."""
    named = [k for k, name in enumerate(names) if name.strip()]
    return len(names) - named[-1] - 1 if named else 0


def misnamed(where: str, names: list[str]) -> list[str]:
    """A note where the first row may be an item and no row of names."""
    odd = [name for name in names[1:] if re.match(NUMBER, name)]
    if not odd or len(odd) < len(names) - 1:
        return []
    return [f"{where}: its columns are called {', '.join(odd[:3])}{', ...' if len(odd) > 3 else ''}; if the first row "
            "is an item, put a row of names above it"]


def last_filled(values: np.ndarray) -> int:
    """How many rows there are up to the last one that is no gap."""
    there = ~np.isnan(values) if values.dtype.kind == "f" else values != None  # noqa: E711  # for each of them
    return int(there.nonzero()[0][-1]) + 1 if there.any() else 0


def separator_of(head: str, suffix: str) -> str:
    """What stands between cells: the mark that stands in every one of the first lines, as often as in the first."""
    if suffix == ".tsv":
        return "\t"
    whole = head[: head.rfind("\n")] if len(head) >= SNIFFED and "\n" in head else head
    lines = [line for line in whole.split("\n")[:20] if line.strip()]
    best, score = ",", 0.0
    for mark in SEPARATORS:
        counts = [len(next(csv.reader([line], delimiter=mark), [])) - 1 for line in lines]
        if counts and counts[0] > 0:
            agree = sum(c == counts[0] for c in counts) / len(counts)
            if agree * (1 + min(counts[0], 50) / 100) > score:
                best, score = mark, agree * (1 + min(counts[0], 50) / 100)
    return best


def _columns(where: str, content: bytes, separator: str, names: list[str]) -> dict[str, Any]:
    """Columns of words by name, in pieces, from a whole text in UTF-8."""
    try:
        import pyarrow as pa
        from pyarrow import csv as pa_csv
    except ModuleNotFoundError as error:
        raise DataError(f"{where}: reading tables needs pyarrow: pip install 'bvae[tables]'") from error
    try:
        table = pa_csv.read_csv(
            pa.py_buffer(content),
            read_options=pa_csv.ReadOptions(column_names=names, skip_rows_after_names=1, use_threads=False,
                                            block_size=min(max(MIB, len(content)), LARGEST_BLOCK)),
            parse_options=pa_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(column_types={name: pa.string() for name in names}))
        return {name: table.column(k) for k, name in enumerate(names)}
    except pa.ArrowException as error:
        raise DataError(_sentence(where, told(error, 400), len(names))) from error


def _sentence(where: str, error: str, columns: int) -> str:
    """What pyarrow says of a file, as a sentence with the row."""
    found = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", error)
    if found:
        few, row = int(found[3]) < int(found[2]), int(found[1])
        mend = ("fill up the row" if few else "delete what stands above the row of names" if row < 4 else
                "a cell that holds the separator must stand in quotes")
        return (f"{where}, row {found[1]}: expected {found[2]} {'cell' if found[2] == '1' else 'cells'}, as the first "
                f"row has names, got {found[3]}; {mend}")
    return f"{where}: expected a table of {columns} columns, got one that cannot be read ({error[:120]})"


def numbers_or_words(
    where: str, name: str, words: Any, gaps: tuple[str, ...] = (), first_row: int = 2, points: bool = True
) -> np.ndarray:
    """A column of words as numbers if all are: (N,) float64 with NaN for gaps, else (N,) of objects, None for gaps.

    See `bvae.data.own.numerals` for the ways in which they may be written.
    Numbers with leading zeros, or of more than 15 digits, stay words: they are ids, or codes of places.

    Parameters
    ----------
    where, name : str
        For errors.
    words : pyarrow array of texts
    gaps : tuple of str
    first_row : int
        What the file calls the first row.
    points : bool
        Whether decimals are expected to have points, so that 1,234 may be a thousand or a decimal.

    Raises
    ------
    DataError
        For a column that has decimal points and decimal commas, or commas of which one cannot tell what they mean.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    with contextlib.suppress(pa.ArrowInvalid):  # most columns of wide tables: numbers without gaps
        found = pc.cast(words, pa.float64()).to_numpy(zero_copy_only=False)
        if not pc.any(pc.match_substring_regex(words, CODE)).as_py():
            return numbers(where, name, found, gaps, first_row)
    words = pc.utf8_trim_whitespace(words)
    words = pc.if_else(pc.is_in(words, value_set=pa.array([*GAPS, *gaps])), pa.scalar(None, pa.string()), words)
    if words.null_count == len(words):
        return np.full(len(words), np.nan)
    words = plainly(words)
    if not pc.any(pc.match_substring_regex(words, CODE)).as_py():
        with contextlib.suppress(pa.ArrowInvalid):
            return numbers(where, name, pc.cast(words, pa.float64()).to_numpy(zero_copy_only=False), gaps, first_row)
        if written_with_points(where, name, words, first_row, points):
            plain = pc.replace_substring(words, ",", ".").to_pylist()
            return numbers(where, name, [np.nan if v is None else float(v) for v in plain], gaps, first_row)
    return np.array(pc.replace_substring_regex(words, FORMULA, "\\1").to_pylist(), dtype=object)


def written_with_points(where: str, name: str, words: Any, first_row: int, points: bool) -> bool:
    """Whether all words are numbers once their commas are points. Raises what :func:`numbers_or_words` says."""
    import pyarrow.compute as pc

    plain, comma, thousands = (pc.match_substring_regex(words, form) for form in (NUMBER, COMMA_NUMBER, THOUSANDS))
    dotted, commas = (pc.fill_null(pc.match_substring(words, mark), False) for mark in ".,")
    decimal = pc.all(pc.or_(plain, comma)).as_py()
    either = pc.any(commas).as_py() and pc.all(pc.or_(plain, thousands)).as_py()
    one, other = (int(np.argmax(mark.to_numpy(zero_copy_only=False))) for mark in (dotted, commas))
    if either and (points or not decimal):
        raise DataError(f"{where}, row {other + first_row}, column {name!r}: expected numbers of which one can tell "
                        f"what the comma means, got {words[other].as_py()[:40]!r}, which may be a thousand or have "
                        "three decimals; write thousands without a comma and decimals with a point")
    if decimal and pc.any(dotted).as_py() and pc.any(commas).as_py():
        raise DataError(f"{where}, row {max(one, other) + first_row}, column {name!r}: expected decimal points or "
                        f"decimal commas, got both: {words[one].as_py()[:40]!r} in row {one + first_row} and "
                        f"{words[other].as_py()[:40]!r} in row {other + first_row}; write all numbers one way")
    return bool(decimal)


def numbers(where: str, name: str, values: Any, gaps: tuple[str, ...], first_row: int) -> np.ndarray:
    """Numbers as float64, NaN for gaps and for declared codes. Raises DataError for infinite ones."""
    out = np.array(values, dtype=np.float64)
    for code in gaps:
        with contextlib.suppress(ValueError):
            out[out == float(code)] = np.nan
    if np.isinf(out).any():
        row = int(np.isinf(out).nonzero()[0][0])
        raise DataError(f"{where}, row {row + first_row}, column {name!r}: expected a finite number, got "
                        f"{'-' if np.isneginf(out).any() else ''}inf; leave the cell empty if it is not known")
    return out
