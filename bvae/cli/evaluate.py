"""``bvae evaluate``: compute the metrics of checkpoints."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from bvae.cli.arguments import data_name, models_root, seed
from bvae.evaluation.tables import print_missing, print_seeds, print_table
from bvae.training.checkpoint import EVALUATION, checkpoints, load_checkpoint
from bvae.training.checkpoint import METRICS as METRICS_JSON


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("evaluate", help="compute the metrics, print them, write metrics.json")
    command.add_argument("dataset", type=data_name, metavar="DATASET",
                         help="name of a data set, or a folder with a bvae.toml")
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
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluate one checkpoint or all; with --seeds only what is not evaluated yet, and then over seeds."""
    from bvae.evaluation import records
    from bvae.evaluation.evaluation import is_evaluated
    from bvae.metrics import METRICS

    for name in options.metrics or ():
        METRICS[name]  # raises ValueError that names those that there are
    root = options.out  # without one, what ships and what was trained in the app
    if options.method == "all":
        root = models_root(options.dataset, root)
    names = checkpoints(options.dataset, root) if options.method == "all" else [options.method]
    if not names:
        raise ValueError(f"{root / options.dataset}: no checkpoints there")
    for name in names:
        checkpoint = load_checkpoint(options.dataset, name, root)
        if options.seeds and is_evaluated(checkpoint.metrics, checkpoint.hash):
            continue
        print(f"evaluating {name} ...", file=sys.stderr, flush=True)
        evaluate_one(options.dataset, name, root, options.root, options.seed, options.metrics)
    every = list(records.results(options.dataset, root)) if options.method == "all" else names
    print_table(options.dataset, every, root)
    print_missing(options.dataset, names, root)
    if options.seeds:
        table = records.write_seeds(options.dataset, models_root(options.dataset, root))
        print_seeds({name: table[name] for name in names if name in table})
    return 0


def evaluate_one(name_of_data: str, name: str, root: Path | None, data_root: str | None, seed: int,
                 names: list[str] | None = None) -> None:
    """Compute the metrics of a checkpoint as it is on disk, or those named, and write them beside it."""
    from bvae.data.own import as_typed
    from bvae.evaluation.evaluation import evaluated, renewed
    from bvae.io.storage import write_json
    from bvae.metrics.base import left_out_in_words

    checkpoint = load_checkpoint(name_of_data, name, root)
    if names is None:
        metrics = evaluated(checkpoint, models_root(name_of_data, root), data_root, seed)
    else:
        metrics = renewed(checkpoint, models_root(name_of_data, root), names, data_root, seed)
    write_json(checkpoint.folder / METRICS_JSON, metrics)
    for line in left_out_in_words(metrics[EVALUATION].get("left_out", {}), as_typed(name_of_data)):
        print(line, file=sys.stderr)
