"""What a training goes on from: a saved state, on the same device bit for bit, or the model of a finished run.

* A state (``training.safetensors``) holds all of it: weights, optimiser, generators, counters. One may go on with it on
  another device or in another precision, which is said once, and with another number of steps.
* A finished run has left its weights only. With more steps it goes on from them with a new optimiser.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bvae.io.storage import StorageError, write_tensors
from bvae.training.checkpoint import (
    CONFIG,
    HISTORY,
    WEIGHTS,
    CheckpointError,
    first_line,
    load_weights,
    read_checkpoint,
    read_history,
)
from bvae.training.state import STATE, STATE_FORMAT, read_state

if TYPE_CHECKING:
    from bvae.training.trainer import Trainer

CHANGEABLE = ("steps", "precision")
"""Settings that may be others when a run goes on."""

STRIDE = 1_000_003
"""Between the seeds of a run's parts, so that none repeats the random numbers of another."""


def stored_settings(folder: Path) -> dict[str, Any]:
    """The settings of what is there to go on with, without data set and method; empty if there is nothing readable."""
    try:
        if (folder / STATE).is_file():
            stored = read_state(folder / STATE)[2]
        else:
            stored = read_checkpoint(folder, with_metrics=False).settings.as_dict()
    except StorageError:
        return {}
    return {key: value for key, value in stored.items() if key not in ("dataset", "method")}


def save(run: Trainer) -> None:
    """Write the state of a run between two steps."""
    tensors = {f"model.{name}": value for name, value in run.model.state_dict().items()}
    for i, state in run.optimizer.state_dict()["state"].items():
        tensors.update({f"optimizer.{i}.{key}": value for key, value in state.items()})
    tensors.update(run.generators_at_step)
    callbacks: dict[str, Any] = {}
    for callback in run.callbacks:
        if callback.kept:
            held, callbacks[callback.kept] = callback.to_keep()
            tensors.update({f"callback.{callback.kept}.{name}": value for name, value in held.items()})
    progress = {"step": run.step, "seconds": run.seconds, "cpu_seconds": run.cpu_seconds, "history": run.history,
                "sums": run.sums.tolist(), "logged_step": run.logged_step, "began": run.began,
                "continued_from": run.continued_from, "device": run.fabric.device.type, "precision": precision(run),
                "scaler": run.fabric._precision.state_dict(),  # of gradients in 16-mixed
                "callbacks": callbacks}
    metadata = {"format": STATE_FORMAT, "progress": json.dumps(progress),
                "settings": json.dumps(run.settings.as_dict())}
    write_tensors(run.folder / STATE, tensors, metadata)


def resume(run: Trainer) -> None:
    """Bring a new run to where the one in its folder is.

    Raises
    ------
    CheckpointError
        If there is nothing to go on with, or it is damaged, of other settings, or has no steps left.
    """
    if (run.folder / STATE).is_file() or not (run.folder / CONFIG).is_file():
        restore(run)
    else:
        lengthen(run)


def restore(run: Trainer) -> None:
    """From a saved state."""
    path = run.folder / STATE
    tensors, progress, stored = read_state(path)
    try:
        check_settings(path, stored, run.settings.as_dict())
        load_tensors(run, tensors)
        load_callbacks(run, tensors, progress)
        run.step, run.seconds = progress["step"], progress["seconds"]
        run.cpu_seconds = progress["cpu_seconds"]
        run.history, run.logged_step = progress["history"], progress["logged_step"]
        run.sums = torch.tensor(progress["sums"], dtype=torch.float64)
        run.began, run.continued_from = progress.get("began", 0), list(progress.get("continued_from", []))
        run.saved_step = run.step
        if run.step > run.settings.steps:
            raise CheckpointError(f"{path}: {run.step:,} steps are done; expected --steps of at least as many, got "
                                  f"{run.settings.steps:,}")
        change = {"steps": stored["steps"]} if stored["steps"] != run.settings.steps else {}
        change |= other_device(run, tensors, progress)
        if progress.get("scaler") and "precision" not in change:
            run.fabric._precision.load_state_dict(progress["scaler"])
    except CheckpointError:
        raise
    except (KeyError, RuntimeError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path}: damaged, or of another model ({first_line(error)})") from error
    if change:
        run.continued_from.append({"step": run.step, **change})
    if "steps" in change:
        say(run, f"goes on from step {run.step:,} of {stored['steps']:,} to {run.settings.steps:,}, exactly from what "
                 f"was saved. From here on the learning rate is that of {run.settings.steps:,} steps "
                 f"({run.learning_rate_at(run.step):.3g} now), so that the model is not the one of "
                 f"{run.settings.steps:,} steps in one go")


def load_tensors(run: Trainer, tensors: Mapping[str, Tensor]) -> None:
    """Weights and optimiser of a state."""
    expected = sum(1 for _ in run.step_module.parameters())
    run.model.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
    state: dict[int, dict[str, Tensor]] = {}
    parameters = list(run.step_module.parameters())
    if len(parameters) != expected:  # networks without a part that their checkpoint lacks: the optimiser has it
        raise CheckpointError(f"{run.folder / STATE}: of a model of an earlier version, which cannot be gone on with; "
                              "train it anew")
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, i, key = name.split(".")
            # The layout (channels_last) of the parameter, as in the run that was stopped.
            like = parameters[int(i)] if value.shape == parameters[int(i)].shape else value
            state.setdefault(int(i), {})[key] = torch.empty_like(like, dtype=value.dtype).copy_(value)
    groups = run.optimizer.state_dict()["param_groups"]
    run.optimizer.load_state_dict({"state": state, "param_groups": groups})


def load_callbacks(run: Trainer, tensors: Mapping[str, Tensor], progress: Mapping[str, Any]) -> None:
    """What callbacks had to keep; a state of an earlier version has nothing of theirs."""
    for callback in run.callbacks:
        if callback.kept and callback.kept in progress.get("callbacks", {}):
            start = f"callback.{callback.kept}."
            held = {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
            callback.restore(held, progress["callbacks"][callback.kept])


def other_device(run: Trainer, tensors: Mapping[str, Tensor], progress: Mapping[str, Any]) -> dict[str, str]:
    """Set the generators; what was another machine's ("device", "precision") is returned, and said.

    A generator of one kind of device cannot go on with the state of another: it begins anew, from the seed and step.
    """
    run.crops.set_state(tensors["generator.crops"])
    mine = run.noise.get_state()
    here, there = run.fabric.device.type, progress.get("device")
    if there is None and tensors["generator.noise"].shape != mine.shape:  # of an earlier version
        there = "another device"
    change = {"device": there} if there not in (None, here) else {}
    if change:
        run.noise.manual_seed(fresh(run.settings.seed + 2, run.step))
    else:
        run.noise.set_state(tensors["generator.noise"])
    if "generator.global" in tensors and not change and run.fabric.is_global_zero:
        torch.set_rng_state(tensors["generator.global"])
        if "generator.device" in tensors:
            torch.cuda.set_rng_state(tensors["generator.device"], run.fabric.device)
    else:
        seed_everything_else(run)
    if progress.get("precision") not in (None, precision(run)):
        change["precision"] = progress["precision"]
    if change:
        before = " in ".join(change.get(key) or now for key, now in (("device", here), ("precision", precision(run))))
        say(run, f"was trained on {before} until step {run.step:,} and goes on on {here} in {precision(run)}: with the "
                 "same weights and optimiser, but not bit for bit as there")
    return change


def lengthen(run: Trainer) -> None:
    """From the weights of a finished run, with more steps: they are as saved, the optimiser is a new one."""
    checkpoint = read_checkpoint(run.folder, with_metrics=False)
    check_settings(run.folder / CONFIG, checkpoint.settings.as_dict(), run.settings.as_dict())
    done, wanted = checkpoint.settings.steps, run.settings.steps
    if wanted <= done:
        raise CheckpointError(f"{run.folder}: holds a finished model of {done:,} steps, there is nothing to resume; to "
                              f"train it longer say --steps with more than {done:,}")
    model = load_weights(checkpoint)
    try:
        run.model.load_state_dict(model.state_dict())
    except RuntimeError as error:
        raise CheckpointError(f"{run.folder / WEIGHTS}: of another model ({first_line(error)})") from error
    config = checkpoint.config
    run.step = run.logged_step = run.began = done
    run.seconds, run.cpu_seconds = float(config.get("seconds", 0.0)), float(config.get("cpu_seconds", 0.0))
    if (run.folder / HISTORY).is_file():
        run.history = [{key: int(value) if key in ("step", "epoch") else value for key, value in row.items()}
                       for row in read_history(run.folder)]
    run.crops.manual_seed(fresh(run.settings.seed + 1, done))
    run.noise.manual_seed(fresh(run.settings.seed + 2, done))
    seed_everything_else(run)
    run.continued_from = [*config.get("continued_from", []),
                          {"step": done, "steps": done, "sha256": checkpoint.hash, "optimizer": "new"}]
    rate = run.settings.learning_rate_at(done)
    warm = f", after {run.settings.warmup_steps:,} steps of warm-up" if run.settings.warmup_steps else ""
    say(run, f"goes on from the finished model of {done:,} steps to {wanted:,}: from its weights as saved, with a new "
             f"optimiser and new noise. The learning rate is that of {wanted:,} steps from here on ({rate:.3g}{warm}), "
             f"so that the model is not the one of {wanted:,} steps in one go")


def check_settings(path: Path, stored: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
    """Raises CheckpointError unless they are the same up to what may change on the way."""
    for key in {**stored, **mine}:
        if key not in CHANGEABLE and stored.get(key) != mine.get(key):
            raise CheckpointError(f"{path}: was trained with {key} = {stored.get(key)!r}, not {mine.get(key)!r}; "
                                  "resume with the same settings, or start again without --resume")


def remembered(run: Trainer) -> dict[str, Tensor]:
    """States of all generators now. Networks of others may draw from torch's own ones, for dropout."""
    states = {"generator.crops": run.crops.get_state(), "generator.noise": run.noise.get_state(),
              "generator.global": torch.get_rng_state()}
    if run.fabric.device.type == "cuda":
        states["generator.device"] = torch.cuda.get_rng_state(run.fabric.device)
    return states


def seed_everything_else(run: Trainer) -> None:
    """torch's own generators, from seed, step and process."""
    torch.manual_seed(fresh(run.settings.seed + 3 + run.fabric.global_rank, run.step))


def fresh(seed: int, step: int) -> int:
    """A seed that no other step has."""
    return (seed + STRIDE * step) % 2**63


def precision(run: Trainer) -> str:
    """As Fabric calls it, for example "bf16-mixed"."""
    return str(run.fabric._precision.precision)


def say(run: Trainer, text: str) -> None:
    """One line for whoever started the run."""
    if run.fabric.is_global_zero:
        print(f"bvae: {run.folder}: {text}", file=sys.stderr)
