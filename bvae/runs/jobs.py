"""Trainings that the app starts: each in a process and a folder of its own, known from their files alone.

A job is a folder ``<runs>/jobs/<id>/``. What is in it, and whether its lock is held, is all that anybody knows about
it: an app that was closed, restarted or killed sees the same jobs as before.

* ``job.json``: what is to be trained, and where data that a person brought are; written once.
* ``fitted.json``: how many steps fit into the time of a run that has one; written once, by the worker.
* ``queued``, ``stop``: empty files, wishes of the user.
* ``progress.json``, ``samples.safetensors``: from the worker, now and then.
* ``outcome.json``: the worker's last word.
* ``evaluate``: an empty file, the wish to have the metrics of a finished model computed.
* ``model/``: the training's own folder, moved to ``<runs>/models/<data set>/<name>``, or beside the data that a person
  brought, once it is finished.

This module reads them; :mod:`bvae.runs.queue` makes, starts and ends jobs, within :mod:`bvae.runs.limits`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bvae.data import DATASETS, DataError
from bvae.data.own import register
from bvae.data.own.manifest import MODELS, read_manifest
from bvae.data.own.registering import FOLDERS
from bvae.io.locking import holder
from bvae.io.storage import StorageError, read_json
from bvae.training.checkpoint import METRICS, own_models, runs_root
from bvae.training.settings import Settings

State = Literal["queued", "running", "stopping", "stopped", "finished", "failed", "interrupted", "damaged"]
JOB, PROGRESS, OUTCOME, SAMPLES, LOG = "job.json", "progress.json", "outcome.json", "samples.safetensors", "log.txt"
FITTED, MAP = "fitted.json", "map.safetensors"
QUEUED, STOP, MODEL, EVALUATE = "queued", "stop", "model", "evaluate"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class JobError(ValueError):
    """A job cannot be made, started or removed; the text says why."""


@dataclass(frozen=True)
class Job:
    """What the files of a job say.

    Attributes
    ----------
    id : str
    folder : Path
    name : str
        Of the model.
    settings : Settings or None
        None if the job is damaged.
    evaluate : bool
        Whether its metrics are computed after training.
    created : str
    state : str
    message : str
        The worker's last word, or what is wrong.
    progress : mapping
        "phase", "step", "seconds", "per_step", "history", "recent", "validation"; empty before the first step.
    data : Path or None
        The folder of data that a person brought.
    time : float or None
        Seconds that the training shall take at most; `settings` have the steps that fit once they are known.
    """

    id: str
    folder: Path
    name: str
    settings: Settings | None
    evaluate: bool
    created: str
    state: State
    message: str
    progress: Mapping[str, Any]
    data: Path | None = None
    time: float | None = None

    @property
    def active(self) -> bool:
        """Whether a process works on it."""
        return self.state in ("running", "stopping")

    @property
    def step(self) -> int:
        """Finished steps."""
        return int(self.progress.get("step", 0))

    @property
    def seconds_left(self) -> float | None:
        """Of training, at the speed of the last steps; None if nobody knows."""
        per_step = self.progress.get("per_step")
        return None if per_step is None or self.settings is None else per_step * (self.settings.steps - self.step)

    @property
    def model_folder(self) -> Path:
        """Where its history and weights are."""
        inside = self.folder / MODEL
        return inside if self.settings is None or inside.is_dir() else self.published

    @property
    def published(self) -> Path:
        """Where the finished model is, or will be."""
        assert self.settings is not None
        root = own_models() if self.data is None else self.data / MODELS
        return root / self.settings.dataset / self.name

    @property
    def evaluated(self) -> bool:
        """Whether metrics lie beside its model."""
        return self.settings is not None and (self.model_folder / METRICS).is_file()


def jobs_root() -> Path:
    """The folder of all jobs."""
    return runs_root() / "jobs"


def jobs() -> list[Job]:
    """All jobs, the newest first."""
    with contextlib.suppress(OSError):
        return [read(p) for p in sorted(jobs_root().iterdir(), reverse=True) if p.is_dir() and p.name[0] != "."]
    return []


def find(id: str) -> Job:
    """A job by its id, looked up in the list. Raises JobError if there is none."""
    for job in jobs():
        if job.id == id:
            return job
    raise JobError(f"There is no run {id[:60]!r} any more.")


def read(folder: Path) -> Job:
    """The job in a folder, as its files and its lock have it now; a damaged one is marked as such."""
    # The lock first: a worker that ends between two looks has written its outcome by then.
    busy = holder(folder) is not None
    try:
        content = read_json(folder / JOB)
        settings = Settings.from_mapping({**content["settings"], **_read(folder / FITTED)})
        name, evaluate, created = str(content["name"]), bool(content["evaluate"]), str(content["created"])
        data = Path(content["data"]) if content.get("data") else None
        seconds = float(content["time"]) if content.get("time") else None
        if data is not None and FOLDERS.get(settings.dataset) != data:
            return Job(folder.name, folder, name, None, False, created, "running" if busy else "damaged",
                       unopened(settings.dataset, data), {}, data)
        if not NAME.fullmatch(name) or settings.dataset not in DATASETS:
            raise ValueError("a name in it is none of ours")
    except (StorageError, KeyError, TypeError, ValueError) as error:
        return Job(folder.name, folder, folder.name, None, False, "", "running" if busy else "damaged",
                   f"{folder / JOB}: damaged ({error})", {})
    outcome = _read(folder / OUTCOME)
    progress = _read(folder / PROGRESS)
    if not all(isinstance(progress.get(k, 0), (int, float)) for k in ("step", "seconds", "per_step")) or not isinstance(
            progress.get("history", []), list):
        progress = {}
    message = str(outcome.get("message", ""))
    state: State
    if busy:
        state = "stopping" if (folder / STOP).exists() else "running"
    elif (folder / QUEUED).exists():
        state = "queued"
    elif outcome.get("state") in ("finished", "stopped", "failed"):
        state = outcome["state"]
    elif (folder / STOP).exists():
        state, message = "stopped", "Stopped" + ("; what was saved before is there." if progress.get("step") else
                                                 " before the first step.")
    else:
        state = "interrupted"
        message = ("Its process ended without a word: it was killed, it crashed, or the machine was switched off. What "
                   "it saved is there.")
    return Job(folder.name, folder, name, settings, evaluate or (folder / EVALUATE).exists(), created, state, message,
               progress, data, seconds)


def unopened(dataset: str, data: Path) -> str:
    """Why the data of a run are not registered, in a sentence."""
    if not data.is_dir():
        return f"Its data are not there any more: {data}"
    if dataset in DATASETS:
        return f"By now {dataset!r} is the name of other data than those in {data}."
    return f"Its data cannot be read any more: {data}"


def open_data() -> None:
    """Register the data that persons brought of all runs, where they can be read: none else knows of them.

    Not in an app that others can reach, see :func:`forbidden`: they would see them.
    """
    with contextlib.suppress(OSError):
        for folder in jobs_root().iterdir():
            content = _read(folder / JOB)
            name, data = (content.get("settings") or {}).get("dataset"), content.get("data")
            if not isinstance(data, str) or name in DATASETS:
                continue
            with contextlib.suppress(DataError, OSError):
                if read_manifest(Path(data)).name == name:
                    register(Path(data))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except StorageError:
        return {}
    return content if isinstance(content, dict) else {}
