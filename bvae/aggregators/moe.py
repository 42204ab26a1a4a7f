"""The forward-KL barycenters: mixture of experts, and its best Gaussian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.aggregators.base import (
    AGGREGATORS,
    Aggregator,
    Family,
    FullGaussian,
    GaussianAggregator,
    full_with_prior,
    with_prior,
)
from bvae.aggregators.experts import Experts, FullExperts
from bvae.aggregators.worked import (
    InThePlane,
    OneDimension,
    Worked,
    matrix,
    mixture,
    moments,
    normal,
    number,
    square,
    total,
    weighted,
)
from bvae.gaussians import diagonal, full_covariance
from bvae.gaussians.posterior import FullPosterior, Posterior


@AGGREGATORS.register("moe")
@dataclass(frozen=True)
class MixtureOfExperts(Aggregator):
    """q(z) = sum_m w_m q_m(z): the barycenter under forward KL, argmin_q sum_m w_m KL(q_m || q).

    It never sharpens: what one expert believes stays possible, whatever the others say.

    References
    ----------
    Shi et al., NeurIPS 2019 (MMVAE); Qiu et al., AAAI 2025.
    """

    title: ClassVar[str] = "Mixture of experts (MoE)"
    short: ClassVar[str] = "MoE"
    order: ClassVar[float] = 30
    divergence: ClassVar[str] = "forward KL"
    minimises: ClassVar[str] = "forward-kl"
    family: ClassVar[Family] = "density"
    formula: ClassVar[str] = r"q(z) = \sum_m w_m\, \mathcal N(z;\, \mu_m, \sigma_m^2)"

    def aggregate(self, experts: Experts) -> Posterior:
        """See `Aggregator.aggregate`: K = M."""
        return with_prior(experts.item_weights, experts.loc, experts.scale, experts.present, experts.everyone)

    def aggregate_full(self, experts: FullExperts) -> FullPosterior:
        """See `Aggregator.aggregate_full`."""
        return full_with_prior(experts.item_weights, experts.loc, experts.covariance, experts.present)

    def held(self, num_modalities: int) -> Tensor:
        """See `Aggregator.held`."""
        return torch.eye(num_modalities, dtype=torch.bool)

    def worked_formula(self, case: OneDimension) -> Worked:
        """See `Aggregator.worked_formula`."""
        mean, scale = mixture(case.w, case.mu, case.sigma)
        terms = [rf"{number(w)}\,{normal(m, s)}" for w, m, s in zip(case.w, case.mu, case.sigma, strict=True)]
        return Worked([*total("q(z)", terms), *moments(mean, scale)], mean, scale)

    def worked_covariances(self, case: InThePlane) -> list[str]:
        """See `Aggregator.worked_covariances`."""
        return case.mean_of_means()


@AGGREGATORS.register("moment")
@dataclass(frozen=True)
class MomentMatching(GaussianAggregator):
    """The Gaussian with the mixture's mean and covariance: the forward-KL barycenter among Gaussians.

    As wide as the experts' disagreement: it covers every expert, and what lies between them.

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning*, 2006, section 10.7 (moment matching).
    """

    title: ClassVar[str] = "Moment matching (forward KL)"
    short: ClassVar[str] = "Moment"
    order: ClassVar[float] = 40
    divergence: ClassVar[str] = "forward KL, among Gaussians"
    minimises: ClassVar[str] = "forward-kl"
    formula: ClassVar[str] = (
        r"\mu = \sum_m w_m\, \mu_m, \qquad \sigma^2 = \sum_m w_m \big(\sigma_m^2 + (\mu_m - \mu)^2\big)"
    )

    def barycenter(self, experts: Experts) -> tuple[Tensor, Tensor]:
        """See `GaussianAggregator.barycenter`."""
        mean, variance = diagonal.mixture_moments(experts.weights, experts.loc, experts.scale)
        return mean, variance_to_scale(variance, experts)

    def full_barycenter(self, experts: FullExperts) -> FullGaussian:
        """See `GaussianAggregator.full_barycenter`."""
        return FullGaussian(*full_covariance.mixture_moments(experts.item_weights, experts.loc, experts.covariance))

    def worked_formula(self, case: OneDimension) -> Worked:
        """See `Aggregator.worked_formula`."""
        mean, scale = mixture(case.w, case.mu, case.sigma)
        spread = [rf"{number(w)}\big({square(s)} + ({number(m - mean)})^2\big)"
                  for w, m, s in zip(case.w, case.mu, case.sigma, strict=True)]
        return Worked([*total(r"\mu", weighted(case.w, case.mu), number(mean)),
                       *total(r"\sigma^2", spread, rf"{number(scale**2)}\\[3pt]\sigma &= {number(scale)}")],
                      mean, scale)

    def worked_covariances(self, case: InThePlane) -> list[str]:
        """See `Aggregator.worked_covariances`."""
        apart = [mean - case.mean for mean in case.means]
        return [*case.mean_of_means(), *total(r"\Sigma", [
            f"{w:.2f}\\Big({matrix(s)} + {matrix(v.outer(v))}\\Big)"
            for w, s, v in zip(case.w, case.covariances, apart, strict=True)], matrix(case.covariance), in_line=1)]


def variance_to_scale(variance: Tensor, experts: Experts) -> Tensor:
    """Square root of (B, D) variances, with 1 for items that have no expert: the root of 0 has no gradient."""
    some = experts.present.any(0).unsqueeze(-1)
    return variance.where(some, variance.new_ones(())).sqrt()
