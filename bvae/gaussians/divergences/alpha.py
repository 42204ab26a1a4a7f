"""Alpha, Rényi and the squared Hellinger distance: all from int p^alpha q^(1 - alpha)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.gaussians import full_covariance
from bvae.gaussians.divergences.base import DIVERGENCES, Divergence, register_closed_form, xlogx_ratio
from bvae.gaussians.posterior import FullPosterior
from bvae.registry import require_number


@dataclass(frozen=True)
class _Order(Divergence):
    alpha: float = 0.5

    def __post_init__(self) -> None:
        require_number("alpha", self.alpha, lambda a: 0 < a < 1, "a number in (0, 1)")

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`: p^alpha q^(1 - alpha)."""
        return (self.alpha * log_p + (1 - self.alpha) * log_q).exp()


@DIVERGENCES.register("alpha")
@dataclass(frozen=True)
class Alpha(_Order):
    """Alpha-divergence (1 - int p^alpha q^(1-alpha)) / (alpha (1 - alpha)): reverse KL as alpha -> 0, forward at 1.

    Parameters
    ----------
    alpha : float
        In (0, 1]; 1 is forward KL itself.

    References
    ----------
    Amari, *Information Geometry and Its Applications*, 2016; its barycenter is the Hoelder pool.
    """

    title: ClassVar[str] = "alpha"
    formula: ClassVar[str] = r"\frac{1 - \int q_m^{\alpha} q^{1-\alpha}}{\alpha(1-\alpha)}"

    def __post_init__(self) -> None:
        require_number("alpha", self.alpha, lambda a: 0 < a <= 1, "a number in (0, 1]")

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        return xlogx_ratio(log_p, log_q) if self.alpha == 1 else super().integrand(log_q, log_p)

    def finish(self, integral: Tensor) -> Tensor:
        """See `Divergence.finish`."""
        return integral if self.alpha == 1 else (1 - integral) / (self.alpha * (1 - self.alpha))


@DIVERGENCES.register("renyi")
@dataclass(frozen=True)
class Renyi(_Order):
    """Renyi divergence of order alpha, -log(int p^alpha q^(1-alpha)) / (1 - alpha), nats.

    Parameters
    ----------
    alpha : float
        In (0, 1).

    References
    ----------
    Renyi 1961; van Erven & Harremoes, IEEE Trans. Inf. Theory 2014.
    """

    title: ClassVar[str] = "Rényi"
    formula: ClassVar[str] = r"\frac{-1}{1-\alpha}\log\int q_m^{\alpha} q^{1-\alpha}"

    def finish(self, integral: Tensor) -> Tensor:
        """See `Divergence.finish`."""
        return -integral.log() / (1 - self.alpha)


@DIVERGENCES.register("hellinger")
@dataclass(frozen=True)
class SquaredHellinger(Divergence):
    """H^2 = 1 - int sqrt(q p), in [0, 1]. Hellinger 1909."""

    title: ClassVar[str] = "squared Hellinger"
    formula: ClassVar[str] = r"1 - \int \sqrt{q\, q_m}"

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        return (0.5 * (log_q + log_p)).exp()

    def finish(self, integral: Tensor) -> Tensor:
        """See `Divergence.finish`."""
        return 1 - integral


def _log_chernoff(q: FullPosterior, p: FullPosterior, alpha: float) -> Tensor:
    """log int p^alpha q^(1 - alpha) of two Gaussians, (B,)."""
    exponents = torch.tensor([[1 - alpha, alpha]]).to(q.loc)
    loc, covariance = torch.cat([q.loc, p.loc]), torch.cat([q.covariance, p.covariance])  # (2, B, ...)
    return full_covariance.normal_of_powers(exponents, loc, covariance)[2][0]


@register_closed_form(Renyi, "full", "full")
def _(measure: Renyi, q: FullPosterior, p: FullPosterior) -> Tensor:
    return -_log_chernoff(q, p, measure.alpha) / (1 - measure.alpha)


@register_closed_form(Alpha, "full", "full")
def _(measure: Alpha, q: FullPosterior, p: FullPosterior) -> Tensor:
    if measure.alpha == 1:
        return full_covariance.kl(p.loc[0], p.covariance[0], q.loc[0], q.covariance[0])
    return -_log_chernoff(q, p, measure.alpha).expm1() / (measure.alpha * (1 - measure.alpha))


@register_closed_form(SquaredHellinger, "full", "full")
def _(measure: SquaredHellinger, q: FullPosterior, p: FullPosterior) -> Tensor:
    return -_log_chernoff(q, p, 0.5).expm1()
