"""Training, for every method, on Lightning Fabric: devices, precision and processes are options."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from bvae.data import MultimodalDataset, dataset
from bvae.io.locking import locked
from bvae.models.vae import MultimodalVAE
from bvae.training.callbacks import Callback, OnStep, ProgressBar, SaveEvery
from bvae.training.checkpoint import VALIDATION
from bvae.training.devices import make_fabric
from bvae.training.memory import denormals_flushed, memory_kept
from bvae.training.settings import Settings
from bvae.training.state import STATE, read_state
from bvae.training.stopping import StopOnSignal, TrainingStopped, terminated_as_interrupt
from bvae.training.trainer import Diverged, Trainer
from bvae.training.validation import KeepBest, held_out, patience_of

__all__ = [
    "BUSY", "STATE", "Callback", "Diverged", "OnStep", "ProgressBar", "SaveEvery", "Trainer", "TrainingStopped",
    "make_fabric", "read_state", "terminated_as_interrupt", "train",
]

BUSY = "wait for it, stop it, or choose another name"


def train(
    settings: Settings,
    folder: Path,
    *,
    resume: bool = False,
    root: str | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
    fabric: Fabric | None = None,
    data: MultimodalDataset | None = None,
) -> MultimodalVAE:
    """Train a model and leave a checkpoint in `folder`.

    Parameters
    ----------
    settings : Settings
    folder : Path
        Gets model.safetensors, config.json and history.csv, where items are kept from the training validation.csv,
        and while training runs, ``training.safetensors``: all that is needed to go on bit for bit
        (weights, optimiser, counters, generators).
    resume : bool
        Go on from ``training.safetensors``, or, with more steps, from a finished model. The settings must be those
        of that run, up to `steps` and `precision`. What is not exactly as if it had not been stopped is
        said on standard error.
    root : str, optional
        Folder of the data files, for sources that need one.
    callbacks : sequence of Callback
        What happens beside the steps, see `bvae.training.callbacks`. Without a `SaveEvery` among them the state is
        saved every minute.
    progress : bool
        Show a `ProgressBar`.
    fabric : Fabric, optional
        Devices, strategy and precision, not launched yet; by default see :func:`make_fabric`.
    data : MultimodalDataset, optional
        Items to train on; by default those of the settings' data set, ``split="train"``.

    Returns
    -------
    MultimodalVAE
        The trained model, in eval mode.

    Raises
    ------
    TrainingStopped
        On Ctrl-C or SIGTERM, after the state was saved.
    CheckpointError
        If the state to resume from is missing, damaged, or of other settings.
    Diverged
        A FloatingPointError: the loss is no longer finite, or explodes; the last good state is kept.
    BusyError
        If another process trains in this folder.
    WriteError
        If the disk is full, the folder read-only, and so on; what was saved before is kept.

    Errors of a callback, a network or an objective come through as they are; what is kept then stands in a note of an
    error of a callback.
    """
    called = in_order(callbacks, progress)
    fabric = fabric or make_fabric(settings)
    if not os.environ.get("LT_CLI_USED"):  # fabric run has launched it
        fabric.launch()
    folder = Path(folder)
    alone = locked(folder, "training", BUSY) if fabric.is_global_zero else contextlib.nullcontext()
    with alone:
        options: dict[str, Any] = {"augment": settings.augment} if settings.augment else {}
        if data is None:
            data = dataset(settings.dataset, "train", settings.source, **options, **({"root": root} if root else {}))
        if settings.validation:
            data, kept = held_out(data, settings.validation)
            # first, so that a state that is saved after a step knows what was found at it
            called.insert(0, KeepBest(kept, patience_of(settings)))
        else:
            (folder / VALIDATION).unlink(missing_ok=True)  # of another training, of the same name
        cards = [fabric.device] if fabric.device.type == "cuda" else []
        # Networks of others may draw from torch's own generators, which are the user's again afterwards.
        with memory_kept(), denormals_flushed(), torch.random.fork_rng(cards):
            return Trainer(settings, folder, data, fabric, called).go(resume)


def in_order(callbacks: Sequence[Callback], progress: bool) -> list[Callback]:
    """The callbacks of a training in their order: the bar, saving, those that are given, stopping on a signal.

    A state is saved before anybody may do something to the model. Raises TypeError for something else than callbacks.
    """
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks: expected objects of bvae.training.callbacks.Callback, got {callback!r}; "
                            "OnStep(FUNCTION) makes one of a function")
    saving = [c for c in callbacks if isinstance(c, SaveEvery)] or [SaveEvery()]
    bars = [c for c in callbacks if isinstance(c, ProgressBar)] or ([ProgressBar()] if progress else [])
    others = [c for c in callbacks if c not in saving and c not in bars]
    return [*bars, *saving, *others, StopOnSignal()]
