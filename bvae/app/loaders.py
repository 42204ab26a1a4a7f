"""Cached data, models and encodings. What is cached is shared by all sessions and never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
import torch

from bvae.aggregators import aggregator
from bvae.aggregators.comparison import means_of
from bvae.data import DATASETS, MultimodalDataset, dataset, uploads
from bvae.data.own import OwnData
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.io.storage import StorageError
from bvae.maps.latent_distance import LatentCloud, aggregated_posterior
from bvae.maps.maps import spread
from bvae.metrics import classifiers
from bvae.metrics.base import all_experts
from bvae.models.methods import title_of
from bvae.models.vae import MultimodalVAE
from bvae.runs.isolated import pca  # noqa: F401 - pages take it from here
from bvae.runs.isolated import tsne as embed
from bvae.training import Checkpoint, checkpoints, checkpoints_root, load_checkpoint, load_weights

if TYPE_CHECKING:
    from bvae.training.sizing import Sizing


class DivergedError(StorageError):
    """A model whose posteriors are no distributions; the text names it."""


class OtherDataError(StorageError):
    """A model of data that have other views or columns by now; the text names it."""


@dataclass(frozen=True)
class ModelKey:
    """Which trained model, as caches know it: of a model that is trained again, or whose data are other ones by now,
    another one.

    Attributes
    ----------
    data_name, model_name : str
        Of the data set and of the checkpoint.
    weights_hash : str
        SHA-256 of the weights.
    data_version : int
        See :func:`version`.
    """

    data_name: str
    model_name: str
    weights_hash: str
    data_version: int = 0

    @classmethod
    def on_disk(cls, data_name: str, model_name: str) -> ModelKey:
        """With the hash of the weights that are there now. Raises StorageError if there are none."""
        return cls(data_name, model_name, load_checkpoint(data_name, model_name).hash, version(data_name))


@dataclass(frozen=True)
class Loaded:
    """A model with the facts about it and the unimodal posteriors of the test split."""

    key: ModelKey
    checkpoint: Checkpoint
    model: MultimodalVAE
    experts: UnimodalPosteriors


def test_data(name: str) -> MultimodalDataset:
    """The fixed test split of a data set; of what a person brought, as it was registered last."""
    return _test_data(name, version(name))


@st.cache_resource(max_entries=3, show_spinner="Reading the test items")
def _test_data(name: str, version: int) -> MultimodalDataset:
    data = dataset(name, "test")
    _ = data.x  # composed once, here
    return data


def version(name: str) -> int:
    """Another number of data that were brought anew under the same name."""
    return getattr(DATASETS[name], "version", 0)


def sizing(name: str) -> Sizing:
    """Settings that follow from tables, or from what a person brought. Raises DataError if it cannot be read."""
    return _sizing(name, version(name))


@st.cache_resource(max_entries=12, show_spinner="Reading the data")
def _sizing(name: str, version: int) -> Sizing:
    from bvae.training.sizing import sized  # here: it brings all of the training along

    data = dataset(name, "train")
    assert isinstance(data, OwnData)
    return sized(data)


@st.cache_resource(max_entries=12, show_spinner="Loading the model and encoding the test images")
def loaded(key: ModelKey) -> Loaded:
    """A checkpoint, ready to use."""
    checkpoint = load_checkpoint(key.data_name, key.model_name)
    check_same_views(checkpoint, test_data(key.data_name))
    model = load_weights(checkpoint)
    with torch.inference_mode():
        experts = all_experts(model, test_data(key.data_name))
    check_finite(experts, f"{key.data_name}/{key.model_name}")
    return Loaded(key, checkpoint, model, experts)


def check_same_views(checkpoint: Checkpoint, data: MultimodalDataset) -> None:
    """Raises OtherDataError unless a model knows the views and the columns that the data have now."""
    known, there = ({m.name: (m.kind, m.shape, m.columns) for m in modalities}
                    for modalities in (checkpoint.modalities, data.modalities.values()))
    if known != there:
        other = next(name for name in {**known, **there} if known.get(name) != there.get(name))
        raise OtherDataError(f"{data.name}/{checkpoint.name}: it was trained on other data of this name, since then "
                             f"the view {other!r} has changed; train a model of the data as they are now")


def check_finite(experts: UnimodalPosteriors, called: str) -> None:
    """Raises DivergedError unless every posterior that there is has a mean and a width."""
    bad = ~(experts.loc.isfinite() & experts.scale.isfinite() & (experts.scale > 0)).all(dim=-1) & experts.present
    if bad.any():
        raise DivergedError(
            f"{called}: expected finite means and positive standard deviations of every posterior, got others for "
            f"{int(bad.any(dim=0).sum()):,} of {bad.shape[1]:,} test items; the model diverged, so train it again, "
            "with a smaller learning rate for one")


def load_model(data_name: str, name: str) -> Loaded:
    """See :func:`loaded`; the hash is looked up on disk."""
    return loaded(ModelKey.on_disk(data_name, name))


@st.cache_resource(max_entries=3, show_spinner=False)
def judges(data_name: str) -> classifiers.Classifiers | None:
    """Classifiers that name what a generation shows; None if this data set has none."""
    try:
        return classifiers.load(checkpoints_root(), data_name)
    except StorageError:
        return None


def trained(data_name: str) -> list[str]:
    """Names of the checkpoints that can be chosen."""
    return checkpoints(data_name)


@st.cache_data(max_entries=32, show_spinner=False)
def posterior_means(key: ModelKey, which: str) -> np.ndarray:
    """(N, D) shared means of one modality's posterior, or of the joint one of all modalities if `which` is "joint"."""
    this = loaded(key)
    model, experts = this.model, this.experts
    if which == "joint":
        with torch.inference_mode():
            return model.shared(model.aggregate(experts, model.aggregator.conditional())).mean.numpy()
    return experts.loc[list(model.modalities).index(which), :, : model.shared_dim].numpy()


@st.cache_resource(max_entries=12, show_spinner=False)
def latent_cloud(key: ModelKey) -> LatentCloud:
    """Where the test items are in a model's latent space. See `aggregated_posterior`; its seed is 0."""
    this = loaded(key)
    return aggregated_posterior(this.model, this.experts, torch.Generator().manual_seed(0))


@st.cache_data(max_entries=32, show_spinner=False)
def tsne(key: ModelKey, whiches: tuple[str, ...], n: int, perplexity: int, seed: int) -> np.ndarray:
    """(len(whiches) * n, 2) t-SNE coordinates of n test items, see :func:`spread`, with PCA initialisation."""
    means = [posterior_means(key, w) for w in whiches]
    return embed(np.concatenate([m[spread(len(m), n)] for m in means]), perplexity, seed)


@st.cache_data(max_entries=64, show_spinner=False)
def joint_means(key: ModelKey, rule_name: str | None, observed: tuple[bool, ...], n: int) -> np.ndarray:
    """(n, D) means of the joint posteriors of n test items, see :func:`spread`, seen through the same modalities.

    `rule_name` puts another aggregator on the unimodal posteriors, with uniform weights.
    """
    this = loaded(key)
    model, experts = this.model, this.experts
    chosen = spread(experts.loc.shape[1], n)
    loc, scale = (v[:, chosen, : model.shared_dim] for v in (experts.loc, experts.scale))
    present = experts.present[:, chosen] & torch.tensor(observed).unsqueeze(1)
    rule = aggregator(rule_name) if rule_name else model.aggregator
    own = None if rule_name else model.weights_for(rule.conditional())
    with torch.inference_mode():
        return means_of(rule.conditional(), loc, scale, present, own).numpy()


@st.cache_data(max_entries=32, show_spinner=False)
def joint_tsne(
    key: ModelKey, rule_name: str | None, observed: tuple[bool, ...], n: int, perplexity: int, seed: int
) -> np.ndarray:
    """(n, 2) t-SNE coordinates of :func:`joint_means`."""
    return embed(joint_means(key, rule_name, observed, n), perplexity, seed)


@st.cache_data(max_entries=4, show_spinner="Making the example")
def example_file(key: ModelKey, n: int) -> bytes:
    """Posteriors of n test items with thumbnails of the images, in the format of :mod:`bvae.data.uploads`."""
    data, this = test_data(key.data_name), loaded(key)
    model, experts = this.model, this.experts
    chosen = spread(len(data), n)
    pictures = {view: (values[chosen] * 255).round().byte().permute(0, 2, 3, 1).squeeze(-1).numpy()
                for view, values in data.x.items()
                if data.modalities[view].kind == "image" and values.shape[1] in (1, 3)
                and max(values.shape[2:]) <= uploads.MAX_SIDE}
    loc, scale = (v[:, chosen, : model.shared_dim] for v in (experts.loc, experts.scale))
    labels = data.y.numpy()[chosen] if data.labelled else None
    present = experts.present[:, chosen].numpy() if data.incomplete else None
    return uploads.write(loc, scale, list(model.modalities), labels=labels, present=present, thumbnails=pictures,
                         name=f"{title_of(key.model_name)} on {DATASETS[key.data_name].title or key.data_name}"[
                             : uploads.MAX_LETTERS])


@st.cache_resource(max_entries=4, show_spinner=False)
def example(key: ModelKey, n: int) -> uploads.PosteriorSet:
    """What :func:`example_file` holds, read back. Never an upload: those stay in their session."""
    return uploads.read(example_file(key, n))
