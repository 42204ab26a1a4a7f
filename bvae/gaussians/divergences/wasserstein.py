"""The squared 2-Wasserstein distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.gaussians import full_covariance
from bvae.gaussians.divergences.base import DIVERGENCES, Distribution, Divergence, Estimate, register_closed_form
from bvae.gaussians.posterior import FullPosterior, Posterior


@DIVERGENCES.register("wasserstein")
@dataclass(frozen=True)
class SquaredWasserstein2(Divergence):
    """W2^2(q, p), squared units of the latent space.

    For a mixture: bounds. Below, W2^2 between the Gaussians of the same mean and covariance (Gelbrich, Math. Nachr.
    1990); above, the best transport between components (Delon & Desolneux, SIAM J. Imaging Sci. 2020).
    """

    title: ClassVar[str] = "squared 2-Wasserstein"
    formula: ClassVar[str] = r"W_2^2(q, q_m)"

    def numerically(self, q: Distribution, p: Distribution, num_samples: int = 4096, seed: int = 0) -> Estimate:
        """See `Divergence.numerically`: the lower bound, and how far the upper one is."""
        if not all(isinstance(d, (Posterior, FullPosterior)) for d in (q, p)):  # a density without components
            below = full_covariance.squared_wasserstein2(*(m for d in (q, p) for m in (d.mean, d.total_covariance)))  # type: ignore[union-attr]
            return Estimate(below.clamp_min(0), torch.full_like(below, torch.inf), "bounds")
        q, p = FullPosterior.of(q), FullPosterior.of(p)
        below = full_covariance.squared_wasserstein2(q.mean, q.total_covariance, p.mean, p.total_covariance)
        cost = full_covariance.squared_wasserstein2(
            q.loc.unsqueeze(1), q.covariance.unsqueeze(1), p.loc.unsqueeze(0), p.covariance.unsqueeze(0)
        )  # (K, L, B)
        above = torch.stack([_transport(q.weights[:, b], p.weights[:, b], cost[..., b]) for b in range(cost.shape[2])])
        return Estimate(below.clamp_min(0), (above - below).clamp_min(0), "bounds")


def _transport(a: Tensor, b: Tensor, cost: Tensor) -> Tensor:
    """Cost of the best transport between weights (K,) and (L,)."""
    if len(a) == 1 or len(b) == 1:
        return (a.unsqueeze(1) * b.unsqueeze(0) * cost).sum()
    from scipy.optimize import linprog

    k, n = cost.shape
    rows = torch.eye(k).repeat_interleave(n, 1)
    columns = torch.eye(n).repeat(1, k)
    plan = linprog(cost.detach().flatten().numpy(), A_eq=torch.cat([rows, columns])[:-1].numpy(),
                   b_eq=torch.cat([a, b])[:-1].detach().numpy(), method="highs").x
    return (torch.from_numpy(plan).to(cost).view(k, n) * cost).sum()


@register_closed_form(SquaredWasserstein2, "diagonal", "diagonal")
def _(measure: SquaredWasserstein2, q: Posterior, p: Posterior) -> Tensor:
    return ((q.loc[0] - p.loc[0]).square() + (q.scale[0] - p.scale[0]).square()).sum(-1)


@register_closed_form(SquaredWasserstein2, "full", "full")
def _(measure: SquaredWasserstein2, q: FullPosterior, p: FullPosterior) -> Tensor:
    return full_covariance.squared_wasserstein2(q.loc[0], q.covariance[0], p.loc[0], p.covariance[0])
