"""Going on: other devices, other precisions, more steps, kills on the way, random numbers that nobody thinks of."""

import json
import sys

import pytest
import torch
from torch import nn

import bvae
from bvae.cli import main
from bvae.io.storage import read_json, read_tensors, read_tensors_and_metadata, write_tensors
from bvae.models.networks import NETWORKS, NetworkPair
from bvae.training import CheckpointError, Settings, checkpoint, load_checkpoint, load_weights, resuming
from bvae.training.checkpoint import read_checkpoint, read_history
from bvae.training.loop import STATE, OnStep, SaveEvery, Trainer, TrainingStopped, make_fabric, train
from bvae.training.state import read_state
from tests.support.training import after_step, stop_after

TINY = {"steps": 6, "batch_size": 50, "width": 4, "latent_dim": 2, "precision": "32-true", "warmup_steps": 2}
FLAGS = [word for key, value in TINY.items() if key != "steps" for word in (f"--{key.replace('_', '-')}", str(value))]
MODEL = "model.safetensors"


def settings(**changes):
    return Settings.for_method("polymnist", "wb-vae", **{**TINY, **changes})



def stopped(folder, at=3, **changes):
    """A state, and what it holds."""
    with pytest.raises(TrainingStopped):
        train(settings(**changes), folder, progress=False, callbacks=[stop_after(at)])
    return read_tensors_and_metadata(folder / STATE)


def rewrite(folder, tensors, metadata, **progress):
    """A state as another machine has left it."""
    metadata = {**metadata, "progress": json.dumps({**json.loads(metadata["progress"]), **progress})}
    metadata.pop("digest")
    write_tensors(folder / STATE, tensors, metadata)


def alike(one, other):
    """Whether two files hold the same tensors, to the bit."""
    one, other = read_tensors(one), read_tensors(other)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# -- devices and precisions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("says", [True, False], ids=["it says so", "as earlier versions"])
def test_a_state_from_another_device_goes_on_and_says_so_once(tmp_path, capsys, says):
    tensors, metadata = stopped(tmp_path / "m")
    cuda = {**tensors, "generator.noise": torch.zeros(16, dtype=torch.uint8)}  # how long it is there
    if says:
        rewrite(tmp_path / "m", cuda, metadata, device="cuda", precision="bf16-mixed")
    else:
        del cuda["generator.global"]
        progress = {k: v for k, v in json.loads(metadata["progress"]).items()
                    if k not in ("device", "precision", "scaler", "began", "continued_from")}
        write_tensors(tmp_path / "m" / STATE, cuda, {"format": metadata["format"], "settings": metadata["settings"],
                                                     "progress": json.dumps(progress)})
    capsys.readouterr()
    with pytest.raises(TrainingStopped):
        train(settings(), tmp_path / "m", resume=True, progress=False, callbacks=[stop_after(4)])
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    before = "cuda in bf16-mixed" if says else "another device in 32-true"
    assert f"was trained on {before} until step 3 and goes on on cpu in 32-true" in said
    assert "not bit for bit" in said
    train(settings(), tmp_path / "m", resume=True, progress=False)
    assert capsys.readouterr().err == ""
    there = {"device": "cuda", "precision": "bf16-mixed"} if says else {"device": "another device"}
    assert read_json(tmp_path / "m" / "config.json")["continued_from"] == [{"step": 3, **there}]
    assert read_history(tmp_path / "m")[-1]["step"] == 6


def test_a_state_of_another_device_goes_on_from_its_weights_and_its_optimiser(tmp_path):
    tensors, metadata = stopped(tmp_path / "m")
    rewrite(tmp_path / "m", {**tensors, "generator.noise": torch.zeros(16, dtype=torch.uint8)}, metadata, device="cuda")

    def look(now):
        assert now.step == 4
        for name, value in now.model.state_dict().items():
            apart = (value - tensors[f"model.{name}"]).abs().max()
            assert apart < 3 * settings().learning_rate, name  # one step of AdamW away
        raise KeyboardInterrupt

    with pytest.raises(TrainingStopped):
        train(settings(), tmp_path / "m", resume=True, progress=False, callbacks=[OnStep(look)])
    again = read_tensors(tmp_path / "m" / STATE)
    assert {float(v) for name, v in again.items() if name.endswith(".step")} == {4.0}


def test_another_precision_goes_on_and_says_so(tmp_path, capsys):
    stopped(tmp_path / "m")
    capsys.readouterr()
    train(settings(precision="bf16-mixed"), tmp_path / "m", resume=True, progress=False)
    assert "on cpu in 32-true until step 3 and goes on on cpu in bf16-mixed" in capsys.readouterr().err
    assert read_json(tmp_path / "m" / "config.json")["continued_from"] == [{"step": 3, "precision": "32-true"}]


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "64-true"])
def test_every_precision_resumes_bit_for_bit_and_is_loaded(tmp_path, precision):
    wanted = settings(precision=precision)
    model = train(wanted, tmp_path / "whole", progress=False)
    stopped(tmp_path / "parts", precision=precision)
    train(wanted, tmp_path / "parts", resume=True, progress=False)
    assert alike(tmp_path / "whole" / MODEL, tmp_path / "parts" / MODEL)
    again = load_weights(read_checkpoint(tmp_path / "parts"))
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value.float(), atol=1e-3, rtol=1e-3)


def test_the_factor_of_gradients_in_16_mixed_goes_on_too(tmp_path):
    """There is none on a CPU; what Fabric calls the state of a precision is saved and given back."""
    def fabric(**state):
        made = make_fabric(settings())
        made._precision.state_dict = lambda: dict(state)
        made._precision.load_state_dict = state.update
        return made, state

    with pytest.raises(TrainingStopped):
        train(settings(), tmp_path / "m", progress=False, callbacks=[stop_after(3)],
              fabric=fabric(scale=128.0, _growth_tracker=7)[0])
    again, state = fabric(scale=65536.0, _growth_tracker=0)
    train(settings(), tmp_path / "m", resume=True, progress=False, fabric=again)
    assert state == {"scale": 128.0, "_growth_tracker": 7}


class Dropping(nn.Module):
    """An encoder with dropout, which draws from torch's own generator."""

    def __init__(self, shape, latent_dim, width):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], width), nn.Dropout(0.5),
                                 nn.Linear(width, 2 * latent_dim))

    def forward(self, x):
        return self.net(x)


def test_dropout_of_a_registered_network_resumes_bit_for_bit_and_leaves_the_users_numbers_alone(tmp_path, monkeypatch):
    monkeypatch.setitem(NETWORKS._entries, "image", NetworkPair(Dropping, NETWORKS["image"].decoder))
    torch.manual_seed(1)
    train(settings(), tmp_path / "whole", progress=False)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    stopped(tmp_path / "parts")
    assert torch.equal(torch.get_rng_state(), before)
    train(settings(), tmp_path / "parts", resume=True, progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert alike(tmp_path / "whole" / MODEL, tmp_path / "parts" / MODEL)


# -- more steps --------------------------------------------------------------------------------------------------------


def test_a_finished_run_is_trained_longer_and_says_how(tmp_path, capsys):
    folder = tmp_path / "polymnist" / "wb-vae"
    command = ["train", "polymnist", "wb-vae", "--out", str(tmp_path), "--no-evaluate", *FLAGS]
    assert main([*command, "--steps", "6"]) == 0
    first = read_json(folder / "config.json")
    weights = load_weights(read_checkpoint(folder)).state_dict()
    capsys.readouterr()
    assert main(["train", "polymnist", "wb-vae", "--out", str(tmp_path), "--no-evaluate", "--steps", "10",
                 "--resume"]) == 0  # the other settings are those of what is there
    said = capsys.readouterr().err
    assert "goes on from the finished model of 6 steps to 10: from its weights as saved, with a new optimiser" in said
    assert f"({settings(steps=10).learning_rate_at(6):.3g}, after 2 steps of warm-up)" in said
    config = read_json(folder / "config.json")
    assert config["continued_from"] == [{"step": 6, "steps": 6, "sha256": first["sha256"], "optimizer": "new"}]
    assert config["settings"] == {**first["settings"], "steps": 10}
    assert config["seconds"] >= first["seconds"]
    assert [row["step"] for row in read_history(folder)] == [6, 10]
    assert not (folder / STATE).exists()
    after = bvae.load("polymnist", "wb-vae", tmp_path).state_dict()
    # Two steps of warm-up, then two: each moves a number by the learning rate at most, up to AdamW's decay.
    limit = 2 * sum(settings(steps=10).learning_rate_at(step) for step in range(6, 10)) + 2e-3
    assert max(float((after[n] - v).abs().max()) for n, v in weights.items()) < limit
    assert any(not torch.equal(after[n], v) for n, v in weights.items())
    assert main([*command, "--steps", "12", "--resume"]) == 0
    assert [c["step"] for c in read_json(folder / "config.json")["continued_from"]] == [6, 10]


def test_a_longer_run_that_is_stopped_resumes_bit_for_bit_at_any_step(tmp_path):
    for folder in ("whole", "parts"):
        train(settings(), tmp_path / folder, progress=False)
    train(settings(steps=12), tmp_path / "whole", resume=True, progress=False)
    for stop in (7, 8, 10):  # within its warm-up, at its end, after it
        with pytest.raises(TrainingStopped):
            train(settings(steps=12), tmp_path / "parts", resume=True, progress=False, callbacks=[stop_after(stop)])
    train(settings(steps=12), tmp_path / "parts", resume=True, progress=False)
    assert alike(tmp_path / "whole" / MODEL, tmp_path / "parts" / MODEL)
    one, other = (read_json(tmp_path / folder / "config.json") for folder in ("whole", "parts"))
    assert one["continued_from"] == other["continued_from"]


def test_the_learning_rate_of_a_longer_run_is_the_one_that_is_said(tmp_path):
    train(settings(), tmp_path / "m", progress=False)
    longer, rates = settings(steps=12), []

    class Seen(Trainer):
        def one_step(self, x, present):
            out = super().one_step(x, present)
            rates.append(self.optimizer.param_groups[0]["lr"])
            return out

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bvae.training.loop.Trainer", Seen)
        train(longer, tmp_path / "m", resume=True, progress=False)
    wanted = [longer.learning_rate_at(step) * min(1.0, (step - 5) / 2) for step in range(6, 12)]
    assert rates == pytest.approx(wanted)


def test_a_stopped_run_takes_its_own_steps_or_more_of_them(tmp_path, capsys):
    folder = tmp_path / "polymnist" / "wb-vae"
    stopped(folder)
    stopped(tmp_path / "copy")
    short = ["train", "polymnist", "wb-vae", "--out", str(tmp_path), "--no-evaluate", "--resume"]
    assert main([*short, "--steps", "2"]) == 1
    assert "3 steps are done; expected --steps of at least as many, got 2" in capsys.readouterr().err
    assert main([*short, "--steps", "9"]) == 0
    said = capsys.readouterr().err
    assert "goes on from step 3 of 6 to 9, exactly from what was saved. From here on the learning rate is" in said
    config = read_json(folder / "config.json")
    assert config["settings"]["steps"] == 9
    assert config["continued_from"] == [{"step": 3, "steps": 6}]
    (tmp_path / "copy").rename(tmp_path / "polymnist" / "other")
    assert main([*short, "--name", "other"]) == 0  # without --steps and all the others
    config = read_json(tmp_path / "polymnist" / "other" / "config.json")
    assert config["settings"] == settings().as_dict()
    assert "continued_from" not in config


def test_nothing_is_left_to_do_is_said(tmp_path, capsys):
    train(settings(), tmp_path / "polymnist" / "wb-vae", progress=False)
    before = (tmp_path / "polymnist" / "wb-vae" / MODEL).read_bytes()
    command = ["train", "polymnist", "wb-vae", "--out", str(tmp_path), "--no-evaluate"]
    for more in ([], ["--steps", "6"], ["--steps", "3"]):
        assert main([*command, "--resume", *more]) == 1
        said = capsys.readouterr().err
        assert "holds a finished model of 6 steps, there is nothing to resume; to train it longer say --steps" in said
        assert said.count("\n") == 1
    assert main([*command, *FLAGS, "--steps", "9"]) == 1
    assert "or train it longer with --steps MORE --resume" in capsys.readouterr().err
    assert main([*command, "--resume", "--steps", "9", "--width", "8"]) == 1
    assert "was trained with width = 4, not 8" in capsys.readouterr().err
    assert (tmp_path / "polymnist" / "wb-vae" / MODEL).read_bytes() == before


def test_damaged_finished_weights_are_not_trained_longer(tmp_path):
    train(settings(), tmp_path / "m", progress=False)
    content = (tmp_path / "m" / MODEL).read_bytes()
    (tmp_path / "m" / MODEL).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="SHA-256 is not the one in"):
        train(settings(steps=9), tmp_path / "m", resume=True, progress=False)


# -- kills -------------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Nothing that anybody catches."""


@pytest.mark.parametrize("moment", ["before the weights", "between weights and config", "after config"])
@pytest.mark.parametrize("first", [False, True], ids=["longer run", "first run"])
def test_a_kill_while_the_checkpoint_is_written_leaves_what_one_can_go_on_with(tmp_path, monkeypatch, moment, first):
    """What `resume` makes of it is what an undisturbed run gives."""
    for folder in ("whole", "parts"):
        if not first:
            train(settings(steps=3), tmp_path / folder / "polymnist" / "m", progress=False)
    whole, parts = (tmp_path / folder / "polymnist" / "m" for folder in ("whole", "parts"))
    train(settings(), whole, resume=not first, progress=False)
    name = "write_weights" if moment == "before the weights" else "write_stated"
    real = getattr(checkpoint, name)

    def kill(*arguments, **options):
        if moment == "after config":
            real(*arguments, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, name, kill)
        with pytest.raises(Killed):
            train(settings(), parts, resume=not first, progress=False)
    assert (parts / STATE).is_file()
    if moment == "between weights and config":
        with pytest.raises(CheckpointError, match="no checkpoint" if first else "finish the training with --resume"):
            bvae.load("polymnist", "m", tmp_path / "parts")
    elif moment == "after config" or not first:  # the new model, or still the old one
        steps = load_checkpoint("polymnist", "m", tmp_path / "parts").settings.steps
        assert steps == (6 if moment == "after config" else 3)
        bvae.load("polymnist", "m", tmp_path / "parts")
    assert resuming.stored_settings(parts)["steps"] == 6
    train(settings(), parts, resume=True, progress=False)
    assert alike(whole / MODEL, parts / MODEL)
    assert not (parts / STATE).exists()


def test_while_a_longer_run_trains_the_finished_model_is_there_and_whole(tmp_path):
    folder = tmp_path / "polymnist" / "m"
    train(settings(steps=3), folder, progress=False)
    seen = []

    def look(step):
        seen.append(load_checkpoint("polymnist", "m", tmp_path).settings.steps)
        bvae.load("polymnist", "m", tmp_path)

    train(settings(), folder, resume=True, progress=False, callbacks=[SaveEvery(0.0), after_step(look)])
    assert seen == [3, 3, 3]
    assert load_checkpoint("polymnist", "m", tmp_path).settings.steps == 6


def test_a_state_holds_all_that_is_random(tmp_path):
    tensors, _ = stopped(tmp_path / "m")
    assert {name for name in tensors if name.startswith("generator.")} == {
        "generator.crops", "generator.noise", "generator.global"}
    for name, value in read_state(tmp_path / "m" / STATE)[0].items():
        if name.startswith("optimizer.") and not name.endswith(".step"):
            assert value.dtype == torch.float32
    assert "bvae.training.resuming" in sys.modules
