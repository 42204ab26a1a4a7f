"""``bvae export``: a model as files that run in a browser, or wherever ONNX runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bvae.cli.arguments import data_name, models_root


def add(commands: Any) -> None:
    """Enter the command into the command line."""
    command = commands.add_parser(
        "export", help="write a model's encoders and decoders as ONNX, checked against PyTorch, with a model.json")
    command.add_argument("dataset", type=data_name, metavar="DATASET",
                         help="name of a data set, or a folder with a bvae.toml")
    command.add_argument("model", metavar="METHOD", help="name of a model that was trained on it, such as mwb-vae")
    command.add_argument("--to", type=Path, required=True, metavar="FOLDER",
                         help="gets the files: a new folder, or one that was written by this command before")
    command.add_argument("--out", type=Path, help="folder of all checkpoints (default: checkpoints/)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the folder."""
    from bvae.export.folder import write
    from bvae.training.checkpoint import checkpoints, load_checkpoint

    root: Path | None = models_root(options.dataset, options.out)
    if options.out is None and options.model not in checkpoints(options.dataset, root):
        root = None  # one that was trained in the app
    checkpoint = load_checkpoint(options.dataset, options.model, root)
    made = write(options.to, checkpoint, str(options.dataset), print)
    total = sum(path.stat().st_size for path in made.parent.iterdir())
    print(f"wrote {made.parent} ({total / 1e6:.2f} MB)")
    return 0
