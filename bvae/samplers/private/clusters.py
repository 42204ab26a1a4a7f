"""A Gaussian of the private part in each cluster of the shared one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.samplers.gaussian_mixture import FLOOR, GaussianMixture, estimate
from bvae.samplers.private.base import PRIVATE_SAMPLERS, PrivateDraws
from bvae.samplers.private.gaussian_mixture import COMPONENTS, ConditionalMixture

MOST = 12_000
"""Draws of z, of all modalities together, that the clusters are found in."""


@PRIVATE_SAMPLERS.register("clusters")
@dataclass(frozen=True)
class PrivateInClusters(ConditionalMixture):
    """p(w | z) of a mixture whose components were found in z alone.

    A mixture of Gaussians is fitted to z. With the probabilities r_nk of its components for the draws, component k of
    (z, w) has the mean and the covariance of the draws weighted by r_nk. So a component is about what z tells, such as
    one class; where components are found in (z, w) together (`ConditionalMixture`), most of them follow w, which has
    more to tell, and hold several classes.
    """

    name = "clusters"

    @classmethod
    def fitted(cls, draws: Mapping[str, PrivateDraws], seed: int = 0) -> PrivateInClusters:
        """See `PrivateSampler.fitted`. Raises ValueError for fewer than two draws of a modality, or without any."""
        if not draws or min(len(d.z) for d in draws.values()) < 2:
            raise ValueError("private sampler: expected at least two draws of each of one or more modalities")
        z = torch.cat([d.z for d in draws.values()])
        found = estimate(z[torch.linspace(0, len(z) - 1, min(len(z), MOST)).round().long()], seed, COMPONENTS)
        joint = {}
        for name, d in draws.items():
            share = torch.from_numpy(found.predict_proba(d.z.double().numpy()))  # (N, K)
            joint[name] = moments(torch.cat([d.z, d.w], 1).double(), share)
        return cls(joint, z.shape[1])


def moments(points: Tensor, share: Tensor) -> GaussianMixture:
    """The mixture with the weighted moments of points (N, D), for weights (N, K); components of hardly any point
    are left out."""
    total = share.sum(0)
    share, total = share[:, total > 1], total[total > 1]
    loc = (share.T @ points) / total.unsqueeze(1)
    covariance = []
    for k, mean in enumerate(loc):
        apart = points - mean
        covariance.append((share[:, k : k + 1] * apart).T @ apart / total[k])
    identity = torch.eye(points.shape[1], dtype=points.dtype)
    # As if one more draw had been seen as far away as all are on average: few draws say little of many directions.
    spread = points.var(0, correction=0).mean()
    smooth = [(total[k] * c + spread * identity) / (total[k] + 1) + FLOOR * identity for k, c in enumerate(covariance)]
    root = torch.linalg.cholesky(torch.stack(smooth))
    return GaussianMixture((total / total.sum()).float(), loc.float(), root.float())
