"""``bvae report``: the results of all data sets as Markdown tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("report", help="print the results of all data sets as Markdown tables")
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.add_argument("--into", type=Path, metavar="FILE", help="write them between the marks in this file instead")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the results, or put them into a file."""
    from bvae.evaluation.report import everything, fill
    from bvae.io.storage import write_text

    if options.into is None:
        print(everything(options.out))
        return 0
    write_text(options.into, fill(options.into.read_text(encoding="utf-8"), options.out))
    return 0
