"""``python -m bvae sweep``: many runs, as local processes or as a Slurm array; can be stopped and repeated.

A run is done by one command, which trains, or goes on where it was stopped, evaluates, and does nothing if that was
done before: the launchers have only to start commands. That is why this drives ``sbatch`` itself: submitit, the usual
library, hands a job over as a pickle on disk, and nothing is unpickled here.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bvae.data import datasets
from bvae.io import system
from bvae.io.locking import BusyError, locked
from bvae.models.methods import methods
from bvae.runs import supervisor
from bvae.training.checkpoint import checkpoints_root
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


def do(run: Any, root: Path, data_root: str | None) -> int:
    """Do what remains of one run; returns an exit status."""
    from bvae.runs.shipped import finish, state, train_run
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


def add_command(commands: Any) -> None:
    """The command line."""
    command = commands.add_parser("sweep", help="many runs: data sets x methods x seeds; can be stopped and repeated")
    command.add_argument("--datasets", nargs="+", default=["polymnist"], choices=datasets())
    command.add_argument("--methods", nargs="+", default=methods(), choices=methods())
    command.add_argument("--seeds", nargs="+", type=int, default=[0])
    command.add_argument("--set", nargs="+", action="extend", default=[], metavar="SETTING=VALUE",
                         help="settings of all runs, for example steps=500 (see bvae.training.Settings)")
    command.add_argument("--metrics", nargs="+", metavar="NAME", help="metrics to compute (default: all)")
    command.add_argument("--out", type=Path, required=True, help="folder of the checkpoints, shared by all machines")
    command.add_argument("--root", help="folder of the data files, for sources that are not embedded")
    command.add_argument("--launcher", choices=["local", "slurm"], default="local")
    command.add_argument("--jobs", type=int, default=1, help="at most so many at a time")
    command.add_argument("--slurm", default="", metavar="OPTIONS",
                         help='further options of sbatch, for example --slurm="--gres=gpu:1 --time=2:00:00"')
    command.add_argument("--dry-run", action="store_true", help="say what would be done, and how")
    command.add_argument("--number", type=int, help=argparse.SUPPRESS)  # do this run of the plan, here
    command.set_defaults(run=run_sweep)


def words(options: argparse.Namespace) -> list[str]:
    """The command that does one run of this plan, without its number."""
    out = [sys.executable, "-m", "bvae", "sweep", "--datasets", *options.datasets, "--methods", *options.methods,
           "--seeds", *map(str, options.seeds), "--out", str(options.out.resolve())]
    out += ["--set", *options.set] if options.set else []
    out += ["--metrics", *options.metrics] if options.metrics else []
    return out + (["--root", str(Path(options.root).resolve())] if options.root else [])


def run_sweep(options: argparse.Namespace) -> int:
    """Do one run, or have all of them done."""
    from bvae.evaluation import records
    from bvae.metrics import METRICS
    from bvae.runs.shipped import estimate, in_words, measured, state, stopped_at

    if options.jobs < 1:
        raise ValueError(f"--jobs: expected a positive number, got {options.jobs}")
    for name in options.metrics or ():
        METRICS[name]  # raises for an unknown name
    root = options.out
    if root.resolve() == checkpoints_root().resolve():
        raise ValueError(f"--out: expected another folder than {root}, whose models ship")
    runs = plan(options.datasets, options.methods, options.seeds, parse_changes(options.set), options.metrics)
    if options.number is not None:
        if not 0 <= options.number < len(runs):
            raise ValueError(f"--number: expected 0 to {len(runs) - 1}, got {options.number}")
        return do(runs[options.number], root, options.root)
    todo = {number: (run, what) for number, run in enumerate(runs) if (what := state(run, root)) != "done"}
    known = [*measured(root), *measured(checkpoints_root())]
    estimates = []
    for run, what in todo.values():
        step = stopped_at(run, run.folder(root)) or 0
        estimates.append(estimate(run, what, known, step))
        going_on = f" from step {step:,} on" if step else ""
        print(f"{run}: " + (f"{run.settings.steps:,} steps{going_on}" if what == "train" else "its metrics are missing")
              + f", {in_words(estimates[-1:])}")
    print(f"{len(runs) - len(todo)} of {len(runs)} are done."
          + (f" The other {len(todo)} take {in_words(estimates)} on one machine like the measured ones." * bool(todo)))
    if not todo:
        return 0
    logs, command = root.resolve() / WORK / "logs", words(options)
    if options.launcher == "slurm":
        submit = slurm(list(todo), command, options.jobs, logs, shlex.split(options.slurm))
        print(shlex.join(submit))
        if options.dry_run:
            return 0
        if shutil.which("sbatch") is None:
            raise ValueError("--launcher slurm: there is no sbatch on this machine; see the command above")
        logs.mkdir(parents=True, exist_ok=True)
        return subprocess.run(submit, check=False).returncode
    commands = {str(run): [*command, "--number", str(number)] for number, (run, _) in todo.items()}
    if options.dry_run:
        print("\n".join(map(shlex.join, commands.values())))
        return 0
    try:
        statuses = local(commands, options.jobs, logs, print)
    except KeyboardInterrupt:
        print("\nstopped; everything is saved. The same command goes on.", file=sys.stderr)
        return 130
    for name in options.datasets:
        records.write_seeds(name, root)
    return 1 if any(status not in (0, RUNS_ELSEWHERE) for status in statuses.values()) else 0
