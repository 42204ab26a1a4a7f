"""What happens beside training: callbacks of a person, their errors, logs; and whose errors are no divergence."""

import csv
import json
import os
import signal
import subprocess
import sys
import types

import pytest
import torch

from bvae.cli import main
from bvae.io.storage import read_json, write_text
from bvae.models.networks import NETWORKS, NetworkPair
from bvae.training import Settings
from bvae.training.callbacks import Callback, OnStep, ProgressBar, SaveEvery
from bvae.training.loggers import LOGGERS, Log, MissingPackage
from bvae.training.loop import STATE, Diverged, Trainer, TrainingStopped, train
from bvae.training.state import read_state
from tests.support import ROOT
from tests.support.training import after_step, stop_after

TINY = {"steps": 4, "batch_size": 50, "width": 4, "latent_dim": 2, "precision": "32-true", "warmup_steps": 2}


def settings(**changes):
    return Settings.for_method("polymnist", "wb-vae", **{**TINY, **changes})


class Diary(Callback):
    """Writes down what it is called for."""

    def __init__(self):
        self.seen, self.errors = [], []

    def on_start(self, run):
        self.seen.append(("start", run.step))

    def on_step(self, run):
        assert run.losses.isfinite().all()
        assert run.losses.shape == (3,)
        torch.testing.assert_close(run.losses[0], run.losses[1] + run.settings.beta * run.losses[2])
        self.seen.append(("step", run.step))

    def on_save(self, run):
        self.seen.append(("save", run.step))
        assert read_state(run.folder / STATE)[1]["step"] == run.step

    def on_end(self, run, error):
        self.seen.append(("end", run.step))
        self.errors.append(error)

    def on_finish(self, run):
        self.seen.append(("finish", run.step))
        assert (run.folder / "config.json").is_file()


def test_a_callback_is_called_at_each_step_with_its_losses_and_at_both_ends(tmp_path):
    diary = Diary()
    train(settings(), tmp_path / "m", progress=False, callbacks=[diary])
    assert diary.seen == [("start", 0), *(("step", k) for k in (1, 2, 3, 4)), ("end", 4), ("save", 4), ("finish", 4)]
    assert diary.errors == [None]


def test_where_a_training_goes_on_a_callback_starts_there(tmp_path):
    first, second = Diary(), Diary()
    with pytest.raises(TrainingStopped):
        train(settings(), tmp_path / "m", progress=False, callbacks=[first, SaveEvery(0.0), stop_after(2)])
    # Saving comes first, wherever it stands among them; ends come in the reverse order, and see what broke it off.
    assert first.seen == [("start", 0), ("save", 1), ("step", 1), ("save", 2), ("step", 2), ("end", 2)]
    assert isinstance(first.errors[0], KeyboardInterrupt)
    train(settings(), tmp_path / "m", resume=True, progress=False, callbacks=[second])
    assert second.seen[:2] == [("start", 2), ("step", 3)]


def test_an_error_of_a_callback_comes_through_and_the_state_is_saved(tmp_path):
    def spoil(step):
        if step == 3:
            raise ValueError("a mistake of mine")

    diary = Diary()
    with pytest.raises(ValueError, match="^a mistake of mine") as caught:
        train(settings(), tmp_path / "parts", progress=False, callbacks=[diary, after_step(spoil)])
    assert str(caught.value) == "a mistake of mine"
    note = caught.value.__notes__
    assert len(note) == 1
    assert "a callback has stopped the training at step 3 of 4: the state of step 3 is kept in" in note[0]
    assert diary.errors == [caught.value]
    assert read_state(tmp_path / "parts" / STATE)[1]["step"] == 3
    train(settings(), tmp_path / "parts", resume=True, progress=False)
    train(settings(), tmp_path / "whole", progress=False)
    digests = {read_json(tmp_path / folder / "config.json")["sha256"] for folder in ("parts", "whole")}
    assert len(digests) == 1


def test_a_callback_that_spoils_the_model_and_fails_leaves_the_last_good_state(tmp_path):
    def spoil(run):
        if run.step == 3:
            with torch.no_grad():
                next(run.model.parameters()).fill_(torch.nan)
            raise RuntimeError("and that")

    with pytest.raises(RuntimeError, match="and that") as caught:
        train(settings(), tmp_path / "m", progress=False, callbacks=[OnStep(spoil)])
    assert "no state had been saved yet" in caught.value.__notes__[0]
    assert not (tmp_path / "m" / STATE).exists()


def test_an_error_after_the_end_says_that_all_is_there(tmp_path):
    class Late(Callback):
        def on_finish(self, run):
            raise RuntimeError("too late")

    with pytest.raises(RuntimeError, match="too late") as caught:
        train(settings(), tmp_path / "m", progress=False, callbacks=[Late()])
    assert caught.value.__notes__ == ["a callback has stopped the training at step 4 of 4: the checkpoint is complete"]
    assert (tmp_path / "m" / "config.json").is_file()


def test_all_that_were_started_are_ended_though_one_cannot_start(tmp_path):
    class Broken(Callback):
        def on_start(self, run):
            raise OSError("no screen")

    diary, handlers = Diary(), signal.getsignal(signal.SIGTERM)
    with pytest.raises(OSError, match="no screen"):
        train(settings(), tmp_path / "m", progress=False, callbacks=[diary, Broken()])
    assert diary.seen == [("start", 0), ("end", 0)]
    assert signal.getsignal(signal.SIGTERM) is handlers


def test_a_signal_stops_after_the_step_and_handlers_are_those_of_before(tmp_path):
    before, during = signal.getsignal(signal.SIGTERM), []

    def ask(step):
        during.append(signal.getsignal(signal.SIGTERM))
        if step == 2:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(TrainingStopped, match="stopped after step 2 of 4; everything is saved"):
        train(settings(), tmp_path / "m", progress=False, callbacks=[after_step(ask)])
    assert len(during) == 2
    assert during[0] is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_function_is_no_callback_and_that_is_said(tmp_path):
    with pytest.raises(TypeError, match=r"callbacks: expected objects of bvae.training.callbacks.Callback.*OnStep"):
        train(settings(), tmp_path / "m", progress=False, callbacks=[print])


def test_there_is_one_bar_and_it_shows_the_last_row(tmp_path, capsys):
    train(settings(), tmp_path / "m", callbacks=[ProgressBar()])
    said = capsys.readouterr().err
    assert "polymnist wb-vae" in said
    assert said.count("0/4") == 1
    assert "4/4" in said
    assert "loss " in said


DISTRIBUTED = """
import sys
from pathlib import Path
from lightning_fabric import Fabric
from bvae.training.callbacks import Callback
from bvae.training.loggers import Log
from bvae.training.loop import train
from bvae.training.settings import Settings

class Everywhere(Callback):
    def on_step(self, run):
        print(f"everywhere {run.fabric.global_rank} {run.step}\\n", end="", flush=True)

class First(Callback):
    writes = True
    def on_step(self, run):
        print(f"first {run.fabric.global_rank} {run.step}\\n", end="", flush=True)

settings = Settings.for_method("polymnist", "wb-vae", steps=2, batch_size=10, width=4, latent_dim=2,
                               precision="32-true")
train(settings, Path(sys.argv[1]), progress=False, callbacks=[Everywhere(), First(), Log("csv", every=1)],
      fabric=Fabric(accelerator="cpu", devices=2, strategy="ddp", precision="32-true"))
"""


@pytest.mark.slow
def test_of_several_processes_the_first_alone_calls_those_that_write(tmp_path):
    script = tmp_path / "script.py"
    write_text(script, DISTRIBUTED)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    out = subprocess.run([sys.executable, script, tmp_path / "m"], env=environment, capture_output=True, text=True,
                         timeout=600)
    assert out.returncode == 0, out.stderr
    lines = {line for line in out.stdout.splitlines() if line.startswith(("everywhere", "first"))}
    assert lines == {f"everywhere {rank} {step}" for rank in (0, 1) for step in (1, 2)} | {"first 0 1", "first 0 2"}
    assert len(list((tmp_path / "m" / "logs").rglob("metrics.csv"))) == 1


# -- divergence --------------------------------------------------------------------------------------------------------


class Faulty(torch.nn.Module):
    """An encoder with a mistake, in a model whose parameters are not finite."""

    def __init__(self, shape, latent_dim, width):
        super().__init__()
        self.net = torch.nn.Linear(shape[0] * shape[1] * shape[2], 2 * latent_dim)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        if self.calls == 3:
            with torch.no_grad():
                self.net.weight.fill_(torch.nan)
            raise ValueError("shape: a mistake of mine")
        return self.net(x.flatten(1))


def test_a_mistake_of_a_person_is_no_divergence(tmp_path, monkeypatch):
    monkeypatch.setitem(NETWORKS._entries, "image", NetworkPair(Faulty, NETWORKS["image"].decoder))
    with pytest.raises(ValueError, match="^shape: a mistake of mine$"):
        train(settings(), tmp_path / "m", progress=False)


def test_what_the_checks_of_a_rule_meet_in_a_diverged_model_is_divergence(tmp_path, monkeypatch):
    one_step = Trainer.one_step

    def poisoned(self, x, present):
        if self.step == 2:
            with torch.no_grad():
                next(self.model.encoders["m0"].parameters()).fill_(torch.nan)
        return one_step(self, x, present)

    monkeypatch.setattr(Trainer, "one_step", poisoned)
    with pytest.raises(Diverged, match="not finite any more at step 2"):
        train(settings(), tmp_path / "m", progress=False)


# -- logs --------------------------------------------------------------------------------------------------------------


def test_losses_go_to_csv_and_each_time_that_one_goes_on_to_a_new_file(tmp_path):
    losses = []
    with pytest.raises(TrainingStopped):
        train(settings(), tmp_path / "m", progress=False,
              callbacks=[Log("csv", every=1), OnStep(lambda run: losses.append(run.losses.tolist())), stop_after(3)])
    train(settings(), tmp_path / "m", resume=True, progress=False, callbacks=[Log("csv", every=3)])
    tables = []
    for version in ("version_0", "version_1"):
        with open(tmp_path / "m" / "logs" / "csv" / version / "metrics.csv", newline="") as file:
            tables.append(list(csv.DictReader(file)))
    assert [int(row["step"]) for row in tables[0]] == [1, 2, 3]
    assert [int(row["step"]) for row in tables[1]] == [4]  # the last one always
    assert [[float(row[name]) for name in ("loss", "reconstruction", "kl")] for row in tables[0]] == losses
    assert float(tables[0][0]["learning_rate"]) == pytest.approx(settings().learning_rate_at(0))


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_logger_that_is_not_installed_says_what_to_install(name, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=rf"logger '{name}': needs the package {name}, .*pip install "
                                             r'"bvae\[loggers\]"'):
        Log(name)


def test_unknown_loggers_are_named():
    with pytest.raises(ValueError, match="unknown logger 'tensorbord'; there are csv, tensorboard, wandb. Did you"):
        Log("tensorbord")
    with pytest.raises(ValueError, match="every: expected a positive integer, got 0"):
        Log("csv", every=0)


def test_tensorboard_gets_the_losses(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(settings(), tmp_path / "m", progress=False, callbacks=[Log("tensorboard", every=1)])
    events = EventAccumulator(str(tmp_path / "m" / "logs" / "tensorboard" / "version_0")).Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3, 4]


def test_weights_and_biases_gets_settings_losses_and_the_end(tmp_path, monkeypatch):
    seen = []
    run = types.SimpleNamespace(
        id="abc", config=types.SimpleNamespace(update=lambda values: seen.append(json.loads(json.dumps(values)))),
        log=lambda values, step: seen.append((step, sorted(values))), finish=lambda exit_code: seen.append(exit_code))
    package = types.ModuleType("wandb")
    package.init = lambda **options: seen.append(options) or run
    monkeypatch.setitem(sys.modules, "wandb", package)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: types.SimpleNamespace(origin="wandb"))
    train(settings(), tmp_path / "m", progress=False, callbacks=[Log("wandb", every=2)])
    assert seen[0] == {"project": "bvae", "group": "polymnist/m", "dir": str(tmp_path / "m" / "logs")}
    assert seen[1] == settings().as_dict()
    names = ["kl", "learning_rate", "loss", "reconstruction"]
    assert seen[2:] == [(2, names), (4, names), 0]
    assert LOGGERS["wandb"](tmp_path / "logs", "polymnist/m").version == "abc"


def test_the_command_line_logs_and_repeats_it(tmp_path, capsys, monkeypatch):
    command = ["train", "polymnist", "wb-vae", "--out", str(tmp_path), "--no-evaluate", "--steps", "2", "--width", "4",
               "--latent-dim", "2", "--batch-size", "50", "--log"]
    assert main([*command, "csv"]) == 0
    folder = tmp_path / "polymnist" / "wb-vae"
    assert (folder / "logs" / "csv" / "version_0" / "metrics.csv").is_file()
    (folder / STATE).touch()
    assert main([*command, "csv"]) == 1
    assert "--log csv" in capsys.readouterr().err
    (folder / STATE).unlink()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main([*command, "wandb", "--overwrite"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert 'needs the package wandb, which is not installed; install it with: pip install "bvae[loggers]"' in said


def test_a_logger_changes_no_number(tmp_path):
    train(settings(), tmp_path / "plain", progress=False)
    train(settings(), tmp_path / "logged", progress=False, callbacks=[Log("csv", every=1)])
    assert len({read_json(tmp_path / name / "config.json")["sha256"] for name in ("plain", "logged")}) == 1
