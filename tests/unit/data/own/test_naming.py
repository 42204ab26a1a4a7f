"""Items that each file calls by a column of another name, and columns that were meant to name them."""

import re

import pytest

from bvae.data import DataError
from bvae.data.own import Folder, words
from bvae.data.own.initialise import initialise, look
from bvae.data.own.manifest import read_manifest


def write(folder, name, head, rows):
    (folder / name).write_text("\n".join(",".join(map(str, row)) for row in (head, *rows)) + "\n")


@pytest.fixture
def meadow(tmp_path):
    """Plots in three files, of which one has another name for them, fewer of them, and another order."""
    ids = [f"P{k:03d}" for k in range(40)]
    write(tmp_path, "plants.csv", ("plot", "count", "cover"), [(i, k % 9, k / 7) for k, i in enumerate(ids)])
    write(tmp_path, "soil.csv", ("plot", "ph", "wet"), [(i, 6 + k / 50, k / 3) for k, i in enumerate(ids[:35])])
    write(tmp_path, "climate.csv", ("station_code", "warm", "rain"),
          [(i, 9 + (k * 7 % 40) / 9, (k * 3 % 40) / 11) for k, i in reversed(list(enumerate(ids[4:])))])
    return tmp_path


def test_the_column_that_holds_the_same_names_is_found_and_written(meadow):
    initialise(meadow)
    manifest = read_manifest(meadow)
    assert manifest.id == "plot"
    assert {name: s.id for name, s in manifest.modalities.items()} == {
        "climate": "station_code", "plants": "", "soil": ""}
    assert "the column 'station_code' names the items, as 'plot' does elsewhere" in (meadow / "bvae.toml").read_text()
    data = Folder(meadow).data()
    assert sorted(data.ids) == [f"P{k:03d}" for k in range(40)]
    assert {name: m.columns[0].name for name, m in data.modalities.items()} == {
        "climate": "warm", "plants": "count", "soil": "ph"}
    assert data.present.sum(1).tolist() == [36, 40, 35]


def test_three_names_for_one_thing(tmp_path):
    ids = [f"x{k}" for k in range(30)]
    for file, head in (("a.csv", "plot"), ("b.csv", "station"), ("c.csv", "where")):
        write(tmp_path, file, (f"first_of_{file[0]}", head, "v"), [(k % 7, i, k / 9) for k, i in enumerate(ids)])
    initialise(tmp_path)
    assert len(Folder(tmp_path).data()) == 30


def test_two_columns_that_could_name_them_are_said_and_neither_is_learnt_from(meadow):
    text = (meadow / "climate.csv").read_text().splitlines()
    (meadow / "climate.csv").write_text("\n".join(
        [f"{text[0]},again", *(f"{line},{line.split(',')[0]}" for line in text[1:])]))
    found = look(meadow)
    assert any(re.search(r"'station_code' names the items.*so could again", note) for note in found.notes)
    initialise(meadow)
    assert [c.name for c in Folder(meadow).data().modalities["climate"].columns] == ["warm", "rain"]


def test_labels_in_a_file_with_its_own_name_for_the_items(meadow):
    write(meadow, "labels.csv", ("which", "habitat"), [(f"P{k:03d}", "wet" if k % 2 else "dry") for k in range(40)])
    initialise(meadow)
    data = Folder(meadow).data()
    assert dict(zip(data.ids, data.label_columns["habitat"], strict=True))["P003"] == "wet"


def test_numbers_that_happen_to_be_the_same_name_nothing(tmp_path):
    write(tmp_path, "a.csv", ("v", "rank"), [(k / 3, k) for k in range(20)])
    write(tmp_path, "b.csv", ("w", "order"), [(k / 7, 19 - k) for k in range(20)])
    initialise(tmp_path)
    assert read_manifest(tmp_path).id == ""


def test_one_table_whose_ids_stand_twice_says_so(tmp_path):
    (tmp_path / "dup.csv").write_text("id;a;b\n1;3;4\n2;5;6\n2;7,5;8\n")
    initialise(tmp_path)
    assert read_manifest(tmp_path).id == "id"
    with pytest.raises(DataError, match=r"dup.csv, row 4: expected every id once, got '2', which row 3 has"):
        Folder(tmp_path).data()


def test_looking_costs_as_much_as_there_are_items(tmp_path, monkeypatch):
    """Whether a column can name the items is asked once a column, not once an item: a table of 100,000 took hours."""
    for name in ("beak", "body"):
        (tmp_path / f"{name}.csv").write_text("bird,x\n" + "".join(f"b{k},{k / 7:.3f}\n" for k in range(300)),
                                            encoding="utf-8", newline="\n")
    asked = []
    monkeypatch.setattr("bvae.data.own.initialise.can_name", lambda values: asked.append(0) or words.can_name(values))
    assert look(tmp_path).id == "bird"
    assert len(asked) < 20
