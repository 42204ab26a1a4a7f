"""Tables of text as spreadsheets and programs write them, and damaged ones: each with its sentence."""

from __future__ import annotations

import numpy as np
import pytest

from bvae.data import DataError
from bvae.data.own.readers.text import read_csv

PLAIN = "id,height,colour\nx,1.5,red\ny,,blue\nz,2,red\n"


def table(tmp_path, content, name="table.csv", gaps=()):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(path, gaps).tables[""]


@pytest.mark.parametrize(("content", "name"), [
    (PLAIN, "table.csv"),
    (PLAIN.replace(",", "\t"), "table.tsv"),
    (PLAIN.replace(",", "\t"), "table.txt"),
    (PLAIN.replace(",", ";").replace("1.5", "1,5"), "german.csv"),
    (PLAIN.replace("\n", "\r\n"), "windows.csv"),
    (PLAIN.replace("\n", "\r"), "old-mac.csv"),
    (b"\xef\xbb\xbf" + PLAIN.encode(), "mark.csv"),
    (PLAIN.encode("utf-16"), "utf16.csv"),
    ("\n\n" + PLAIN + "\n\n", "blank-lines.csv"),
    (PLAIN.rstrip("\n"), "no-end.csv"),
    (PLAIN.replace("red", '"red"').replace("1.5", " 1.5 "), "quoted.csv"),
    (PLAIN.replace("y,,", "y,NA,"), "na.csv"),
    (PLAIN.replace(",", "|"), "bars.csv"),
])
def test_one_table_however_it_is_written(tmp_path, content, name):
    got = table(tmp_path, content, name)
    assert list(got.columns) == ["id", "height", "colour"]
    assert got.columns["id"].tolist() == ["x", "y", "z"]
    np.testing.assert_array_equal(got.columns["height"], [1.5, np.nan, 2.0])
    assert got.columns["colour"].tolist() == ["red", "blue", "red"]


def test_cells_may_hold_separators_quotes_and_line_ends(tmp_path):
    got = table(tmp_path, 'id,said\nx,"one, two"\ny,"a ""b"""\nz,"first\nsecond"\n')
    assert got.columns["said"].tolist() == ["one, two", 'a "b"', "first\nsecond"]


def test_declared_gaps_and_leading_zeros(tmp_path):
    got = table(tmp_path, "id,a\n001,-999\n002,3\n", gaps=("-999",))
    assert got.columns["id"].tolist() == ["001", "002"]
    np.testing.assert_array_equal(got.columns["a"], [np.nan, 3.0])


def test_other_encodings_are_said(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id,a\nx,café\n".encode("cp1252"))
    views = read_csv(path)
    assert views.tables[""].columns["a"].tolist() == ["café"]
    assert "Windows-1252" in views.notes[0]


@pytest.mark.parametrize(("content", "said"), [
    ("", r"table\.csv: expected a table, got an empty file"),
    ("id,a\n", "got a header without rows"),
    ("id,a\nx,1\ny\n", r"row 3: expected 2 cells, .* got 1"),
    ("id,a\nx,1,2\n", r"row 2: expected 2 cells, .* got 3"),
    ("id,a,a\nx,1,2\n", "column 3: expected every name once, got 'a', which column 2 has"),
    ("id,,a\nx,1,2\n", "column 2: expected a name in the first row, got none"),
    ("id,a\nx,1.5\ny,\"2,5\"\n", r"row 3, column 'a': .* got both: '1\.5' in row 2 and '2,5' in row 3"),
    ("id,a\nx,1\ny,inf\n", "row 3, column 'a': expected a finite number"),
    ("id,a\nx,1\ny,1e999\n", "row 3, column 'a': expected a finite number"),
    ('id,a\nx,"1\ny,2\n', "every quotation mark to be closed"),
    (b"id,a\nx,\x00\n", "row 2: expected text, got a zero byte"),
    (b"\x89PNG\x00\x01,\xff\x00", "got a picture with this name"),
    (b"\x88PNG\x00\x01,\xff\x00", "got bytes that are no text"),
    ("id," + "n" * 300 + "\nx,1\n", "name of at most 200 printable characters"),
])
def test_damaged_tables_are_refused_in_a_sentence(tmp_path, content, said):
    with pytest.raises(DataError, match=said):
        table(tmp_path, content)


def test_a_wide_table(tmp_path):
    names = ",".join(f"g{k}" for k in range(20_000))
    cells = ",".join("1" for _ in range(20_000))
    got = table(tmp_path, f"id,{names}\nx,{cells}\ny,{cells}\n")
    assert len(got.columns) == 20_001
    assert float(got.columns["g19999"].sum()) == 2.0
