"""What every divergence D(q, p) between an aggregate q and an expert p can do, and how its value is found.

A divergence is one class; its closed forms are functions registered for pairs of kinds of distributions ("diagonal",
"full" for one Gaussian, "mixture"), as `torch.distributions.kl` does. Without a closed form the value is an integral:
by quadrature in one and two dimensions, by Monte Carlo beyond, with its error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from bvae.gaussians.posterior import FullPosterior, Posterior
from bvae.registry import Registry

Distribution = Posterior | FullPosterior
Kind = Literal["diagonal", "full", "mixture"]

DIVERGENCES: Registry[type[Divergence]] = Registry("divergence")
CLOSED_FORMS: dict[tuple[type, Kind, Kind], Callable[..., Tensor]] = {}


class Unavailable(ValueError):
    """There is no way to compute this divergence for these distributions."""


class Estimate(NamedTuple):
    """Divergences of B items.

    Attributes
    ----------
    value : Tensor
        (B,), in nats where the divergence has a unit; the squared ones in squared units of their distance.
    error : Tensor
        (B,): 0 for a closed form, the standard error of Monte Carlo, the difference to half as many points of
        quadrature, or the width of the interval [value, value + error] of bounds.
    method : str
        "closed form", "quadrature", "Monte Carlo" or "bounds".
    """

    value: Tensor
    error: Tensor
    method: str


class Grid(NamedTuple):
    """Points (P, B, D) of a trapezoid rule with the cell volumes (B,)."""

    points: Tensor
    cell: Tensor


@dataclass(frozen=True)
class Divergence:
    """D(q, p) >= 0, called as ``measure(q, p)`` with `Posterior` or `FullPosterior` of the same B and D.

    A subclass gives :meth:`integrand`, or closed forms by :func:`register_closed_form`, or both.
    """

    title: ClassVar[str] = ""
    formula: ClassVar[str] = ""

    def __call__(self, q: Distribution, p: Distribution, num_samples: int = 4096, seed: int = 0) -> Estimate:
        """The divergence of every item.

        Parameters
        ----------
        q, p : Posterior or FullPosterior
        num_samples, seed : int
            Of the Monte Carlo estimate, for more than two dimensions without a closed form.

        Raises
        ------
        Unavailable
            If there is neither a closed form nor an integral.
        """
        if q.loc.shape[1:] != p.loc.shape[1:]:
            raise ValueError(f"q, p: expected the same B and D, got {tuple(q.loc.shape[1:])} and "
                             f"{tuple(p.loc.shape[1:])}")
        if (form := find_closed_form(type(self), kind(q), kind(p))) is not None:
            value = form(self, q, p)
            return Estimate(value, torch.zeros_like(value), "closed form")
        return self.numerically(q, p, num_samples, seed)

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """What is integrated over z, from both log-densities. Raises Unavailable if the divergence is no integral."""
        raise Unavailable(f"{self.title}: no closed form for these distributions, and it is no integral over densities")

    def finish(self, integral: Tensor) -> Tensor:
        """The divergence as a function of the integral; the identity by default."""
        return integral

    def numerically(self, q: Distribution, p: Distribution, num_samples: int = 4096, seed: int = 0) -> Estimate:
        """The integral by quadrature (D <= 2) or by Monte Carlo from the equal mixture of q and p."""
        if type(self).integrand is Divergence.integrand:
            self.integrand(torch.empty(0), torch.empty(0))  # raises Unavailable
        if q.loc.shape[-1] <= 2:
            grid = quadrature_grid([q, p])
            return self.on_grid(q.log_prob(grid.points), p.log_prob(grid.points), grid)
        return self.by_monte_carlo(q, p, num_samples, seed)

    def on_grid(self, log_q: Tensor, log_p: Tensor, grid: Grid) -> Estimate:
        """The integral from log-densities (P, B) on a grid.

        The error is the difference to every second point, and whatever is missing of the mass of q and of p: a grid
        that steps over a narrow peak sees the same nothing at both spacings.
        """
        values = self.integrand(log_q, log_p) * grid.cell  # (P, B)
        value = self.finish(values.sum(0))
        dims = grid.points.shape[-1]
        shape = (round(len(values) ** (1 / dims)),) * dims
        half = values.unflatten(0, shape)[(slice(None, None, 2),) * dims].flatten(0, -2)
        coarse = self.finish(half.sum(0) * 2**dims)
        with torch.no_grad():
            lost = sum(((log.exp() * grid.cell).sum(0) - 1).abs() for log in (log_q, log_p))
            error = (value - coarse).abs() + lost * (1 + value.abs())
        return Estimate(value, torch.nan_to_num(error, nan=torch.inf), "quadrature")

    def on_points(self, log_q: Tensor, log_p: Tensor, log_proposal: Tensor) -> Tensor:
        """The integral by importance sampling from fixed points: log-densities (S, B) at them -> (B,)."""
        return self.finish((self.integrand(log_q, log_p) * (-log_proposal).detach().exp()).mean(0))

    def by_monte_carlo(self, q: Distribution, p: Distribution, num_samples: int = 4096, seed: int = 0) -> Estimate:
        """The integral by importance sampling from the equal mixture of q and p, which bounds the weights by 2."""
        generator = torch.Generator(q.loc.device).manual_seed(seed)
        half = num_samples // 2
        z = torch.cat([q.rsample((half,), generator=generator), p.rsample((half,), generator=generator)]).detach()
        log_q, log_p = q.log_prob(z), p.log_prob(z)  # (S, B)
        # The density of the proposal is a constant: the gradient goes through the integrand alone.
        ratio = self.integrand(log_q, log_p) * (math.log(2) - torch.logaddexp(log_q, log_p)).detach().exp()
        # Stratified: half of the points from each, so the variance is that within the strata.
        mean = ratio.mean(0)
        variance = 0.25 * (ratio[:half].var(0) + ratio[half:].var(0)) / half
        value = self.finish(mean)
        step = 1e-4 * mean.detach().abs().clamp_min(1e-12)
        slope = ((self.finish(mean + step) - value) / step).detach().abs()
        return Estimate(value, slope * variance.detach().sqrt(), "Monte Carlo")


def divergence(name: str, **options: float) -> Divergence:
    """A divergence by name, with its options as keywords.

    Raises
    ------
    UnknownName, TypeError, ValueError
        If there is no such divergence, no such option, or the value is not allowed.
    """
    return DIVERGENCES.build(name, **options)


def divergences() -> list[str]:
    """Names that :func:`divergence` accepts."""
    return DIVERGENCES.names()


def kind(q: Distribution) -> Kind:
    """What a distribution is, for the choice of a closed form."""
    if q.num_components > 1:
        return "mixture"
    return "diagonal" if isinstance(q, Posterior) else "full"


def promote(q: Distribution, to: Kind) -> Distribution:
    """The same distribution in the representation that a closed form for `to` expects."""
    return q if to == "diagonal" else FullPosterior.of(q)


def register_closed_form(measure: type[Divergence], q: Kind, p: Kind) -> Callable[..., Any]:
    """Decorator: enter ``form(measure, q, p) -> (B,)`` as the closed form for q and p of these kinds, or narrower."""

    def enter(form: Callable[..., Tensor]) -> Callable[..., Tensor]:
        CLOSED_FORMS[measure, q, p] = lambda of, a, b: form(of, promote(a, q), promote(b, p))
        return form

    return enter


def find_closed_form(measure: type[Divergence], q: Kind, p: Kind) -> Callable[..., Tensor] | None:
    """The closed form for these kinds or the nearest wider ones; None if there is none."""
    kinds: list[Kind] = ["diagonal", "full", "mixture"]
    wider_q, wider_p = kinds[kinds.index(q):], kinds[kinds.index(p):]
    pairs = sorted(((a, b) for a in wider_q for b in wider_p), key=lambda ab: kinds.index(ab[0]) + kinds.index(ab[1]))
    return next((CLOSED_FORMS[measure, a, b] for a, b in pairs if (measure, a, b) in CLOSED_FORMS), None)


def quadrature_grid(
    distributions: Sequence[Distribution], reach: float = 8.0, resolution: float = 0.6, most: int = 640
) -> Grid:
    """A regular grid that covers all components to `reach` standard deviations.

    The spacing is `resolution` times the smallest standard deviation in any direction: for smooth integrands the
    trapezoid rule is then exact to rounding. At most `most` points a side (16,384 in one dimension).

    Parameters
    ----------
    distributions : sequence
        Of one or two dimensions, the same B.
    """
    full = [FullPosterior.of(q) for q in distributions]
    dims = full[0].loc.shape[-1]
    if dims > 2:
        raise ValueError(f"quadrature: expected one or two dimensions, got D = {dims}")
    with torch.no_grad():
        std = [q.covariance.diagonal(dim1=-2, dim2=-1).sqrt() for q in full]
        alive = [(q.weights > 0).unsqueeze(-1) for q in full]
        low = torch.stack([torch.where(a, q.loc - reach * s, torch.inf).amin(0)
                           for q, s, a in zip(full, std, alive, strict=True)]).amin(0)
        high = torch.stack([torch.where(a, q.loc + reach * s, -torch.inf).amax(0)
                            for q, s, a in zip(full, std, alive, strict=True)]).amax(0)
        narrow = torch.stack([torch.where(q.weights > 0, torch.linalg.eigvalsh(q.covariance)[..., 0], torch.inf)
                              .amin(0) for q in full]).amin(0).sqrt()  # (B,)
        most = most if dims == 2 else 16384
        side = int(((high - low).amax(-1) / (resolution * narrow)).max().clamp(65, most).item()) // 2 * 2 + 1
        steps = (high - low) / (side - 1)  # (B, D)
        ticks = torch.arange(side, dtype=low.dtype, device=low.device)
        axes = torch.stack(torch.meshgrid(*[ticks] * dims, indexing="ij"), -1).view(-1, 1, dims)  # (P, 1, D)
        return Grid(low + axes * steps, steps.prod(-1))


def xlogx_ratio(log_a: Tensor, log_b: Tensor) -> Tensor:
    """a (log a - log b), 0 where a vanishes."""
    a = log_a.exp()
    return torch.where(a > 0, a * (log_a - log_b.clamp_min(-1e30)), 0.0)
