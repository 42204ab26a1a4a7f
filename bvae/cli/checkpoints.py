"""``bvae checkpoints``: list and verify the checkpoints, or make what ships again."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bvae.data import DATASETS
from bvae.models.methods import METHODS
from bvae.training.checkpoint import (
    WEIGHTS,
    checkpoints,
    checkpoints_root,
    load_checkpoint,
    load_weights,
    training_seconds,
)
from bvae.training.settings import Settings


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser(
        "checkpoints", help="list the checkpoints and check their hashes; --rebuild makes what ships again")
    command.add_argument("--out", type=Path, help="folder of all checkpoints (default: checkpoints/)")
    command.add_argument("--samplers", action="store_true",
                         help="fit the samplers that are missing or of other weights: how inventions are drawn")
    command.add_argument("--calibrations", action="store_true",
                         help="calibrate the intervals of models of tables that are not, or of other weights")
    rebuild = command.add_argument_group("making them again")
    rebuild.add_argument("--rebuild", action="store_true",
                         help="train and evaluate what is missing of what ships; can be stopped and repeated")
    rebuild.add_argument("--only", nargs="+", action="extend", default=[], metavar="GLOB",
                         help="only runs whose DATASET/NAME, or NAME, fits, for example 'polymnist/*-seed-?'")
    rebuild.add_argument("--weights", action="store_true",
                         help="keep the weights, too, of runs of which the figures alone ship")
    rebuild.add_argument("--dry-run", action="store_true", help="say what would be done and how long it would take")
    rebuild.add_argument("--official", action="store_true", help="the published sizes; needs --root and --out")
    rebuild.add_argument("--root", type=Path, help="folder of the official data, or of a folder for each data set")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List and verify, or make them again."""
    from bvae.evaluation.records import records
    from bvae.maps import map_files
    from bvae.training import calibrating, sampling

    if options.rebuild:
        return rebuild(options)
    if options.only or options.weights or options.dry_run or options.official or options.root:
        raise ValueError("--only, --weights, --dry-run, --official and --root belong to --rebuild")
    root = options.out  # without one, what ships and what was trained in the app
    asked = [made for made, wanted in ((sampling, options.samplers), (calibrating, options.calibrations)) if wanted]
    for made in asked:
        made.make_missing(load_checkpoint(data, name, root) for data in DATASETS for name in checkpoints(data, root))
    if asked:
        return 0

    def line(settings: Settings, config: Mapping[str, Any], latent_dim: int, size: str) -> str:
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
            drawn = "" if model.sampler is None else f", sampler {model.sampler.name}"
            print(f"{name_of_data}/{name}: {line(checkpoint.settings, checkpoint.config, model.latent_dim, size)}"
                  f"{maps}{drawn}")
        for record in records(name_of_data, root):
            missing = f", {record.settings.missing:.0%} missing" if record.settings.missing else ""
            print(f"{name_of_data}/records/{record.name}: "
                  f"{line(record.settings, record.config, record.settings.latent_dim, 'metrics only' + missing)}")
    return 0


def rebuild(options: argparse.Namespace) -> int:
    """Make what ships again, or train the official sizes."""
    from bvae.runs import shipped
    from bvae.runs.rebuilding import rebuild

    if options.official and not (options.root and options.out):
        raise ValueError("--official needs --root, the folder of the data files, and --out, a folder for the models")
    if options.root and not options.official:
        raise ValueError("--root belongs to --official: the embedded data are in no folder")
    root = options.out or checkpoints_root()
    if options.official and root.resolve() == checkpoints_root().resolve():
        raise ValueError(f"--out: expected another folder than {root}, which holds the models of the embedded data")
    runs = shipped.chosen(shipped.plan("official" if options.official else "embedded"), options.only)
    if options.weights:
        runs = [dataclasses.replace(run, ships_weights=True) for run in runs]
    try:
        failed = rebuild(runs, root, options.root, options.dry_run)
    except KeyboardInterrupt:
        again = ["python", "-m", "bvae", "checkpoints", "--rebuild"]
        again += ["--only", *options.only] if options.only else []
        again += ["--weights"] if options.weights else []
        again += ["--official", "--root", str(options.root)] if options.official else []
        again += ["--out", str(options.out)] if options.out else []
        print(f"\nstopped; everything is saved. Go on with:\n  {shlex.join(again)}", file=sys.stderr)
        return 130
    if failed:
        print(f"bvae: did not converge: {', '.join(map(str, failed))}", file=sys.stderr)
    return 1 if failed else 0
