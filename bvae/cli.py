"""``bvae``, or ``python -m bvae``.

Commands: app, train, evaluate, compare, report, checkpoints, maps, barycenters, classifiers, data, sweep.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bvae.data import DATASETS, dataset, datasets
from bvae.evaluation.tables import print_missing, print_seeds, print_table
from bvae.io.system import DEVICES, print_anything
from bvae.models.methods import METHODS, methods
from bvae.runs import sweep
from bvae.training.checkpoint import (
    EVALUATION,
    RESERVED,
    WEIGHTS,
    checkpoints,
    checkpoints_root,
    first_line,
    load_checkpoint,
    load_weights,
    training_seconds,
)
from bvae.training.checkpoint import METRICS as METRICS_FILE
from bvae.training.settings import SEEDS, Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. What a person can mend is said in one line, without a traceback."""
    print_anything()
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, TypeError, OSError, ArithmeticError) as error:
        print(f"bvae: {error}", file=sys.stderr)
        return 1
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        print("bvae: there is not enough memory for this; try smaller numbers, such as a smaller --batch-size or "
              f"--width ({first_line(error)})", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbvae: stopped", file=sys.stderr)
        return 130


def out_of_memory(error: BaseException) -> bool:
    """Whether a computation failed for want of memory, of the machine or of a device."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in said or "allocate memory" in said or (
        "alloc" in said and "bytes" in said) or "storage size calculation overflowed" in said


def seed(text: str) -> int:
    """A seed of random numbers from the command line."""
    value = int(text)
    if not 0 <= value < SEEDS:
        raise argparse.ArgumentTypeError(f"expected an integer from 0 to {SEEDS - 1}, got {text}")
    return value


def positive(text: str) -> int:
    """A positive integer from the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text}")
    return value


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m bvae", description="Multimodal VAEs, seen as barycenters.")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser(
        "app", help="start the app; more options go to Streamlit: bvae app -- --server.address 0.0.0.0")
    command.add_argument("--port", type=int)
    command.add_argument("options", nargs="*", metavar="-- OPTION", help="of `streamlit run`")
    command.set_defaults(run=run_app)

    command = commands.add_parser("train", help="train a method on a data set")
    command.add_argument("dataset", choices=datasets())
    command.add_argument("method", choices=methods())
    command.add_argument("--name", help="name of the checkpoint (default: the method's name)")
    command.add_argument("--out", type=Path, help="folder of all checkpoints (default: checkpoints/)")
    command.add_argument("--root", help="folder of the data files, for sources that are not embedded")
    command.add_argument("--resume", action="store_true",
                         help="go on where a stopped run was, or with more --steps from a finished one")
    command.add_argument("--overwrite", action="store_true", help="replace a finished checkpoint of this name")
    command.add_argument("--no-evaluate", action="store_true", help="leave out the metrics after training")
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
            settings.add_argument(flag, type={"int": int, "float": float, "str": str}[field.type],
                                  help=f"default {field.default}")
    command.set_defaults(run=run_train)

    command = commands.add_parser("evaluate", help="compute the metrics, print them, write metrics.json")
    command.add_argument("dataset", choices=datasets())
    command.add_argument("method", help="name of a checkpoint, or all")
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.add_argument("--root", help="folder of the data files")
    command.add_argument("--seed", type=seed, default=0, help="of the metrics' own draws")
    command.add_argument("--metrics", nargs="+", metavar="NAME",
                         help="registered metrics to compute anew, such as coverage; the others are kept if they are "
                              "of the same weights")
    command.add_argument("--seeds", action="store_true",
                         help="compute only metrics that are missing or of other weights; then print the mean over the "
                              "seeds of training with its standard error over seeds, from metrics.json and the records "
                              "of runs that differ in the seed alone, and write it to seeds.json")
    command.set_defaults(run=run_evaluate)

    command = commands.add_parser(
        "compare", help="differences of two checkpoints, paired by the seeds of training, with 95 percent intervals")
    command.add_argument("first", help="name of a checkpoint, such as mwb-vae")
    command.add_argument("second")
    command.add_argument("--dataset", choices=datasets(), default="polymnist",
                         help="default: polymnist, which has records of other seeds")
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.set_defaults(run=run_compare)

    command = commands.add_parser("report", help="print the results of all data sets as Markdown tables")
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.add_argument("--into", type=Path, metavar="FILE", help="write them between the marks in this file instead")
    command.set_defaults(run=run_report)

    command = commands.add_parser(
        "checkpoints", help="list the checkpoints and check their hashes; --rebuild makes what ships again")
    command.add_argument("--out", type=Path, help="folder of all checkpoints (default: checkpoints/)")
    rebuild = command.add_argument_group("making them again")
    rebuild.add_argument("--rebuild", action="store_true",
                         help="train and evaluate what is missing of what ships; can be stopped and repeated")
    rebuild.add_argument("--only", nargs="+", action="extend", default=[], metavar="GLOB",
                         help="only runs whose DATASET/NAME, or NAME, fits, for example 'polymnist/*-seed-?'")
    rebuild.add_argument("--dry-run", action="store_true", help="say what would be done and how long it would take")
    rebuild.add_argument("--official", action="store_true", help="the published sizes; needs --root and --out")
    rebuild.add_argument("--root", type=Path, help="folder of the official data, or of a folder for each data set")
    command.set_defaults(run=run_checkpoints)

    command = commands.add_parser("maps", help="make the t-SNE maps beside the checkpoints, or write one map to a file")
    command.add_argument("dataset", nargs="?", choices=datasets(), help="default: all")
    command.add_argument("name", nargs="?", help="name of a checkpoint (default: all)")
    command.add_argument("--out", type=Path, help="folder of all checkpoints (default: checkpoints/)")
    one = command.add_argument_group("one map to a file")
    one.add_argument("--to", type=Path, metavar="FILE", help="ends with .csv or .npz; needs DATASET and NAME")
    one.add_argument("--of", default="joint", help="a modality, joint, or everything (default: joint)")
    one.add_argument("--map", default="pca", choices=["plane", "pca", "tsne"])
    one.add_argument("--perplexity", type=positive, default=30)
    one.add_argument("--seed", type=seed, default=0)
    command.set_defaults(run=run_maps)

    command = commands.add_parser("barycenters", help="list the aggregation rules; --verify proves them numerically")
    command.add_argument("--verify", action="store_true", help="every rule and divergence by a second route (a minute)")
    command.set_defaults(run=run_barycenters)

    command = commands.add_parser("classifiers", help="train the classifiers that judge coherence")
    command.add_argument("dataset", choices=datasets())
    command.add_argument("--epochs", type=positive, default=40)
    command.add_argument("--seed", type=seed, default=0)
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.set_defaults(run=run_classifiers)

    command = commands.add_parser("data", help="prepare and describe a data set, draw a contact sheet")
    command.add_argument("dataset", choices=datasets())
    command.add_argument("--source", default="embedded")
    command.add_argument("--root", help="folder of the data files")
    command.add_argument("--download", action="store_true", help="download what the source allows to download")
    command.add_argument("--shards", type=Path, metavar="DIR",
                         help="write both splits to this folder, to be read piece by piece: --source shards --root DIR")
    command.add_argument("--shard-items", type=int, default=10_000, help="items of a shard (default 10,000)")
    command.add_argument("--passes", type=int, default=1, help="write so many fresh views of the training items")
    command.add_argument("--sheet", type=Path, help="write a contact sheet of the test split to this PNG")
    command.set_defaults(run=run_data)

    sweep.add_command(commands)
    return top


def run_train(options: argparse.Namespace) -> int:
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
    root = options.out or checkpoints_root()
    folder = root / options.dataset / name
    there = stored_settings(folder) if options.resume else {}
    settings = Settings.for_method(options.dataset, options.method, **{**there, **changes})
    again = f"python -m bvae train {shlex.join(shell_words(options, changes))} --resume"
    # Of several processes that train together, the first has the folder.
    further = any(os.environ.get(rank, "0") != "0" for rank in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))
    with contextlib.nullcontext() if further else locked(folder, "training", BUSY):
        return train_in(folder, settings, options, again)





def train_in(folder: Path, settings: Settings, options: argparse.Namespace, again: str) -> int:
    """Train in a folder that no other process works in, and evaluate."""
    from bvae.training.loop import STATE, TrainingStopped, make_fabric, train

    if (folder / STATE).is_file() and not (options.resume or options.overwrite):
        raise ValueError(f"{folder}: holds a stopped run. Go on with:\n  {again}\nor start anew with --overwrite")
    if (folder / WEIGHTS).is_file() and not (options.overwrite or options.resume):
        raise ValueError(f"{folder}: holds a finished model. Choose another --name, or replace it with --overwrite, "
                         "or train it longer with --steps MORE --resume")
    try:
        fabric = make_fabric(settings, options.accelerator, options.devices, options.strategy, options.nodes)
    except Exception as error:  # Fabric's own errors are of many kinds; all say that the machine has not what was asked
        raise ValueError(f"--accelerator {options.accelerator}, --strategy {options.strategy}, --precision "
                         f"{settings.precision}: not possible on this machine ({first_line(error)})") from error
    try:
        train(settings, folder, resume=options.resume, root=options.root, fabric=fabric)
        if not fabric.is_global_zero:
            return 0
    except TrainingStopped as stop:
        print(f"\n{stop}. Go on with:\n  {again}", file=sys.stderr)
        return 130
    print(f"saved {folder / WEIGHTS} ({(folder / WEIGHTS).stat().st_size / 1e6:.2f} MB)")
    if not options.no_evaluate:
        root, name = folder.parents[1], folder.name
        evaluate_one(options.dataset, name, root, options.root, seed=0)
        print_table(options.dataset, [name], root)
    return 0


def shell_words(options: argparse.Namespace, changes: dict) -> list[str]:
    """The arguments that repeat a training command."""
    words = [options.dataset, options.method]
    usual = {"name": None, "out": None, "root": None, "accelerator": "auto", "devices": None, "nodes": None,
             "strategy": "auto"}
    for key, default in usual.items():
        if (value := getattr(options, key)) != default:
            words += [f"--{key}", str(value)]
    words += ["--no-evaluate"] if options.no_evaluate else []
    for key, value in changes.items():
        flag = key.replace("_", "-")
        words += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return words


def evaluate_one(name_of_data: str, name: str, root: Path | None, data_root: str | None, seed: int,
                 names: list[str] | None = None) -> None:
    """Compute the metrics of a checkpoint as it is on disk, or those named, and write them beside it."""
    from bvae.evaluation.evaluation import evaluated, renewed
    from bvae.io.storage import write_json
    from bvae.metrics.base import left_out_in_words

    checkpoint = load_checkpoint(name_of_data, name, root)
    if names is None:
        metrics = evaluated(checkpoint, root or checkpoints_root(), data_root, seed)
    else:
        metrics = renewed(checkpoint, root or checkpoints_root(), names, data_root, seed)
    write_json(checkpoint.folder / METRICS_FILE, metrics)
    for line in left_out_in_words(metrics[EVALUATION].get("left_out", {}), name_of_data):
        print(line, file=sys.stderr)


def run_evaluate(options: argparse.Namespace) -> int:
    """Evaluate one checkpoint or all; with --seeds only what is not evaluated yet, and then over seeds."""
    from bvae.evaluation import records
    from bvae.evaluation.evaluation import is_evaluated
    from bvae.metrics import METRICS

    for name in options.metrics or ():
        METRICS[name]  # raises ValueError that names those that there are
    root = options.out  # without one, what ships and what was trained in the app
    if options.method == "all":
        root = root or checkpoints_root()
    names = checkpoints(options.dataset, root) if options.method == "all" else [options.method]
    if not names:
        raise ValueError(f"{root / options.dataset}: no checkpoints there")
    for name in names:
        checkpoint = load_checkpoint(options.dataset, name, root)
        if options.seeds and is_evaluated(checkpoint.metrics, checkpoint.hash):
            continue
        print(f"evaluating {name} ...", file=sys.stderr, flush=True)
        evaluate_one(options.dataset, name, root, options.root, options.seed, options.metrics)
    print_table(options.dataset, names, root)
    print_missing(options.dataset, names, root)
    if options.seeds:
        table = records.write_seeds(options.dataset, root or checkpoints_root())
        print_seeds({name: table[name] for name in names if name in table})
    return 0


def run_compare(options: argparse.Namespace) -> int:
    """Print differences, first less second."""
    from bvae.evaluation.differences import differences
    from bvae.evaluation.tables import print_differences

    print_differences(options.first, options.second,
                      differences(options.dataset, options.first, options.second, options.out))
    return 0


def run_report(options: argparse.Namespace) -> int:
    """Print the results, or put them into a file."""
    from bvae.evaluation.report import everything, fill
    from bvae.io.storage import write_text

    if options.into is None:
        print(everything(options.out))
        return 0
    write_text(options.into, fill(options.into.read_text(encoding="utf-8"), options.out))
    return 0


def run_checkpoints(options: argparse.Namespace) -> int:
    """List and verify, or make them again."""
    from bvae.evaluation.records import records
    from bvae.maps import map_files

    if options.rebuild:
        return run_rebuild(options)
    if options.only or options.dry_run or options.official or options.root:
        raise ValueError("--only, --dry-run, --official and --root belong to --rebuild")
    root = options.out  # without one, what ships and what was trained in the app

    def line(settings: Settings, config: Mapping, latent_dim: int, size: str) -> str:
        return (f"{METHODS[settings.method].title}, D = {latent_dim}, {settings.steps} steps in "
                f"{training_seconds(config) / 60:.1f} min on {config['device']} ({config['threads']} threads), "
                f"seed {settings.seed}, {size}, sha256 {config['sha256'][:12]}")

    for name_of_data in DATASETS:
        for name in checkpoints(name_of_data, root):
            checkpoint = load_checkpoint(name_of_data, name, root)
            model = load_weights(checkpoint)  # raises if a hash or a shape is wrong
            size = f"{(checkpoint.folder / WEIGHTS).stat().st_size / 1e6:.2f} MB"
            maps = {"ready": ", maps", "missing": ""}.get(found := map_files.state(checkpoint), f", {found} maps: make "
                    f"them again with python -m bvae maps {name_of_data} {name}")
            print(f"{name_of_data}/{name}: {line(checkpoint.settings, checkpoint.config, model.latent_dim, size)}"
                  f"{maps}")
        for record in records(name_of_data, root):
            missing = f", {record.settings.missing:.0%} missing" if record.settings.missing else ""
            print(f"{name_of_data}/records/{record.name}: "
                  f"{line(record.settings, record.config, record.settings.latent_dim, 'metrics only' + missing)}")
    return 0


def run_maps(options: argparse.Namespace) -> int:
    """Make what is missing or of other weights, or write one map."""
    from bvae.maps import map_files

    root = options.out or checkpoints_root()
    if options.to is not None:
        map_files.write_one(options, root)
        return 0
    map_files.make_missing(
        (data, load_checkpoint(data, name, root))
        for data in ([options.dataset] if options.dataset else DATASETS)
        for name in ([options.name] if options.name else checkpoints(data, root)))
    return 0


def run_rebuild(options: argparse.Namespace) -> int:
    """Make what ships again, or train the official sizes."""
    from bvae.runs import shipped

    if options.official and not (options.root and options.out):
        raise ValueError("--official needs --root, the folder of the data files, and --out, a folder for the models")
    if options.root and not options.official:
        raise ValueError("--root belongs to --official: the embedded data are in no folder")
    root = options.out or checkpoints_root()
    if options.official and root.resolve() == checkpoints_root().resolve():
        raise ValueError(f"--out: expected another folder than {root}, which holds the models of the embedded data")
    runs = shipped.chosen(shipped.plan("official" if options.official else "embedded"), options.only)
    try:
        failed = shipped.rebuild(runs, root, options.root, options.dry_run)
    except KeyboardInterrupt:
        again = ["python", "-m", "bvae", "checkpoints", "--rebuild"]
        again += ["--only", *options.only] if options.only else []
        again += ["--official", "--root", str(options.root)] if options.official else []
        again += ["--out", str(options.out)] if options.out else []
        print(f"\nstopped; everything is saved. Go on with:\n  {shlex.join(again)}", file=sys.stderr)
        return 130
    if failed:
        print(f"bvae: did not converge: {', '.join(map(str, failed))}", file=sys.stderr)
    return 1 if failed else 0


def run_barycenters(options: argparse.Namespace) -> int:
    """List the rules, or prove them."""
    from bvae.aggregators import AGGREGATORS

    if not options.verify:
        for name in AGGREGATORS:
            print(f"{name:<12} {AGGREGATORS[name].__doc__.strip().splitlines()[0]}")
        return 0
    from bvae.aggregators.verify.verification import print_tables

    return 0 if print_tables() else 1


def run_classifiers(options: argparse.Namespace) -> int:
    """Train the judges of coherence."""
    from bvae.metrics import classifiers

    result = classifiers.train(options.out or checkpoints_root(), options.dataset, options.epochs, seed=options.seed)
    for name, figures in result.items():
        for modality, figure in figures.items():
            print(f"{modality}: test {name.replace('_', ' ')} {figure['mean']:.3f} ±{figure['se']:.3f}")
    return 0


def run_app(options: argparse.Namespace) -> int:
    """Start the app."""
    from bvae.app.start import start

    return start(options.port, options.options)


def run_data(options: argparse.Namespace) -> int:
    """Describe both splits and draw the contact sheet."""
    extra = {"root": options.root} if options.root else {}
    if options.download:
        extra["download"] = True
    splits = {split: dataset(options.dataset, split, options.source, **extra) for split in ("train", "test")}
    for data in splits.values():
        print(data.describe())
    if options.shards:
        from bvae.data.shards import write

        for split, data in splits.items():
            count = write(data, options.shards, options.shard_items, options.passes if split == "train" else 1)
            print(f"wrote {count:,} shards to {options.shards / split}")
    if options.sheet:
        from bvae.data.sheet import contact_sheet

        contact_sheet(splits["test"], options.sheet)
        print(f"wrote {options.sheet}")
    return 0
