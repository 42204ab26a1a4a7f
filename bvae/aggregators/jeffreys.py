"""The barycenter under Jeffreys' divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.aggregators.base import AGGREGATORS, FullGaussian, GaussianAggregator
from bvae.aggregators.experts import Experts, FullExperts
from bvae.aggregators.worked import OneDimension, Worked, factor, number, square, total, weighted
from bvae.gaussians import full_covariance, iteration

NEWTON_STEPS = 12


@AGGREGATORS.register("jeffreys")
@dataclass(frozen=True)
class JeffreysBarycenter(GaussianAggregator):
    """argmin over Gaussians q of sum_m w_m (KL(q || q_m) + KL(q_m || q)): halfway between sharp and covering.

    With a = sum w/v, b = sum w mu/v, c = sum w mu, the minimiser satisfies V^2 = sum w (v + (mu_m - mu)^2) / a and
    mu = (c/V + b) / (1/V + a). In one dimension g = a V then solves g^2 = p + r (g / (1 + g))^2 with
    p = a sum w (v + (mu_m - c)^2) >= 1 and r = a (b/a - c)^2 >= 0. That is a quartic with exactly one positive root
    (Descartes' rule of signs), so the barycenter is unique; from above, Newton's iteration decreases to it.

    References
    ----------
    Nielsen, *Fast proxy centers for the Jeffreys centroid*, Entropy 2024 (there is no closed form in general).
    """

    title: ClassVar[str] = "Jeffreys barycenter"
    short: ClassVar[str] = "Jeffreys"
    order: ClassVar[float] = 100
    divergence: ClassVar[str] = "Jeffreys divergence, among Gaussians"
    minimises: ClassVar[str] = "jeffreys"
    formula: ClassVar[str] = (
        r"\mu = \frac{c/\sigma^2 + b}{1/\sigma^2 + a}, \quad "
        r"\sigma^4 = \frac1a \sum_m w_m\big(\sigma_m^2 + (\mu_m-\mu)^2\big), \quad "
        r"a = \sum_m \frac{w_m}{\sigma_m^2},\; b = \sum_m \frac{w_m \mu_m}{\sigma_m^2},\; c = \sum_m w_m \mu_m"
    )

    def barycenter(self, experts: Experts) -> tuple[Tensor, Tensor]:
        """See `GaussianAggregator.barycenter`."""
        w, some = experts.weights, experts.present.any(0).unsqueeze(-1)
        inverse = experts.scale.reciprocal()
        a = torch.where(some, (w * inverse.square()).sum(0), 1.0)  # (B, D)
        c = (w * experts.loc).sum(0)
        # Everything in units of a^-1/2 = the scale of the geometric mean, so that no large number is squared twice.
        unit = a.rsqrt()
        centred = (experts.loc - c) / unit  # (M, B, D)
        offset = (w * centred * (inverse * unit).square()).sum(0)  # (b/a - c) / unit
        p = (w * ((experts.scale / unit).square() + centred.square())).sum(0)
        p = torch.where(some, p, 1.0).clamp_min(1.0)
        r = offset.square()
        g = self._root(p, r)
        mean = c + unit * offset * g / (1 + g)
        return mean, unit * g.sqrt()

    @staticmethod
    def _root(p: Tensor, r: Tensor) -> Tensor:
        """The positive root of g^2 = p + r (g / (1 + g))^2, differentiable by the implicit function theorem."""

        def excess(g: Tensor) -> Tensor:
            return g - (p + r * (g / (1 + g)).square()).sqrt()

        def slope(g: Tensor) -> Tensor:  # at least 1/2 from the root upwards
            return 1 - r * g / (1 + g).pow(3) / (p + r * (g / (1 + g)).square()).sqrt()

        with torch.no_grad():
            g = (p + r).sqrt()
            for _ in range(NEWTON_STEPS):
                g = g - excess(g) / slope(g).clamp_min(0.5)
            divisor = slope(g).clamp_min(0.5)
        return g - excess(g) / divisor

    def full_barycenter(self, experts: FullExperts) -> FullGaussian:
        """See `GaussianAggregator.full_barycenter`.

        Fixed point: Sigma = A^-1 # C with A = sum w Sigma_m^-1, C = sum w (Sigma_m + (mu - mu_m)(mu - mu_m)^T), and
        mu = (Sigma^-1 + A)^-1 (Sigma^-1 c + b); # is the geometric mean of matrices.
        """
        some = experts.present.any(0)
        w = torch.where(some, experts.item_weights, 1.0 / len(experts.loc))  # (M, B)
        inverse = torch.linalg.inv(experts.covariance)
        a = torch.einsum("mb,mbij->bij", w, inverse)
        b = torch.einsum("mb,mbij,mbj->bi", w, inverse, experts.loc)
        c = (w.unsqueeze(-1) * experts.loc).sum(0)
        a_inverse = torch.linalg.inv(a)

        def covariance_at(mean: Tensor) -> Tensor:
            apart = experts.loc - mean
            spread = experts.covariance + apart.unsqueeze(-1) * apart.unsqueeze(-2)
            return full_covariance.matrix_geometric_mean(a_inverse, torch.einsum("mb,mbij->bij", w, spread))

        def step(mean: Tensor) -> Tensor:
            precision = torch.linalg.inv(covariance_at(mean))
            return torch.linalg.solve(precision + a, (precision @ c.unsqueeze(-1)).squeeze(-1) + b)

        shift = experts.loc.detach().abs().amax((0, 2))  # the mean may be 0: the change is relative to this
        mean, convergence = iteration.iterate(step, c, 1e-13, 300, size=shift)
        return FullGaussian(mean, covariance_at(mean), convergence)

    def worked_formula(self, case: OneDimension) -> Worked:
        """See `Aggregator.worked_formula`: the fixed point of the two equations, not Newton's root."""
        w, mu, sigma = case.w, case.mu, case.sigma
        a, b, c = float(w @ sigma**-2), float(w @ (mu / sigma**2)), float(w @ mu)
        mean, variance = c, 1 / a
        for _ in range(500):
            variance = math.sqrt(w @ (sigma**2 + (mu - mean) ** 2) / a)
            mean = (c / variance + b) / (1 / variance + a)
        scale = math.sqrt(variance)
        return Worked([
            *total("a", [rf"\tfrac{{{number(x)}}}{{{square(s)}}}" for x, s in zip(w, sigma, strict=True)], number(a)),
            *total("b", [rf"\tfrac{{{number(x)}\cdot {factor(m)}}}{{{square(s)}}}"
                         for x, m, s in zip(w, mu, sigma, strict=True)], number(b)),
            *total("c", weighted(w, mu), number(c)),
            rf"\mu &= \tfrac{{{number(c)}/{square(scale)} + {factor(b)}}}{{1/{square(scale)} + {number(a)}}} = "
            rf"{number(mean)}", rf"\sigma &= {number(scale)}"], mean, scale)
