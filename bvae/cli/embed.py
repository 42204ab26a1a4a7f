"""``bvae embed``: where the items of one's own are in the latent space of a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from bvae.cli.items import add_arguments, check_target, model_and_items

AT_ONCE = 1024
"""Items that a model reads together."""


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
    import torch

    from bvae.data.own.writing import write_table

    items = model_and_items(options)
    model, data = items.model, items.data
    if options.to.suffix.lower() not in (".h5ad", ".h5mu"):
        check_target(options, items, options.to)
    means, scales = [], []
    for index in torch.arange(len(data)).split(AT_ONCE):  # sparse tables are dense for so many items only
        with torch.no_grad():
            q = model.shared(model.encode(data.subset(index), model.aggregator.conditional(),
                                          present=data.present[:, index]))
        means.append(q.mean.numpy())
        scales.append(q.variance.sqrt().numpy())
    mean, scale = np.concatenate(means), np.concatenate(scales)
    for note in data.notes[:12]:
        print(f"note: {note}")
    if options.to.suffix.lower() in (".h5ad", ".h5mu"):
        from bvae.data.own.readers.annotated import embedded

        count = embedded(options.to, data.ids, mean)
        print(f"wrote obsm['X_bvae'] of {count:,} observations into {options.to}")
        return 0
    columns: dict[str, Any] = {"id": list(data.ids)}
    columns |= {f"z{k + 1}": mean[:, k] for k in range(mean.shape[1])}
    columns |= {f"z{k + 1}_sd": scale[:, k] for k in range(mean.shape[1])}
    columns |= {key: list(values) for key, values in data.label_columns.items() if key not in columns}
    write_table(options.to, columns)
    print(f"wrote {options.to} ({len(data):,} items, {mean.shape[1]} dimensions with their standard deviations)")
    return 0

