"""Maps, sweeps and comparisons of a person's own folder: counts, pictures and numbers with gaps."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from bvae.cli import main
from bvae.data import DATASETS
from bvae.data.own.registering import FOLDERS
from bvae.training.sizing import sized

ITEMS = [f"s{k:02d}" for k in range(60)]
KINDS = np.array(["alpha", "beta", "=gamma"])
SHORT = ("--set", "steps=3", "width=4", "--metrics", "latent_accuracy_one_probe")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Genes (whole numbers), photos, and measured numbers with gaps and the class; every view lacks some items."""
    folder = tmp_path_factory.mktemp("own") / "mixed study"
    (folder / "photos").mkdir(parents=True)
    g = np.random.default_rng(0)
    kind = g.integers(0, 3, len(ITEMS))
    genes = g.poisson(g.gamma(0.5, 1, (3, 30))[kind])
    rows = [["sample", *(f"gene{k}" for k in range(30))]]
    rows += [[i, *genes[k]] for k, i in enumerate(ITEMS) if k % 6]
    write(folder / "genes.csv", rows)
    rows = [["sample", "a", "b", "species"]]
    rows += [[i, f"{g.normal(kind[k]):.2f}", "" if k % 5 == 1 else f"{g.normal(-kind[k]):.2f}", KINDS[kind[k]]]
             for k, i in enumerate(ITEMS)]
    write(folder / "measured.csv", rows[:1] + rows[:0:-1])
    for k, i in enumerate(ITEMS):
        if k % 7:
            Image.fromarray(np.full((8, 8), 60 * kind[k] + k, dtype=np.uint8)).save(folder / "photos" / f"{i}.png")
    assert main(["data", "init", str(folder)]) == 0
    manifest = (folder / "bvae.toml").read_text()
    assert 'kind = "counts"' in manifest
    assert 'labels = ["species"]' in manifest
    for method in ("mwb-vae", "mvae"):
        assert main(["train", str(folder), method, "--steps", "3", "--width", "4", "--no-evaluate"]) == 0
        assert main(["evaluate", str(folder), method, "--metrics", "imputation"]) == 0
    yield folder
    FOLDERS.pop("mixed-study", None)
    DATASETS._entries.pop("mixed-study", None)


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def test_maps_stand_beside_the_models(place, capsys):
    assert main(["maps", str(place)]) == 0
    assert all((place / "models" / "mixed-study" / name / "maps.safetensors").is_file() for name in ("mwb-vae", "mvae"))
    capsys.readouterr()
    assert main(["maps", str(place), "mvae"]) == 0
    assert "mixed-study/mvae: up to date" in capsys.readouterr().out


def test_a_map_names_items_and_classes_as_the_person_did(place, tmp_path):
    assert main(["maps", str(place), "mwb-vae", "--to", str(tmp_path / "map.csv"), "--of", "genes"]) == 0
    with open(tmp_path / "map.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(place / "measured.csv", newline="", encoding="utf-8") as file:
        kinds = {row["sample"]: row["species"] for row in csv.DictReader(file)}
    assert len(rows) > 3
    assert all(ITEMS.index(row["item"]) % 6 for row in rows)  # those that have genes
    assert all(row["label"].removeprefix("'") == kinds[row["item"]] for row in rows)
    assert "=gamma" not in {row["label"] for row in rows}  # no spreadsheet runs it
    assert main(["maps", str(place), "mwb-vae", "--to", str(tmp_path / "map.npz"), "--of", "everything"]) == 0
    with np.load(tmp_path / "map.npz", allow_pickle=False) as arrays:
        assert set(arrays["view"]) == {"genes", "photos", "measured", "joint"}
        assert set(arrays["item"]) <= set(ITEMS)


def test_a_sweep_takes_sizes_from_the_data_and_its_seeds_are_compared(place, tmp_path, capsys):
    command = ["sweep", "--datasets", str(place), "--methods", "mwb-vae", "mvae", "--seeds", "0", "1", "--out",
               str(tmp_path), *SHORT]
    for number in range(4):
        assert main([*command, "--number", str(number)]) == 0
    capsys.readouterr()
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "latent dimensions for" in said
    assert "given instead: steps = 3, width = 4" in said
    assert "4 of 4 are done." in said
    from bvae.training import load_checkpoint

    found = load_checkpoint("mixed-study", "mwb-vae-seed-1", tmp_path).settings
    wanted = sized(DATASETS["mixed-study"]("train")).settings
    assert (found.latent_dim, found.batch_size, found.beta) == tuple(
        wanted[k] for k in ("latent_dim", "batch_size", "beta"))
    assert (found.steps, found.width, found.seed) == (3, 4, 1)
    assert main(["compare", "mwb-vae", "mvae", "--dataset", str(place), "--out", str(tmp_path)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "one probe" in line]
    assert lines
    assert all("2 seeds" in line for line in lines)


def test_two_folders_of_one_name_are_not_mixed_up(place, tmp_path, capsys):
    assert main(["sweep", "--datasets", str(place), str(place), "--methods", "mvae", "--out", str(tmp_path)]) == 1
    assert "expected different ones, got 'mixed-study' twice" in capsys.readouterr().err


def test_models_in_the_folder_are_compared(place, capsys):
    assert main(["compare", "mwb-vae", "mvae", "--dataset", str(place)]) == 0
    assert "imputation r2" in capsys.readouterr().out


@pytest.mark.parametrize("words", [
    ["compare", "mwb-vae", "wb-vae", "--dataset", "{}"], ["maps", "{}", "wb-vae"], ["evaluate", "{}", "wb-vae"],
])
def test_what_to_do_next_names_the_folder(place, words, capsys):
    assert main([w.format(place) for w in words]) == 1
    assert f"python -m bvae train '{place}' METHOD" in capsys.readouterr().err


def test_a_folder_without_models_has_no_maps(place, tmp_path, capsys):
    assert main(["maps", str(place), "--out", str(tmp_path)]) == 1
    assert "no checkpoints there" in capsys.readouterr().err


def test_judges_of_pictures_in_a_folder(place, capsys):
    assert main(["classifiers", str(place), "--epochs", "1"]) == 0
    assert "photos: test accuracy" in capsys.readouterr().out
    assert main(["evaluate", str(place), "mvae", "--metrics", "coherence"]) == 0
    assert "coherence, 1 view" in capsys.readouterr().out
