"""``python -m bvae sweep``: many runs, as local processes or as a Slurm array; can be stopped and repeated.

A run is done by one command, which trains, or goes on where it was stopped, evaluates, and does nothing if that was
done before: the launchers have only to start commands. That is why this drives ``sbatch`` itself: submitit, the usual
library, hands a job over as a pickle on disk, and nothing is unpickled here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bvae.data import DATASETS, dataset
from bvae.data.own import OwnData
from bvae.io import system
from bvae.io.locking import BusyError, locked
from bvae.runs import supervisor
from bvae.training.settings import Settings
from bvae.training.sizing import Sizing, sized

WORK = ".work"
RUNS_ELSEWHERE = 75
"""Exit status of a command whose run is another process's just now."""


def plan(
    names: Sequence[str], methods_: Sequence[str], seeds: Sequence[int], changes: dict[str, Any],
    metrics: Sequence[str] | None = None,
) -> list[Any]:
    """Every method on every data set with every seed, the seeds outermost, so that all methods are there early.

    Their names are METHOD-seed-SEED, and METHOD for seed 0. Sizes follow from own data where `changes` say no others.
    Returns a list of `bvae.runs.shipped.ShippedRun`.
    """
    from bvae.runs.shipped import ShippedRun, settings_of

    own = {name: size.settings for name in names if (size := size_for(name)) is not None}

    def settings(name: str, method: str, seed: int) -> Settings:
        if name in own:
            return Settings.for_method(name, method, **{**own[name], **changes, "seed": seed})
        return settings_of(name, method, {**changes, "seed": seed})

    return [
        ShippedRun(name, method if seed == 0 else f"{method}-seed-{seed}", settings(name, method, seed),
                   metrics=tuple(metrics) if metrics else None)
        for seed in seeds for name in names for method in methods_
    ]


def size_for(name: str) -> Sizing | None:
    """Settings that follow from own data, with why; None for the other data sets, which have defaults."""
    if not issubclass(DATASETS[name], OwnData):
        return None
    data = dataset(name, "train")
    assert isinstance(data, OwnData)
    return sized(data)


def parse_changes(pairs: Sequence[str]) -> dict[str, Any]:
    """["steps=500", ...] as settings. Raises ValueError or TypeError for what is none."""
    kinds = {field.name: str(field.type) for field in dataclasses.fields(Settings)}
    out: dict[str, Any] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        key = key.replace("-", "_")
        if not sign or key not in kinds or key in ("dataset", "method", "seed"):
            raise ValueError(f"--set {pair}: expected SETTING=VALUE with a setting of bvae.training.Settings other "
                             "than dataset, method and seed")
        try:
            out[key] = ({"true": True, "false": False}[text.lower()] if kinds[key] == "bool"
                        else {"int": int, "float": float, "str": str}[kinds[key]](text))
        except (ValueError, KeyError):
            raise ValueError(f"--set {pair}: expected a value of type {kinds[key]}") from None
    return out


def do(run: Any, root: Path, data_root: str | None) -> int:
    """Do what remains of one run; returns an exit status."""
    from bvae.runs.rebuilding import finish, train_run
    from bvae.runs.shipped import state
    from bvae.training.loop import TrainingStopped

    try:
        with locked(run.folder(root), "training"):
            todo = state(run, root)
            if todo == "train":
                train_run(run, root, data_root, progress=sys.stderr.isatty())
            if todo != "done":
                finish(run, run.folder(root), root, data_root)
    except BusyError as error:
        print(f"{run}: is being done by another process: {error}")
        return RUNS_ELSEWHERE
    except TrainingStopped as stop:
        print(f"{run}: {stop}; the same command goes on from there")
        return 130
    print(f"{run}: done")
    return 0


def local(commands: dict[str, list[str]], jobs: int, logs: Path, report: Callable[[str], None]) -> dict[str, int]:
    """Run commands, `jobs` at a time, each with its share of the cores; name -> exit status.

    On Ctrl-C and SIGTERM the commands are told to stop, which saves their state, and waited for.
    """
    from bvae.training.loop import terminated_as_interrupt

    statuses: dict[str, int] = {}
    logs.mkdir(parents=True, exist_ok=True)
    log_of = {name: logs / f"{name.replace('/', '-')}.log" for name in commands}
    environment = {"OMP_NUM_THREADS": str(max(1, system.processors() // jobs)), **os.environ}
    starts = {name: functools.partial(supervisor.Process, command, log=log_of[name], environment=environment)
              for name, command in commands.items()}
    with terminated_as_interrupt(), contextlib.closing(supervisor.in_turn(starts, jobs)) as events:
        for name, status in events:
            if status is None:
                report(f"{name}: started")
                continue
            statuses[name] = status
            said = {0: "done", RUNS_ELSEWHERE: "another process does it"}.get(status, f"failed, see {log_of[name]}")
            report(f"{name}: {said}")
    return statuses


def slurm(numbers: Sequence[int], command: list[str], jobs: int, logs: Path, more: Sequence[str]) -> list[str]:
    """The sbatch command that does the runs with these numbers, at most `jobs` at a time.

    Slurm may put a task back into the queue and start it again: it goes on. ``exec`` lets the warning of a time limit
    reach Python, which saves the state then.
    """
    array = f"{','.join(map(str, numbers))}%{jobs}"
    wrapped = f'exec {shlex.join(command)} --number "$SLURM_ARRAY_TASK_ID"'
    return ["sbatch", f"--array={array}", "--job-name=bvae-sweep", f"--output={logs}/%A_%a.log", "--requeue",
            "--signal=B:TERM@120", *more, f"--wrap={wrapped}"]
