"""``bvae sweep``: many runs, data sets x methods x seeds; can be stopped and repeated."""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bvae.cli.arguments import data_name
from bvae.models.methods import methods
from bvae.runs.sweep import RUNS_ELSEWHERE, WORK, do, local, parse_changes, plan, size_for, slurm
from bvae.training.checkpoint import checkpoints_root


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("sweep", help="many runs: data sets x methods x seeds; can be stopped and repeated")
    command.add_argument("--datasets", nargs="+", default=[data_name("polymnist")], type=data_name, metavar="DATASET",
                         help="names, or folders with a bvae.toml, whose sizes follow from the data unless --set says "
                              "others")
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
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do one run, or have all of them done."""
    from bvae.evaluation import records
    from bvae.metrics import METRICS
    from bvae.runs.estimates import estimate, in_words, measured
    from bvae.runs.shipped import state, stopped_at

    if options.jobs < 1:
        raise ValueError(f"--jobs: expected a positive number, got {options.jobs}")
    for name in options.metrics or ():
        METRICS[name]  # raises for an unknown name
    root = options.out
    if root.resolve() == checkpoints_root().resolve():
        raise ValueError(f"--out: expected another folder than {root}, whose models ship")
    for number, name in enumerate(options.datasets):
        if name in options.datasets[:number]:
            raise ValueError(f"--datasets: expected different ones, got {name!r} twice; the name of a folder's data "
                             "set stands in its bvae.toml")
    changes = parse_changes(options.set)
    runs = plan(options.datasets, options.methods, options.seeds, changes, options.metrics)
    if options.number is not None:
        if not 0 <= options.number < len(runs):
            raise ValueError(f"--number: expected 0 to {len(runs) - 1}, got {options.number}")
        return do(runs[options.number], root, options.root)
    for name in options.datasets:
        if (size := size_for(name)) is not None:
            print("\n".join([f"{name}:", *(f"  {line}" for line in size.explained(changes))]))
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


def words(options: argparse.Namespace) -> list[str]:
    """The command that does one run of this plan, without its number."""
    out = [sys.executable, "-m", "bvae", "sweep", "--datasets", *(d.given for d in options.datasets),
           "--methods", *options.methods, "--seeds", *map(str, options.seeds), "--out", str(options.out.resolve())]
    out += ["--set", *options.set] if options.set else []
    out += ["--metrics", *options.metrics] if options.metrics else []
    return out + (["--root", str(Path(options.root).resolve())] if options.root else [])
