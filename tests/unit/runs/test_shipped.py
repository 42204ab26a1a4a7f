"""What ships in checkpoints/: complete, small, and as good as docs/results.md says."""

import json
import shutil

import pytest

import bvae
from bvae.evaluation.records import over_seeds, records
from bvae.io.storage import StorageError, digest_of, read_json, sha256
from bvae.models.methods import METHODS
from bvae.runs.shipped import SHIPPED, plan
from bvae.training import checkpoints_root, load_checkpoint, load_weights
from bvae.training.checkpoint import training_seconds

FOLDER = checkpoints_root() / "polymnist"
CORE = ["mvae", "mmvae", "mopoe-vae", "wb-vae", "mwb-vae"]
every = pytest.mark.parametrize("name", CORE)


def test_the_core_methods_ship_and_nothing_that_is_not_in_the_plan():
    assert set(CORE) <= set(bvae.checkpoints("polymnist")) <= set(METHODS)
    planned = {str(run): run for run in plan()}
    for dataset in bvae.datasets():
        for name in bvae.checkpoints(dataset):
            assert planned[f"{dataset}/{name}"].ships_weights
        for record in records(dataset):
            run = planned[f"{dataset}/{record.name}"]
            assert not run.ships_weights
            assert record.settings == run.settings


@pytest.mark.parametrize("dataset", SHIPPED)
def test_what_pages_open_on_ships_with_its_weights(dataset):
    """A product, a mixture and a Wasserstein barycenter, side by side, on every data set of pictures."""
    from bvae.app.beliefs.contenders import FIRST_MODELS, first_models

    assert first_models(bvae.checkpoints(dataset)) == list(FIRST_MODELS)
    assert "mwb-vae" in bvae.checkpoints(dataset)


def test_the_table_over_seeds_is_what_the_records_say():
    for dataset in bvae.datasets():
        path = checkpoints_root() / dataset / "seeds.json"
        assert (read_json(path) if path.is_file() else {}) == over_seeds(dataset)


def test_everything_that_ships_states_what_it_holds():
    """A config, figures or judges that were swapped or changed are found out, not shown."""
    for folder in sorted(p.parent for p in checkpoints_root().glob("*/*/config.json")):
        config = read_json(folder / "config.json")
        assert config["digest"] == digest_of(config), folder
        assert config["sha256"] == sha256(folder / "model.safetensors"), folder
        if not folder.name.startswith("classifiers"):
            assert "digest" in read_json(folder / "metrics.json")["evaluation"], folder


def test_judges_that_were_changed_are_refused(tmp_path):
    from bvae.metrics import classifiers

    for changed in ("model.safetensors", "config.json"):
        folder = tmp_path / changed / "polymnist" / "classifiers"
        shutil.copytree(FOLDER / "classifiers", folder)
        assert classifiers.load(tmp_path / changed, "polymnist") is not None
        content = bytearray((folder / changed).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / changed).write_bytes(content)
        classifiers.load.cache_clear()
        with pytest.raises(StorageError):
            classifiers.load(tmp_path / changed, "polymnist")


def test_the_time_of_a_training_leaves_out_what_it_waited():
    waited = {"seconds": 4000.0, "cpu_seconds": 300.0, "device": "cpu", "threads": 1}
    assert training_seconds(waited) == 300
    assert training_seconds({**waited, "threads": 2}) == 150
    assert training_seconds({**waited, "device": "cuda"}) == 4000  # the processor is idle there
    assert training_seconds({"seconds": 20.0, "device": "cpu", "threads": 1}) == 20


@every
def test_a_checkpoint_is_complete_small_and_its_metrics_are_of_these_weights(name):
    checkpoint = load_checkpoint("polymnist", name)
    weights = checkpoint.folder / "model.safetensors"
    assert weights.stat().st_size < 4e6
    assert checkpoint.metrics["evaluation"]["sha256"] == sha256(weights) == checkpoint.hash
    assert (checkpoint.folder / "history.csv").is_file()
    assert training_seconds(checkpoint.config) <= 600
    assert load_weights(checkpoint).latent_dim == checkpoint.settings.latent_dim


@every
def test_metrics_have_every_number_with_its_standard_error(name):
    metrics = load_checkpoint("polymnist", name).metrics
    assert list(metrics["latent_accuracy"]) == ["1", "2", "3", "4", "5"]
    assert list(metrics["coherence"]) == ["1", "2", "3", "4"]
    figures = [*metrics["latent_accuracy"].values(), *metrics["coherence"].values(), metrics["joint_coherence"]]
    for figure in figures:
        assert 0 <= figure["mean"] <= 1
        assert 0 <= figure["se"] < 0.02


@every
def test_a_sampler_of_these_weights_ships_and_its_inventions_agree_more_often_than_the_priors(name):
    checkpoint = load_checkpoint("polymnist", name)
    model = load_weights(checkpoint)
    assert model.sampler is not None
    assert model.sampler.name == "gaussian-mixture"
    metrics = checkpoint.metrics
    assert metrics["joint_coherence_fitted"]["mean"] > metrics["joint_coherence"]["mean"] + 0.15
    assert metrics["class_evenness_fitted"]["mean"] > 0.95
    assert set(metrics["variety"]) == set(metrics["sharpness"]) == {"1", "2", "3", "4"}


@pytest.mark.parametrize(("name", "least"), [("mwb-vae", 0.92), ("wb-vae", 0.82), ("mopoe-vae", 0.80)])
def test_inventions_agree(name, least):
    assert load_checkpoint("polymnist", name).metrics["joint_coherence_fitted"]["mean"] >= least


def test_the_judges_are_good_enough():
    accuracy = json.loads((FOLDER / "classifiers" / "metrics.json").read_text())["accuracy"]
    assert set(accuracy) == {"m0", "m1", "m2", "m3", "m4"}
    assert all(figure["mean"] >= 0.96 for figure in accuracy.values())


def test_nothing_else_and_nothing_pickled_ships():
    allowed = {"model.safetensors", "config.json", "metrics.json", "history.csv", "validation.csv",
               "training.safetensors", "maps.safetensors", "sampler.safetensors",
               "calibration.safetensors"}
    files = [p for p in checkpoints_root().glob("*/**/*") if p.is_file()
             and not any(part.startswith(".") for part in p.relative_to(checkpoints_root()).parts)]
    for path in files:
        _, *inside = path.relative_to(checkpoints_root()).parts
        if len(inside) == 1:
            assert inside == ["seeds.json"]
        elif inside[0] == "records":
            assert path.suffix == ".json"
        else:
            assert len(inside) == 2
            assert inside[1] in allowed
    assert sum(p.stat().st_size for p in files) < 80e6
