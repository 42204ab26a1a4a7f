"""Items of one's own for a model that was trained before: what ``embed`` and ``impute`` begin with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bvae.cli.arguments import data_name
from bvae.data import DataError
from bvae.data.own.manifest import FILE
from bvae.data.own.registering import FOLDERS
from bvae.training.checkpoint import load_checkpoint, load_weights

if TYPE_CHECKING:
    from bvae.evaluation.own_items import Items


def add_arguments(command: Any, of: str = "a folder with a bvae.toml, or the name of a data set of tables") -> None:
    """Data set, model, and which items; `of`: what the data set can be."""
    command.add_argument("dataset", type=data_name, metavar="DATASET", help=of)
    command.add_argument("model", help="name of a model that was trained on it, such as mwb-vae")
    command.add_argument("--items", type=Path, metavar="FOLDER",
                         help="other items: a folder with files of the same names and columns, in any order; columns "
                              "and files may lack (default: all items of the data set)")
    command.add_argument("--out", type=Path, help="folder of all checkpoints (default: models/ in the folder)")


def model_and_items(options: argparse.Namespace) -> Items:
    """What was asked for on the command line. Raises DataError, see `items_of`."""
    from bvae.evaluation.own_items import items_of

    return items_of(options.dataset, load_weights(load_checkpoint(options.dataset, options.model, options.out)),
                    options.items)


def check_target(options: argparse.Namespace, items: Items, target: Path) -> None:
    """Raise DataError if a file or a folder that is to be written is one that the items are read from."""
    if items.folder is None:
        return
    man = items.folder.manifest
    names = {FILE, *man.tables, *(s.file or s.folder for s in man.modalities.values())}
    for folder in {FOLDERS[options.dataset], items.folder.path.resolve()}:
        read = [folder, *(p.resolve() for p in folder.iterdir() if p.name in names)]
        if target.resolve() in read:
            raise DataError(f"--to: expected another place than that of the data, got {target}: what came in would be "
                            "overwritten")

