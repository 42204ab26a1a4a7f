"""``python -m bvae sweep``: many runs, as local processes or as a Slurm array; can be stopped and repeated.

A run is done by one command, which trains, or goes on where it was stopped, evaluates, and does nothing if that was
done before: the launchers have only to start commands. That is why this drives ``sbatch`` itself: submitit, the usual
library, hands a job over as a pickle on disk, and nothing is unpickled here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bvae.io import system
from bvae.training.settings import Settings

WORK = ".work"
RUNS_ELSEWHERE = 75
"""Exit status of a command whose run is another process's just now."""


def plan(
    names: Sequence[str], methods_: Sequence[str], seeds: Sequence[int], changes: dict[str, Any],
    metrics: Sequence[str] | None = None,
) -> list:
    """Every method on every data set with every seed, the seeds outermost, so that all methods are there early.

    Their names are METHOD-seed-SEED, and METHOD for seed 0. Returns a list of `bvae.runs.shipped.ShippedRun`.
    """
    from bvae.runs.shipped import ShippedRun, settings_of

    return [
        ShippedRun(name, method if seed == 0 else f"{method}-seed-{seed}",
                   settings_of(name, method, {**changes, "seed": seed}), metrics=tuple(metrics) if metrics else None)
        for seed in seeds for name in names for method in methods_
    ]


def parse_changes(pairs: Sequence[str]) -> dict[str, Any]:
    """["steps=500", ...] as settings. Raises ValueError or TypeError for what is none."""
    kinds = {field.name: field.type for field in dataclasses.fields(Settings)}
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


@contextlib.contextmanager
def lock(path: Path) -> Iterator[bool]:
    """Whether this process holds the file's lock now; the system releases it when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        yield system.try_lock(file.fileno()) != "busy"


def do(run: Any, root: Path, data_root: str | None) -> int:
    """Do what remains of one run; returns an exit status."""
    from bvae.runs.shipped import finish, state, train_run
    from bvae.training.loop import TrainingStopped

    with lock(root / run.dataset / WORK / f"{run.name}.lock") as mine:
        if not mine:
            print(f"{run}: is being done by another process")
            return RUNS_ELSEWHERE
        try:
            todo = state(run, root)
            if todo == "train":
                train_run(run, root, data_root, progress=sys.stderr.isatty())
            if todo != "done":
                finish(run, run.folder(root), root, data_root)
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

    environment = {"OMP_NUM_THREADS": str(max(1, system.processors() // jobs)), **os.environ}
    waiting, running, statuses = list(commands), {}, {}
    logs.mkdir(parents=True, exist_ok=True)
    try:
        with terminated_as_interrupt():
            while waiting or running:
                while waiting and len(running) < jobs:
                    name = waiting.pop(0)
                    with open(logs / f"{name.replace('/', '-')}.log", "ab") as log:
                        running[name] = subprocess.Popen(commands[name], stdout=log, stderr=log, env=environment,
                                                         **system.own_group())
                    report(f"{name}: started")
                for name, process in list(running.items()):
                    if process.poll() is not None:
                        del running[name]
                        statuses[name] = process.returncode
                        said = {0: "done", RUNS_ELSEWHERE: "another process does it"}.get(
                            process.returncode, f"failed, see {logs / name.replace('/', '-')}.log")
                        report(f"{name}: {said}")
                time.sleep(0.2)
    finally:
        for process in running.values():
            system.ask_to_stop(process)
        for name, process in running.items():
            statuses[name] = process.wait()
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
