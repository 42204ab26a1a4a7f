"""``bvae compare``: differences of two checkpoints."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bvae.cli.arguments import data_name


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser(
        "compare", help="differences of two checkpoints, paired by the seeds of training, with 95 percent intervals")
    command.add_argument("first", help="name of a checkpoint, such as mwb-vae")
    command.add_argument("second")
    command.add_argument("--dataset", type=data_name, default="polymnist",
                         help="a name, or a folder with a bvae.toml (default: polymnist, which has records of other "
                              "seeds)")
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print differences, first less second."""
    from bvae.evaluation.differences import differences
    from bvae.evaluation.tables import print_differences

    print_differences(options.first, options.second,
                      differences(options.dataset, options.first, options.second, options.out))
    return 0
