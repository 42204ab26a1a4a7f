"""Data sets that a person keeps: found, registered, counted, forgotten, and nothing else touched."""

import os
from dataclasses import replace

import pytest

import bvae
from bvae.data.base import DATASETS
from bvae.data.own.initialise import initialise
from bvae.data.own.manifest import Source, manifest_text, parse_manifest, read_manifest
from bvae.data.own.registering import FOLDERS
from bvae.io.locking import locked
from bvae.io.storage import write_json
from bvae.runs import jobs, kept
from bvae.training.settings import Settings


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("BVAE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(DATASETS, "_entries", dict(DATASETS._entries))
    before = dict(FOLDERS)
    yield kept.kept_root()
    FOLDERS.clear()
    FOLDERS.update(before)


@pytest.fixture
def birds(tmp_path):
    """Two tables of twelve birds, with their manifest."""
    folder = tmp_path / "birds"
    folder.mkdir()
    rows = range(12)
    (folder / "beak.csv").write_text("bird,length,depth\n" + "".join(f"N{k},{30 + k},{k / 2}\n" for k in rows))
    (folder / "body.csv").write_text("bird,mass,species\n" + "".join(
        f"N{k},{3000 + 7 * k},{'Gentoo' if k % 2 else 'Adelie'}\n" for k in rows if k != 3))
    initialise(folder)
    return folder


def test_what_is_kept_is_there_under_its_name_and_can_be_used(root, birds):
    (birds / "models").mkdir()
    (birds / ".hidden").write_text("no")
    (birds / "elsewhere.csv").symlink_to("/etc/hosts")
    folder = kept.keep(birds, read_manifest(birds), "my-birds")
    assert folder == root / "my-birds"
    assert kept.kept() == {"my-birds": folder}
    assert sorted(p.name for p in folder.iterdir()) == ["beak.csv", "body.csv", "bvae.toml"]
    assert (folder / "beak.csv").read_bytes() == (birds / "beak.csv").read_bytes()
    data = bvae.dataset("my-birds", split="train")
    assert set(data.modalities) == {"beak", "body"}
    assert len(data) < 12
    assert kept.size("my-birds") == sum(p.stat().st_size for p in folder.iterdir())
    assert sorted(p.name for p in root.iterdir() if not p.name.endswith(".lock")) == ["my-birds"]


@pytest.mark.parametrize("name", ["", "../birds", "Birds", "a/b", "-a", "x" * 70, "penguins", "polymnist", "ümlaut"])
def test_a_name_that_cannot_be_is_refused_before_anything_is_written(root, birds, name):
    with pytest.raises(kept.KeptError, match="Name: "):
        kept.keep(birds, read_manifest(birds), name)
    assert not kept.kept()
    assert list((root.parent).glob("**/*.csv")) == []


def test_a_name_is_kept_once(root, birds):
    kept.keep(birds, read_manifest(birds), "birds")
    with pytest.raises(kept.KeptError, match="already"):
        kept.keep(birds, read_manifest(birds), "birds")


def test_a_full_disk_is_said_before_anything_is_copied(root, birds, monkeypatch):
    monkeypatch.setattr(kept.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(kept.KeptError, match="free on the disk"):
        kept.keep(birds, read_manifest(birds), "birds")
    assert not kept.kept()


def test_at_start_what_is_kept_is_registered_and_what_is_damaged_is_named(root, birds):
    kept.keep(birds, read_manifest(birds), "good")
    (root / "broken").mkdir()
    (root / "broken" / "bvae.toml").write_text("name = [")
    (root / "renamed").mkdir()
    (root / "renamed" / "bvae.toml").write_text((root / "good" / "bvae.toml").read_text())
    (root / "penguins").mkdir()
    (root / "penguins" / "bvae.toml").write_text((root / "good" / "bvae.toml").read_text())
    (root / "linked").symlink_to(birds)
    kept.unregister("good")
    assert "good" not in DATASETS
    problems = kept.register_kept()
    assert "good" in DATASETS
    assert bvae.data.own.models_of("good") == (root / "good").resolve() / "models"
    assert [p.split(":")[0] for p in problems] == ["broken", "penguins", "renamed"]
    assert kept.register_kept() == problems  # nothing is registered twice
    assert "linked" not in kept.kept()
    assert DATASETS["penguins"].__module__ == "bvae.data.penguins"


def test_what_another_process_deleted_is_known_no_more(root, birds):
    folder = kept.keep(birds, read_manifest(birds), "birds")
    folder.rename(root.parent / "elsewhere")
    assert kept.register_kept() == []
    assert "birds" not in DATASETS
    assert "birds" not in FOLDERS


def test_what_is_forgotten_is_gone_with_its_models_and_runs_and_nothing_else(root, birds):
    kept.keep(birds, read_manifest(birds), "birds")
    other = kept.keep(birds, read_manifest(birds), "others")
    (root / "birds" / "models").mkdir()
    mine, theirs = _job("a", "birds"), _job("b", "others")
    kept.forget("birds")
    assert kept.kept() == {"others": other}
    assert "birds" not in DATASETS
    assert "others" in DATASETS
    assert not mine.exists()
    assert theirs.exists()
    assert not (root / "birds").exists()
    assert not list(root.glob(".gone-*"))
    assert birds.is_dir()


@pytest.mark.parametrize("name", ["..", "../jobs", "", "/etc", "penguins"])
def test_only_what_is_kept_can_be_forgotten(root, birds, name):
    kept.keep(birds, read_manifest(birds), "birds")
    with pytest.raises(kept.KeptError, match="No data set"):
        kept.forget(name)
    assert list(kept.kept()) == ["birds"]
    assert "penguins" in DATASETS


def test_while_a_run_is_going_or_waiting_nothing_is_forgotten(root, birds):
    kept.keep(birds, read_manifest(birds), "birds")
    run = _job("a", "birds")
    (run / "queued").touch()
    with pytest.raises(kept.KeptError, match="stop it first"):
        kept.forget("birds")
    (run / "queued").unlink()
    with locked(run, "training"), pytest.raises(kept.KeptError, match="stop it first"):
        kept.forget("birds")
    assert list(kept.kept()) == ["birds"]
    assert run.exists()


def test_what_is_kept_is_changed_in_its_place_but_not_while_a_run_of_it_waits(root, birds):
    folder = kept.keep(birds, read_manifest(birds), "birds")
    (folder / "models").mkdir()
    given = read_manifest(folder)
    other = replace(given, labels=(), modalities={"body": replace(given.modalities["body"], kind="counts",
                                                                  columns=("mass",))})
    assert set(bvae.dataset("birds", split="train").modalities) == {"beak", "body"}
    (_job("a", "birds") / "queued").touch()
    with pytest.raises(kept.KeptError, match="stop it first"):
        kept.change("birds", other)
    assert read_manifest(folder) == given
    (jobs.jobs_root() / "a" / "queued").unlink()
    kept.change("birds", replace(other, name="elsewhere"))
    assert read_manifest(folder) == other
    assert bvae.dataset("birds", split="train").modalities["body"].kind == "counts"
    assert (folder / "models").is_dir()
    with pytest.raises(kept.KeptError, match="No data set"):
        kept.change("../birds", other)


def test_nothing_is_kept_where_nothing_was_kept(root):
    assert kept.kept() == {}
    assert kept.register_kept() == []
    assert not os.path.exists(root)


def test_a_manifest_is_read_as_it_was_written(birds, tmp_path):
    given = read_manifest(birds)
    strange = Source(file="a \"b\".csv", kind="table", columns=("x", "y = 1"), types={"a b": "category"},
                     gaps=("-999",), weight=0.5, size=(3, 4), channels=3, fit="stretch", seconds=1.5, label="ü\\l")
    for manifest in (given, replace(given, modalities={**given.modalities, "odd name (1)": strange}, test=0.3,
                                    labels=("a", "b'"), tables=("t.csv",), gaps=("?",), split="set", story="2\nlines")):
        assert parse_manifest(manifest_text(manifest).encode(), tmp_path / "bvae.toml") == manifest


def _job(id, dataset):
    folder = jobs.jobs_root() / id
    folder.mkdir(parents=True)
    settings = Settings.from_mapping({"dataset": dataset, "method": "mwb-vae"})
    write_json(folder / "job.json", {"format": 1, "name": f"model-{id}", "evaluate": False, "created": "", "settings":
                                     settings.as_dict()})
    return folder
