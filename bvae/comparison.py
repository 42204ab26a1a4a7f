"""How far unimodal posteriors are from a joint one, in numbers. Used by pages and metrics."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bvae import gaussian
from bvae.posterior import Posterior


class Distances(NamedTuple):
    """Of M experts to one aggregate, for B items.

    Attributes
    ----------
    wasserstein2 : Tensor
        (M, B): 2-Wasserstein distance, in units of the latent space; for a mixture Gelbrich's lower bound.
    kl_from_aggregate, kl_to_aggregate : Tensor
        (M, B) nats: KL(q || q_m) (reverse) and KL(q_m || q) (forward).
    exact : bool
        False if the aggregate is a mixture: then the KLs are Monte Carlo estimates.
    """

    wasserstein2: Tensor
    kl_from_aggregate: Tensor
    kl_to_aggregate: Tensor
    exact: bool


def distances(loc: Tensor, scale: Tensor, q: Posterior, num_samples: int = 1024, seed: int = 0) -> Distances:
    """Distances between each expert and the aggregate.

    Parameters
    ----------
    loc, scale : Tensor
        (M, B, D).
    q : Posterior
    num_samples, seed : int
        Of the Monte Carlo estimates for mixtures.
    """
    if q.num_components == 1:
        mean, std = q.loc, q.scale  # (1, B, D)
        return Distances(
            gaussian.wasserstein2(loc, scale, mean, std),
            gaussian.kl(mean, std, loc, scale),
            gaussian.kl(loc, scale, mean, std),
            True,
        )
    generator = torch.Generator().manual_seed(seed)
    z = q.rsample((num_samples,), generator=generator)  # (S, B, D)
    own = q.log_prob(z)  # (S, B)
    reverse = torch.stack([(own - gaussian.log_prob(z, m, s)).mean(0) for m, s in zip(loc, scale, strict=True)])
    noise = torch.randn((num_samples, *loc.shape), generator=generator)  # (S, M, B, D)
    points = loc + scale * noise
    forward = torch.stack(
        [(gaussian.log_prob(points[:, m], loc[m], scale[m]) - q.log_prob(points[:, m])).mean(0)
         for m in range(len(loc))]
    )
    return Distances(gelbrich(loc, scale, q), reverse.clamp_min(0), forward.clamp_min(0), False)


def gelbrich(loc: Tensor, scale: Tensor, q: Posterior) -> Tensor:
    """W2 between each expert and the Gaussian with the mixture's mean and full covariance: (M, B).

    A lower bound of W2 to the mixture itself (Gelbrich, Math. Nachr. 1990).
    """
    mean = q.mean  # (B, D)
    centred = q.loc - mean  # (K, B, D)
    between = torch.einsum("kb,kbi,kbj->bij", q.weights, centred, centred)
    within = (q.weights.unsqueeze(-1) * q.scale.square()).sum(0)
    covariance = (between + torch.diag_embed(within)).double()  # (B, D, D)
    # tr (S^1/2 C S^1/2)^1/2 with S diagonal: eigenvalues of diag(s) C diag(s).
    s = scale.double()
    inner = s.unsqueeze(-1) * covariance * s.unsqueeze(-2)  # (M, B, D, D)
    cross = torch.linalg.eigvalsh(inner).clamp_min(0).sqrt().sum(-1)
    trace = covariance.diagonal(dim1=-2, dim2=-1).sum(-1) + s.square().sum(-1)
    squared = (loc - mean).square().sum(-1).double() + trace - 2 * cross
    return squared.clamp_min(0).sqrt().to(loc.dtype)
