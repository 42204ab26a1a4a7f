"""``bvae classifiers``: train the classifiers that judge coherence."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bvae.cli.arguments import data_name, models_root, positive, seed


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("classifiers", help="train the classifiers that judge coherence")
    command.add_argument("dataset", type=data_name, metavar="DATASET")
    command.add_argument("--epochs", type=positive, help="40, or 15 of sharp judges, if not said")
    command.add_argument("--sharp", action="store_true",
                         help="train second judges, which never see blurred images, and write them to "
                              "classifiers-sharp")
    command.add_argument("--seed", type=seed, default=0)
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train the judges of coherence."""
    from bvae.metrics import classifiers

    root = models_root(options.dataset, options.out)
    folder = classifiers.SHARP if options.sharp else classifiers.FOLDER
    result = classifiers.train(root, options.dataset, options.epochs, seed=options.seed, folder=folder)
    for name, figures in result.items():
        for modality, figure in figures.items():
            print(f"{modality}: test {name.replace('_', ' ')} {figure['mean']:.3f} ±{figure['se']:.3f}")
    return 0
