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
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from bvae.data import DATASETS, DataError
from bvae.data.own import OwnData, register
from bvae.data.own.manifest import MODELS, read_manifest
from bvae.data.own.registering import FOLDERS
from bvae.data.own.shipped import TableData
from bvae.io import system
from bvae.io.locking import BusyError, holder, introduce, locked, take
from bvae.io.storage import StorageError, read_json, sweep, write_json
from bvae.models.methods import METHODS
from bvae.runs import supervisor
from bvae.training.checkpoint import METRICS, RESERVED, checkpoints, own_models, runs_root
from bvae.training.settings import Settings

State = Literal["queued", "running", "stopping", "stopped", "finished", "failed", "interrupted", "damaged"]
JOB, PROGRESS, OUTCOME, SAMPLES, LOG = "job.json", "progress.json", "outcome.json", "samples.safetensors", "log.txt"
FITTED, MAP = "fitted.json", "map.safetensors"
QUEUED, STOP, MODEL, EVALUATE = "queued", "stop", "model", "evaluate"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
LOCAL = ("localhost", "127.0.0.1", "::1")
MIB = 2**20
STOP_PATIENCE = 120.0
"""Seconds that a run has to save and end before it is killed; what it saved before is there."""


class JobError(ValueError):
    """A job cannot be made, started or removed; the text says why."""


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
        "phase", "step", "seconds", "per_step", "history", "recent"; empty before the first step.
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


# -- whether one may ---------------------------------------------------------------------------------------------------


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


# -- making and finding ------------------------------------------------------------------------------------------------


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


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(where, name)).st_size
    return total


def submit(
    name: str, settings: Settings, evaluate: bool = False, limits: Limits = LIMITS, time: float | None = None
) -> Job:
    """Put a job into the queue, and start it if nothing else runs.

    Parameters
    ----------
    name : str
        Of the model.
    settings : Settings
    evaluate : bool
        Whether its metrics are computed after training.
    limits : Limits
    time : float, optional
        Seconds; with data of one's own, the steps are those that fit into it, at most those of the settings.

    Raises
    ------
    JobError
        If the name is taken, a setting or the number of jobs is beyond the limits, or the disk is too full.
    WriteError
        If the folder of runs cannot be written.
    """
    root = jobs_root()
    with locked(root, "making a run", "try again"):
        check(name, settings, limits)
        present = jobs()
        if sum(job.state == "queued" for job in present) >= limits.queued:
            raise JobError(f"{limits.queued} runs are waiting already; wait until one of them has started.")
        if len(present) >= limits.kept:
            raise JobError(f"{len(present)} runs are kept already; delete some first.")
        room(limits)
        now, data = datetime.now(), FOLDERS.get(settings.dataset)
        folder = root / f"{now:%Y%m%d-%H%M%S}-{now.microsecond:06d}-{secrets.token_hex(2)}"
        write_json(folder / JOB, {"format": 1, "name": name, "evaluate": evaluate,
                                  "created": f"{now:%Y-%m-%d %H:%M:%S}", "settings": settings.as_dict(),
                                  "time": time, "data": str(data) if data is not None else None})
        (folder / QUEUED).touch()
    start_next(limits)
    return read(folder)


def room(limits: Limits) -> None:
    """Raises JobError if the runs take too much of the disk, or it is nearly full."""
    if (used := size(runs_root())) > limits.bytes:
        raise JobError(f"The runs take {used / MIB:,.0f} MB of the {limits.bytes / MIB:,.0f} MB they may; delete some.")
    if (free := shutil.disk_usage(runs_root()).free) < limits.free:
        raise JobError(f"Only {free / MIB:,.0f} MB are free on the disk; {limits.free / MIB:,.0f} MB have to be.")


# -- starting, stopping, removing --------------------------------------------------------------------------------------


def threads() -> int:
    """For a worker: half of the processors that we may use, so that the app keeps the others."""
    return max(1, system.processors() // 2)


def start_next(limits: Limits = LIMITS, besides: str = "") -> Job | None:
    """Start the job that has waited longest, if one waits and none runs; whoever looks at the jobs calls this.

    Parameters
    ----------
    limits : Limits
    besides : str
        Id of a job that does not count: that of a worker which is about to end.
    """
    try:
        with locked(jobs_root(), "starting a run"):
            present = [job for job in reversed(jobs()) if job.id != besides]
            for job in present:
                if job.state == "stopping" and _overdue(job):
                    _signal(job, supervisor.kill_group_of)
            if sum(job.active for job in present) >= limits.parallel:
                return None
            for job in present:
                if job.state == "queued" and _launch(job):
                    return read(job.folder)
    except (BusyError, OSError):  # somebody else is at it, or nothing can be written: whoever looks next tries again
        pass
    return None


def _launch(job: Job) -> bool:
    """Start the worker of a job. It gets the lock from us, open, so that the job is never without."""
    try:
        handle = take(job.folder, "training")
    except BusyError:
        return False
    try:
        sweep(job.folder)
        for name in (OUTCOME, STOP):
            (job.folder / name).unlink(missing_ok=True)
        package = str(Path(__file__).resolve().parents[2])
        process = supervisor.Process(
            [sys.executable, "-m", "bvae.runs.worker", str(job.folder), str(handle)], threads(), job.folder / LOG,
            {"OMP_WAIT_POLICY": "PASSIVE", "BVAE_RUNS": str(runs_root().resolve()),
             "PYTHONPATH": os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))}, keep=[handle])
        introduce(handle, process.pid, "training", f"bvae run {job.id}")
        (job.folder / QUEUED).unlink(missing_ok=True)
    finally:
        os.close(handle)
    return True


def stop(job: Job) -> None:
    """Ask a running job to save and end; take a waiting one out of the queue."""
    with contextlib.suppress(OSError):
        (job.folder / STOP).touch()
        (job.folder / QUEUED).unlink(missing_ok=True)
    _signal(job, supervisor.ask)


def _signal(job: Job, tell: Callable[[int], None]) -> None:
    """Tell the worker of a job something, whoever has started it; nothing if there is none on this machine."""
    who = holder(job.folder)
    if who and who.get("host") == socket.gethostname() and isinstance(who.get("pid"), int) and who["pid"] > 0:
        tell(who["pid"])


def _overdue(job: Job) -> bool:
    """Whether it was told to stop so long ago that it will not: it hangs, and keeps the others waiting."""
    with contextlib.suppress(OSError):
        return time.time() - (job.folder / STOP).stat().st_mtime > STOP_PATIENCE
    return False


def resume(job: Job, limits: Limits = LIMITS) -> None:
    """Put a job that was stopped, interrupted or failed back into the queue; it goes on where it was saved."""
    if job.state not in ("stopped", "interrupted", "failed"):
        raise JobError(f"This run is {job.state}; only one that was stopped, interrupted or failed can go on.")
    room(limits)
    with contextlib.suppress(OSError):
        (job.folder / STOP).unlink(missing_ok=True)
    (job.folder / QUEUED).touch()
    start_next(limits)


def evaluate(job: Job, limits: Limits = LIMITS) -> None:
    """Queue a finished job again, to have the metrics of its model computed."""
    if job.state != "finished" or job.evaluated:
        raise JobError(f"This run is {job.state}; metrics are computed of a finished one that has none.")
    room(limits)
    (job.folder / EVALUATE).touch()
    (job.folder / QUEUED).touch()
    start_next(limits)


def delete(job: Job) -> None:
    """Remove a job that does not run, and the model that it has made."""
    root = jobs_root().resolve()
    if job.folder.resolve().parent != root:
        raise JobError("This is no run of ours.")
    with locked(root, "deleting a run", "try again"):
        if read(job.folder).active:
            raise JobError("This run is still going; stop it first.")
        doomed = [job.folder]
        if job.settings is not None and job.model_folder != job.folder / MODEL and job.model_folder.is_dir():
            doomed.append(job.model_folder)
        for folder in doomed:
            gone = folder.with_name(f".{folder.name}.deleted")
            os.replace(folder, gone)  # first it is no run any more, then its files go
            shutil.rmtree(gone, ignore_errors=True)
