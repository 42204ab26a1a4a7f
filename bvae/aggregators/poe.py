"""Product of experts, the reverse-KL family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from bvae.aggregators.base import AGGREGATORS, FullGaussian, PooledAggregator
from bvae.aggregators.experts import Experts, FullExperts
from bvae.aggregators.worked import InThePlane, OneDimension, Worked, number, square, total, weighted
from bvae.gaussians import diagonal, full_covariance
from bvae.gaussians.divergences import divergence
from bvae.gaussians.posterior import FullPosterior

PriorExpert = Literal["never", "always", "full"]


@AGGREGATORS.register("poe")
@dataclass(frozen=True)
class ProductOfExperts(PooledAggregator):
    """q(z) ~ prod_m q_m(z), optionally times the prior: precision = sum_m 1/s_m^2 (+ 1).

    Precisions add up, so every further expert sharpens the result, whether it agrees or not. With weights, expert m
    has the exponent (number of present experts) x w_m, so that uniform weights give the plain product.

    Parameters
    ----------
    prior_expert : {"never", "always", "full"}
        Whether the prior N(0, I) takes part as one more expert: never (MVTCAE), always (MVAE), or only in the full
        set of all M modalities (MoPoE).

    References
    ----------
    Hinton, Neural Computation 2002; Wu & Goodman, NeurIPS 2018 (MVAE).
    """

    prior_expert: PriorExpert = "never"

    title: ClassVar[str] = "Product of experts (PoE)"
    short: ClassVar[str] = "PoE"
    order: ClassVar[float] = 10
    divergence: ClassVar[str] = "reverse KL, each expert counted in full instead of by its share"
    counts_experts: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"\frac{1}{\sigma^2} = \sum_m \frac{1}{\sigma_m^2}\;(+\,1), \qquad "
        r"\mu = \sigma^2 \sum_m \frac{\mu_m}{\sigma_m^2}"
    )

    def __post_init__(self) -> None:
        if self.prior_expert not in get_args(PriorExpert):
            raise ValueError(f"prior_expert: expected one of {get_args(PriorExpert)}, got {self.prior_expert!r}")

    def barycenters(self, experts: Experts, membership: Tensor) -> tuple[Tensor, Tensor]:
        """See `PooledAggregator.barycenters`."""
        if (shared := experts.shared) is not None:
            size = membership.sum(1, keepdim=True)  # (K, 1)
            exponents = size * diagonal.shares(shared, membership)  # (K, M)
            loc, scale = diagonal.product(experts.loc, experts.scale, torch.ones_like(experts.weights), exponents, True)
            return self._with_prior_expert(loc, scale, size.unsqueeze(-1) == membership.shape[1])
        present = experts.present.to(experts.weights.dtype)  # (M, B)
        count = (membership @ present).unsqueeze(-1)  # (K, B, 1): present experts in each subset
        weight = diagonal.pool(torch.ones_like(experts.weights), experts.weights, membership)  # (K, B, 1 or D)
        loc, scale = diagonal.product(experts.loc, experts.scale, experts.weights, membership, experts.everyone)
        # Exponents are count x w / (weight of the subset); the factor does not move the mean.
        factor = count / torch.where(weight > 0, weight, torch.ones_like(weight))
        scale = scale * torch.where(factor > 0, factor, torch.ones_like(factor)).rsqrt()
        return self._with_prior_expert(loc, scale, count == membership.shape[1])

    def _with_prior_expert(self, loc: Tensor, scale: Tensor, full: Tensor) -> tuple[Tensor, Tensor]:
        """Times the prior where it takes part. full: (K, B or 1, 1) bool, whether a subset holds all M modalities."""
        if self.prior_expert == "never":
            return loc, scale
        shrink = (1 + scale.square()).reciprocal()  # of the mean, when the prior's precision 1 is added
        if self.prior_expert == "full":
            shrink = torch.where(full, shrink, torch.ones_like(shrink))
        return loc * shrink, scale * shrink.sqrt()

    def full_barycenter(self, experts: FullExperts) -> FullGaussian:
        """See `GaussianAggregator.full_barycenter`."""
        count = experts.present.sum(0).to(experts.loc.dtype)
        return product(experts, count * experts.item_weights, self._prior(experts))

    def _prior(self, experts: FullExperts) -> Tensor:
        """(B,): the precision 1 of the prior where it takes part."""
        always = torch.full_like(experts.loc[0, :, 0], float(self.prior_expert != "never"))
        return always * experts.present.all(0) if self.prior_expert == "full" else always

    def cost(self, q: FullPosterior, experts: FullExperts) -> Tensor:
        """See `Aggregator.cost`: sum_m e_m KL(q || q_m) (+ KL(q || p)) + (sum of exponents - 1) x entropy of q."""
        reverse = divergence("reverse-kl")
        count = experts.present.sum(0).to(experts.loc.dtype)
        total = sum(count * weight * reverse(q, target).value for weight, target in self.targets(experts))
        prior, extra = self._prior(experts), self._prior(experts) * 0
        if bool((prior > 0).any()):
            standard = FullPosterior.gaussian(torch.zeros_like(q.loc[0]), torch.eye(q.loc.shape[-1]).to(q.loc)
                                              .expand_as(q.covariance[0]))
            extra = prior * reverse(q, standard).value
        return total + extra + (count + prior - 1) * full_covariance.entropy(q.covariance[0])

    def worked_formula(self, case: OneDimension) -> Worked:
        """See `Aggregator.worked_formula`."""
        prior = self.prior_expert == "always" or (self.prior_expert == "full" and case.everyone)
        return worked_product(len(case.w) * case.w, case, prior)

    def worked_covariances(self, case: InThePlane) -> list[str]:
        """See `Aggregator.worked_covariances`."""
        prior = self.prior_expert == "always" or (self.prior_expert == "full" and case.everyone)
        return case.sum_of_precisions([len(case.w) * w for w in case.w], prior)


@AGGREGATORS.register("geometric")
@dataclass(frozen=True)
class GeometricMean(PooledAggregator):
    """Normalised weighted geometric mean: the barycenter under reverse KL, argmin_q sum_m w_m KL(q || q_m).

    precision = sum_m w_m / s_m^2. Unlike the product of experts it does not sharpen with the number of experts.

    References
    ----------
    Qiu et al., AAAI 2025; logarithmic opinion pool: Heskes, NeurIPS 1997.
    """

    title: ClassVar[str] = "Geometric mean (reverse KL)"
    short: ClassVar[str] = "Geometric mean"
    order: ClassVar[float] = 20
    divergence: ClassVar[str] = "reverse KL"
    minimises: ClassVar[str] = "reverse-kl"
    formula: ClassVar[str] = (
        r"\frac{1}{\sigma^2} = \sum_m \frac{w_m}{\sigma_m^2}, \qquad "
        r"\mu = \sigma^2 \sum_m \frac{w_m\,\mu_m}{\sigma_m^2}"
    )

    def barycenters(self, experts: Experts, membership: Tensor) -> tuple[Tensor, Tensor]:
        """See `PooledAggregator.barycenters`."""
        if (shared := experts.shared) is not None:
            exponents = diagonal.shares(shared, membership)
            return diagonal.product(experts.loc, experts.scale, torch.ones_like(experts.weights), exponents, True)
        weight = diagonal.pool(torch.ones_like(experts.weights), experts.weights, membership)  # (K, B, 1 or D)
        loc, scale = diagonal.product(experts.loc, experts.scale, experts.weights, membership, experts.everyone)
        return loc, scale * torch.where(weight > 0, weight, torch.ones_like(weight)).sqrt()

    def full_barycenter(self, experts: FullExperts) -> FullGaussian:
        """See `GaussianAggregator.full_barycenter`."""
        return product(experts, experts.item_weights, torch.zeros_like(experts.loc[0, :, 0]))

    def worked_formula(self, case: OneDimension) -> Worked:
        """See `Aggregator.worked_formula`."""
        return worked_product(case.w, case, prior=False)

    def worked_covariances(self, case: InThePlane) -> list[str]:
        """See `Aggregator.worked_covariances`."""
        return case.sum_of_precisions(case.w, prior=False)


def product(experts: FullExperts, exponents: Tensor, prior: Tensor) -> FullGaussian:
    """Normalised product of powers of Gaussians, times N(0, I)^prior. exponents (M, B), prior (B,)."""
    inverse = torch.linalg.inv(experts.covariance)  # (M, B, D, D)
    identity = torch.eye(experts.loc.shape[-1]).to(experts.loc)
    precision = torch.einsum("mb,mbij->bij", exponents, inverse) + prior[:, None, None] * identity
    # An item without any expert: anything finite.
    precision = precision + (~experts.present.any(0) & (prior == 0))[:, None, None] * identity
    total = torch.einsum("mb,mbij,mbj->bi", exponents, inverse, experts.loc)
    covariance = full_covariance.symmetric(torch.linalg.inv(precision))
    return FullGaussian((covariance @ total.unsqueeze(-1)).squeeze(-1), covariance)


def worked_product(exponents: np.ndarray, case: OneDimension, prior: bool) -> Worked:
    """Precisions that add up, with numbers. exponents (n,); prior: whether N(0, 1) takes part."""
    precisions = exponents / case.sigma**2
    over = precisions.sum() + prior
    mean, scale = float(precisions @ case.mu / over), float(over**-0.5)
    whole = np.allclose(exponents, 1)
    terms = [rf"\tfrac{{{'1' if whole else number(x)}}}{{{square(s)}}}"
             for x, s in zip(exponents, case.sigma, strict=True)]
    if prior:
        terms.append(r"\underbrace{1}_{\text{prior}}")
    pulled = weighted(precisions, case.mu)
    pull = float(precisions @ case.mu)
    return Worked([
        *total(r"\tfrac{1}{\sigma^2}", terms, rf"{number(over)}\\[3pt]\sigma &= {number(scale)}"),
        *total(r"\tfrac{\mu}{\sigma^2}", pulled, rf"{number(pull)}\\[3pt]\mu &= "
               rf"\tfrac{{{number(pull)}}}{{{number(over)}}} = {number(mean)}"),
    ], mean, scale)
