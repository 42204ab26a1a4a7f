"""Checkpoints: ``<root>/<dataset>/<name>/`` with model.safetensors, config.json, metrics.json, history.csv."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bvae.aggregators import aggregator
from bvae.data import DATASETS, Modality
from bvae.methods import METHODS
from bvae.model import MultimodalVAE
from bvae.storage import StorageError, read_json, read_tensors, sha256, write_json, write_tensors
from bvae.training.settings import Settings
from bvae.version import __version__

FORMAT = 1
WEIGHTS, CONFIG, METRICS, HISTORY = "model.safetensors", "config.json", "metrics.json", "history.csv"
RESERVED = ("all", "classifiers", "records")
"""Names that no checkpoint may have: they mean something else on the command line or in a data set's folder."""


class CheckpointError(StorageError):
    """A checkpoint is missing, damaged, or of another version; the text says which file and what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk, before its weights are read.

    Attributes
    ----------
    folder : Path
    settings : Settings
    modalities : tuple of Modality
    config : mapping
        All of config.json.
    metrics : mapping
        All of metrics.json; empty if it was not evaluated.
    """

    folder: Path
    settings: Settings
    modalities: tuple[Modality, ...]
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the folder; the method's name unless the user chose another."""
        return self.folder.name

    @property
    def hash(self) -> str:
        """SHA-256 of the weights, hexadecimal, as config.json states it."""
        return self.config["sha256"]


def checkpoints_root() -> Path:
    """Where checkpoints are: $BVAE_CHECKPOINTS, else ``checkpoints`` beside the package, else in this folder."""
    if chosen := os.environ.get("BVAE_CHECKPOINTS"):
        return Path(chosen)
    beside = Path(__file__).resolve().parents[2] / "checkpoints"
    return beside if beside.is_dir() else Path("checkpoints").resolve()


def checkpoints(dataset: str, root: Path | None = None) -> list[str]:
    """Names of the complete checkpoints of a data set: methods in their order of registration, then others."""
    folder = (root or checkpoints_root()) / registered(dataset)
    found = sorted(p.parent.name for p in folder.glob(f"*/{CONFIG}") if (p.parent / WEIGHTS).is_file()
                   and p.parent.name not in RESERVED)
    order = {name: i for i, name in enumerate(METHODS)}
    return sorted(found, key=lambda name: (order.get(name, len(order)), name))


def registered(dataset: str) -> str:
    """`dataset`, if it is registered: a name that comes from outside never becomes a path before that."""
    DATASETS[dataset]
    return dataset


def build_model(modalities: tuple[Modality, ...], settings: Settings) -> MultimodalVAE:
    """An untrained model for a method and its settings."""
    method = METHODS[settings.method]
    return MultimodalVAE(
        modalities, aggregator(method.aggregator, **method.aggregator_options), settings.model_config()
    )


def save_model(folder: Path, model: MultimodalVAE, settings: Settings, facts: Mapping[str, Any]) -> None:
    """Write the weights in half precision, then config.json with their hash.

    config.json is written last: a folder with a config.json whose hash fits is complete.
    """
    (folder / METRICS).unlink(missing_ok=True)
    write_tensors(folder / WEIGHTS, {name: value.half() for name, value in model.state_dict().items()})
    config = {
        "format": FORMAT,
        "bvae": __version__,
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        **facts,
        "sha256": sha256(folder / WEIGHTS),
        "modalities": [{"name": m.name, "kind": m.kind, "shape": list(m.shape), "label": m.label,
                        "weight": m.weight, "likelihood": m.likelihood}
                       for m in model.modalities.values()],
        "settings": settings.as_dict(),
    }
    write_json(folder / CONFIG, config)


def load_checkpoint(dataset: str, name: str, root: Path | None = None) -> Checkpoint:
    """Look a checkpoint up by name; reads config.json and metrics.json.

    Raises
    ------
    UnknownName
        If there is no such data set.
    CheckpointError
        If there is no such checkpoint, or config.json is damaged or of another format.
    """
    root = root or checkpoints_root()
    names = checkpoints(dataset, root)
    if name not in names:
        raise CheckpointError(
            f"{root / dataset}: no checkpoint {name!r} there; there are {', '.join(names) or 'none'}. "
            f"Train one with: python -m bvae train {dataset} METHOD"
        )
    return read_checkpoint(root / dataset / name)


def read_checkpoint(folder: Path, with_metrics: bool = True) -> Checkpoint:
    """The checkpoint in a folder, wherever it is. Raises CheckpointError, see :func:`load_checkpoint`."""
    try:
        config = read_json(folder / CONFIG)
        if not isinstance(config, dict) or config.get("format") != FORMAT:
            found = config.get("format") if isinstance(config, dict) else type(config).__name__
            raise CheckpointError(f"{folder / CONFIG}: expected format {FORMAT}, got {found!r}")
        modalities = tuple(Modality(m["name"], m["kind"], tuple(m["shape"]), m["label"], m.get("weight", 1.0),
                                    m.get("likelihood", ""))
                           for m in config["modalities"])
        settings = Settings.from_mapping(config["settings"])
        if not isinstance(config["sha256"], str):
            raise TypeError("sha256 is not a text")
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / CONFIG}: damaged ({error})") from error
    metrics = read_json(folder / METRICS) if with_metrics and (folder / METRICS).is_file() else {}
    return Checkpoint(folder, settings, modalities, config, metrics)


def load_weights(checkpoint: Checkpoint) -> MultimodalVAE:
    """The model of a checkpoint, in eval mode. Raises CheckpointError if the weights are not those of config.json."""
    path = checkpoint.folder / WEIGHTS
    if sha256(path) != checkpoint.hash:
        raise CheckpointError(f"{path}: its SHA-256 is not the one in {CONFIG}; restore the file or train again")
    model = build_model(checkpoint.modalities, checkpoint.settings)
    try:
        stored: dict[str, Tensor] = {name: value.float() for name, value in read_tensors(path).items()}
        model.load_state_dict(stored)
    except (RuntimeError, StorageError) as error:
        raise CheckpointError(f"{path}: not the weights of this model ({error})") from error
    return model.eval().requires_grad_(False)


def load(dataset: str, name: str, root: Path | str | None = None) -> MultimodalVAE:
    """A trained model, shipped or your own, in eval mode, on the CPU.

    Parameters
    ----------
    dataset : str
    name : str
        Name of the checkpoint: a method's name, or what ``train --name`` gave it.
    root : path, optional
        See :func:`checkpoints_root`.

    Raises
    ------
    CheckpointError
        If it is missing or damaged.
    """
    return load_weights(load_checkpoint(dataset, name, Path(root) if root else None))
