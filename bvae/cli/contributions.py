"""``bvae contributions``: who says what in a model, and the items whose views do not fit each other."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bvae.cli.arguments import positive
from bvae.cli.items import add_arguments, check_target, model_and_items
from bvae.data import DATASETS, DataError, MultimodalDataset, dataset
from bvae.data.own import OwnData
from bvae.data.own.registering import FOLDERS
from bvae.data.own.shipped import TableData
from bvae.data.own.writing import SUFFIXES, write_table
from bvae.gaussians.dimensions import z_name
from bvae.metrics.contributions import MOST_ITEMS, Contributions
from bvae.metrics.misfit import Misfit
from bvae.models.vae import MultimodalVAE

SHOWN = 10
"""Latent dimensions and items that are printed; files have all of them."""


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser(
        "contributions", help="who says what: how much of each modality each latent dimension explains, the share of "
        "each in the joint posterior, and the items whose modalities fit each other least")
    add_arguments(command, "a folder with a bvae.toml, or the name of a data set")
    command.add_argument("--most", type=positive, default=MOST_ITEMS, metavar="N",
                         help=f"items that are decoded, spread evenly (default {MOST_ITEMS})")
    command.add_argument("--to", type=Path, metavar="FILE",
                         help="a table with a row for each modality; beside it FILE-items, with a row for each item. "
                              "Ends with .csv, .tsv, .parquet or .npz")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the shares and the items; write all of them to files."""
    from bvae.metrics.base import all_experts
    from bvae.metrics.contributions import contributions
    from bvae.metrics.misfit import misfit

    if options.to is not None and options.to.suffix.lower() not in SUFFIXES:  # said before anything is computed
        raise DataError(f"--to: expected a file that ends with {', '.join(SUFFIXES)}, got {options.to}")
    model, data = _asked(options)
    experts = all_experts(model, data)
    found = contributions(model, data, options.most, experts)
    fits = misfit(experts, model.shared_dim)
    ids = list(data.ids) if isinstance(data, OwnData) else list(range(len(data)))
    _print(found, fits, list(model.modalities), data.called)
    if options.to is not None:
        _write(options.to, found, fits, list(model.modalities), ids)
    return 0


def _asked(options: argparse.Namespace) -> tuple[MultimodalVAE, MultimodalDataset]:
    """The model, and the items: of one's own data all that there are, of the others the test split."""
    from bvae.training.checkpoint import load_checkpoint, load_weights

    if options.dataset in FOLDERS or issubclass(DATASETS[options.dataset], TableData):
        items = model_and_items(options)
        if options.to is not None:
            for target in (options.to, beside(options.to)):
                check_target(options, items, target)
        return items.model, items.data
    if options.items is not None:
        raise DataError(f"--items: expected a folder as the data set, got {options.dataset.given!r}")
    return (load_weights(load_checkpoint(options.dataset, options.model, options.out)),
            dataset(options.dataset, "test"))


def _print(found: Contributions, fits: Misfit, names: Sequence[str], called: Callable[[int], str]) -> None:
    order = found.explained.nan_to_num(0.0).sum(1).argsort(descending=True, stable=True).tolist()
    wide = max(12, *map(len, names))
    print(f"{'':24s}" + "".join(f"{name:>{wide + 2}s}" for name in names))
    print(f"{'in the joint posterior':24s}" + "".join(f"{v:>{wide + 2}.1%}" for v in found.shares.tolist()))
    print(f"{'explained, R2':24s}" + "".join(f"{v:>{wide + 2}.3f}" for v in found.total.tolist()))
    for k in order[:SHOWN]:
        lost = "".join(f"{v:>{wide + 2}.3f}" for v in found.explained[k].tolist())
        print(f"{f'  lost without {z_name(k)}':24s}{lost}")
    left = len(order) - SHOWN
    print(f"{int(found.active.sum())} of {len(order)} latent dimensions are active"
          + (f"; {left} further ones explain less" if left > 0 else ""))
    if not fits.tells:
        print("the modalities share nothing that can be told from chance, so no item stands out")
        return
    print("modalities fit each other least in (nats; above 0, a random item's would fit better):")
    for item in fits.worst(SHOWN):
        odd = fits.view(item)
        print(f"  {called(item)}: {float(fits.of_item[item]):.2f}" + (f", least of all {names[odd]}" if odd is not None
                                                                    else ""))


def beside(path: Path) -> Path:
    """The file of items beside that of modalities."""
    return path.with_name(f"{path.stem}-items{path.suffix}")


def _write(path: Path, found: Contributions, fits: Misfit, names: Sequence[str], ids: Sequence[Any]) -> None:
    table: dict[str, Any] = {"modality": list(names), "share_of_joint": found.shares.numpy(),
                             "explained": found.total.numpy()}
    table |= {z_name(k): found.explained[k].numpy() for k in range(len(found.explained))}
    write_table(path, table)
    least = [None if (odd := fits.view(i)) is None else names[odd] for i in range(len(ids))]
    items: dict[str, Any] = {"id": list(ids), "misfit": fits.of_item.numpy(), "fits_least": least}
    items |= {f"misfit_{name}": fits.of_view[m].numpy() for m, name in enumerate(names)}
    items |= {f"share_{name}": found.per_item[m].numpy() for m, name in enumerate(names)}
    write_table(beside(path), items)
    print(f"wrote {path} ({len(names)} modalities) and {beside(path)} ({len(ids):,} items)")
