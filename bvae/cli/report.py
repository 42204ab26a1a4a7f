"""``bvae report``: the results of all data sets as Markdown tables, or one model of own data as an HTML file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bvae.cli.arguments import data_name


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser(
        "report", help="print the results of all data sets as Markdown tables, or write a report on one model of your "
                       "own data")
    command.add_argument("dataset", nargs="?", type=data_name, metavar="DATASET",
                         help="a folder with a bvae.toml, or the name of a data set of tables")
    command.add_argument("model", nargs="?", help="name of a model that was trained on it, such as mwb-vae")
    command.add_argument("--to", type=Path, metavar="FILE", help="with a model: the HTML file to write")
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.add_argument("--into", type=Path, metavar="FILE", help="write the tables between the marks in this file")
    command.set_defaults(run=run, items=None)


def run(options: argparse.Namespace) -> int:
    """Print the results, put them into a file, or write the report on a model."""
    if options.dataset is not None:
        return one(options)
    from bvae.evaluation.report import everything, fill
    from bvae.io.storage import write_text

    if options.to is not None:
        raise ValueError("--to: expected a data set and a model to write a report on, got none")
    if options.into is None:
        print(everything(options.out))
        return 0
    write_text(options.into, fill(options.into.read_text(encoding="utf-8"), options.out))
    return 0


def one(options: argparse.Namespace) -> int:
    """The report on one model."""
    from bvae.cli.items import check_target, model_and_items
    from bvae.io.storage import write_text
    from bvae.training.checkpoint import load_checkpoint

    if options.model is None or options.to is None:
        raise ValueError("expected a data set, a model and --to FILE, such as: bvae report birds mwb-vae --to "
                         "report.html")
    try:
        from bvae.app.own_report import report
    except ImportError as error:
        raise OSError(f"reports need what the app needs ({error}): pip install 'bvae[app]'") from error
    items = model_and_items(options)
    check_target(options, items, options.to)
    write_text(options.to, str(report(load_checkpoint(options.dataset, options.model, options.out), items)))
    print(f"wrote {options.to}")
    return 0
