"""Items of one's own for a model that was trained before: what ``embed`` and ``impute`` begin with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

from bvae.cli.arguments import data_name
from bvae.data import DATASETS, DataError, dataset
from bvae.data.own import Folder, OwnData
from bvae.data.own.manifest import FILE
from bvae.data.own.registering import FOLDERS
from bvae.data.own.shipped import TableData
from bvae.models.vae import MultimodalVAE
from bvae.training.checkpoint import load_checkpoint, load_weights


def add_arguments(command: Any, of: str = "a folder with a bvae.toml, or the name of a data set of tables") -> None:
    """Data set, model, and which items; `of`: what the data set can be."""
    command.add_argument("dataset", type=data_name, metavar="DATASET", help=of)
    command.add_argument("model", help="name of a model that was trained on it, such as mwb-vae")
    command.add_argument("--items", type=Path, metavar="FOLDER",
                         help="other items: a folder with files of the same names and columns, in any order; columns "
                              "and files may lack (default: all items of the data set)")
    command.add_argument("--out", type=Path, help="folder of all checkpoints (default: models/ in the folder)")


class Items(NamedTuple):
    """A model and items as it knows their columns.

    Attributes
    ----------
    folder : Folder or None
        Where they come from, unless they ship with the package.
    """

    model: MultimodalVAE
    data: OwnData
    folder: Folder | None


def model_and_items(options: argparse.Namespace) -> Items:
    """What was asked for on the command line.

    Raises
    ------
    DataError
        If the data set is not of tables, or the items are not as the model knows them.
    """
    model = load_weights(load_checkpoint(options.dataset, options.model, options.out))
    alphabet = letters(options.dataset, model)
    if options.items is not None:
        if options.dataset not in FOLDERS:
            raise DataError("--items: expected a folder as the data set, whose bvae.toml says what the files are, got "
                            f"{options.dataset.given!r}")
        manifest = Folder(FOLDERS[options.dataset]).manifest
        folder = Folder(options.items, manifest, model.modalities, alphabet)
        return Items(model, folder.data(), folder)
    if options.dataset in FOLDERS:
        folder = Folder(FOLDERS[options.dataset], None, model.modalities, alphabet)
        return Items(model, folder.data(), folder)
    kind = DATASETS[options.dataset]
    if not issubclass(kind, TableData):
        raise DataError(f"expected a folder, or a data set of tables, got {options.dataset.given!r}")
    return Items(model, kind.whole(), None)


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


def letters(name: str, model: MultimodalVAE) -> str:
    """The characters of a model's texts, "" if it has none: those of the items that it was trained on."""
    sizes = {m.shape[-1] for m in model.modalities.values() if m.kind == "text"}
    if not sizes:
        return ""
    alphabet = getattr(dataset(name, "train"), "alphabet", "")
    if sizes != {len(alphabet)}:
        raise DataError(f"data set {name!r}: expected texts of {sizes.pop()} different characters, as the model knows "
                        f"them, got {len(alphabet)}; the texts were changed after the training")
    return alphabet
