"""The loop: resume is exact, kills are harmless, errors are said."""

import csv
import json
import shutil

import pytest
import torch

import bvae
from bvae.io.storage import StorageError, digest_of, read_json, read_tensors, write_atomically
from bvae.training import CheckpointError, Settings, checkpoints, load, load_checkpoint
from bvae.training.loop import STATE, TrainingStopped, train
from bvae.training.memory import denormals_flushed, keep_memory, memory_kept
from tests.support.training import after_step, stop_after

SMALL = {"steps": 37, "batch_size": 200, "width": 4, "latent_dim": 4, "warmup_steps": 5}


def settings(**changes):
    return Settings.for_method("polymnist", changes.pop("method", "mwb-vae"), **{**SMALL, **changes})



@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """A root with polymnist/mine, trained without a stop, and the model as the training returned it."""
    root = tmp_path_factory.mktemp("undisturbed")
    return root, train(settings(), root / "polymnist" / "mine", progress=False)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"method": "mvae", "missing": 0.3, "precision": "32-true"}])
def test_resume_equals_uninterrupted_bit_for_bit(tmp_path, changes, undisturbed):
    wanted = settings(**changes)
    if changes:
        train(wanted, tmp_path / "whole", progress=False)
    else:
        shutil.copytree(undisturbed[0] / "polymnist" / "mine", tmp_path / "whole")
    with pytest.raises(TrainingStopped, match="stopped after step 13 of 37"):
        train(wanted, tmp_path / "parts", progress=False, callbacks=[stop_after(13)])
    with pytest.raises(TrainingStopped, match="stopped after step 27"):
        train(wanted, tmp_path / "parts", resume=True, progress=False, callbacks=[stop_after(27)])
    train(wanted, tmp_path / "parts", resume=True, progress=False)
    whole, parts = (read_tensors(tmp_path / folder / "model.safetensors") for folder in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name
    rows = []
    for folder in ("whole", "parts"):
        with open(tmp_path / folder / "history.csv", newline="") as file:
            rows.append([{k: v for k, v in row.items() if k not in ("seconds", "items_per_second")}
                         for row in csv.DictReader(file)])
    assert rows[0] == rows[1]
    assert len(rows[0]) == 2  # 20 steps an epoch
    assert not (tmp_path / "parts" / STATE).exists()


@pytest.mark.slow
def test_the_full_precision_state_is_exact_too(tmp_path):
    for folder, stops in (("whole", [21]), ("parts", [9, 21])):
        for i, stop in enumerate(stops):
            with pytest.raises(TrainingStopped):
                train(settings(), tmp_path / folder, resume=i > 0, progress=False, callbacks=[stop_after(stop)])
    whole, parts = (read_tensors(tmp_path / folder / STATE) for folder in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name


def test_a_finished_run_can_be_loaded(undisturbed):
    tmp_path, model = undisturbed
    assert checkpoints("polymnist", tmp_path) == ["mine"]
    again = load("polymnist", "mine", tmp_path)
    assert not again.training
    x = bvae.dataset("polymnist").subset(slice(0, 3))
    with torch.no_grad():
        torch.testing.assert_close(again.encode(x).mean, model.encode(x).mean, atol=2e-2, rtol=2e-2)  # half precision
    config = read_json(tmp_path / "polymnist" / "mine" / "config.json")
    assert config["settings"] == settings().as_dict()
    assert config["bvae"] == bvae.__version__
    assert config["seconds"] > 0


def test_resume_needs_a_state_of_the_same_settings(tmp_path):
    with pytest.raises(CheckpointError, match="nothing to resume"):
        train(settings(), tmp_path, resume=True, progress=False)
    with pytest.raises(TrainingStopped):
        train(settings(), tmp_path, progress=False, callbacks=[stop_after(3)])
    with pytest.raises(CheckpointError, match=r"was trained with beta = .*, not 4\.0"):
        train(settings(beta=4.0), tmp_path, resume=True, progress=False)
    state = (tmp_path / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(state[: len(state) // 2])
    with pytest.raises(StorageError, match="expected a safetensors file"):
        train(settings(), tmp_path, resume=True, progress=False)


def test_a_diverging_loss_stops_with_advice(tmp_path):
    with pytest.raises(FloatingPointError, match="not finite any more at step .* Try a lower learning rate"):
        train(settings(learning_rate=1e6, warmup_steps=0, clip=1e9, precision="32-true"), tmp_path, progress=False)
    assert not (tmp_path / "config.json").exists()


@pytest.mark.slow
def test_training_with_missing_modalities(tmp_path):
    train(settings(missing=0.5, steps=25), tmp_path, progress=False)
    with open(tmp_path / "history.csv", newline="") as file:
        assert all(float(row["loss"]) > 0 for row in csv.DictReader(file))


def test_settings_name_what_is_wrong():
    with pytest.raises(TypeError, match="unknown setting 'lr'; there are"):
        settings(lr=1)
    with pytest.raises(ValueError, match="steps: expected a positive integer, got 0"):
        settings(steps=0)
    with pytest.raises(ValueError, match="batch_size: expected int, got '32'"):
        settings(batch_size="32")
    with pytest.raises(KeyError, match="unknown method 'wbvae'"):
        settings(method="wbvae")


def test_schedule():
    s = settings(learning_rate=1.0, warmup_steps=10, steps=110, final_learning_rate=0.05, beta=2.0,
                 beta_warmup_steps=4)
    assert s.learning_rate_at(0) == pytest.approx(0.1)
    assert s.learning_rate_at(10) == pytest.approx(1.0)
    assert s.learning_rate_at(110) == pytest.approx(0.05)
    assert [s.beta_at(step) for step in (0, 1, 3, 50)] == pytest.approx([0.5, 1.0, 2.0, 2.0])


# -- files ---------------------------------------------------------------------------------------------------------

def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def finished(tmp_path, undisturbed):
    """The folder of a finished run, to be damaged: a copy."""
    shutil.copytree(undisturbed[0] / "polymnist" / "mine", tmp_path / "polymnist" / "mine")
    return tmp_path / "polymnist" / "mine"


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", ["truncated", "flipped header", "flipped weight", "gone"])
def test_damaged_weights_are_refused(finished, damage):
    path = finished / "model.safetensors"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:1000])
    elif damage == "gone":
        path.unlink()
    else:
        flip(path, 20 if damage == "flipped header" else -5)
    with pytest.raises(CheckpointError, match="no checkpoint" if damage == "gone" else "SHA-256 is not the one"):
        load("polymnist", "mine", finished.parents[1])


def sealed(config):
    return {**config, "digest": digest_of(config)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: {**c, "format": 99}, "expected format 1, got 99"),
        (lambda c: [], "expected format 1, got 'list'"),
        (lambda c: {k: v for k, v in c.items() if k != "settings"}, r"config\.json: damaged"),
        (lambda c: {**c, "settings": {**c["settings"], "width": 16}}, "it was changed after it was written"),
        (lambda c: sealed({**c, "settings": {**c["settings"], "width": 16}}), "not the weights of this model"),
        (lambda c: {**c, "settings": {**c["settings"], "method": "gan"}}, r"config\.json: damaged .*unknown method"),
        (lambda c: {**c, "settings": {**c["settings"], "evil": 1}}, r"config\.json: damaged .*unknown setting"),
        (lambda c: {**c, "modalities": [{"name": 3}]}, r"config\.json: damaged"),
    ],
)
def test_damaged_configurations_are_refused(finished, change, message):
    path = finished / "config.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(CheckpointError, match=message):
        load("polymnist", "mine", finished.parents[1])


def test_names_are_looked_up_never_joined(finished):
    root = finished.parents[1]
    for name in ("../polymnist/mine", "/etc", "", "..", "mine/"):
        with pytest.raises(CheckpointError, match="no checkpoint"):
            load_checkpoint("polymnist", name, root)
    with pytest.raises(KeyError, match="unknown data set"):
        load_checkpoint("../polymnist", "mine", root)


def test_reconstruction_weights_replace_those_of_the_recipe():
    data = bvae.dataset("mnist-svhn-text")
    recipe = [m.weight for m in Settings.for_method("mnist-svhn-text", "mwb-vae").weigh(list(data.modalities.values()))]
    assert recipe == [m.weight for m in data.modalities.values()]
    assert len(set(recipe)) == 3
    chosen = Settings.for_method("mnist-svhn-text", "mwb-vae", reconstruction_weights="4,0.5,10")
    assert [m.weight for m in chosen.weigh(list(data.modalities.values()))] == [4, 0.5, 10]
    with pytest.raises(ValueError, match=r"expected 3 numbers, one for each of mnist, svhn, text"):
        Settings.for_method("mnist-svhn-text", "mwb-vae", reconstruction_weights="1,2").weigh(
            list(data.modalities.values()))
    for bad in ("", "nan,1,1", "-1,1,1", "one", "0,0,0"):
        with pytest.raises(ValueError, match="reconstruction_weights: expected 'recipe', or numbers"):
            settings(reconstruction_weights=bad)


def test_training_keeps_its_memory():
    """Blocks of 40 MB, which glibc gives back to the system each time unless it is told to keep them."""
    resource = pytest.importorskip("resource")

    def faults():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            torch.ones(10_000_000)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    with memory_kept():
        if not keep_memory():  # another C library: nothing is promised
            return
        faults()
        kept = faults()
    assert 20 * max(kept, 50) < faults()


def test_training_flushes_denormal_numbers_and_nothing_else_does(tmp_path):
    """Resume, and the user's own arithmetic afterwards, must not depend on them."""
    def product():
        return float(torch.tensor(1e-39).mul(0.5))

    if not torch.set_flush_denormal(False):  # this processor cannot
        return
    seen = []
    train(settings(steps=1), tmp_path / "run", progress=False,
          callbacks=[after_step(lambda step: seen.append(product()))])
    assert seen == [0.0]
    assert product() > 0
    torch.set_flush_denormal(True)
    with denormals_flushed():
        assert product() == 0
    assert product() == 0  # as it was before
    torch.set_flush_denormal(False)
