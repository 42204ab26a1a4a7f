"""The queue of trainings: put one in, start, stop, resume, evaluate, delete. See :mod:`bvae.runs.jobs`."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bvae.data.own.registering import FOLDERS
from bvae.io import system
from bvae.io.locking import BusyError, holder, introduce, locked, take
from bvae.io.storage import sweep, write_json
from bvae.runs import supervisor
from bvae.runs.jobs import EVALUATE, JOB, LOG, MODEL, OUTCOME, QUEUED, STOP, Job, JobError, jobs, jobs_root, read
from bvae.runs.limits import LIMITS, Limits, check, room
from bvae.training.checkpoint import runs_root
from bvae.training.settings import Settings

STOP_PATIENCE = 120.0
"""Seconds that a run has to save and end before it is killed; what it saved before is there."""


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
