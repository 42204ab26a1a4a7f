"""The 2-Wasserstein barycenter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.aggregators.base import AGGREGATORS, FullGaussian, PooledAggregator
from bvae.aggregators.experts import Experts, FullExperts
from bvae.aggregators.worked import InThePlane, OneDimension, Worked, number, total, weighted
from bvae.gaussians import diagonal, full_covariance


@AGGREGATORS.register("wasserstein")
@dataclass(frozen=True)
class WassersteinBarycenter(PooledAggregator):
    """argmin_q sum_m w_m W2^2(q, q_m): means of the means and of the standard deviations.

    It neither sharpens with the number of experts nor falls apart into modes: it keeps the experts' average shape.

    References
    ----------
    Agueh & Carlier, SIAM J. Math. Anal. 2011; Qiu et al., AAAI 2025 (WB-VAE).
    """

    title: ClassVar[str] = "Wasserstein barycenter (WB)"
    short: ClassVar[str] = "Wasserstein"
    order: ClassVar[float] = 50
    divergence: ClassVar[str] = "squared 2-Wasserstein distance"
    minimises: ClassVar[str] = "wasserstein"
    formula: ClassVar[str] = r"\mu = \sum_m w_m\, \mu_m, \qquad \sigma = \sum_m w_m\, \sigma_m"

    def barycenters(self, experts: Experts, membership: Tensor) -> tuple[Tensor, Tensor]:
        """See `PooledAggregator.barycenters`."""
        return diagonal.wasserstein_barycenter(experts.loc, experts.scale, experts.weights, membership,
                                               experts.everyone)

    def full_barycenter(self, experts: FullExperts) -> FullGaussian:
        """See `GaussianAggregator.full_barycenter`: the Bures fixed point."""
        weights = experts.item_weights
        # An item without any expert: weights that sum to 1 all the same, so that the iteration stays finite.
        safe = torch.where(experts.present.any(0), weights, 1.0 / len(weights))
        covariance, convergence = full_covariance.bures_barycenter(experts.covariance, safe)
        return FullGaussian((weights.unsqueeze(-1) * experts.loc).sum(0), covariance, convergence)

    def worked_formula(self, case: OneDimension) -> Worked:
        """See `Aggregator.worked_formula`."""
        mean, scale = float(case.w @ case.mu), float(case.w @ case.sigma)
        return Worked([*total(r"\mu", weighted(case.w, case.mu), number(mean)),
                       *total(r"\sigma", weighted(case.w, case.sigma), number(scale))], mean, scale)

    def worked_covariances(self, case: InThePlane) -> list[str]:
        """See `Aggregator.worked_covariances`."""
        lines = case.mean_of_means()
        if len(case.mean) == 1:
            terms = [f"{w:.2f}\\cdot {s.sqrt().item():.2f}" for w, s in zip(case.w, case.covariances, strict=True)]
            lines += total(r"\sigma", terms, f"{case.covariance.sqrt().item():.3f}", in_line=1)
        return lines
