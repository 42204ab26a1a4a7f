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
    command.add_argument("--epochs", type=positive, default=40)
    command.add_argument("--seed", type=seed, default=0)
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train the judges of coherence."""
    from bvae.metrics import classifiers

    root = models_root(options.dataset, options.out)
    result = classifiers.train(root, options.dataset, options.epochs, seed=options.seed)
    for name, figures in result.items():
        for modality, figure in figures.items():
            print(f"{modality}: test {name.replace('_', ' ')} {figure['mean']:.3f} ±{figure['se']:.3f}")
    return 0
