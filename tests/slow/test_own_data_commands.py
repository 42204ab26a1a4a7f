"""Own data on the command line, from three CSV files to filled ones, as the documentation shows it."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from bvae.cli import main
from bvae.data import DATASETS
from bvae.data.own.registering import FOLDERS
from tests.support.own_study import PEOPLE, study


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of three tables whose values are known, and a model of it; what was hidden from it."""
    place = tmp_path_factory.mktemp("own") / "study"
    hidden = study(place)
    assert main(["data", "init", str(place)]) == 0
    assert main(["train", str(place), "mwb-vae", "--time", "12s", "--no-evaluate"]) == 0
    yield place, hidden
    FOLDERS.pop("study", None)
    DATASETS._entries.pop("study", None)


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return {row[next(iter(row))]: row for row in csv.DictReader(file)}


def test_what_was_hidden_comes_back_better_than_the_mean(trained, tmp_path, capsys):
    place, hidden = trained
    assert main(["impute", str(place), "mwb-vae", "--to", str(tmp_path)]) == 0
    assert "wrote" in capsys.readouterr().out
    filled, before, spread = (rows(p) for p in (
        tmp_path / "scan.csv", place / "scan.csv", tmp_path / "scan-uncertainty.csv"))
    assert list(next(iter(filled.values()))) == list(next(iter(before.values())))  # the columns, in their order
    assert list(filled)[: len(before)] == list(before)  # the rows, in theirs
    assert all(float(filled[i][c]) == float(row[c]) for i, row in before.items() for c in row if c != "patient")
    lacking = [i for i in hidden if i not in before]
    assert len(lacking) > 30
    columns = [c for c in next(iter(before.values())) if c != "patient"]
    truth = np.array([[hidden[i][c] for c in columns] for i in lacking])
    mean = np.array([[float(row[c]) for c in columns] for row in before.values()]).mean(0)
    found = np.array([[float(filled[i][c]) for c in columns] for i in lacking])
    said = np.array([[float(spread[i][c]) for c in columns] for i in lacking])
    assert ((found - truth) ** 2).mean() < 0.4 * ((mean - truth) ** 2).mean()
    assert 0.75 < (np.abs(found - truth) < 1.645 * said).mean() < 0.99
    assert all(float(v) == 0 for i in before for v in list(spread[i].values())[1:])
    words = rows(tmp_path / "questions.csv")
    assert {row["mood"] for row in words.values()} <= {"bad", "fair", "good"}
    assert set(words) == set(PEOPLE)


def test_latent_positions_of_all_items(trained, tmp_path):
    place, _ = trained
    for suffix in ("csv", "tsv", "parquet", "npz"):
        assert main(["embed", str(place), "mwb-vae", "--to", str(tmp_path / f"z.{suffix}")]) == 0
    found = rows(tmp_path / "z.csv")
    assert set(found) == set(PEOPLE)
    assert {"z1", "z1_sd", "diagnosis"} <= set(next(iter(found.values())))
    with np.load(tmp_path / "z.npz") as arrays:
        assert set(arrays["id"]) == set(PEOPLE)
        np.testing.assert_allclose(arrays["z1"], [float(found[i]["z1"]) for i in arrays["id"]], rtol=1e-4, atol=1e-5)


def test_new_items_with_columns_in_another_order_and_files_missing(trained, tmp_path, capsys):
    """A patient of the study is where she was, whatever else is in the folder and however it is written."""
    place, _ = trained
    before = rows(place / "blood.csv")
    new = tmp_path / "new"
    new.mkdir()
    some = [i for i in before if i in rows(place / "scan.csv")][:9]
    lines = [";".join(["ldl", "patient", "crp", "hb", "further"])]
    lines += [";".join([before[i]["ldl"], i, before[i]["crp"].replace(".", ","), before[i]["hb"], "x"]) for i in some]
    (new / "blood.csv").write_text("\r\n".join(lines), encoding="utf-8-sig")
    assert main(["embed", str(place), "mwb-vae", "--items", str(new), "--to", str(tmp_path / "new.csv")]) == 0
    assert "scan.csv is not there: no item has 'scan'" in capsys.readouterr().out
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "blood.csv").write_text((place / "blood.csv").read_text())
    assert main(["embed", str(place), "mwb-vae", "--items", str(alone), "--to", str(tmp_path / "old.csv")]) == 0
    one, other = rows(tmp_path / "new.csv"), rows(tmp_path / "old.csv")
    assert set(one) == set(some)
    for i in some:
        np.testing.assert_allclose(*([float(r[i][f"z{k}"]) for k in (1, 2)] for r in (one, other)), atol=1e-4)
    assert main(["impute", str(place), "mwb-vae", "--items", str(new), "--to", str(tmp_path / "filled")]) == 0
    assert set(rows(tmp_path / "filled" / "scan.csv")) == set(some)


def test_who_says_what_of_all_items_by_their_ids(trained, tmp_path, capsys):
    place, _ = trained
    assert main(["contributions", str(place), "mwb-vae", "--to", str(tmp_path / "who.csv")]) == 0
    assert "in the joint posterior" in capsys.readouterr().out
    found = rows(tmp_path / "who-items.csv")
    assert set(found) == set(PEOPLE)
    assert set(rows(tmp_path / "who.csv")) == {"blood", "scan", "questions"}
    lacking = [i for i in PEOPLE if i not in rows(place / "scan.csv")]
    assert all(found[i]["misfit_scan"] == found[i]["share_scan"] == "" for i in lacking)


def test_it_can_be_evaluated_resumed_and_mapped(trained, capsys):
    place, _ = trained
    assert main(["evaluate", str(place), "mwb-vae", "--metrics", "imputation"]) == 0
    assert "imputation" in capsys.readouterr().out
    assert (place / "models" / "study" / "mwb-vae" / "metrics.json").is_file()


@pytest.mark.parametrize(("words", "said"), [
    (["impute", "{}", "mwb-vae", "--to", "{}"], "expected another place than that of the data"),
    (["embed", "{}", "mwb-vae", "--to", "{}/blood.csv"], "expected another place than that of the data"),
    (["embed", "{}", "mwb-vae", "--to", "z.xlsx"], "expected a file that ends with"),
    (["contributions", "{}", "mwb-vae", "--to", "{}/blood.csv"], "expected another place than that of the data"),
    (["embed", "{}", "mwb-vae", "--items", "nowhere", "--to", "z.csv"], "expected a folder, got none"),
    (["embed", "{}", "mvae", "--to", "z.csv"], "mvae"),
    (["embed", "polymnist", "mwb-vae", "--to", "z.csv"], "expected a folder, or a data set of tables"),
])
def test_what_cannot_be_is_said_in_one_line(trained, words, said, capsys, tmp_path, monkeypatch):
    place, _ = trained
    monkeypatch.chdir(tmp_path)
    assert main([w.format(place) for w in words]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not list(tmp_path.glob("z.*"))


def test_words_that_spreadsheets_would_run(tmp_path, capsys):
    """They are written with an apostrophe before them, and read without it."""
    from bvae.data.own.readers.text import read_csv
    from bvae.data.own.writing import write_table

    words = ["=1+1", "+cmd|' /C calc'!A0", "-2.5", "-x", "@SUM(A1)", "'=x", "plain", "+3", "'quoted"]
    write_table(tmp_path / "t.csv", {"id": words, "=a": list(range(9))})
    text = (tmp_path / "t.csv").read_text()
    for line in text.splitlines():
        assert line.lstrip('"')[0] not in "=@"
    assert "'+cmd" in text
    assert "'-x" in text
    got = read_csv(tmp_path / "t.csv").tables[""]
    assert got.columns["id"].tolist() == words


def test_pictures_that_items_lack_are_drawn_beside_the_tables(tmp_path, capsys):
    g = np.random.default_rng(0)
    place = tmp_path / "faces"
    (place / "photo").mkdir(parents=True)
    names = [f"p{k}" for k in range(40)] + ["../p", "a/b"]
    (place / "age.csv").write_text("id,age,height\n" + "".join(f"{i},{g.normal(40, 9):.1f},{g.normal(170, 9):.1f}\n"
                                                              for i in names))
    for i in names[:30]:
        Image.fromarray(g.integers(0, 255, (8, 8), dtype=np.uint8)).save(place / "photo" / f"{i}.png")
    assert main(["data", "init", str(place)]) == 0
    assert main(["train", str(place), "mvae", "--steps", "4", "--no-evaluate"]) == 0
    out = tmp_path / "deep" / "out"
    assert main(["impute", str(place), "mvae", "--to", str(out)]) == 0
    assert "wrote 10 pictures of items that lack them" in capsys.readouterr().out
    assert sorted(p.stem for p in (out / "photo").iterdir()) == sorted(names[30:40])
    assert not list((tmp_path / "deep").glob("*.png"))
    FOLDERS.pop("faces", None)
    DATASETS._entries.pop("faces", None)
