"""``bvae data``: prepare and describe a data set; ``bvae data init FOLDER`` begins one of your own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bvae.cli.arguments import data_name
from bvae.data import dataset

INIT = "init"


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser(
        "data", help="prepare and describe a data set, draw a contact sheet; init FOLDER: begin one of your own",
        usage="python -m bvae data [options] DATASET\n       python -m bvae data init FOLDER [--overwrite]")
    command.add_argument("dataset", metavar="DATASET",
                         help="name of a data set, a folder with a bvae.toml, or init to write one")
    command.add_argument("folder", nargs="?", type=Path, help="with init: the folder of the files")
    command.add_argument("--overwrite", action="store_true", help="with init: replace the bvae.toml that is there")
    command.add_argument("--source", default="embedded")
    command.add_argument("--root", help="folder of the data files")
    command.add_argument("--download", action="store_true", help="download what the source allows to download")
    command.add_argument("--shards", type=Path, metavar="DIR",
                         help="write both splits to this folder, to be read piece by piece: --source shards --root DIR")
    command.add_argument("--shard-items", type=int, default=10_000, help="items of a shard (default 10,000)")
    command.add_argument("--passes", type=int, default=1, help="write so many fresh views of the training items")
    command.add_argument("--sheet", type=Path, help="write a contact sheet of the test split to this PNG")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Describe both splits and draw the contact sheet, or write the manifest of a folder."""
    if options.dataset == INIT:
        return begin(options)
    if options.folder is not None:
        raise ValueError(f"unexpected {str(options.folder)!r} after the data set; to begin one of your own: "
                         f"bvae data {INIT} FOLDER")
    try:
        name = data_name(options.dataset)
    except argparse.ArgumentTypeError as error:
        raise ValueError(str(error)) from error
    extra = {"root": options.root} if options.root else {}
    if options.download:
        extra["download"] = True
    splits = {split: dataset(name, split, options.source, **extra) for split in ("train", "test")}
    print(in_words(splits))
    if options.shards:
        from bvae.data.shards import write

        for split, data in splits.items():
            count = write(data, options.shards, options.shard_items, options.passes if split == "train" else 1)
            print(f"wrote {count:,} shards to {options.shards / split}")
    if options.sheet:
        from bvae.data.sheet import contact_sheet

        contact_sheet(splits["test"], options.sheet)
        print(f"wrote {options.sheet}")
    return 0


def in_words(splits: dict[str, Any]) -> str:
    """Both splits in words: own data as a whole, with what its files left open."""
    from bvae.data.own import OwnData
    from bvae.data.own.described import described

    if all(isinstance(part, OwnData) for part in splits.values()):
        return described(splits)
    return "\n".join(part.describe() for part in splits.values())


def begin(options: argparse.Namespace) -> int:
    """Write the manifest of a folder, and show it."""
    from bvae.data.own.initialise import initialise

    if options.folder is None:
        raise ValueError(f"expected a folder: bvae data {INIT} FOLDER")
    path = initialise(options.folder, options.overwrite)
    print(path.read_text(encoding="utf-8"))
    print(f"wrote {path}. Correct what is wrong, then: bvae data {options.folder}")
    return 0
