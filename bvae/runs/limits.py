"""What visitors may use of the machine, and whether one may train from the app at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bvae.data import DATASETS
from bvae.data.own import OwnData
from bvae.data.own.registering import FOLDERS
from bvae.data.own.shipped import TableData
from bvae.io import system
from bvae.models.methods import METHODS
from bvae.runs.jobs import NAME, JobError, jobs
from bvae.training.checkpoint import RESERVED, checkpoints, runs_root
from bvae.training.settings import Settings

LOCAL = ("localhost", "127.0.0.1", "::1")
MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What visitors may use of the machine.

    Parameters
    ----------
    parallel : int
        Jobs that run at a time; the others wait.
    queued, kept : int
        Jobs that may wait, and that may be there at all.
    bytes : int
        Size of the folder of runs, models included.
    free : int
        Bytes that have to stay free on the disk.
    steps, batch_size, latent_dim, width : int
        Largest settings.
    """

    parallel: int = 1
    queued: int = 5
    kept: int = 30
    bytes: int = 2048 * MIB
    free: int = 512 * MIB
    steps: int = 20_000
    batch_size: int = 512
    latent_dim: int = 128
    width: int = 128


LIMITS = Limits()


def forbidden(address: str | None) -> str:
    """Why training cannot be started from an app that listens on this address; an empty text if it can.

    Only on this computer by default; $BVAE_TRAINING = "on" or "off" decides otherwise.
    """
    chosen = os.environ.get("BVAE_TRAINING", "").strip().lower()
    if chosen == "off":
        return "Training from the app is switched off here (BVAE_TRAINING=off)."
    if system.WINDOWS:
        return ("Training from the app needs a lock that one process hands to another, which Windows does not have; "
                "train on the command line.")
    if chosen == "on" or (address or "").strip().lower().strip("[]") in LOCAL:
        return ""
    return ("This app can be reached from other computers, so that training cannot be started from it: a visitor could "
            "use up the machine. Whoever runs it can allow it with BVAE_TRAINING=on.")


def check(name: str, settings: Settings, limits: Limits = LIMITS) -> None:
    """Raises JobError that names what cannot be: a name that is taken or no name, settings beyond the limits."""
    if not NAME.fullmatch(name):
        raise JobError("Name: expected 1 to 40 letters, digits, '-' and '_', the first a letter or a digit, "
                       f"got {name[:60]!r}.")
    if name in METHODS or name.lower() in {*RESERVED, *system.DEVICES}:
        raise JobError(f"Name: {name!r} is a name that means something else; choose another.")
    if settings.dataset not in DATASETS:
        raise JobError(f"Data set: there is no {settings.dataset!r}.")
    if only_here(settings.dataset):
        raise JobError(f"Data set: {settings.dataset!r} is in the memory of this process alone, and a training has one "
                       "of its own; bring it as a folder.")
    taken = {job.name for job in jobs() if job.settings and job.settings.dataset == settings.dataset}
    if name in taken or name in checkpoints(settings.dataset):
        raise JobError(f"Name: there is a model or a run {name!r} of {settings.dataset} already; choose another.")
    for key in ("steps", "batch_size", "latent_dim", "width"):
        if getattr(settings, key) > getattr(limits, key):
            raise JobError(f"{key}: at most {getattr(limits, key):,} here, got {getattr(settings, key):,}.")


def only_here(dataset: str) -> bool:
    """Whether a registered data set came from arrays, so that another process cannot read it."""
    return (issubclass(DATASETS[dataset], OwnData) and not issubclass(DATASETS[dataset], TableData)
            and dataset not in FOLDERS)


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(where, name)).st_size
    return total


def room(limits: Limits) -> None:
    """Raises JobError if the runs take too much of the disk, or it is nearly full."""
    if (used := size(runs_root())) > limits.bytes:
        raise JobError(f"The runs take {used / MIB:,.0f} MB of the {limits.bytes / MIB:,.0f} MB they may; delete some.")
    if (free := shutil.disk_usage(runs_root()).free) < limits.free:
        raise JobError(f"Only {free / MIB:,.0f} MB are free on the disk; {limits.free / MIB:,.0f} MB have to be.")
