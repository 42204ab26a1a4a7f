"""Mixture of experts, the forward-KL barycenter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bvae.aggregators.base import AGGREGATORS, Aggregator, Experts, with_prior
from bvae.posterior import Posterior


@AGGREGATORS.register("moe")
@dataclass(frozen=True)
class MixtureOfExperts(Aggregator):
    """q(z) = sum_m w_m q_m(z): the barycenter under forward KL, argmin_q sum_m w_m KL(q_m || q).

    It never sharpens: what one expert believes stays possible, whatever the others say.

    References
    ----------
    Shi et al., NeurIPS 2019 (MMVAE); Qiu et al., AAAI 2025.
    """

    divergence: ClassVar[str] = "forward KL"
    formula: ClassVar[str] = r"q(z) = \sum_m w_m\, \mathcal N(z;\, \mu_m, \sigma_m^2)"

    def aggregate(self, experts: Experts) -> Posterior:
        """See `Aggregator.aggregate`: K = M."""
        return with_prior(experts.weights, experts.loc, experts.scale, experts.present)
