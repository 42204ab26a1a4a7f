"""``bvae report``: the results of all data sets as Markdown tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bvae.data import DATASETS


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("report", help="print the results of all data sets as Markdown tables")
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.add_argument("--into", type=Path, metavar="FILE", help="write them between the marks in this file instead")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the results, or put them into a file."""
    from bvae.evaluation.report import insert, report
    from bvae.io.storage import write_text

    results = "\n".join(report(name, options.out) for name in DATASETS)
    if options.into is None:
        print(results)
        return 0
    write_text(options.into, insert(options.into.read_text(encoding="utf-8"), results))
    return 0
