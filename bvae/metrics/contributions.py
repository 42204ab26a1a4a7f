"""Who says what: how much of each modality each latent dimension explains, and whom the joint posterior follows."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bvae.data import MultimodalDataset
from bvae.metrics.base import all_experts, posterior_of
from bvae.models.vae import MultimodalVAE

MOST_ITEMS = 1000
ACTIVE = 0.01
"""Variance over the items of a posterior mean above which a dimension is active (Burda et al., ICLR 2016)."""


class Contributions(NamedTuple):
    """Of some items.

    Attributes
    ----------
    explained : Tensor
        (D, M): what R2 of a modality's reconstruction is lost when a dimension is put to its mean over the items.
    total : Tensor
        (M,): R2 of the reconstruction with all dimensions, cells in units of their variance.
    shares : Tensor
        (M,): part of each modality in the joint posterior: how far that moves (W2) when the modality is left out, over
        the sum of all; mean over the items that have it and another one.
    per_item : Tensor
        (M, N): the same by item, NaN where it cannot be said.
    active : Tensor
        (D,) bool.
    """

    explained: Tensor
    total: Tensor
    shares: Tensor
    per_item: Tensor
    active: Tensor


@torch.no_grad()
def contributions(model: MultimodalVAE, data: MultimodalDataset, most: int = MOST_ITEMS) -> Contributions:
    """Who says what in a model.

    The variance explained is that of MOFA's factors, for decoders that are not linear: a dimension is taken away, not
    used alone. Dimensions that tell the same share what they explain.

    Parameters
    ----------
    model : MultimodalVAE
    data : MultimodalDataset
    most : int
        Items that are looked at, spread evenly.

    References
    ----------
    Argelaguet et al., Molecular Systems Biology 2018 (MOFA); Burda et al., ICLR 2016 (active units).
    """
    experts = all_experts(model, data)
    some = torch.linspace(0, len(data) - 1, min(most, len(data))).round().long()
    experts = type(experts)(*(v[:, some] for v in experts))
    everyone = tuple(range(len(model.modalities)))
    q = posterior_of(model, experts, everyone)
    mean = q.mean  # (N, L)
    x = data.subset(some)
    base = fits(model, x, experts.present, mean)
    d = model.shared_dim
    explained = torch.zeros(d, len(everyone))
    for k in range(d):
        without = mean.clone()
        without[:, k] = mean[:, k].mean()
        explained[k] = base - fits(model, x, experts.present, without)
    moved = torch.full((len(everyone), len(some)), torch.nan)
    shared = model.shared(q)
    for m in everyone:
        rest = tuple(k for k in everyone if k != m)
        counted = experts.present[m] & experts.present[list(rest)].any(0) if rest else torch.zeros(
            len(some), dtype=torch.bool)
        if not bool(counted.any()):
            continue
        other = model.shared(posterior_of(model, experts, rest))
        distance = ((shared.mean - other.mean).square()
                    + (shared.variance.sqrt() - other.variance.sqrt()).square()).sum(1).sqrt()
        moved[m] = torch.where(counted, distance, torch.nan)
    per_item = moved / moved.nansum(0).clamp_min(1e-12)
    return Contributions(explained, base, per_item.nanmean(1), per_item, mean[:, :d].var(0) > ACTIVE)


def fits(model: MultimodalVAE, x: dict[str, Tensor], present: Tensor, z: Tensor) -> Tensor:
    """R2 of what is decoded from z, by modality (M,): cells in units of their variance, NaN without any."""
    out = []
    for m, (name, said) in enumerate(model.decode(z).items()):
        truth = torch.where(present[m].view(-1, *[1] * (said.ndim - 1)), x[name], torch.nan).flatten(1).double()
        spread = (truth - truth.nanmean(0)).square().nanmean(0)
        error = (truth - said.flatten(1)).square().nanmean(0)
        varied = spread > 1e-9
        out.append(1 - (error[varied] / spread[varied]).mean() if bool(varied.any()) else torch.tensor(torch.nan))
    return torch.stack([torch.as_tensor(v, dtype=torch.float32) for v in out])
