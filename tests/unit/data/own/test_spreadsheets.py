"""Excel files: sheets as views, cells as a person sees them, and a sentence for each file that cannot be read."""

from __future__ import annotations

import datetime
import io
import re
import zipfile

import numpy as np
import pytest
import torch
from openpyxl import Workbook

from bvae.cli import main
from bvae.data.base import DataError
from bvae.data.own import readers  # noqa: F401  # they register themselves
from bvae.data.own.filling import files_of
from bvae.data.own.folder import Folder
from bvae.data.own.initialise import initialise
from bvae.data.own.readers import spreadsheets
from bvae.data.own.readers.spreadsheets import read_xlsx
from bvae.data.own.receiving import receive
from bvae.models.imputation import Imputed

ROWS = range(12)
BEAK = [["bird", "length", "depth"], *([f"N{k}", 35.5 + k % 9, None if k == 4 else 15 + k % 5] for k in ROWS)]
BODY = [["bird", "mass", "species"], *([f"N{k}", 3000 + 25.5 * k, "Gentoo" if k % 2 else "Adelie"] for k in ROWS[2:])]


def book(**sheets):
    """Bytes of a workbook: name of a sheet -> rows of cells, or what fills it."""
    made = Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        if callable(rows):
            rows(sheet)
        else:
            for row in rows:
                sheet.append(row)
    held = io.BytesIO()
    made.save(held)
    return held.getvalue()


def changed(content, part, change):
    """A workbook in which one part is another."""
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return held.getvalue()


def column(tmp_path, *cells, gaps=()):
    """The cells of a column as they are read, and what is said of them."""
    path = tmp_path / "t.xlsx"
    path.write_bytes(book(t=[["id", "x"], *([f"p{k}", cell] for k, cell in enumerate(cells))]))
    views = read_xlsx(path, gaps)
    return views.tables[""].columns["x"].tolist(), views.notes


def refusal(tmp_path, content):
    path = tmp_path / "t.xlsx"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_xlsx(path)
    said = str(error.value)
    assert "t.xlsx" in said
    assert "expected" in said
    assert "got" in said
    assert "\n" not in said
    return said


def test_each_sheet_with_the_id_is_a_view_of_its_name(tmp_path):
    (tmp_path / "birds.xlsx").write_bytes(book(
        beak=BEAK, body=BODY, Notes=[["what", "who"], ["measured in spring", "me"]], Sheet4=[]))
    data = Folder(initialise(tmp_path).parent).data()
    assert {m.name: [c.name for c in m.columns] for m in data.modalities.values()} == {
        "beak": ["length", "depth"], "body": ["mass"]}
    assert data.patterns() == [(("beak", "body"), 10), (("beak",), 2)]
    assert data.label_columns["species"][data.ids.index("N3")] == "Gentoo"
    assert np.isnan(data.x["beak"][data.ids.index("N4"), 1])
    assert "sheet 'Notes': expected the column 'bird'" in (tmp_path / "bvae.toml").read_text()


def test_one_sheet_is_the_table_of_its_file(tmp_path):
    (tmp_path / "birds.xlsx").write_bytes(book(Sheet1=BEAK, Sheet2=[]))
    assert list(Folder(initialise(tmp_path).parent).data().modalities) == ["birds"]


def test_the_mark_of_a_file_that_is_open_in_excel_is_passed_over(tmp_path):
    (tmp_path / "birds.xlsx").write_bytes(book(beak=BEAK, body=BODY))
    (tmp_path / "~$birds.xlsx").write_bytes(b"\x05me" + bytes(160))
    assert initialise(tmp_path).read_text().count("left out") == 0
    notes = receive([("b.zip", zipped({"t.xlsx": book(t=BEAK), "~$t.xlsx": b"me"}))], tmp_path)
    assert notes == ["b.zip: 1 hidden file of the system that packed it is left out"]


def test_a_sheet_of_labels_only_gives_labels(tmp_path):
    (tmp_path / "birds.xlsx").write_bytes(book(
        beak=BEAK, body=[row[:2] for row in BODY], labels=[[row[0], row[2]] for row in BODY]))
    data = Folder(initialise(tmp_path).parent).data()
    assert list(data.modalities) == ["beak", "body"]
    assert data.label_columns["species"][data.ids.index("N3")] == "Gentoo"


def test_the_command_line_takes_it(tmp_path, capsys):
    (tmp_path / "birds.xlsx").write_bytes(book(beak=BEAK, body=BODY))
    assert main(["data", "init", str(tmp_path)]) == 0
    assert main(["data", str(tmp_path)]) == 0
    assert "beak: vector, 2 columns; 12 items have it" in capsys.readouterr().out


def test_imputed_sheets_become_csv_files_in_which_what_stood_there_stays(tmp_path):
    (tmp_path / "birds.xlsx").write_bytes(book(beak=BEAK, body=BODY))
    folder = Folder(initialise(tmp_path).parent)
    data = folder.data()

    def imputed(positions, names):
        cells = {name: torch.full((len(positions), *data.modalities[name].shape), 7.25) for name in names}
        return {name: Imputed(v, v, v[:0], torch.ones_like(v, dtype=torch.bool)) for name, v in cells.items()}

    files = files_of(folder, data.modalities)
    assert list(files) == ["beak.csv", "body.csv"]
    for name, file in files.items():
        file.write(tmp_path / name, data.ids, data.modalities, imputed)
    lines = (tmp_path / "beak.csv").read_text().splitlines()
    assert lines[0] == "bird,length,depth"
    assert lines[4:6] == ["N3,38.5,18", "N4,39.5,7.25"]
    assert (tmp_path / "body.csv").read_text().splitlines()[-1] == "N1,7.25"


def test_a_table_may_begin_anywhere_and_its_rows_are_called_as_excel_calls_them(tmp_path):
    path = tmp_path / "t.xlsx"
    rows = [[], [None, None], [None, "id", "x"], [None, "a", 1.5], [None, "b", 2.5], [None, None], [" "]]
    path.write_bytes(book(t=rows))
    table = read_xlsx(path).tables[""]
    assert {name: values.tolist() for name, values in table.columns.items()} == {"id": ["a", "b"], "x": [1.5, 2.5]}
    assert table.row(1) == "t.xlsx, sheet 't', row 5"


def test_hidden_sheets_are_left_out_and_said(tmp_path):
    def hidden(sheet):
        sheet.append(["id", "secret"])
        sheet.append(["a", 1])
        sheet.sheet_state = "hidden"

    path = tmp_path / "t.xlsx"
    path.write_bytes(book(t=BEAK, mine=hidden))
    views = read_xlsx(path)
    assert list(views.tables) == [""]
    assert views.notes == ["t.xlsx, sheet 'mine' is hidden and is left out"]


def test_dates_are_texts(tmp_path):
    day, moment = datetime.date(2024, 5, 31), datetime.datetime(2024, 5, 31, 13, 5)
    assert column(tmp_path, day, moment)[0] == ["2024-05-31", "2024-05-31 13:05:00"]


def test_true_and_false_are_one_and_zero(tmp_path):
    assert column(tmp_path, True, False)[0] == [1.0, 0.0]


def test_a_formula_that_failed_is_a_gap_and_is_said(tmp_path):
    found, notes = column(tmp_path, 1.5, "#DIV/0!", "#N/A", "#REF!")
    np.testing.assert_array_equal(found, [1.5, np.nan, np.nan, np.nan])
    assert notes == ["t.xlsx, sheet 't', row 3, column 'x': #DIV/0! is taken for a gap, and 1 more in this column"]


def test_numbers_that_are_texts_are_numbers_where_the_whole_column_is(tmp_path):
    found, notes = column(tmp_path, 1.5, "2,5", " 3 ", "-", None)
    np.testing.assert_array_equal(found, [1.5, 2.5, 3.0, np.nan, np.nan])
    assert notes == ["t.xlsx, sheet 't', column 'x': 2 numbers stand there as texts and are read as numbers"]
    assert column(tmp_path, 1, "2a", 3)[0] == ["1", "2a", "3"]
    assert column(tmp_path, "007", "012")[0] == ["007", "012"]
    with pytest.raises(DataError, match="row 2, column 'x': .*'1,234', which may be a thousand"):
        column(tmp_path, "1,234", "2,345")


def test_codes_that_are_declared_are_gaps(tmp_path):
    np.testing.assert_array_equal(column(tmp_path, 1.5, -999, "gone", gaps=("-999", "gone"))[0], [1.5, np.nan, np.nan])


def test_values_of_formulas_are_taken_and_formulas_are_never_computed(tmp_path):
    content = book(t=[["id", "x"], ["a", "=1+1"], ["b", 3]])
    assert "cell B2: expected a value, got a formula that was never computed" in refusal(tmp_path, content)
    known = changed(content, "xl/worksheets/sheet1.xml", lambda xml: re.sub(
        rb"<f>1\+1</f><v ?/?>(</v>)?", b"<f>1+1</f><v>7</v>", xml))
    (tmp_path / "t.xlsx").write_bytes(known)
    assert read_xlsx(tmp_path / "t.xlsx").tables[""].columns["x"].tolist() == [7.0, 3.0]


def merged(sheet):
    for row in BEAK:
        sheet.append(row)
    sheet.merge_cells("A3:A4")


def far(sheet):
    sheet["A1"], sheet["XFD1048576"] = "id", 1


def huge_row(xml):
    return xml.replace(b'<row r="2"', b'<row r="4000000000"')


REFUSED = {
    "merged cells": (lambda: book(t=merged), "sheet 't', cells A3:A4: expected a value in each cell"),
    "empty": (lambda: book(a=[], b=[]), "got empty or hidden ones only"),
    "a title above": (lambda: book(t=[["Birds of 2024"], *BEAK]), "row 1: expected a name for each of 3 columns"),
    "a column without a name": (lambda: book(t=[["id", None, "x"], ["a", 1, 2]]), "column 2: expected a name"),
    "a name twice": (lambda: book(t=[["id", "x", "x"], ["a", 1, 2]]), "column 3: expected every name once"),
    "a header only": (lambda: book(t=BEAK[:1]), "got a header without rows"),
    "an old workbook": (lambda: spreadsheets.OLE + b"\0" * 600, "the old format (.xls)"),
    "a password": (lambda: spreadsheets.OLE + b"\0" * 600 + spreadsheets.LOCKED, "behind a password"),
    "a text": (lambda: b"id,x\na,1\n", "got a file that is none"),
    "cut off": (lambda: book(t=BEAK)[:-400], "cut off"),
    "another ZIP": (lambda: zipped({"a.txt": b"x"}), "got one that cannot be read"),
    "damaged inside": (lambda: changed(book(t=BEAK), "xl/worksheets/sheet1.xml", lambda xml: xml[:200]),
                       "got one that cannot be read"),
    "a row far below": (lambda: changed(book(t=BEAK), "xl/worksheets/sheet1.xml", huge_row), "expected at most"),
}


def zipped(parts):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as out:
        for name, content in parts.items():
            out.writestr(name, content)
    return held.getvalue()


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_a_sentence(tmp_path, make, says):
    assert says in refusal(tmp_path, make())


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(spreadsheets, "MAX_UNPACKED", 1024)
    assert "unpacked" in refusal(tmp_path, book(t=BEAK))
    monkeypatch.undo()
    monkeypatch.setattr(spreadsheets, "MAX_SHEET_CELLS", 20)
    assert "expected at most" in refusal(tmp_path, book(t=BEAK))


def test_entities_that_grow_without_end_are_refused(tmp_path):
    bomb = "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 12))

    def loaded(xml):
        start = xml.index(b"<", 1) if xml.startswith(b"<?xml") else 0
        document = f'<!DOCTYPE worksheet [<!ENTITY l0 "laugh">{bomb}]>'.encode()
        return xml[:start] + document + xml[start:].replace(b"<sheetData>", b"<sheetData>&l11;", 1)

    said = refusal(tmp_path, changed(book(t=BEAK), "xl/worksheets/sheet1.xml", loaded))
    assert "cannot be read" in said
