"""Contradictory and awkward folders: each is decided, in a sentence or a note, and nothing is dropped silently."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bvae.data import DataError
from bvae.data.own import Folder, from_arrays, register
from bvae.data.own.encoding import columns_of
from bvae.data.own.initialise import initialise
from bvae.data.own.readers.text import read_csv
from bvae.data.own.tables import Table
from bvae.data.own.words import word

G = np.random.default_rng(0)


def csv(place, name, ids, columns=2, sep=","):
    rows = [sep.join([str(i), *(f"{G.normal():.3f}" for _ in range(columns))]) for i in ids]
    head = sep.join(["id", *(f"{name[0]}{k}" for k in range(columns))])
    (place / name).write_text("\n".join([head, *rows]) + "\n")


def manifest(place, **more):
    """A plain manifest over all CSV files of a folder."""
    lines = ['name = "study"', 'id = "id"', *(f"{k} = {v}" for k, v in more.items())]
    lines += [f'[modalities.{p.stem}]\nfile = "{p.name}"' for p in sorted(place.glob("*.csv")) if p.stem != "labels"]
    (place / "bvae.toml").write_text("\n".join(lines))


def test_ids_that_match_nowhere(tmp_path):
    csv(tmp_path, "blood.csv", [f"P{k}" for k in range(9)])
    csv(tmp_path, "mood.csv", [f"p{k}" for k in range(9)])
    manifest(tmp_path)
    with pytest.raises(DataError, match=r"more than one file, .* blood\.csv has ids such as 'P0', 'P1'"):
        Folder(tmp_path).data()
    csv(tmp_path, "scan.csv", [f"p{k}" for k in range(9)])
    manifest(tmp_path)
    data = Folder(tmp_path).data()
    assert len(data) == 18
    assert any("no id of blood.csv stands in another file" in note for note in data.notes)


def test_a_first_column_without_a_name_holds_the_ids(tmp_path):
    """As pandas and R write it. Rows in another order belong together by it, and not by their order."""
    frame = pd.DataFrame({"a": np.arange(12) + 0.5}, index=[f"p{k}" for k in range(12)])
    frame.to_csv(tmp_path / "a.csv")
    frame.rename(columns={"a": "b"})[::-1].to_csv(tmp_path / "b.csv")
    frame.rename(columns={"a": "c"}).rename_axis("patient")[::-1].to_csv(tmp_path / "c.csv")
    initialise(tmp_path)
    data = Folder(tmp_path).data()
    assert data.ids == tuple(frame.index)
    for name in "abc":
        np.testing.assert_array_equal(data.x[name][:, 0], frame["a"])


def test_labels_whose_ids_match_nowhere(tmp_path):
    for name in ("a.csv", "b.csv"):
        csv(tmp_path, name, range(10))
    (tmp_path / "labels.csv").write_text("id,group\n" + "".join(f"x{k},u\n" for k in range(5)))
    manifest(tmp_path, labels='["group"]', tables='["labels.csv"]')
    with pytest.raises(DataError, match="column 'group': expected the ids of the views, such as '0', got .* 'x0'"):
        Folder(tmp_path).data()


@pytest.mark.parametrize(("labels", "classes"), [
    (["a"] * 20, 1), (["a"] * 10 + ["b"] * 10, 2), (["a"] * 10 + [None] * 10, 1), ([None] * 20, 1),
    (["a"] * 9 + ["b"] * 9 + [None] * 2, 3), (["a", "unknown"] * 9 + [None] * 2, 2),
    ([float(k % 3) for k in range(20)], 3), ([k + 0.5 for k in range(20)], 1), ([float("inf")] * 19 + [1.0], 1)])
def test_one_class_or_none(labels, classes):
    data = from_arrays({"a": G.normal(size=(20, 3))}, y=labels)
    assert data.num_classes == classes
    for part in data.splits(0.3).values():
        assert part.num_classes == classes
        assert part.class_names == data.class_names


def test_many_classes_in_a_small_part():
    """Each part keeps the classes of the whole, also where it has more of them than it could be told by."""
    data = from_arrays({"a": G.normal(size=(60, 3))}, y=[f"k{k % 20}" for k in range(60)])
    parts = data.splits(0.2)
    assert data.num_classes == parts["test"].num_classes == 20
    assert [parts["test"].class_names[k] for k in parts["test"].y] == list(parts["test"].label_columns["y"])


def test_one_item():
    data = from_arrays({"a": np.ones((1, 3)) * [1.5, 2, 3]})
    assert len(data) == 1
    with pytest.raises(DataError, match="expected items to train on and items to test, at least one each"):
        data.splits()


def test_constant_columns_are_said_and_kept(tmp_path):
    (tmp_path / "a.csv").write_text("id,same,word,other\n" + "".join(f"p{k},7,x,{k % 5}.5\n" for k in range(20)))
    csv(tmp_path, "b.csv", [f"p{k}" for k in range(20)])
    manifest(tmp_path)
    data = Folder(tmp_path).data()
    assert [c.name for c in data.modalities["a"].columns] == ["same", "word", "other"]
    assert sum("has one value in all rows" in note for note in data.notes) == 2


def test_a_modality_that_a_split_lacks(tmp_path):
    csv(tmp_path, "a.csv", range(20))
    csv(tmp_path, "b.csv", range(5))
    rows = "".join(f"{k},{'test' if k < 5 else 'train'}\n" for k in range(20))
    (tmp_path / "labels.csv").write_text("id,part\n" + rows)
    manifest(tmp_path, split='"part"', tables='["labels.csv"]')
    with pytest.raises(DataError, match="modality 'b': expected items that have it among those to train on, got none"):
        Folder(tmp_path).splits()
    (tmp_path / "labels.csv").write_text("id,part\n" + rows.replace("test", "x").replace("train", "test").replace(
        "x", "train"))
    parts = Folder(tmp_path).splits()
    assert any("no item to test has 'b'" in note for note in parts["test"].notes)
    (tmp_path / "labels.csv").write_text("id,part\n" + rows.replace("3,test", "3,"))
    with pytest.raises(DataError, match="column 'part': expected train or test for every item, got nothing for '3'"):
        Folder(tmp_path).splits()


def test_ids_that_cannot_be(tmp_path):
    csv(tmp_path, "b.csv", ["p1", "p2"])
    for odd, said in (("x" * 300, "row 3: expected an id of 1 to 200 printable characters, got one of 300"),
                      ('"p1\np2"', r"row 3: expected an id of 1 to 200 printable characters, got 'p1\\np2'")):
        csv(tmp_path, "a.csv", ["p1", odd])
        manifest(tmp_path)
        with pytest.raises(DataError, match=said):
            Folder(tmp_path).data()
    with pytest.raises(DataError, match="ids, item 1: expected every id once, got 'a', which item 0 has"):
        from_arrays({"a": np.ones((2, 1)) * 1.5}, ids=["a", "a"])


def test_words_that_are_too_long_or_of_several_lines(tmp_path):
    (tmp_path / "a.csv").write_text('id,a,b\n' + "".join(
        f'p{k},"one\ntwo",{"x" * 300 if k == 3 else "y"}\n' for k in range(8)))
    table = read_csv(tmp_path / "a.csv").tables[""]
    columns, notes = columns_of(table.without(["id"]))
    assert columns == ()
    assert "column 'a' holds texts of more than 200 characters or of several lines, such as in row 2" in notes[0]
    with pytest.raises(DataError, match="column 'b': expected a word of at most 200 printable characters"):
        columns_of(table.without(["id", "a"]), {"b": "category"})


def test_names_of_files_cannot_write_into_the_manifest(tmp_path):
    csv(tmp_path, "b.csv", ["p1", "p2", "p3"])
    (tmp_path / 'x\n[modalities.evil]\nfile = "y.csv"').write_text("id,a\np1,1\n")
    (tmp_path / 'quo"te.csv').write_text("id,a\np1,1.5\np2,3\np3,4\n")
    initialise(tmp_path)
    text = (tmp_path / "bvae.toml").read_text()
    assert "\n[modalities.evil]" not in text
    assert len(Folder(tmp_path).data()) == 3


def test_a_manifest_that_is_a_link_is_replaced_not_followed(tmp_path):
    outside = tmp_path / "outside.toml"
    outside.write_text("mine")
    place = tmp_path / "study"
    place.mkdir()
    csv(place, "a.csv", ["p1", "p2", "p3"])
    (place / "bvae.toml").symlink_to(outside)
    initialise(place, overwrite=True)
    assert outside.read_text() == "mine"
    assert not (place / "bvae.toml").is_symlink()


def test_two_text_views_share_their_letters(tmp_path):
    data = from_arrays({"a": ["abc", "ba", None], "b": ["xyz", "", "zz"], "n": np.array(["q", None, "w"], object)})
    assert data.read_text(data.x["b"][:1])[0].strip() == "xyz"
    assert data.read_text(data.x["n"][2:])[0].strip() == "w"
    (tmp_path / "t.csv").write_text("id,a,b\n" + "".join(f"p{k},note {k},ÄÖ {k}\n" for k in range(9)))
    views = "".join(f'[modalities.{v}]\nfile = "t.csv"\nkind = "text"\ncolumns = ["{v}"]\n' for v in "ab")
    (tmp_path / "bvae.toml").write_text(f'name = "s"\nid = "id"\n{views}')
    data = Folder(tmp_path).data()
    assert data.read_text(data.x["b"][3:4])[0].strip() == "ÄÖ 3"
    assert data.read_text(data.x["a"][3:4])[0].strip() == "note 3"


@pytest.mark.parametrize(("value", "said"), [
    (3.0, "3"), (20231100012.0, "20231100012"), (0.1 + 0.2, "0.3"), (-2.5, "-2.5"), (1e300, "1e+300"), ("x", "x"),
    (np.float32(7), "7")])
def test_cells_as_words(value, said):
    assert word(value) == said


@pytest.mark.slow
def test_a_hundred_thousand_columns(tmp_path):
    """Read and joined; each column's cells are where they belong. More than are taken are refused by the header."""
    names = [f"gene{k}" for k in range(100_000)]
    rows = [",".join([f"p{i}", *(str((i * k) % 7) for k in range(100_000))]) for i in range(4)]
    (tmp_path / "rna.csv").write_text(",".join(["id", *names]) + "\n" + "\n".join(rows) + "\n")
    data = from_arrays({"rna": read_csv(tmp_path / "rna.csv").tables[""].without(["id"])})
    assert data.modalities["rna"].kind == "counts"
    assert data.x["rna"].shape == (4, 100_000)
    assert data.x["rna"][3, 88_888].item() == (3 * 88_888) % 7
    (tmp_path / "rna.csv").write_text(",".join(f"g{k}" for k in range(150_001)) + "\n")
    with pytest.raises(DataError, match="expected at most 150,000 columns, got 150,001"):
        read_csv(tmp_path / "rna.csv")


def test_wide_rows_and_long_names(tmp_path):
    """The header alone is longer than a million characters, and than what tells a file's separator."""
    names = [f"a rather long name of column {k} " + "x" * 100 for k in range(9000)]
    rows = [";".join([f"p{i}", *(f"{i},{k % 10}" for k in range(9000))]) for i in range(3)]
    (tmp_path / "wide.csv").write_text(";".join(["id", *names]) + "\n" + "\n".join(rows))
    table = read_csv(tmp_path / "wide.csv").tables[""]
    assert len(table.columns) == 9001
    assert table.columns[names[8999]].tolist() == [0.9, 1.9, 2.9]


def test_types_of_columns_that_are_not_there(tmp_path):
    csv(tmp_path, "a.csv", range(9))
    csv(tmp_path, "b.csv", range(9))
    manifest(tmp_path)
    with open(tmp_path / "bvae.toml", "a") as file:
        file.write('\ntypes = {c9 = "number"}\n')
    with pytest.raises(DataError, match=r"b\.csv: expected the column 'c9' of \[modalities\.b\], types"):
        Folder(tmp_path).data()


def test_a_new_view_in_the_manifest_of_a_trained_model(tmp_path):
    csv(tmp_path, "a.csv", range(9))
    csv(tmp_path, "b.csv", range(9))
    manifest(tmp_path)
    known = Folder(tmp_path).data().modalities
    csv(tmp_path, "c.csv", range(9))
    manifest(tmp_path)
    again = Folder(tmp_path, known=known).data()
    assert list(again.modalities) == ["a", "b"]
    assert any("[modalities.c] is new to the model" in note for note in again.notes)


@pytest.mark.parametrize(("present", "said"), [
    ({"a": [True] * 3}, r"present\['a'\]: expected 4 values, one an item, got shape \(3,\)"),
    ({"b": [True] * 4}, "present: expected names of modalities"), (np.ones((3, 4)), "mask: expected bool of shape")])
def test_presence_that_cannot_be(present, said):
    with pytest.raises(DataError, match=said):
        from_arrays({"a": G.normal(size=(4, 2))}, present=present)


@pytest.mark.parametrize("name", ["../x", "a/b", "", "UPPER", "a" * 99, "con.."])
def test_names_that_are_no_folders_are_not_registered(name):
    with pytest.raises(DataError, match="name: expected small letters, digits and hyphens"):
        register(from_arrays({"a": G.normal(size=(4, 2))}, name=name))


def test_pictures_outside_their_range_are_named():
    with pytest.raises(DataError, match=r"x\['p'\]: expected floats in \[0, 1\], .* got 0 to 300"):
        from_arrays({"p": np.linspace(0, 300, 4 * 9).reshape(4, 3, 3)})
    with pytest.raises(DataError, match="name of a modality"):
        from_arrays({"joint": np.zeros((4, 3, 3))})


def test_a_table_without_rows_of_a_kind_is_said():
    empty = Table("t.csv", {"a": np.array([np.nan, np.nan])})
    with pytest.raises(DataError, match=r"t\.csv: expected at least one column with values, got none"):
        from_arrays({"a": empty})
