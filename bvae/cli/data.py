"""``bvae data``: prepare and describe a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bvae.data import dataset, datasets


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("data", help="prepare and describe a data set, draw a contact sheet")
    command.add_argument("dataset", choices=datasets())
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
    """Describe both splits and draw the contact sheet."""
    extra = {"root": options.root} if options.root else {}
    if options.download:
        extra["download"] = True
    splits = {split: dataset(options.dataset, split, options.source, **extra) for split in ("train", "test")}
    for data in splits.values():
        print(data.describe())
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
