"""``bvae embed``: where the items of one's own are in the latent space of a model."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import numpy as np

from bvae.cli.items import add_arguments, check_target, model_and_items


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser("embed", help="write the latent positions of your own items to a file")
    add_arguments(command)
    command.add_argument("--to", type=Path, required=True, metavar="FILE",
                         help="ends with .csv, .tsv, .parquet, .npz; or an .h5ad or .h5mu that is there: its obsm "
                              "gets X_bvae")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write ids, means, standard deviations and labels of all items."""
    from bvae.data.own.writing import write_table
    from bvae.evaluation.own_items import embedding

    items = model_and_items(options)
    data = items.data
    annotated = options.to.suffix.lower() in (".h5ad", ".h5mu")
    if not annotated:
        check_target(options, items, options.to)
    columns = embedding(items)
    means = [values for key, values in columns.items() if re.fullmatch(r"z\d+", key)]
    for note in data.notes[:12]:
        print(f"note: {note}")
    if annotated:
        from bvae.data.own.readers.annotated import embedded

        count = embedded(options.to, data.ids, np.stack(means, axis=1))
        print(f"wrote obsm['X_bvae'] of {count:,} observations into {options.to}")
        return 0
    write_table(options.to, columns)
    print(f"wrote {options.to} ({len(data):,} items, {len(means)} dimensions with their standard deviations)")
    return 0
