"""``bvae maps``: make the t-SNE maps beside the checkpoints, or write one map to a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bvae.cli.arguments import data_name, models_root, positive, seed
from bvae.data import DATASETS
from bvae.training.checkpoint import checkpoints, checkpoints_root, load_checkpoint


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("maps", help="make the t-SNE maps beside the checkpoints, or write one map to a file")
    command.add_argument("dataset", nargs="?", type=data_name, metavar="DATASET",
                         help="name of a data set, or a folder with a bvae.toml (default: all of ours)")
    command.add_argument("name", nargs="?", help="name of a checkpoint (default: all)")
    command.add_argument("--out", type=Path, help="folder of all checkpoints (default: checkpoints/)")
    one = command.add_argument_group("one map to a file")
    one.add_argument("--to", type=Path, metavar="FILE", help="ends with .csv or .npz; needs DATASET and NAME")
    one.add_argument("--of", default="joint", help="a modality, joint, or everything (default: joint)")
    one.add_argument("--map", default="pca", choices=["plane", "pca", "tsne"])
    one.add_argument("--perplexity", type=positive, default=30)
    one.add_argument("--seed", type=seed, default=0)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make what is missing or of other weights, or write one map."""
    from bvae.maps import map_files

    root = models_root(options.dataset, options.out) if options.dataset else options.out or checkpoints_root()
    if options.to is not None:
        if not options.name:
            raise ValueError("--to: one map needs DATASET and NAME")
        count = map_files.write_one(options.to, load_checkpoint(options.dataset, options.name, root), options.of,
                                    options.map, options.perplexity, options.seed)
        print(f"wrote {options.to} ({count:,} points)")
        return 0
    names = {data: [options.name] if options.name else checkpoints(data, root)
             for data in ([options.dataset] if options.dataset else DATASETS)}
    if not any(names.values()):
        raise ValueError(f"{root / options.dataset if options.dataset else root}: no checkpoints there")
    map_files.make_missing((data, load_checkpoint(data, name, root)) for data in names for name in names[data])
    return 0
