"""Product of experts, the reverse-KL family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from bvae import gaussian
from bvae.aggregators.base import AGGREGATORS, Experts, GaussianAggregator

PriorExpert = Literal["never", "always", "full"]


@AGGREGATORS.register("poe")
@dataclass(frozen=True)
class ProductOfExperts(GaussianAggregator):
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

    divergence: ClassVar[str] = "reverse KL, with total weight M instead of 1"
    formula: ClassVar[str] = (
        r"\frac{1}{\sigma^2} = \sum_m \frac{1}{\sigma_m^2}\;(+\,1), \qquad "
        r"\mu = \sigma^2 \sum_m \frac{\mu_m}{\sigma_m^2}"
    )

    def __post_init__(self) -> None:
        if self.prior_expert not in get_args(PriorExpert):
            raise ValueError(f"prior_expert: expected one of {get_args(PriorExpert)}, got {self.prior_expert!r}")

    def barycenters(self, experts: Experts, membership: Tensor) -> tuple[Tensor, Tensor]:
        """See `GaussianAggregator.barycenters`."""
        present = experts.present.to(experts.weights.dtype)  # (M, B)
        count = membership @ present  # (K, B): present experts in each subset
        weight = membership @ experts.weights  # (K, B): their weight
        loc, scale = gaussian.product(experts.loc, experts.scale, experts.weights, membership)
        # Exponents are count x w / (weight of the subset); the factor does not move the mean.
        factor = (count / torch.where(weight > 0, weight, torch.ones_like(weight))).unsqueeze(-1)  # (K, B, 1)
        scale = scale * torch.where(factor > 0, factor, torch.ones_like(factor)).rsqrt()
        if self.prior_expert == "never":
            return loc, scale
        shrink = (1 + scale.square()).reciprocal()  # of the mean, when the prior's precision 1 is added
        if self.prior_expert == "full":
            full = (count == membership.shape[1]).unsqueeze(-1)
            shrink = torch.where(full, shrink, torch.ones_like(shrink))
        return loc * shrink, scale * shrink.sqrt()


@AGGREGATORS.register("geometric")
@dataclass(frozen=True)
class GeometricMean(GaussianAggregator):
    """Normalised weighted geometric mean: the barycenter under reverse KL, argmin_q sum_m w_m KL(q || q_m).

    precision = sum_m w_m / s_m^2. Unlike the product of experts it does not sharpen with the number of experts.

    References
    ----------
    Qiu et al., AAAI 2025; logarithmic opinion pool: Heskes, NeurIPS 1997.
    """

    divergence: ClassVar[str] = "reverse KL"
    formula: ClassVar[str] = (
        r"\frac{1}{\sigma^2} = \sum_m \frac{w_m}{\sigma_m^2}, \qquad "
        r"\mu = \sigma^2 \sum_m \frac{w_m\,\mu_m}{\sigma_m^2}"
    )

    def barycenters(self, experts: Experts, membership: Tensor) -> tuple[Tensor, Tensor]:
        """See `GaussianAggregator.barycenters`."""
        weight = (membership @ experts.weights).unsqueeze(-1)  # (K, B, 1)
        loc, scale = gaussian.product(experts.loc, experts.scale, experts.weights, membership)
        return loc, scale * torch.where(weight > 0, weight, torch.ones_like(weight)).sqrt()
