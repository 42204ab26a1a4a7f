"""``bvae train``: train a method on a data set, and evaluate it."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from bvae.cli.arguments import data_name, duration, models_root, positive
from bvae.cli.evaluate import evaluate_one
from bvae.data import DATASETS
from bvae.evaluation.tables import print_table
from bvae.io.system import DEVICES
from bvae.models.methods import methods
from bvae.training.checkpoint import RESERVED, WEIGHTS, first_line
from bvae.training.loggers import LOGGERS, Log
from bvae.training.settings import Settings


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("train", help="train a method on a data set")
    command.add_argument("dataset", type=data_name, metavar="DATASET",
                         help="name of a data set, or a folder with a bvae.toml")
    command.add_argument("method", choices=methods())
    command.add_argument("--name", help="name of the checkpoint (default: the method's name)")
    command.add_argument("--out", type=Path, help="folder of all checkpoints (default: checkpoints/)")
    command.add_argument("--root", help="folder of the data files, for sources that are not embedded")
    command.add_argument("--resume", action="store_true",
                         help="go on where a stopped run was, or with more --steps from a finished one")
    command.add_argument("--overwrite", action="store_true", help="replace a finished checkpoint of this name")
    command.add_argument("--no-evaluate", action="store_true", help="leave out the metrics after training")
    command.add_argument("--log", nargs="+", default=[], choices=LOGGERS.names(),
                         help="losses to logs/ in the folder of the checkpoint, for these programs")
    command.add_argument("--time", type=duration, metavar="5m",
                         help="with data of your own: as many steps as fit into this time, such as 90s, 5m, 2h")
    machine = command.add_argument_group("machine (options of Lightning Fabric)")
    machine.add_argument("--accelerator", default="auto", help="auto, cpu, cuda, mps, ...")
    machine.add_argument("--devices", type=positive,
                         help="devices or processes of a machine (default 1, or torchrun's)")
    machine.add_argument("--nodes", type=positive, help="machines (default 1, or torchrun's)")
    machine.add_argument("--strategy", default="auto", help="auto, ddp, ...")
    settings = command.add_argument_group("settings (see bvae.training.Settings)")
    for field in dataclasses.fields(Settings):
        if field.name in ("dataset", "method"):
            continue
        flag = f"--{field.name.replace('_', '-')}"
        if field.type == "bool":
            settings.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            settings.add_argument(flag, type={"int": int, "float": float, "str": str}[str(field.type)],
                                  help=f"default {field.default}")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train, save, evaluate."""
    from bvae.io.locking import locked
    from bvae.training.loop import BUSY
    from bvae.training.resuming import stored_settings

    changes = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(Settings)
        if field.name not in ("dataset", "method") and getattr(options, field.name) is not None
    }
    name = options.name or options.method
    if not name.replace("-", "").replace("_", "").isalnum() or name.lower() in {*RESERVED, *DEVICES}:
        raise ValueError(f"--name: expected letters, digits, '-' and '_', none of {', '.join(RESERVED)} and no name "
                         f"of a device of Windows, got {name!r}")
    root = models_root(options.dataset, options.out)
    folder = root / options.dataset / name
    there = stored_settings(folder) if options.resume else {}
    settings = Settings.for_method(options.dataset, options.method, **{**there, **changes})
    if not there:
        settings = for_own_data(settings, changes, options.time)
    again = f"python -m bvae train {shlex.join(shell_words(options, changes))} --resume"
    # Of several processes that train together, the first has the folder.
    further = any(os.environ.get(rank, "0") != "0" for rank in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))
    with contextlib.nullcontext() if further else locked(folder, "training", BUSY):
        return train_in(folder, settings, options, again)


def for_own_data(settings: Settings, changes: dict[str, Any], seconds: float | None) -> Settings:
    """Sizes, steps, batch and learning rate that follow from data of one's own, where they are not given; said."""
    from bvae.data import dataset
    from bvae.data.own import OwnData
    from bvae.training.sizing import sized, within

    if seconds is None and not issubclass(DATASETS[settings.dataset], OwnData):
        return settings
    data = dataset(settings.dataset, "train", settings.source)
    if not isinstance(data, OwnData):
        raise ValueError("--time: expected data of one's own; the others take --steps")
    size = sized(data)
    chosen = Settings.for_method(settings.dataset, settings.method, **{**size.settings, **changes})
    why = size.explained(changes)
    if seconds is not None:
        chosen, told = within(data, chosen, seconds)
        why = [*why, told]
    for line in why:
        print(line)
    return chosen


def train_in(folder: Path, settings: Settings, options: argparse.Namespace, again: str) -> int:
    """Train in a folder that no other process works in, and evaluate."""
    from bvae.training import calibrating, sampling
    from bvae.training.loop import STATE, TrainingStopped, make_fabric, train

    if (folder / STATE).is_file() and not (options.resume or options.overwrite):
        raise ValueError(f"{folder}: holds a stopped run. Go on with:\n  {again}\nor start anew with --overwrite")
    if (folder / WEIGHTS).is_file() and not (options.overwrite or options.resume):
        raise ValueError(f"{folder}: holds a finished model. Choose another --name, or replace it with --overwrite, "
                         "or train it longer with --steps MORE --resume")
    callbacks = [Log(name) for name in options.log]  # raises where a package is missing
    try:
        fabric = make_fabric(settings, options.accelerator, options.devices, options.strategy, options.nodes)
    except Exception as error:  # Fabric's own errors are of many kinds; all say that the machine has not what was asked
        raise ValueError(f"--accelerator {options.accelerator}, --strategy {options.strategy}, --precision "
                         f"{settings.precision}: not possible on this machine ({first_line(error)})") from error
    try:
        train(settings, folder, resume=options.resume, root=options.root, fabric=fabric, callbacks=callbacks)
        if not fabric.is_global_zero:
            return 0
    except TrainingStopped as stop:
        print(f"\n{stop}. Go on with:\n  {again}", file=sys.stderr)
        return 130
    for fitted in (sampling, calibrating):
        if problem := fitted.after_training(folder, options.root):
            print(problem, file=sys.stderr)
    print(f"saved {folder / WEIGHTS} ({(folder / WEIGHTS).stat().st_size / 1e6:.2f} MB)")
    if not options.no_evaluate:
        root, name = folder.parents[1], folder.name
        evaluate_one(options.dataset, name, root, options.root, seed=0)
        print_table(options.dataset, [name], root)
    return 0


def shell_words(options: argparse.Namespace, changes: dict[str, Any]) -> list[str]:
    """The arguments that repeat a training command."""
    words = [options.dataset.given, options.method]
    usual = {"name": None, "out": None, "root": None, "accelerator": "auto", "devices": None, "nodes": None,
             "strategy": "auto"}
    for key, default in usual.items():
        if (value := getattr(options, key)) != default:
            words += [f"--{key}", str(value)]
    words += ["--no-evaluate"] if options.no_evaluate else []
    words += ["--log", *options.log] if options.log else []
    for key, value in changes.items():
        flag = key.replace("_", "-")
        words += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return words
