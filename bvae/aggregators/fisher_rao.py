"""The Fisher-Rao barycenter (Karcher mean)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from bvae.aggregators.base import AGGREGATORS, FullGaussian, GaussianAggregator
from bvae.aggregators.experts import Experts, FullExperts
from bvae.aggregators.worked import OneDimension, Worked, components, mixture, number, square, total
from bvae.gaussians import full_covariance, halfplane


@AGGREGATORS.register("fisher-rao")
@dataclass(frozen=True)
class FisherRaoBarycenter(GaussianAggregator):
    """argmin over diagonal Gaussians q of sum_m w_m d^2(q, q_m), d the Fisher-Rao (geodesic) distance.

    Normal distributions of one dimension are points of the hyperbolic half-plane, and a diagonal Gaussian is one point
    in each of D half-planes, so the barycenter is a Karcher mean in each of them. It is unique: the space has
    negative curvature. Between two equally sharp experts far apart it is *wider* than both.

    For full covariances of different means the distance has no known closed form; :meth:`full` takes diagonal
    covariances only.

    References
    ----------
    Miyamoto et al., arXiv 2304.14885 (survey of Fisher-Rao distances); Karcher, Comm. Pure Appl. Math. 1977.
    """

    title: ClassVar[str] = "Fisher–Rao barycenter"
    short: ClassVar[str] = "Fisher-Rao"
    order: ClassVar[float] = 110
    divergence: ClassVar[str] = "squared Fisher-Rao distance, among diagonal Gaussians"
    minimises: ClassVar[str] = "fisher-rao"
    takes_correlated: ClassVar[bool] = False
    formula: ClassVar[str] = (
        r"\arg\min_{\mu,\sigma} \sum_m w_m\, d^2, \quad d = \sqrt2\, \operatorname{arcosh}\Big(1 + "
        r"\frac{(\mu-\mu_m)^2/2 + (\sigma-\sigma_m)^2}{2\,\sigma\,\sigma_m}\Big)"
    )

    def barycenter(self, experts: Experts) -> tuple[Tensor, Tensor]:
        """See `GaussianAggregator.barycenter`."""
        some = experts.present.any(0).unsqueeze(-1)
        weights = torch.where(some, experts.weights, 1.0 / len(experts.loc))  # finite for items that have no expert
        return halfplane.karcher_mean(experts.loc, experts.scale, weights)

    def full_barycenter(self, experts: FullExperts) -> FullGaussian:
        """See `GaussianAggregator.full_barycenter`: diagonal covariances only."""
        variances = experts.covariance.diagonal(dim1=-2, dim2=-1)
        if not full_covariance.is_diagonal(experts.covariance):
            raise ValueError("covariance: expected diagonal matrices, because the Fisher-Rao distance of correlated "
                             "Gaussians has no known closed form, got correlated ones")
        loc, scale = self.barycenter(Experts(experts.loc, variances.sqrt(), experts.weights, experts.present))
        return FullGaussian(loc, torch.diag_embed(scale.square()))

    def worked_formula(self, case: OneDimension) -> Worked:
        """See `Aggregator.worked_formula`: the iteration's result, and the distances from it."""
        mean, scale = mixture(*components(case.joint, case.d))
        ratio = ((mean - case.mu) ** 2 / 2 + (scale - case.sigma) ** 2) / (2 * scale * case.sigma)
        distance = math.sqrt(2) * np.arccosh(1 + ratio)
        terms = [rf"{number(w)}\cdot {square(x)}" for w, x in zip(case.w, distance, strict=True)]
        least = rf"{number(float(case.w @ distance**2))}, \; \text{{the least}}"
        return Worked([rf"\mu &= {number(mean)}\\[3pt]\sigma &= {number(scale)}",
                       *total(r"\sum_m w_m d_m^2", terms, least)], mean, scale)
