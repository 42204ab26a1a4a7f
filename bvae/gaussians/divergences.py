"""Divergences D(q, p) between an aggregate q and an expert p, and the barycenter of any of them, numerically.

A divergence is one class; its closed forms are functions registered for pairs of kinds of distributions ("diagonal",
"full" for one Gaussian, "mixture"), as `torch.distributions.kl` does. Without a closed form the value is an integral:
by quadrature in one and two dimensions, by Monte Carlo beyond, with its error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from bvae.gaussians import gaussian, halfplane
from bvae.gaussians.posterior import FullPosterior, Posterior
from bvae.registry import Registry, require_number

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
            value = form(self, *(promote(d, k) for d, k in zip((q, p), form.kinds, strict=True)))
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


def register_closed_form(measure: type[Divergence], q: Kind, p: Kind) -> Callable:
    """Decorator: enter ``form(measure, q, p) -> (B,)`` as the closed form for q and p of these kinds, or narrower."""

    def enter(form: Callable[..., Tensor]) -> Callable[..., Tensor]:
        form.kinds = (q, p)
        CLOSED_FORMS[measure, q, p] = form
        return form

    return enter


def find_closed_form(measure: type[Divergence], q: Kind, p: Kind) -> Callable[..., Tensor] | None:
    """The closed form for these kinds or the nearest wider ones; None if there is none."""
    kinds: list[Kind] = ["diagonal", "full", "mixture"]
    wider_q, wider_p = kinds[kinds.index(q):], kinds[kinds.index(p):]
    pairs = sorted(((a, b) for a in wider_q for b in wider_p), key=lambda ab: kinds.index(ab[0]) + kinds.index(ab[1]))
    return next((CLOSED_FORMS[measure, a, b] for a, b in pairs if (measure, a, b) in CLOSED_FORMS), None)


def quadrature_grid(
    distributions: list[Distribution], reach: float = 8.0, resolution: float = 0.6, most: int = 640
) -> Grid:
    """A regular grid that covers all components to `reach` standard deviations.

    The spacing is `resolution` times the smallest standard deviation in any direction: for smooth integrands the
    trapezoid rule is then exact to rounding. At most `most` points a side (16,384 in one dimension).

    Parameters
    ----------
    distributions : list
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


# -- the divergences ---------------------------------------------------------------------------------------------------


def _xlogx_ratio(log_a: Tensor, log_b: Tensor) -> Tensor:
    """a (log a - log b), 0 where a vanishes."""
    a = log_a.exp()
    return torch.where(a > 0, a * (log_a - log_b.clamp_min(-1e30)), 0.0)


@DIVERGENCES.register("reverse-kl")
@dataclass(frozen=True)
class ReverseKL(Divergence):
    """KL(q || p) = E_q[log q - log p], nats: large where q is and p is not. Kullback & Leibler 1951."""

    title: ClassVar[str] = "reverse KL"
    formula: ClassVar[str] = r"\mathrm{KL}(q \,\|\, q_m)"

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        return _xlogx_ratio(log_q, log_p)


@DIVERGENCES.register("forward-kl")
@dataclass(frozen=True)
class ForwardKL(Divergence):
    """KL(p || q) = E_p[log p - log q], nats: large where p is and q is not."""

    title: ClassVar[str] = "forward KL"
    formula: ClassVar[str] = r"\mathrm{KL}(q_m \,\|\, q)"

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        return _xlogx_ratio(log_p, log_q)


@DIVERGENCES.register("jeffreys")
@dataclass(frozen=True)
class Jeffreys(Divergence):
    """KL(q || p) + KL(p || q), nats. Jeffreys 1946."""

    title: ClassVar[str] = "Jeffreys"
    formula: ClassVar[str] = r"\mathrm{KL}(q \| q_m) + \mathrm{KL}(q_m \| q)"

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        return _xlogx_ratio(log_q, log_p) + _xlogx_ratio(log_p, log_q)


@DIVERGENCES.register("wasserstein")
@dataclass(frozen=True)
class SquaredWasserstein2(Divergence):
    """W2^2(q, p), squared units of the latent space.

    For a mixture: bounds. Below, W2^2 between the Gaussians of the same mean and covariance (Gelbrich, Math. Nachr.
    1990); above, the best transport between components (Delon & Desolneux, SIAM J. Imaging Sci. 2020).
    """

    title: ClassVar[str] = "squared 2-Wasserstein"
    formula: ClassVar[str] = r"W_2^2(q, q_m)"

    def numerically(self, q: Distribution, p: Distribution, num_samples: int = 4096, seed: int = 0) -> Estimate:
        """See `Divergence.numerically`: the lower bound, and how far the upper one is."""
        if not all(isinstance(d, (Posterior, FullPosterior)) for d in (q, p)):  # a density without components
            below = gaussian.full_squared_wasserstein2(*(m for d in (q, p) for m in (d.mean, d.total_covariance)))
            return Estimate(below.clamp_min(0), torch.full_like(below, torch.inf), "bounds")
        q, p = FullPosterior.of(q), FullPosterior.of(p)
        below = gaussian.full_squared_wasserstein2(q.mean, q.total_covariance, p.mean, p.total_covariance)
        cost = gaussian.full_squared_wasserstein2(
            q.loc.unsqueeze(1), q.covariance.unsqueeze(1), p.loc.unsqueeze(0), p.covariance.unsqueeze(0)
        )  # (K, L, B)
        above = torch.stack([_transport(q.weights[:, b], p.weights[:, b], cost[..., b]) for b in range(cost.shape[2])])
        return Estimate(below.clamp_min(0), (above - below).clamp_min(0), "bounds")


def _transport(a: Tensor, b: Tensor, cost: Tensor) -> Tensor:
    """Cost of the best transport between weights (K,) and (L,)."""
    if len(a) == 1 or len(b) == 1:
        return (a.unsqueeze(1) * b.unsqueeze(0) * cost).sum()
    from scipy.optimize import linprog

    k, n = cost.shape
    rows = torch.eye(k).repeat_interleave(n, 1)
    columns = torch.eye(n).repeat(1, k)
    plan = linprog(cost.detach().flatten().numpy(), A_eq=torch.cat([rows, columns])[:-1].numpy(),
                   b_eq=torch.cat([a, b])[:-1].detach().numpy(), method="highs").x
    return (torch.from_numpy(plan).to(cost).view(k, n) * cost).sum()


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
        return _xlogx_ratio(log_p, log_q) if self.alpha == 1 else super().integrand(log_q, log_p)

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


@DIVERGENCES.register("total-variation")
@dataclass(frozen=True)
class TotalVariation(Divergence):
    """int |q - p| / 2, in [0, 1]."""

    title: ClassVar[str] = "total variation"
    formula: ClassVar[str] = r"\tfrac12 \int |q - q_m|"

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        return 0.5 * (log_q.exp() - log_p.exp()).abs()


@DIVERGENCES.register("jensen-shannon")
@dataclass(frozen=True)
class JensenShannon(Divergence):
    """(KL(q || m) + KL(p || m)) / 2 with m = (q + p) / 2, in [0, log 2] nats. Lin, IEEE Trans. Inf. Theory 1991."""

    title: ClassVar[str] = "Jensen–Shannon"
    formula: ClassVar[str] = r"\tfrac12 \mathrm{KL}(q \| m) + \tfrac12 \mathrm{KL}(q_m \| m),\; m = \tfrac{q+q_m}2"

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        middle = torch.logaddexp(log_q, log_p) - math.log(2)
        return 0.5 * (_xlogx_ratio(log_q, middle) + _xlogx_ratio(log_p, middle))


@DIVERGENCES.register("fisher-rao")
@dataclass(frozen=True)
class SquaredFisherRao(Divergence):
    """Squared geodesic distance of the Fisher metric, for diagonal Gaussians; see `bvae.gaussians.halfplane`."""

    title: ClassVar[str] = "squared Fisher–Rao"
    formula: ClassVar[str] = r"d_{\mathrm{FR}}^2(q, q_m)"


# -- closed forms ------------------------------------------------------------------------------------------------------


@register_closed_form(ReverseKL, "diagonal", "diagonal")
def _(measure, q: Posterior, p: Posterior) -> Tensor:
    return gaussian.kl(q.loc[0], q.scale[0], p.loc[0], p.scale[0])


@register_closed_form(ReverseKL, "full", "full")
def _(measure, q: FullPosterior, p: FullPosterior) -> Tensor:
    return gaussian.full_kl(q.loc[0], q.covariance[0], p.loc[0], p.covariance[0])


@register_closed_form(ForwardKL, "diagonal", "diagonal")
def _(measure, q: Posterior, p: Posterior) -> Tensor:
    return gaussian.kl(p.loc[0], p.scale[0], q.loc[0], q.scale[0])


@register_closed_form(ForwardKL, "full", "full")
def _(measure, q: FullPosterior, p: FullPosterior) -> Tensor:
    return gaussian.full_kl(p.loc[0], p.covariance[0], q.loc[0], q.covariance[0])


@register_closed_form(Jeffreys, "full", "full")
def _(measure, q: FullPosterior, p: FullPosterior) -> Tensor:
    a, b = (q.loc[0], q.covariance[0]), (p.loc[0], p.covariance[0])
    return gaussian.full_kl(*a, *b) + gaussian.full_kl(*b, *a)


@register_closed_form(SquaredWasserstein2, "diagonal", "diagonal")
def _(measure, q: Posterior, p: Posterior) -> Tensor:
    return ((q.loc[0] - p.loc[0]).square() + (q.scale[0] - p.scale[0]).square()).sum(-1)


@register_closed_form(SquaredWasserstein2, "full", "full")
def _(measure, q: FullPosterior, p: FullPosterior) -> Tensor:
    return gaussian.full_squared_wasserstein2(q.loc[0], q.covariance[0], p.loc[0], p.covariance[0])


def _log_chernoff(q: FullPosterior, p: FullPosterior, alpha: float) -> Tensor:
    """log int p^alpha q^(1 - alpha) of two Gaussians, (B,)."""
    exponents = torch.tensor([[1 - alpha, alpha]]).to(q.loc)
    loc, covariance = torch.cat([q.loc, p.loc]), torch.cat([q.covariance, p.covariance])  # (2, B, ...)
    return gaussian.full_normal_of_powers(exponents, loc, covariance)[2][0]


@register_closed_form(Renyi, "full", "full")
def _(measure, q: FullPosterior, p: FullPosterior) -> Tensor:
    return -_log_chernoff(q, p, measure.alpha) / (1 - measure.alpha)


@register_closed_form(Alpha, "full", "full")
def _(measure, q: FullPosterior, p: FullPosterior) -> Tensor:
    if measure.alpha == 1:
        return gaussian.full_kl(p.loc[0], p.covariance[0], q.loc[0], q.covariance[0])
    return -_log_chernoff(q, p, measure.alpha).expm1() / (measure.alpha * (1 - measure.alpha))


@register_closed_form(SquaredHellinger, "full", "full")
def _(measure, q: FullPosterior, p: FullPosterior) -> Tensor:
    return -_log_chernoff(q, p, 0.5).expm1()


@register_closed_form(SquaredFisherRao, "diagonal", "diagonal")
def _(measure, q: Posterior, p: Posterior) -> Tensor:
    return halfplane.squared_distance(q.loc[0], q.scale[0], p.loc[0], p.scale[0]).sum(-1)


@register_closed_form(SquaredFisherRao, "full", "full")
def _(measure, q: FullPosterior, p: FullPosterior) -> Tensor:
    if not all(gaussian.is_diagonal(one.covariance) for one in (q, p)):
        raise Unavailable("squared Fisher–Rao: no closed form is known for correlated Gaussians")
    scales = [one.covariance.diagonal(dim1=-2, dim2=-1)[0].sqrt() for one in (q, p)]
    return halfplane.squared_distance(q.loc[0], scales[0], p.loc[0], scales[1]).sum(-1)
