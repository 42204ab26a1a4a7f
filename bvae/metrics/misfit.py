"""Whether the views of an item belong together: how badly what each says fits what the item's others say."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bvae.gaussians.posterior import UnimodalPosteriors

FEWEST = 10
"""Items with a modality and another one, below which nothing is said of it."""
RIDGE = 0.3
"""Of the covariances, times dimensions / items, in units of the mean variance."""
SHUFFLES = 3
"""Of the items, for the largest correlation that chance makes."""


class Misfit(NamedTuple):
    """Of N items with M modalities.

    Attributes
    ----------
    of_view : Tensor
        (M, N) nats: how much more probable the modality's belief is beside the others of a random item than beside
        those of its own; above 0 it fits a random item better. NaN where the item has no other one.
    """

    of_view: Tensor

    @property
    def of_item(self) -> Tensor:
        """(N,) nats: mean over the item's modalities, NaN of items with fewer than two."""
        return self.of_view.nanmean(0)

    def worst(self, most: int) -> list[int]:
        """At most so many items, those whose modalities fit each other least, the first one least of all."""
        found = self.of_item
        order = found.nan_to_num(-torch.inf).argsort(descending=True, stable=True)[:most]
        return [i for i in order.tolist() if not bool(found[i].isnan())]

    def view(self, item: int) -> int | None:
        """The modality of an item that fits its others least; None of fewer than three: none is odd."""
        if int((~self.of_view[:, item].isnan()).sum()) < 3:
            return None
        return int(self.of_view[:, item].nan_to_num(-torch.inf).argmax())

    @property
    def tells(self) -> bool:
        """Whether the modalities share anything that can be told from chance."""
        return bool((self.of_view.nan_to_num(0.0) != 0).any())


def misfit(experts: UnimodalPosteriors, dims: int) -> Misfit:
    r"""How badly the views of each item fit each other.

    For a modality m, a is the mean of its belief and b the average of those of the item's others, each centred over the
    items. The misfit is -log p(a, b) / (p(a) p(b)) of a Gaussian fitted to all items: with a_k, b_k the canonical
    variables and r_k their correlations,
    :math:`\sum_k \frac12 \log(1 - r_k^2) + \frac{r_k^2 (a_k^2 + b_k^2) - 2 r_k a_k b_k}{2 (1 - r_k^2)}`,
    over those r_k that are larger than the largest one of shuffled items. What a modality says differently of every
    item (the gap between the clouds of the modalities) and what it alone knows count for nothing, unlike in a distance
    between the beliefs.

    Parameters
    ----------
    experts : UnimodalPosteriors
        (M, N, D).
    dims : int
        Shared dimensions: the first so many of D.

    References
    ----------
    Hotelling, Biometrika 1936 (canonical correlations); Bach and Jordan, 2005 (as a Gaussian latent variable model).
    """
    present = experts.present
    known = torch.where(present.unsqueeze(-1), experts.loc[..., :dims].double(), 0.0)  # (M, N, D)
    centred = torch.where(present.unsqueeze(-1), known - known.sum(1, keepdim=True) / present.sum(
        1).clamp_min(1).view(-1, 1, 1), 0.0)
    several = present.sum(0) > 1
    out = torch.full(present.shape, torch.nan)
    for m in range(len(present)):
        counted = present[m] & several
        if int(counted.sum()) < FEWEST:
            continue
        others = (centred.sum(0) - centred[m])[counted] / (present.sum(0) - 1)[counted].unsqueeze(1)
        out[m, counted] = _of_pairs(centred[m, counted], others).float()
    return Misfit(out)


def _of_pairs(a: Tensor, b: Tensor) -> Tensor:
    """See :func:`misfit`: (N, D), (N, D) -> (N,)."""
    count = len(a)
    a, b = a - a.mean(0), b - b.mean(0)
    if not (bool(a.any()) and bool(b.any())):
        return torch.zeros(count, dtype=a.dtype)
    a, b = a @ _whitening(a), b @ _whitening(b)
    left, r, right = torch.linalg.svd(a.mT @ b / count)
    generator = torch.Generator().manual_seed(0)
    by_chance = max(float(torch.linalg.svdvals(a.mT @ b[torch.randperm(count, generator=generator)] / count)[0])
                    for _ in range(SHUFFLES))
    told = r > by_chance
    r, a, b = r[told].clamp_max(0.999), (a @ left)[:, told], (b @ right.mT)[:, told]
    return (0.5 * (1 - r**2).log() + (r**2 * (a**2 + b**2) - 2 * r * a * b) / (2 * (1 - r**2))).sum(1)


def _whitening(x: Tensor) -> Tensor:
    """(D, D): the inverse root of the covariance of centred values (N, D), with a ridge for few items."""
    count, d = x.shape
    covariance = x.mT @ x / count
    values, vectors = torch.linalg.eigh(covariance + RIDGE * d / count * covariance.trace() / d * torch.eye(
        d, dtype=x.dtype))
    return vectors * values.clamp_min(1e-9 * values[-1]).rsqrt() @ vectors.mT
