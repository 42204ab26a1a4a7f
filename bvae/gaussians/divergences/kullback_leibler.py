"""Kullback-Leibler: reverse, forward, their sum, and to the mixture of both (Jensen-Shannon)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from bvae.gaussians import diagonal, full_covariance
from bvae.gaussians.divergences.base import DIVERGENCES, Divergence, register_closed_form, xlogx_ratio
from bvae.gaussians.posterior import FullPosterior, Posterior


@DIVERGENCES.register("reverse-kl")
@dataclass(frozen=True)
class ReverseKL(Divergence):
    """KL(q || p) = E_q[log q - log p], nats: large where q is and p is not. Kullback & Leibler 1951."""

    title: ClassVar[str] = "reverse KL"
    formula: ClassVar[str] = r"\mathrm{KL}(q \,\|\, q_m)"

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        return xlogx_ratio(log_q, log_p)


@DIVERGENCES.register("forward-kl")
@dataclass(frozen=True)
class ForwardKL(Divergence):
    """KL(p || q) = E_p[log p - log q], nats: large where p is and q is not."""

    title: ClassVar[str] = "forward KL"
    formula: ClassVar[str] = r"\mathrm{KL}(q_m \,\|\, q)"

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        return xlogx_ratio(log_p, log_q)


@DIVERGENCES.register("jeffreys")
@dataclass(frozen=True)
class Jeffreys(Divergence):
    """KL(q || p) + KL(p || q), nats. Jeffreys 1946."""

    title: ClassVar[str] = "Jeffreys"
    formula: ClassVar[str] = r"\mathrm{KL}(q \| q_m) + \mathrm{KL}(q_m \| q)"

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        return xlogx_ratio(log_q, log_p) + xlogx_ratio(log_p, log_q)


@register_closed_form(ReverseKL, "diagonal", "diagonal")
def _(measure: ReverseKL, q: Posterior, p: Posterior) -> Tensor:
    return diagonal.kl(q.loc[0], q.scale[0], p.loc[0], p.scale[0])


@register_closed_form(ReverseKL, "full", "full")
def _(measure: ReverseKL, q: FullPosterior, p: FullPosterior) -> Tensor:
    return full_covariance.kl(q.loc[0], q.covariance[0], p.loc[0], p.covariance[0])


@register_closed_form(ForwardKL, "diagonal", "diagonal")
def _(measure: ForwardKL, q: Posterior, p: Posterior) -> Tensor:
    return diagonal.kl(p.loc[0], p.scale[0], q.loc[0], q.scale[0])


@register_closed_form(ForwardKL, "full", "full")
def _(measure: ForwardKL, q: FullPosterior, p: FullPosterior) -> Tensor:
    return full_covariance.kl(p.loc[0], p.covariance[0], q.loc[0], q.covariance[0])


@register_closed_form(Jeffreys, "full", "full")
def _(measure: Jeffreys, q: FullPosterior, p: FullPosterior) -> Tensor:
    a, b = (q.loc[0], q.covariance[0]), (p.loc[0], p.covariance[0])
    return full_covariance.kl(*a, *b) + full_covariance.kl(*b, *a)
