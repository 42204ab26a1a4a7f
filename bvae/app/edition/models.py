"""A trained model that is published: its data, some of its test items, and their posteriors."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from bvae.data import DataError, MultimodalDataset, dataset
from bvae.data.own.registering import FOLDERS
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.maps.maps import spread
from bvae.metrics.base import all_experts
from bvae.models.methods import title_of
from bvae.models.vae import MultimodalVAE
from bvae.training import Checkpoint, load_checkpoint, load_weights


@dataclass(frozen=True, eq=False)
class Published:
    """One model.

    Attributes
    ----------
    checkpoint : Checkpoint
    model : MultimodalVAE
    data : MultimodalDataset
        The test split.
    experts : UnimodalPosteriors
        (M, N, L) of all test items.
    items : ndarray
        (n,) which of them are carried.
    """

    checkpoint: Checkpoint
    model: MultimodalVAE = field(repr=False)
    data: MultimodalDataset = field(repr=False)
    experts: UnimodalPosteriors = field(repr=False)
    items: np.ndarray = field(repr=False)

    @property
    def title(self) -> str:
        """As one writes it."""
        return title_of(self.checkpoint.name)

    @property
    def data_title(self) -> str:
        """Of the data set."""
        return self.data.title or self.data.name

    @property
    def folder(self) -> str:
        """Where its files are in the edition."""
        return f"models/{plain(self.data.name)}/{plain(self.checkpoint.name)}"

    @property
    def data_folder(self) -> str:
        """Where those of its data are."""
        return f"data/{plain(self.data.name)}"


def plain(name: str) -> str:
    """A name as part of an address, on any web space."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.") or "x"


@functools.lru_cache(maxsize=4)
def _data(name: str) -> MultimodalDataset:
    return dataset(name, "test")


def open_model(name: str, items: int, root: Path | None = None) -> Published:
    """What `bvae train` or the app has stored, by DATASET/MODEL.

    Parameters
    ----------
    name : str
        Such as "polymnist/mwb-vae"; the data set of a person is a registered name.
    items : int
        At least 1: how many test items are carried, at most; they are spread over all of them.
    root : Path, optional
        Folder of all checkpoints.

    Raises
    ------
    ValueError
        If it is no such pair.
    StorageError
        If there is no such model, or it diverged.
    """
    data_name, _, model_name = name.rpartition("/")
    if not data_name or not model_name:
        raise ValueError(f"models: expected DATASET/MODEL, such as polymnist/mwb-vae, got {name!r}")
    if items < 1:
        raise ValueError(f"items: expected at least 1, got {items}")
    checkpoint = load_checkpoint(data_name, model_name, root)
    model, data = load_weights(checkpoint), _data(data_name)
    known = {m.name: (m.kind, m.shape) for m in checkpoint.modalities}
    if known != {m.name: (m.kind, m.shape) for m in data.modalities.values()}:
        raise DataError(f"{name}: it was trained on other data of this name; train a model of the data as they are now")
    with torch.inference_mode():
        experts = all_experts(model, data)
    if not bool((experts.loc.isfinite() & experts.scale.isfinite()).all(-1)[experts.present].all()):
        raise DataError(f"{name}: expected finite posteriors; the model diverged, so train it again")
    return Published(checkpoint, model, data, experts, spread(len(data), min(items, len(data))))


def is_own(models: Sequence[Published]) -> bool:
    """Whether data that a person brought are in it."""
    return any(m.data.name in FOLDERS for m in models)
