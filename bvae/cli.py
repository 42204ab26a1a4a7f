"""``python -m bvae``: train, evaluate, checkpoints, barycenters, classifiers, data."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bvae.data import DATASETS, dataset, datasets
from bvae.methods import METHODS, methods
from bvae.training.checkpoint import METRICS as METRICS_FILE
from bvae.training.checkpoint import WEIGHTS, checkpoints, checkpoints_root, load_checkpoint, load_weights
from bvae.training.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. What a person can mend is said in one line, without a traceback."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, TypeError, OSError, FloatingPointError) as error:
        print(f"bvae: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m bvae", description="Multimodal VAEs, seen as barycenters.")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser("train", help="train a method on a data set")
    command.add_argument("dataset", choices=datasets())
    command.add_argument("method", choices=methods())
    command.add_argument("--name", help="name of the checkpoint (default: the method's name)")
    command.add_argument("--out", type=Path, help="folder of all checkpoints (default: checkpoints/)")
    command.add_argument("--root", help="folder of the data files, for sources that are not embedded")
    command.add_argument("--resume", action="store_true", help="go on exactly where a stopped run was")
    command.add_argument("--overwrite", action="store_true", help="replace a finished checkpoint of this name")
    command.add_argument("--no-evaluate", action="store_true", help="leave out the metrics after training")
    machine = command.add_argument_group("machine (options of Lightning Fabric)")
    machine.add_argument("--accelerator", default="auto", help="auto, cpu, cuda, mps, ...")
    machine.add_argument("--devices", type=int, default=1, help="number of devices or processes (default 1)")
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
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(run=run_evaluate)

    command = commands.add_parser("checkpoints", help="list the checkpoints and check their hashes")
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.set_defaults(run=run_checkpoints)

    command = commands.add_parser("barycenters", help="list the aggregation rules; --verify proves them numerically")
    command.add_argument("--verify", action="store_true", help="every rule and divergence by a second route (a minute)")
    command.set_defaults(run=run_barycenters)

    command = commands.add_parser("classifiers", help="train the classifiers that judge coherence")
    command.add_argument("dataset", choices=datasets())
    command.add_argument("--epochs", type=int, default=40)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.set_defaults(run=run_classifiers)

    command = commands.add_parser("data", help="prepare and describe a data set, draw a contact sheet")
    command.add_argument("dataset", choices=datasets())
    command.add_argument("--source", default="embedded")
    command.add_argument("--root", help="folder of the data files")
    command.add_argument("--download", action="store_true", help="download what the source allows to download")
    command.add_argument("--sheet", type=Path, help="write a contact sheet of the test split to this PNG")
    command.set_defaults(run=run_data)
    return top


def run_train(options: argparse.Namespace) -> int:
    """Train, save, evaluate."""
    from bvae.training.loop import STATE, TrainingStopped, make_fabric, train

    changes = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(Settings)
        if field.name not in ("dataset", "method") and getattr(options, field.name) is not None
    }
    settings = Settings.for_method(options.dataset, options.method, **changes)
    name = options.name or options.method
    if not name.replace("-", "").replace("_", "").isalnum() or name in ("classifiers", "all"):
        raise ValueError(f"--name: expected letters, digits, '-' and '_', got {name!r}")
    root = options.out or checkpoints_root()
    folder = root / options.dataset / name
    again = f"python -m bvae train {' '.join(shell_words(options, changes))} --resume"
    if (folder / STATE).is_file() and not (options.resume or options.overwrite):
        raise ValueError(f"{folder}: holds a stopped run. Go on with:\n  {again}\nor start anew with --overwrite")
    if (folder / WEIGHTS).is_file() and not (options.overwrite or options.resume):
        raise ValueError(f"{folder}: holds a finished model. Choose another --name, or replace it with --overwrite")
    try:
        fabric = make_fabric(settings, options.accelerator, options.devices, options.strategy)
        train(settings, folder, resume=options.resume, root=options.root, fabric=fabric)
        if not fabric.is_global_zero:
            return 0
    except TrainingStopped as stop:
        print(f"\n{stop}; everything is saved. Go on with:\n  {again}", file=sys.stderr)
        return 130
    print(f"saved {folder / WEIGHTS} ({(folder / WEIGHTS).stat().st_size / 1e6:.2f} MB)")
    if not options.no_evaluate:
        evaluate_one(options.dataset, name, root, options.root, seed=0)
        print_table(options.dataset, [name], root)
    return 0


def shell_words(options: argparse.Namespace, changes: dict) -> list[str]:
    """The arguments that repeat a training command."""
    words = [options.dataset, options.method]
    usual = {"name": None, "out": None, "root": None, "accelerator": "auto", "devices": 1, "strategy": "auto"}
    for key, default in usual.items():
        if (value := getattr(options, key)) != default:
            words += [f"--{key}", str(value)]
    words += ["--no-evaluate"] if options.no_evaluate else []
    for key, value in changes.items():
        flag = key.replace("_", "-")
        words += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return words


def evaluate_one(name_of_data: str, name: str, root: Path, data_root: str | None, seed: int) -> None:
    """Compute the metrics of a checkpoint as it is on disk and write them beside it."""
    import bvae
    from bvae.metrics import EvaluationData, evaluate
    from bvae.storage import write_json

    checkpoint = load_checkpoint(name_of_data, name, root)
    started = time.perf_counter()
    # The judges of a folder of one's own are optional: ours serve as well.
    judges_root = root if (root / name_of_data / "classifiers").is_dir() else checkpoints_root()
    data = EvaluationData(name_of_data, judges_root, checkpoint.settings.source, data_root)
    figures = evaluate(load_weights(checkpoint), data, seed)
    facts = {"test_items": len(data.test), "seed": seed, "bvae": bvae.__version__, "sha256": checkpoint.hash,
             "seconds": round(time.perf_counter() - started, 1)}
    write_json(checkpoint.folder / METRICS_FILE, {**figures, "evaluation": facts})


def run_evaluate(options: argparse.Namespace) -> int:
    """Evaluate one checkpoint or all."""
    root = options.out or checkpoints_root()
    names = checkpoints(options.dataset, root) if options.method == "all" else [options.method]
    if not names:
        raise ValueError(f"{root / options.dataset}: no checkpoints there")
    for name in names:
        print(f"evaluating {name} ...", file=sys.stderr, flush=True)
        evaluate_one(options.dataset, name, root, options.root, options.seed)
    print_table(options.dataset, names, root)
    return 0


def print_table(name_of_data: str, names: Sequence[str], root: Path) -> None:
    """The metrics of some checkpoints as a table: mean +- standard error over the test items."""
    rows: dict[str, dict[str, str]] = {}
    for name in names:
        metrics = load_checkpoint(name_of_data, name, root).metrics
        for metric, value in metrics.items():
            if metric == "evaluation":
                continue
            keyed = {"": value} if "mean" in value else value
            for key, figure in keyed.items():
                which = f", {key} view{'s' * (key != '1')}" if key.isdigit() else f", {key}" if key else ""
                label = metric.replace("_", " ") + which
                rows.setdefault(label, {})[name] = f"{figure['mean']:.3f} ±{figure['se']:.3f}"
    width = max(map(len, rows), default=0)
    columns = [max(len(name), 12) for name in names]
    print(" " * width + "".join(f"  {name:>{c}}" for name, c in zip(names, columns, strict=True)))
    for label, row in rows.items():
        print(f"{label:<{width}}" + "".join(f"  {row.get(n, '-'):>{c}}" for n, c in zip(names, columns, strict=True)))


def run_checkpoints(options: argparse.Namespace) -> int:
    """List and verify."""
    root = options.out or checkpoints_root()
    for name_of_data in DATASETS:
        for name in checkpoints(name_of_data, root):
            checkpoint = load_checkpoint(name_of_data, name, root)
            model = load_weights(checkpoint)  # raises if a hash or a shape is wrong
            size = (checkpoint.folder / WEIGHTS).stat().st_size / 1e6
            s, config = checkpoint.settings, checkpoint.config
            print(
                f"{name_of_data}/{name}: {METHODS[s.method].title}, D = {model.latent_dim}, {s.steps} steps in "
                f"{config['seconds'] / 60:.1f} min on {config['device']} ({config['threads']} threads), seed {s.seed}, "
                f"{size:.2f} MB, sha256 {checkpoint.hash[:12]}"
            )
    return 0


def run_barycenters(options: argparse.Namespace) -> int:
    """List the rules, or prove them."""
    from bvae.aggregators import AGGREGATORS

    if not options.verify:
        for name in AGGREGATORS:
            print(f"{name:<12} {AGGREGATORS[name].__doc__.strip().splitlines()[0]}")
        return 0
    from bvae.verification import print_tables

    return 0 if print_tables() else 1


def run_classifiers(options: argparse.Namespace) -> int:
    """Train the judges of coherence."""
    from bvae.metrics import classifiers

    result = classifiers.train(options.out or checkpoints_root(), options.dataset, options.epochs, seed=options.seed)
    for name, figures in result.items():
        for modality, figure in figures.items():
            print(f"{modality}: test {name.replace('_', ' ')} {figure['mean']:.3f} ±{figure['se']:.3f}")
    return 0


def run_data(options: argparse.Namespace) -> int:
    """Describe both splits and draw the contact sheet."""
    extra = {"root": options.root} if options.root else {}
    if options.download:
        extra["download"] = True
    splits = {split: dataset(options.dataset, split, options.source, **extra) for split in ("train", "test")}
    for data in splits.values():
        print(data.describe())
    if options.sheet:
        contact_sheet(splits["test"], options.sheet)
        print(f"wrote {options.sheet}")
    return 0


def contact_sheet(data, path: Path, columns: int = 20, zoom: int = 2) -> None:
    """A PNG with items of all classes: one row a modality, one column an item; texts are written out."""
    import textwrap

    from PIL import Image, ImageDraw

    views = data.subset([round(k * (len(data) - 1) / max(1, columns - 1)) for k in range(columns)])
    side = zoom * max(m.shape[-1] for m in data.modalities.values() if m.kind == "image")
    sheet = Image.new("RGB", (columns * (side + 2), len(views) * (side + 2)), "white")
    for row, (name, values) in enumerate(views.items()):
        for column, value in enumerate(values):
            corner = (column * (side + 2) + 1, row * (side + 2) + 1)
            if data.modalities[name].kind == "image":
                pixels = (value * 255).round().byte().permute(1, 2, 0).expand(-1, -1, 3).numpy()
                sheet.paste(Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST), corner)
            else:
                text = data.read_text(value.unsqueeze(0))[0].strip(data.text_padding)
                middle = (corner[0] + 2, corner[1] + side // 2)
                lines = "\n".join(textwrap.wrap(text, side // 7))
                ImageDraw.Draw(sheet).text(middle, lines, "black", anchor="lm", spacing=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
