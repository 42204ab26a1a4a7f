"""``bvae publish``: a static edition, plain files for any web space, a class, or a USB stick."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bvae.cli.arguments import data_name, positive

MODELS = ("polymnist/mwb-vae", "polymnist/mopoe-vae", "polymnist/mvae")
"""Three ways to join beliefs: in the middle, in groups, and by a product."""
ITEMS = 240


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser(
        "publish", help="write the pages that need no server as plain files, for a web space, a class, a USB stick")
    command.add_argument("folder", type=Path, metavar="FOLDER",
                         help="a new folder, or one with an earlier edition, which is replaced")
    command.add_argument("--models", nargs="*", default=list(MODELS), metavar="DATASET/MODEL",
                         help="trained models; DATASET is one of ours, or a folder with a bvae.toml "
                              f"(default: {' '.join(MODELS)}; none: the pages that need no model)")
    command.add_argument("--items", type=positive, default=ITEMS,
                         help=f"test items that it carries, at most (default: {ITEMS})")
    command.add_argument("--out", type=Path, help="folder of all checkpoints")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write it and say what it weighs."""
    try:
        from bvae.app.edition.models import is_own, open_model
        from bvae.app.edition.publishing import publish
        from bvae.app.without_server import without_server
    except ModuleNotFoundError as error:
        raise OSError(f"a static edition needs more than the app ({error}): pip install 'bvae[publish]'") from error
    with without_server():
        models = [open_model(named(text), options.items, options.out) for text in options.models]
        written = publish(options.folder, models)
    found = written.manifest
    print(f"wrote {options.folder}: {len(found['files'])} files, {found['bytes'] / 1e6:.1f} MB, "
          f"{found['wire'] / 1e6:.1f} MB compressed")
    for sentence in written.unsaid:
        print(f"not in it: {sentence}")
    if is_own(models):
        print("It carries test items of your own data: whoever has the address can read them.")
    print(f"to look at it: python -m http.server --directory {options.folder}, then http://localhost:8000")
    return 0


def named(text: str) -> str:
    """DATASET/MODEL with the registered name of the data set. Raises ValueError for anything else."""
    data, _, model = text.rpartition("/")
    if not data or not model:
        raise ValueError(f"--models: expected DATASET/MODEL, such as polymnist/mwb-vae, got {text!r}")
    try:
        return f"{data_name(data)}/{model}"
    except argparse.ArgumentTypeError as error:
        raise ValueError(f"--models: {error}") from error
