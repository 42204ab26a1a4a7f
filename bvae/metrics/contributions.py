"""Who says what: what of each modality each latent dimension explains, and whom the joint posterior follows."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bvae.data import Modality, MultimodalDataset
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.metrics.base import all_experts, posterior_of
from bvae.models.vae import MultimodalVAE

MOST_ITEMS = 1000
ACTIVE = 0.01
"""Variance over the items of a posterior mean above which a dimension is active (Burda et al., ICLR 2016)."""
VARIED = 1e-9
"""Variance of a cell over the items above which it can be explained at all."""


class Contributions(NamedTuple):
    """Of N items.

    Attributes
    ----------
    explained : Tensor
        (D, M): what R2 of a modality's reconstruction is lost when a dimension is put to its mean over the items.
    total : Tensor
        (M,): R2 of the reconstruction with all dimensions, see :func:`fits`.
    active : Tensor
        (D,) bool.
    shares : Tensor
        (M,): part of each modality in the joint posterior: how far that moves (W2) when the modality is left out, over
        the sum of all that an item has; mean over the items that have it and another one. They add up to 1 where no
        item lacks a view.
    per_item : Tensor
        (M, N): the same by item, NaN where it cannot be said.
    """

    explained: Tensor
    total: Tensor
    active: Tensor
    shares: Tensor
    per_item: Tensor


@torch.no_grad()
def contributions(
    model: MultimodalVAE, data: MultimodalDataset, most: int = MOST_ITEMS, experts: UnimodalPosteriors | None = None
) -> Contributions:
    """Who says what in a model.

    The variance explained is that of MOFA's factors, for decoders that are not linear: a dimension is taken away, not
    used alone. Dimensions that tell the same share what they explain.

    Parameters
    ----------
    model : MultimodalVAE
    data : MultimodalDataset
    most : int
        Items that are decoded for what is explained, spread evenly; all else is of all items.
    experts : UnimodalPosteriors, optional
        Of all items, where they are known already, see `bvae.metrics.base.all_experts`.

    References
    ----------
    Argelaguet et al., Molecular Systems Biology 2018 (MOFA); Burda et al., ICLR 2016 (active units).
    """
    experts = all_experts(model, data) if experts is None else experts
    per_item = shares(model, experts)
    return Contributions(*explained(model, data, experts, most), per_item.nanmean(1), per_item)


class Explained(NamedTuple):
    """What the latent dimensions explain, see `Contributions`."""

    by_dimension: Tensor
    total: Tensor
    active: Tensor


@torch.no_grad()
def explained(
    model: MultimodalVAE, data: MultimodalDataset, experts: UnimodalPosteriors, most: int = MOST_ITEMS
) -> Explained:
    """The part of :func:`contributions` for which is decoded: once more than there are dimensions, `most` items."""
    some = torch.linspace(0, len(data) - 1, min(most, len(data))).round().long()
    chosen = UnimodalPosteriors(*(v[:, some] for v in experts))
    mean = model.complete(posterior_of(model, chosen, tuple(range(len(model.modalities)))).mean, chosen, "zero")
    x = data.subset(some)
    total = fits(model, x, chosen.present, mean)
    by_dimension = torch.zeros(model.shared_dim, len(total))
    for k in range(model.shared_dim):
        without = mean.clone()
        without[:, k] = mean[:, k].mean()
        by_dimension[k] = total - fits(model, x, chosen.present, without)
    return Explained(by_dimension, total, mean[:, : model.shared_dim].var(0, correction=0) > ACTIVE)


@torch.no_grad()
def shares(model: MultimodalVAE, experts: UnimodalPosteriors) -> Tensor:
    """See `Contributions.per_item`. Of a mixture, W2 is between the Gaussians of its means and standard deviations."""
    everyone = tuple(range(len(experts.present)))
    joint = model.shared(posterior_of(model, experts, everyone))
    several = experts.present.sum(0) > 1
    moved = torch.full(experts.present.shape, torch.nan)
    for m in everyone:
        counted = experts.present[m] & several
        if not bool(counted.any()):
            continue
        rest = model.shared(posterior_of(model, experts, tuple(k for k in everyone if k != m)))
        distance = ((joint.mean - rest.mean).square()
                    + (joint.variance.sqrt() - rest.variance.sqrt()).square()).sum(1).sqrt()
        moved[m] = torch.where(counted, distance, torch.nan)
    sums = moved.nansum(0)
    return torch.where(sums > 0, moved / sums, torch.nan)  # where all say exactly the same, nobody says more


def fits(model: MultimodalVAE, x: dict[str, Tensor], present: Tensor, z: Tensor) -> Tensor:
    """R2 of what is decoded from z, by modality (M,), NaN without any item that has it.

    Columns of tables count alike, whatever their units: the mean over them of 1 - squared error / variance. Pixels and
    letters have one unit: 1 - sum of squared errors / sum of variances.
    """
    return torch.stack([_fit(model, modality, x[modality.name], present[m], z)
                        for m, modality in enumerate(model.modalities.values())])


def _fit(model: MultimodalVAE, modality: Modality, x: Tensor, present: Tensor, z: Tensor) -> Tensor:
    name = modality.name
    truth = torch.where(present.view(-1, *[1] * (x.ndim - 1)), x, torch.nan)
    decoded = model.likelihood(name).at_size_of(truth, model.decode(z, [name])[name].unsqueeze(0))[0]
    truth = truth.flatten(1).double()
    spread = (truth - truth.nanmean(0)).square().nanmean(0)  # (P,)
    error = (truth - decoded.flatten(1)).square().nanmean(0)
    varied = spread > VARIED
    if not bool(varied.any()):
        return torch.tensor(torch.nan)
    lost = (error[varied] / spread[varied]).mean() if modality.columns else error[varied].sum() / spread[varied].sum()
    return (1 - lost).float()
