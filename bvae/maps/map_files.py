"""Ready-made t-SNE maps beside the checkpoints: ``<root>/<dataset>/<name>/maps.safetensors``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from bvae.data import MultimodalDataset, dataset
from bvae.data.own import OwnData
from bvae.data.own.writing import harmless
from bvae.io.storage import StorageError, read_tensors_and_metadata, write_tensors
from bvae.maps import map_tables, maps
from bvae.maps.maps import EVERYTHING, EVERYTHING_ITEMS, JOINT, PERPLEXITIES
from bvae.maps.projections import STEPS
from bvae.metrics.base import all_experts
from bvae.training.checkpoint import Checkpoint, load_weights
from bvae.version import __version__

MAPS = "maps.safetensors"
FORMAT = "1"
SEED = 0
READY = (*((JOINT, p) for p in PERPLEXITIES), (EVERYTHING, 30))
"""(what is mapped, perplexity) of the maps that are made."""


def settings() -> dict[str, object]:
    """What the maps depend on besides the weights and the data."""
    return {"maps": [list(r) for r in READY], "seed": SEED, "steps": STEPS, "everything_items": EVERYTHING_ITEMS,
            "by": "openTSNE"}


def wanted(checkpoint: Checkpoint) -> dict[str, str]:
    """The metadata that a file must have to belong to a checkpoint."""
    return {"format": FORMAT, "weights": checkpoint.hash, "settings": json.dumps(settings())}


def make(checkpoint: Checkpoint, data: MultimodalDataset, ready: Iterable[tuple[str, int]] = READY) -> Path:
    """Compute the maps of a checkpoint and write them, in half precision: a map is read to a fraction of a point.

    Parameters
    ----------
    checkpoint : Checkpoint
    data : MultimodalDataset
        The test split.
    ready : iterable
        See :data:`READY`.

    Returns
    -------
    Path
        Of the file.
    """
    model = load_weights(checkpoint)
    with torch.inference_mode():
        experts = all_experts(model, data)
    tensors = {}
    for which, perplexity in ready:
        points = maps.clouds(model, experts, which).loc
        tensors[key(which, perplexity)] = torch.from_numpy(maps.tsne(points, perplexity, SEED)).half()
    path = checkpoint.folder / MAPS
    write_tensors(path, tensors, {**wanted(checkpoint), "bvae": __version__, "openTSNE": version("openTSNE")})
    return path


def key(which: str, perplexity: int) -> str:
    """Name of a map in the file."""
    return f"{which}-{perplexity}"


def state(checkpoint: Checkpoint) -> str:
    """"ready"; "missing"; "stale" if the file is that of other weights or settings; "damaged"."""
    return _read(checkpoint)[0]


def read(checkpoint: Checkpoint, which: str, perplexity: int, seed: int, count: int) -> np.ndarray | None:
    """A ready-made map, or None if there is none of these weights with these settings.

    Parameters
    ----------
    which, perplexity, seed
        See `bvae.maps.maps`.
    count : int
        Number of points that it must have.

    Returns
    -------
    ndarray or None
        (count, 2).
    """
    if seed != SEED or (which, perplexity) not in READY:
        return None
    found = _read(checkpoint)[1].get(key(which, perplexity))
    if found is None or tuple(found.shape) != (count, 2) or not bool(found.isfinite().all()):
        return None
    return found.float().numpy()


def _read(checkpoint: Checkpoint) -> tuple[str, dict[str, torch.Tensor]]:
    path = checkpoint.folder / MAPS
    if not path.is_file():
        return "missing", {}
    try:
        tensors, metadata = read_tensors_and_metadata(path)
    except StorageError:
        return "damaged", {}
    fits = all(metadata.get(k) == v for k, v in wanted(checkpoint).items())
    return ("ready", tensors) if fits else ("stale", {})


def make_missing(checkpoints: Iterable[tuple[str, Checkpoint]]) -> None:
    """Make the maps of those checkpoints that have none of their weights; prints what it does.

    Parameters
    ----------
    checkpoints : iterable
        Of (name of the data set, checkpoint).
    """
    data: dict[str, MultimodalDataset] = {}
    total = 0
    for name, checkpoint in checkpoints:
        label = f"{name}/{checkpoint.name}"
        if state(checkpoint) == "ready":
            print(f"{label}: up to date", flush=True)
        else:
            if name not in data:
                data = {name: dataset(name, "test")}
            make(checkpoint, data[name])
            print(f"{label}: {len(READY)} maps, {(checkpoint.folder / MAPS).stat().st_size / 1e3:.1f} kB", flush=True)
        total += (checkpoint.folder / MAPS).stat().st_size
    print(f"{total / 1e6:.2f} MB in all")


def write_one(file: Path, checkpoint: Checkpoint, of: str, projection: str, perplexity: int, seed: int) -> int:
    """Write one map of a checkpoint's test items as a table or an archive; how many points it has.

    Items of own data stand there by their ids, their classes in words.

    Raises ValueError for an ending of the file that no format has.
    """
    map_tables.check_ending(file)
    data = dataset(checkpoint.settings.dataset, "test")
    found = maps.posteriors(load_weights(checkpoint), data, of)
    points = maps.coordinates(found.loc, projection, perplexity, seed)
    labels, ids = data.y.numpy(), None
    if isinstance(data, OwnData):
        labels = np.array([harmless(word) for word in data.class_names])[labels]
        ids = np.array([harmless(item) for item in data.ids])
    map_tables.write(file, points, found, labels, {"weights": checkpoint.hash, "bvae": __version__},
                     ids)
    return len(points)
