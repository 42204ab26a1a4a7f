"""The 2-Wasserstein barycenter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from bvae import gaussian
from bvae.aggregators.base import AGGREGATORS, Experts, GaussianAggregator


@AGGREGATORS.register("wasserstein")
@dataclass(frozen=True)
class WassersteinBarycenter(GaussianAggregator):
    """argmin_q sum_m w_m W2^2(q, q_m): means of the means and of the standard deviations.

    It neither sharpens with the number of experts nor falls apart into modes: it keeps the experts' average shape.

    References
    ----------
    Agueh & Carlier, SIAM J. Math. Anal. 2011; Qiu et al., AAAI 2025 (WB-VAE).
    """

    divergence: ClassVar[str] = "squared 2-Wasserstein distance"
    formula: ClassVar[str] = r"\mu = \sum_m w_m\, \mu_m, \qquad \sigma = \sum_m w_m\, \sigma_m"

    def barycenters(self, experts: Experts, membership: Tensor) -> tuple[Tensor, Tensor]:
        """See `GaussianAggregator.barycenters`."""
        return gaussian.wasserstein_barycenter(experts.loc, experts.scale, experts.weights, membership)
