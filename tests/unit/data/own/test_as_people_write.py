"""Tables as people write and export them: read as they are meant, or one sentence on what to mend."""

from __future__ import annotations

import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from bvae.data.base import DataError
from bvae.data.own.folder import Folder
from bvae.data.own.initialise import initialise
from bvae.data.own.numerals import plainly
from bvae.data.own.receiving import receive

ROWS = range(12)
IDS = [f"p{k}" for k in ROWS]
OTHER = "id,height\n" + "".join(f"p{k},{k}.5\n" for k in ROWS)
TABLE = OTHER.replace("height", "width")


def csv(names, *columns, mark=","):
    return names + "\n" + "".join(mark.join(str(cells[k]) for cells in columns) + "\n" for k in ROWS)


def read(folder, **files):
    receive([(name.replace("_", "."), text.encode() if isinstance(text, str) else text)
             for name, text in files.items()], folder)
    return Folder(initialise(folder).parent).data()


def column(folder, cells, mark=","):
    """What becomes of a column of a table."""
    data = read(folder, a_csv=csv(mark.join(("id", "x", "n")), IDS, cells, ROWS, mark=mark), b_csv=OTHER)
    place = [c.name for c in data.modalities["a"].columns].index("x")
    return data.x["a"][:, place].tolist()


WRITTEN = {
    "per cent": ([f"{k * 5}%" for k in ROWS], [k * 5.0 for k in ROWS], ","),
    "per cent, German": ([f"{k * 5},5 %" for k in ROWS], [k * 5 + 0.5 for k in ROWS], ";"),
    "thousands by apostrophes": ([f"{k + 1}'{k:03d}" for k in ROWS], [1000.0 * (k + 1) + k for k in ROWS], ","),
    "thousands by blanks": ([f"{k + 1} {k:03d}.5" for k in ROWS], [1000.0 * (k + 1) + k + 0.5 for k in ROWS], ","),
    "thousands by narrow blanks": ([f"{k + 1}\u202f{k:03d}" for k in ROWS], [1000.0 * (k + 1) + k for k in ROWS], ","),
    "thousands by points": ([f"{k + 1}.{k:03d},5" for k in ROWS], [1000.0 * (k + 1) + k + 0.5 for k in ROWS], ";"),
    "thousands by commas": ([f'"{k + 1},{k:03d}.5"' for k in ROWS], [1000.0 * (k + 1) + k + 0.5 for k in ROWS], ","),
    "a minus sign": ([f"−{k + 1}.5" for k in ROWS], [-k - 1.5 for k in ROWS], ","),
    "yes and no": (["yes" if k % 2 else "no" for k in ROWS], [k % 2 for k in ROWS], ","),
    "true and FALSE": (["true" if k % 2 else "FALSE" for k in ROWS], [k % 2 for k in ROWS], ","),
}


@pytest.mark.parametrize(("cells", "meant", "mark"), WRITTEN.values(), ids=WRITTEN)
def test_numbers_are_read_as_they_are_meant(tmp_path, cells, meant, mark):
    assert column(tmp_path, cells, mark) == meant


@pytest.mark.parametrize("words", [
    ["1,234", "2,345"], ["1 2", "3"], ["5 mm", "6 mm"], ["50%", "60"], ["007 123", "1 000"], ["a", None],
    ["1.2.3", "4"]])
def test_what_may_mean_something_else_stays_as_it_is(words):
    given = pa.array(words)
    assert plainly(given).to_pylist() == words


MEANT = {
    "UTF-16": {"a_csv": TABLE.encode("utf-16")},
    "UTF-16 without a mark": {"a_csv": TABLE.encode("utf-16-le")},
    "UTF-16 of another order": {"a_csv": TABLE.encode("utf-16-be")},
    "old line ends": {"a_csv": TABLE.replace("\n", "\r")},
    "semicolons and decimal commas": {"a_csv": TABLE.replace(",", ";").replace(".", ",")},
    "a separator at the end of every line": {"a_csv": TABLE.replace("\n", ",\n")},
    "a line end in a name": {"a_csv": TABLE.replace("id,width", '"id",\n"width"'.replace(',\n"width', ',"width\n'))},
    "blanks around ids": {"a_csv": csv("id,width", [f" {i} " for i in IDS], [f"{k}.5" for k in ROWS])},
    "ids called in capitals": {"a_csv": TABLE.replace("id,", "ID,")},
    "another column called id": {"a_csv": csv("id,name,width", [k % 3 for k in ROWS], IDS, [f"{k}.5" for k in ROWS])},
}


@pytest.mark.parametrize("files", MEANT.values(), ids=MEANT)
def test_files_are_read_as_they_are_meant(tmp_path, files):
    data = read(tmp_path, b_csv=OTHER, **files)
    assert set(data.ids) == set(IDS)
    assert data.patterns() == [(("a", "b"), 12)]
    assert data.modalities["a"].columns[-1].name == "width"
    assert data.x["a"][[data.ids.index(i) for i in IDS], -1].tolist() == [k + 0.5 for k in ROWS]


def test_ids_that_are_numbers_are_the_same_with_and_without_decimals(tmp_path):
    data = read(tmp_path, a_csv=csv("id,width", range(1, 13), [k * 1.5 for k in ROWS]),
                b_csv=csv("id,height", [f"{k}.0" for k in range(1, 13)], [k * 2.5 for k in ROWS]))
    assert data.patterns() == [(("a", "b"), 12)]
    assert data.ids[:2] == ("1", "2")


def saved(write):
    held = io.BytesIO()
    write(held)
    return held.getvalue()


PNG = saved(lambda f: Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40), np.uint8)).save(f, "PNG"))
REFUSED = {
    "gzip": ({"a_csv": gzip.compress(TABLE.encode())}, "a.csv: ", "a packed file (gzip)", "unpack it"),
    "an Excel file": ({"a_csv": b"PK\x03\x04\x14\x00"}, "a.csv: ", "an Excel file or a ZIP", ".xlsx"),
    "Parquet": ({"a_csv": b"PAR1\x15\x04"}, "a.csv: ", "a Parquet file", ".parquet"),
    "a web page": ({"a_csv": "\n<!DOCTYPE html><html>"}, "a.csv: ", "a web page", "save the table"),
    "JSON": ({"a_csv": json.dumps([{"id": 1}])}, "a.csv: ", "JSON", "as CSV"),
    "a title": ({"a_csv": "Birds of 2024\n" + TABLE}, "row 2", "1 cell", "delete what stands above the row of names"),
    "a short row": ({"a_csv": TABLE + "p99\n"}, "row 14", "got 1", "fill up the row"),
    "a long row": ({"a_csv": TABLE.replace("p9,9.5", "p9,9.5,1")}, "row 11", "got 3", "in quotes"),
    "an open quote": ({"a_csv": TABLE.replace("p3,", 'p3,"')}, "row 5", "quotation mark", "look for"),
    "a sum below": ({"a_csv": TABLE + ",72\n"}, "row 14", "an empty cell", "delete it"),
    "a word among numbers": ({"a_csv": TABLE.replace("3.5", "<3")}, "row 5, column 'width'", "'<3'", "mend the cell"),
    "dates only": ({"a_csv": csv("id,day", IDS, [f"2024-05-{k + 1:02d}" for k in ROWS])}, "column 'day'",
                   "12 different words", "declare it"),
    "arrays of two lengths": ({"a_npz": saved(lambda f: np.savez(f, a=np.ones((4, 3)), b=np.ones((5, 2))))},
                              "in every view", "got 4 in 'a', 5 in 'b'", "a column that names the items"),
    "a picture cut off": ({"a_png": PNG[:800], "b_png": PNG}, "a.png", "cannot be read to its end", "leave it out"),
    "no sound": ({"a_wav": b"RIFFxxxxWAVE"}, "a.wav", "cannot be read", "leave it out"),
}


@pytest.mark.parametrize(("files", "where", "got", "mend"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_a_sentence_that_says_where_what_and_how_to_mend_it(tmp_path, files, where, got, mend):
    with pytest.raises(DataError) as error:
        read(tmp_path, **files)
    for part in (where, got, mend, "expected"):
        assert part in str(error.value)


def test_a_first_row_of_numbers_is_said(tmp_path):
    data = read(tmp_path, a_csv=TABLE.removeprefix("id,width\n"), b_csv=OTHER.removeprefix("id,height\n"))
    assert any("a.csv: its columns are called 0.5; if the first row is an item, put a row of names" in note
               for note in data.notes)
