"""``bvae impute``: fill what is missing in one's own tables, in the format of the input, with what is uncertain."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bvae.cli.arguments import positive, seed
from bvae.cli.items import add_arguments, check_target, model_and_items


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("impute", help="fill the gaps and the missing views of your own tables")
    add_arguments(command)
    command.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="gets a file for each view")
    command.add_argument("--draws", type=positive, default=100,
                         help="of the latent vector, for each item (default 100)")
    command.add_argument("--seed", type=seed, default=0)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write every view with its gaps filled, and beside it the standard deviations of what was filled in."""
    from bvae.evaluation.own_items import write_filled

    items = model_and_items(options)
    check_target(options, items, options.to)
    for note in items.data.notes[:12]:
        print(f"note: {note}")
    for line in write_filled(options.to, items, options.draws, options.seed):
        print(line)
    return 0
