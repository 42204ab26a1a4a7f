"""Paths of posteriors: the Wasserstein geodesic between two of them, and a weight that moves between two modalities."""

from __future__ import annotations

import torch
from torch import Tensor

from bvae.aggregators import Aggregator, aggregator
from bvae.gaussians.posterior import Posterior, UnimodalPosteriors
from bvae.models.vae import MultimodalVAE


def steps(count: int) -> Tensor:
    """(T,) positions from 0 to 1, ends included."""
    return torch.linspace(0, 1, count)


def moments(q: Posterior) -> Posterior:
    """The Gaussian with a mixture's mean and variance; a Gaussian as it is."""
    return q if q.num_components == 1 else Posterior.gaussian(q.mean, q.variance.sqrt())


def geodesic(start: Posterior, end: Posterior, t: Tensor) -> Posterior:
    """The 2-Wasserstein geodesic between two Gaussians: the barycenters with the weights (1 - t, t).

    Parameters
    ----------
    start, end : Posterior
        Of one item each (B = 1), K = 1; see :func:`moments` for mixtures.
    t : Tensor
        (T,) from 0 to 1.

    Returns
    -------
    Posterior
        B = T.

    References
    ----------
    McCann, Adv. Math. 1997 (displacement interpolation).
    """
    for name, q in (("start", start), ("end", end)):
        if q.loc.shape[:2] != (1, 1):
            raise ValueError(f"{name}: expected one Gaussian of one item, got {q.loc.shape[0]} components of "
                             f"{q.loc.shape[1]} items")
    loc, scale = (torch.cat([a, b]).expand(-1, len(t), -1) for a, b in ((start.loc, end.loc), (start.scale, end.scale)))
    return aggregator("wasserstein")(loc, scale, weights=torch.stack([1 - t, t]).to(loc))


def weight_path(
    model: MultimodalVAE, experts: UnimodalPosteriors, start: int, end: int, t: Tensor, rule: Aggregator | None = None
) -> Posterior:
    """The joint posterior of one item while the weight moves from one modality to another.

    Parameters
    ----------
    model : MultimodalVAE
    experts : UnimodalPosteriors
        Of one item (B = 1).
    start, end : int
        Positions of the two modalities; the others take no part.
    t : Tensor
        (T,) from 0 to 1: the weights are 1 - t and t. At the ends one modality is missing, which for products is a
        jump: there the number of experts counts, however small their weights.
    rule : Aggregator, optional
        By default the model's own; of a mixture over subsets the component of both, see `Aggregator.conditional`.

    Returns
    -------
    Posterior
        B = T, over all L dimensions.
    """
    m = len(experts.loc)
    weights = torch.zeros(m, len(t))
    weights[start] += 1 - t.cpu()
    weights[end] += t.cpu()
    pair = torch.zeros(m, 1, dtype=torch.bool)
    pair[[start, end]] = True
    loc, scale = (v.expand(-1, len(t), *v.shape[2:]) for v in (experts.loc, experts.scale))
    path = UnimodalPosteriors(loc, scale, (experts.present & pair).expand(-1, len(t)))
    return model.aggregate(path, (rule or model.aggregator).conditional(), weights.to(experts.loc))
