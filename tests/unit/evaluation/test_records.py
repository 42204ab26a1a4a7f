"""Records: files that are read as they were written, and what several runs say together."""

import json
import shutil

import pytest

from bvae.evaluation.records import (
    Record,
    folder_of,
    over_missing,
    over_seeds,
    read,
    records,
    results,
    together,
    write,
    write_seeds,
)
from bvae.training import CheckpointError, checkpoints, load_checkpoint
from tests.support.records import CONFIG, put_checkpoint, put_family, put_record, settings


def test_a_record_is_read_as_it_was_written(tmp_path):
    record, path = put_record(tmp_path, "wb-vae-seed-1", 0.6, seed=1)
    assert path == tmp_path / "polymnist" / "records" / "wb-vae-seed-1.json"
    assert read(path) == record
    assert records("polymnist", tmp_path) == [record]
    assert records("mnist-svhn-text", tmp_path) == []
    assert record.hash == "a" * 64


def test_records_and_judges_are_no_checkpoints(tmp_path):
    for name in ("wb-vae", "records", "classifiers"):
        put_checkpoint(tmp_path, name, of=settings())
    assert checkpoints("polymnist", tmp_path) == ["wb-vae"]


@pytest.mark.parametrize("damage", [
    lambda c: "{",
    lambda c: json.dumps([]),
    lambda c: json.dumps({**c, "format": 2}),
    lambda c: json.dumps({**c, "settings": {"no": 1}}),
    lambda c: json.dumps({**c, "settings": 3}),
    lambda c: json.dumps({**c, "sha256": "b" * 64}),
    lambda c: json.dumps({**c, "metrics": {}}),
    lambda c: json.dumps({k: v for k, v in c.items() if k != "seconds"}),
])
def test_a_damaged_record_is_named(damage, tmp_path):
    _, path = put_record(tmp_path, "wb-vae-seed-1", 0.6, seed=1)
    path.write_text(damage(json.loads(path.read_text())))
    with pytest.raises(CheckpointError, match=r"wb-vae-seed-1\.json"):
        records("polymnist", tmp_path)


def test_over_seeds_is_the_mean_and_its_standard_error(tmp_path):
    put_family(tmp_path)
    table = over_seeds("polymnist", tmp_path)
    assert list(table) == ["wb-vae"]
    figure = table["wb-vae"]["joint_coherence"]
    # 0.25, 0.3, 0.35: sample standard deviation 0.05, over the root of 3.
    assert figure == {"mean": 0.3, "se_seeds": pytest.approx(0.05 / 3**0.5, abs=1e-6), "n": 3,
                      "values": {"0": 0.25, "1": 0.3, "2": 0.35}}
    assert table["wb-vae"]["coherence"]["4"]["mean"] == pytest.approx(0.64)
    assert "evaluation" not in table["wb-vae"]


def test_results_are_of_models_and_of_records_that_stand_for_one(tmp_path):
    put_checkpoint(tmp_path, "wb-vae")
    put_record(tmp_path, "wb-vae-seed-1", 0.6, seed=1)
    put_record(tmp_path, "wb-vae-missing-20", 0.6, seed=2, missing=0.2)
    assert list(results("polymnist", tmp_path)) == ["wb-vae"]  # the others say more of it
    put_record(tmp_path, "mmvae", 0.7, method="mmvae")
    put_record(tmp_path, "wb-vae-longer", 0.8, steps=11)
    found = results("polymnist", tmp_path)
    assert list(found) == ["mmvae", "wb-vae", "wb-vae-longer"]  # methods in their order, then others
    assert list(over_missing("polymnist", tmp_path)) == list(found)
    assert isinstance(found["mmvae"], Record)
    assert found["wb-vae"] == load_checkpoint("polymnist", "wb-vae", tmp_path)
    assert list(together("polymnist", {}, tmp_path)) == ["mmvae", "wb-vae-longer", "wb-vae-seed-1"]
    # A run of one's own, of another seed, says more of the method that is there; it does not take its place.
    put_checkpoint(tmp_path, "mine", 0.9, of=settings(method="mmvae", seed=7))
    assert list(results("polymnist", tmp_path)) == ["mmvae", "wb-vae", "mine", "wb-vae-longer"]
    assert over_seeds("polymnist", tmp_path)["mmvae"]["joint_coherence"]["n"] == 2
    assert "mine" not in over_seeds("polymnist", tmp_path)
    # One of the same name counts once it is evaluated.
    put_checkpoint(tmp_path, "mmvae", 0.1, of=settings(method="mmvae"))
    assert results("polymnist", tmp_path)["mmvae"] == load_checkpoint("polymnist", "mmvae", tmp_path)
    (tmp_path / "polymnist" / "mmvae" / "metrics.json").unlink()
    assert isinstance(results("polymnist", tmp_path)["mmvae"], Record)
    shutil.rmtree(tmp_path / "polymnist" / "mmvae")
    with pytest.raises(CheckpointError, match=r"in the records.* --rebuild --weights --only 'polymnist/mmvae'$"):
        load_checkpoint("polymnist", "mmvae", tmp_path)


def test_only_runs_that_differ_in_the_seed_alone_count(tmp_path):
    put_checkpoint(tmp_path)
    put_checkpoint(tmp_path, "mvae")
    put_record(tmp_path, "other-steps", 0.9, seed=1, steps=11)
    put_record(tmp_path, "other-method", 0.9, method="mmvae", seed=1)
    put_record(tmp_path, "missing", 0.9, seed=1, missing=0.2)
    assert write_seeds("polymnist", tmp_path) == {}
    assert not (tmp_path / "polymnist" / "seeds.json").exists()
    put_record(tmp_path, "mvae-seed-7", 0.9, method="mvae", seed=7)
    table = write_seeds("polymnist", tmp_path)
    assert list(table) == ["mvae"]
    assert table["mvae"]["joint_coherence"]["n"] == 2
    assert json.loads((tmp_path / "polymnist" / "seeds.json").read_text()) == table


def test_figures_that_a_record_lacks_are_left_out(tmp_path):
    put_checkpoint(tmp_path)
    record, _ = put_record(tmp_path, "wb-vae-seed-1", 0.6, seed=1)
    less = {k: v for k, v in record.metrics.items() if k != "coherence"}
    write(Record("wb-vae-seed-1", record.settings, CONFIG, less), tmp_path)
    assert "coherence" not in over_seeds("polymnist", tmp_path)["wb-vae"]
    assert "joint_coherence" in over_seeds("polymnist", tmp_path)["wb-vae"]


def test_over_missing_is_by_percent_and_rising(tmp_path):
    put_family(tmp_path)
    put_checkpoint(tmp_path, "mvae")
    curves = over_missing("polymnist", tmp_path)
    assert {name: list(by_share) for name, by_share in curves.items()} == {"mvae": [0], "wb-vae": [0, 20, 50]}
    assert curves["wb-vae"][50]["joint_coherence"]["mean"] == 0.325


def test_no_records_no_tables(tmp_path):
    assert over_seeds("polymnist", tmp_path) == over_missing("polymnist", tmp_path) == {}
    assert not folder_of("polymnist", tmp_path).exists()


def test_seeds_of_a_sweep_are_checkpoints_and_count(tmp_path):
    put_checkpoint(tmp_path, "wb-vae", of=settings())
    put_checkpoint(tmp_path, "wb-vae-seed-1", of=settings(seed=1))
    put_checkpoint(tmp_path, "other", of=settings(seed=2, steps=11))
    table = over_seeds("polymnist", tmp_path)
    assert list(table) == ["wb-vae"]
    assert set(table["wb-vae"]["joint_coherence"]["values"]) == {"0", "1"}
