"""A folder of tables and pictures as a data set: begun, joined by id, split, described, refused."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

import bvae
from bvae.cli import main
from bvae.data import DATASETS, DataError
from bvae.data.own import Folder, register
from bvae.data.own.initialise import initialise
from bvae.data.own.manifest import read_manifest
from bvae.data.own.registering import FOLDERS

PEOPLE = [f"p{k:03d}" for k in range(60)]


@pytest.fixture
def folder(tmp_path):
    """Two tables, labels and pictures of overlapping people."""
    g = np.random.default_rng(0)
    place = tmp_path / "My Study"
    place.mkdir()
    blood = [f"{i},{g.normal(13, 1):.2f},{'' if k % 7 == 0 else round(g.exponential(5), 1)},{'mf'[k % 2]}"
             for k, i in enumerate(PEOPLE[:50])]
    (place / "blood.csv").write_text("patient,hb,crp,sex\n" + "\n".join(blood) + "\n")
    mood = [f"{i};{('good', 'bad', 'fair')[k % 3]};{k % 9},5" for k, i in enumerate(PEOPLE[10:])]
    (place / "questions.csv").write_text("patient;mood;pain\r\n" + "\r\n".join(mood) + "\r\n")
    (place / "labels.csv").write_text("patient,diagnosis\n" + "".join(
        f"{i},{'AB'[k % 2]}\n" for k, i in enumerate(PEOPLE)) + "nobody,A\n")
    (place / "photo").mkdir()
    for i in PEOPLE[:20]:
        Image.fromarray(g.integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(place / "photo" / f"{i}.png")
    yield place
    for name in list(FOLDERS):
        FOLDERS.pop(name)
        DATASETS._entries.pop(name, None)


def test_files_that_were_let_go_of_are_read_again(folder):
    initialise(folder)
    read = Folder(folder)
    first = read.data()
    read.forget()
    assert not read._read
    second = read.data()
    assert second.ids == first.ids
    for view, values in first.x.items():
        np.testing.assert_array_equal(second.x[view].numpy(), values.numpy())
def test_ids_are_found_under_another_name_in_each_file(tmp_path):
    """By what they hold, whole numbers too, beside a column that is as good a name and holds something else."""
    g = np.random.default_rng(0)
    (tmp_path / "a.csv").write_text("Patient,x\n" + "".join(f"{1000 + k},{g.normal():.2f}\n" for k in range(40)))
    (tmp_path / "b.csv").write_text("PatNr;y;case\n" + "".join(
        f"{1000 + k};{g.normal():.2f};{k + 7}\n".replace(".", ",") for k in range(20, 50)))
    (tmp_path / "c.csv").write_text("who,z\n" + "".join(f"{1000 + k}.0,{g.normal():.2f}\n" for k in range(30)))
    initialise(tmp_path)
    manifest = read_manifest(tmp_path)
    assert (manifest.id, *(m.id for m in manifest.modalities.values())) == ("Patient", "", "PatNr", "who")
    assert len(Folder(tmp_path).data()) == 50


def test_few_counts_are_said_to_be_counts_and_why(tmp_path):
    g = np.random.default_rng(0)
    (tmp_path / "visits.csv").write_text("id,north,south,east\n" + "".join(
        f"i{k},{','.join(map(str, g.negative_binomial(1, 0.08, 3)))}\n" for k in range(200)))
    (tmp_path / "scores.csv").write_text("id,q1,q2\n" + "".join(
        f"i{k},{','.join(map(str, g.integers(0, 6, 2)))}\n" for k in range(200)))
    initialise(tmp_path)
    kinds = {name: m.kind for name, m in read_manifest(tmp_path).modalities.items()}
    assert kinds == {"scores": "vector", "visits": "counts"}
    line = next(t for t in (tmp_path / "bvae.toml").read_text().splitlines() if '"counts"' in t)
    assert "# whole numbers from 0 to" in line
    assert 'if they count nothing: kind = "vector"' in line


def test_begin_look_and_open(folder, capsys):
    assert main(["data", "init", str(folder)]) == 0
    manifest = read_manifest(folder)
    assert manifest.name == "my-study"
    assert manifest.id == "patient"
    assert manifest.labels == ("diagnosis",)
    assert manifest.tables == ("labels.csv",)
    assert set(manifest.modalities) == {"blood", "questions", "photo"}
    capsys.readouterr()
    assert main(["data", str(folder)]) == 0
    said = capsys.readouterr().out
    for words in ("60 items", "blood: table, 3 columns", "photo: image, 3 x 40 x 50; 20 items have it (33%)",
                  "crp (number)", "mood (category)", "1 ids have labels but no view", "label diagnosis"):
        assert words in said
    train, test = (bvae.dataset("my-study", split) for split in ("train", "test"))
    assert sorted([*train.ids, *test.ids]) == PEOPLE
    assert train.class_names == test.class_names == ("A", "B")
    everybody = {i: k for part in (train, test) for k, i in enumerate(part.ids)}
    assert len(everybody) == 60
    item = test.ids[0]
    assert test.called(0) == f"item {item}, diagnosis {'AB'[PEOPLE.index(item) % 2]}"


def test_views_are_joined_by_id_whatever_the_order(folder):
    initialise(folder)
    before = Folder(folder).data()
    lines = (folder / "blood.csv").read_text().splitlines()
    (folder / "blood.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]))
    after = Folder(folder).data()
    assert set(before.ids) == set(after.ids)
    for k, item in enumerate(before.ids):
        j = after.ids.index(item)
        for name in before.x:
            np.testing.assert_array_equal(before.x[name][k], after.x[name][j])
        np.testing.assert_array_equal(before.present[:, k], after.present[:, j])


def test_more_items_move_none_between_the_splits(folder):
    initialise(folder)
    before = Folder(folder).splits()
    with open(folder / "blood.csv", "a") as file:
        file.writelines(f"new{k},12,3,m\n" for k in range(20))
    after = Folder(folder).splits()
    assert set(before["test"].ids) <= set(after["test"].ids)
    assert set(before["train"].ids) <= set(after["train"].ids)


def test_a_split_column(folder):
    initialise(folder)
    rows = "".join(f"{i},{'test' if k < 5 else 'train'}\n" for k, i in enumerate(PEOPLE))
    (folder / "parts.csv").write_text("patient,part\n" + rows)
    text = (folder / "bvae.toml").read_text().replace("test = 0.2", 'split = "part"').replace(
        'tables = ["labels.csv"]', 'tables = ["labels.csv", "parts.csv"]')
    (folder / "bvae.toml").write_text(text)
    assert sorted(Folder(folder).splits()["test"].ids) == PEOPLE[:5]
    (folder / "parts.csv").write_text("patient,part\n" + rows.replace("test", "later"))
    with pytest.raises(DataError, match="column 'part': expected train or test for every item, got 'later'"):
        Folder(folder).splits()


CHANGES = {
    "twice the same id": ("blood.csv", lambda t: t + "p001,1,2,m\n",
                         "blood.csv, row 52: expected every id once, got 'p001', which row 3 has"),
    "an empty id": ("blood.csv", lambda t: t + ",1,2,m\n", "expected an id, got an empty cell"),
    "no such file": ("bvae.toml", lambda t: t.replace("blood.csv", "other.csv"), "expected the file 'other.csv'"),
    "a path outside": ("bvae.toml", lambda t: t.replace("blood.csv", "../secret.csv"),
                       "expected the file '../secret.csv'"),
    "an unknown key": ("bvae.toml", lambda t: t.replace("story = ", "storry = "), "did you mean 'story'"),
    "no TOML": ("bvae.toml", lambda t: t + "\n[[[", "expected TOML"),
    "another type": ("bvae.toml", lambda t: t.replace("gaps = []", 'gaps = "NA"'), "gaps: expected a list of texts"),
    "a name that is a path": ("bvae.toml", lambda t: t.replace('"my-study"', '"../x"'), "name: expected small letters"),
    "no label column": ("bvae.toml", lambda t: t.replace('["diagnosis"]', '["stage"]'), "expected a column 'stage'"),
    "no id column": ("bvae.toml", lambda t: t.replace('id = "patient"', 'id = "who"'), "expected the id column 'who'"),
    "a share that is none": ("bvae.toml", lambda t: t.replace("test = 0.2", "test = 2"), "test: expected a share"),
    "a type that is none": ("bvae.toml", lambda t: t.replace('sex = "binary"', 'sex = "gender"'),
                            "column 'sex': expected one"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_contradicts_is_refused_in_a_sentence(folder, change):
    initialise(folder)
    name, edit, said = CHANGES[change]
    path = folder / name
    path.write_text(edit(path.read_text()))
    with pytest.raises(DataError, match=said):
        Folder(folder).splits()


def test_a_command_says_it_without_a_traceback(folder, capsys):
    assert main(["data", str(folder)]) == 1
    assert "bvae data init" in capsys.readouterr().err
    initialise(folder)
    (folder / "blood.csv").write_text("patient,hb\np001,1\np001,2\n")
    assert main(["data", str(folder)]) == 1
    error = capsys.readouterr().err
    assert "blood.csv" in error
    assert "Traceback" not in error


def test_links_are_not_followed(folder, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("patient,a\np001,1\n")
    os.symlink(secret, folder / "linked.csv")
    initialise(folder)
    assert "linked" not in (folder / "bvae.toml").read_text()
    (folder / "bvae.toml").write_text((folder / "bvae.toml").read_text().replace("blood.csv", "linked.csv"))
    with pytest.raises(DataError, match=r"expected the file 'linked\.csv'"):
        Folder(folder).data()


def test_a_manifest_is_not_overwritten(folder):
    initialise(folder)
    with pytest.raises(DataError, match="there is one already"):
        initialise(folder)


def test_names_of_ours_are_not_taken(folder):
    initialise(folder)
    path = folder / "bvae.toml"
    path.write_text(path.read_text().replace('"my-study"', '"polymnist"'))
    with pytest.raises(DataError, match="expected one that no data set of ours has"):
        register(folder)


def test_one_table_of_groups_becomes_modalities(tmp_path):
    g = np.random.default_rng(0)
    names = [f"rna_{k}" for k in range(4)] + [f"protein_{k}" for k in range(3)]
    rows = "".join(f"c{k}," + ",".join(f"{v:.3f}" for v in g.normal(size=7)) + f",{'ab'[k % 2]}\n" for k in range(40))
    (tmp_path / "cells.csv").write_text("cell," + ",".join(names) + ",label\n" + rows)
    initialise(tmp_path)
    data = Folder(tmp_path).data()
    assert {name: m.shape for name, m in data.modalities.items()} == {"rna": (4,), "protein": (3,)}
    assert data.class_names == ("a", "b")
    assert data.ids[0] == "c0"


def test_rows_without_ids_belong_together_by_their_order(tmp_path):
    (tmp_path / "a.csv").write_text("u,v\n" + "".join(f"{k}.5,{k % 3}.5\n" for k in range(20)))
    (tmp_path / "b.csv").write_text("w\n" + "".join(f"{k % 5}.25\n" for k in range(20)))
    initialise(tmp_path)
    data = Folder(tmp_path).data()
    assert len(data) == 20
    assert data.x["b"][7].item() == 2.25
    (tmp_path / "b.csv").write_text("w\n1.25\n2.5\n")
    with pytest.raises(DataError, match="expected as many rows in every view"):
        Folder(tmp_path).data()
