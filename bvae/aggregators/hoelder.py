"""Power means of densities (Hoelder pools): from the geometric mean to the mixture, by one number alpha."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
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
from bvae.aggregators.experts import Experts, FullExperts, prepare_full
from bvae.aggregators.moe import variance_to_scale
from bvae.aggregators.worked import OneDimension, Worked, heaviest, moments, number, total
from bvae.gaussians import diagonal, full_covariance
from bvae.gaussians.divergences import quadrature_grid
from bvae.gaussians.posterior import FullPosterior, Posterior
from bvae.registry import require_number
from bvae.validation import Checks

MOST_COMPONENTS = 4096


class Expansion(NamedTuple):
    """(sum_m x_m^alpha)^(1/alpha) as sum_k c_k prod_m x_m^(t_km).

    Attributes
    ----------
    exponents : ndarray
        (K, M), rows of sum 1.
    coefficients : ndarray
        (K,), positive.
    error : float
        Largest relative error over a grid of x for this number of experts; 0 if 1/alpha is an integer.
    """

    exponents: np.ndarray
    coefficients: np.ndarray
    error: float


@functools.lru_cache(maxsize=64)
def expansion(alpha: float, num_experts: int) -> Expansion:
    """The power mean of `num_experts` numbers as a positive combination of their geometric means.

    For alpha = 1/n it is the multinomial theorem, exact. Otherwise there is no exact one (a Bernoulli variable is not
    infinitely divisible); the exponents are multiples of 1/N, N = 2 ceil(1/alpha), and the coefficients have the
    smallest largest relative error (linear programming). They belong to alpha alone, not to any experts: those of two
    experts are found first, then those that three experts add, and so on, so that leaving an expert out changes
    nothing for the others.

    Raises
    ------
    ValueError
        If alpha is so small that it would take more than 4,096 components.
    """
    inverse = 1 / alpha
    n = round(inverse)
    exact = abs(inverse - n) < 1e-9
    if not exact:
        n = 2 * math.ceil(inverse)
        if math.comb(num_experts + n - 1, n) > MOST_COMPONENTS:
            n //= 2
    coefficients: dict[tuple[int, ...], float] = {}
    error = 0.0
    if math.comb(num_experts + n - 1, n) > MOST_COMPONENTS:
        raise ValueError(
            f"alpha: expected one that takes at most {MOST_COMPONENTS} components, got {alpha:.3g}, which takes "
            f"{math.comb(num_experts + n - 1, n)} for {num_experts} experts; 'geometric' is its limit at 0"
        )
    for size in range(1, min(n, num_experts) + 1):
        parts = list(_partitions(n, size))
        if exact:
            coefficients.update({k: math.factorial(n) / math.prod(map(math.factorial, k)) for k in parts})
        elif size == 1:
            coefficients[(n,)] = 1.0
        else:
            error = max(error, _fit(coefficients, parts, alpha, n, size))
    if not exact and num_experts > n:  # no further coefficients, and an error that grows with every expert
        error = max(error, _largest_error(coefficients, alpha, n, num_experts))
    rows, values = [], []
    for size in range(1, min(n, num_experts) + 1):
        for members in itertools.combinations(range(num_experts), size):
            for k in _partitions(n, size):
                if (value := coefficients.get(k, 0.0)) <= 0:
                    continue
                for arrangement in sorted(set(itertools.permutations(k)), reverse=True):
                    row = [0.0] * num_experts
                    for m, power in zip(members, arrangement, strict=True):
                        row[m] = power / n
                    rows.append(row)
                    values.append(value)
    return Expansion(np.array(rows), np.array(values), error)


@functools.lru_cache(maxsize=64)
def _expansion_on(
    alpha: float, num_experts: int, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Exponents and logarithms of the coefficients there: what is there already need not be waited for."""
    terms = expansion(alpha, num_experts)
    with torch.inference_mode(False):  # a tensor of inference mode could not take part in training later
        return (torch.from_numpy(terms.exponents).to(device, dtype),
                torch.from_numpy(terms.coefficients).to(device, dtype).log())


def _partitions(n: int, parts: int, top: int | None = None) -> Iterator[tuple[int, ...]]:
    """n as a sum of `parts` positive integers, largest first."""
    top = n if top is None else top
    if parts == 1:
        if 1 <= n <= top:
            yield (n,)
        return
    for first in range(min(n - parts + 1, top), 0, -1):
        for rest in _partitions(n - first, parts - 1, first):
            yield (first, *rest)


def _geometric_means(log_x: np.ndarray, k: tuple[int, ...], n: int) -> np.ndarray:
    """Sum over all arrangements of the powers k / n of the experts (columns of log_x)."""
    sums = {k: np.ones(len(log_x))}  # powers that are still to be given away -> sum over what was given so far
    for column in log_x.T:
        after = {rest: value.copy() for rest, value in sums.items()}  # this expert has the power 0
        for rest, value in sums.items():
            for power in set(rest):
                fewer = list(rest)
                fewer.remove(power)
                key = tuple(fewer)
                after[key] = after.get(key, 0.0) + value * np.exp(column * power / n)
        sums = after
    return sums[()]


def _largest_error(coefficients: dict[tuple[int, ...], float], alpha: float, n: int, num_experts: int) -> float:
    """Largest relative error for more experts than powers, over x of three different sizes, each of some experts."""
    levels = -np.concatenate([[0.0], np.geomspace(0.02, 30 / alpha, 30)])
    log_x = np.array([
        np.repeat([0.0, b, c], [i, j, num_experts - i - j])
        for i in range(1, num_experts + 1) for j in range(num_experts - i + 1)
        for b, c in itertools.combinations(levels, 2)
    ])
    target = np.exp(alpha * log_x).sum(1) ** (1 / alpha)
    found = sum(c * _geometric_means(log_x, k, n) for k, c in coefficients.items())
    return float(np.abs(found / target - 1).max())


def _fit(
    coefficients: dict[tuple[int, ...], float], parts: list[tuple[int, ...]], alpha: float, n: int, size: int
) -> float:
    """Add the coefficients of products of `size` different experts; returns the largest relative error."""
    from scipy.optimize import linprog

    count = {2: 400, 3: 40, 4: 16, 5: 10}.get(size, 7)
    levels = -np.concatenate([[0.0], np.geomspace(0.02, 30 / alpha, count)])
    log_x = np.array([(0.0, *c) for c in itertools.combinations_with_replacement(levels, size - 1)])
    target = np.exp(alpha * log_x).sum(1) ** (1 / alpha)
    base = sum(c * _geometric_means(log_x, k, n) for k, c in coefficients.items()) / target - 1
    columns = np.array([_geometric_means(log_x, k, n) / target for k in parts]).reshape(len(parts), len(target)).T
    bound = -np.ones((len(target), 1))
    solution = linprog(
        np.append(np.zeros(len(parts)), 1.0), A_ub=np.block([[columns, bound], [-columns, bound]]),
        b_ub=np.concatenate([-base, base]), bounds=[(0, None)] * (len(parts) + 1), method="highs",
    )
    coefficients.update({k: float(c) for k, c in zip(parts, solution.x[:-1], strict=True) if c > 1e-9})
    return float(solution.x[-1])


@AGGREGATORS.register("hoelder")
@dataclass(frozen=True)
class HoelderPool(Aggregator):
    """q ~ (sum_m w_m q_m^alpha)^(1/alpha): the barycenter under the alpha-divergence, argmin_q sum_m w_m D_a(q_m || q).

    alpha = 1 is the mixture of experts, alpha -> 0 their geometric mean, alpha = 1/2 the barycenter under the squared
    Hellinger distance. For alpha = 1/n it is exactly a mixture of Gaussians, by the multinomial theorem: the powers of
    Gaussians that occur integrate to Gaussians. For other alpha it is replaced by the mixture of
    :func:`expansion`, whose unnormalised density differs from the pool's by a factor of about 1 +- :meth:`error` at
    most: 0.2 to 4 percent for two and three experts, up to 15 for five, and growing with every further one, for which
    there are no coefficients (alpha 0.7: 22 percent for six, 46 for ten). The pool itself, for any alpha, is
    :meth:`exact`, in one and two dimensions.

    Pooled are the whole vectors z. In many dimensions the terms of several experts have hardly any mass, because the
    experts hardly overlap in all dimensions at once, and the pool is nearly the mixture of the experts with weights
    w_m^(1/alpha), see :meth:`shared_mass`. Pooled dimension by dimension it would be a product of D mixtures, that is
    a mixture of K^D Gaussians, which no posterior here can hold; `HellingerMoments` needs its moments alone and has
    `per_dimension`.

    Parameters
    ----------
    alpha : float
        In (0, 1]. So small that it would take more than 4,096 components, it raises when it is called; `geometric` is
        the limit.

    References
    ----------
    Amari, Neural Computation 2007 (alpha-integration); arXiv 2606.13381 (Hoelder++).
    """

    alpha: float = 0.5

    title: ClassVar[str] = "Hölder pool (alpha)"
    short: ClassVar[str] = "Hölder"
    order: ClassVar[float] = 80
    divergence: ClassVar[str] = "alpha-divergence (alpha = 1/2: squared Hellinger distance)"
    minimises: ClassVar[str] = "alpha"
    family: ClassVar[Family] = "density"
    formula: ClassVar[str] = r"q(z) \propto \Big(\sum_m w_m\, q_m(z)^{\alpha}\Big)^{1/\alpha}"

    def __post_init__(self) -> None:
        require_number("alpha", self.alpha, lambda a: 0 < a <= 1, "a number in (0, 1]")

    def exact(
        self, loc: Tensor, covariance: Tensor, present: Tensor | None = None, weights: Tensor | None = None
    ) -> GridPool:
        """The pool itself for one item in one or two dimensions, normalised by quadrature.

        Parameters
        ----------
        loc, covariance, present, weights
            See `Aggregator.full`, with B = 1.
        """
        experts = prepare_full(loc.double(), covariance.double(), present, weights,
                               Checks(self.validate_args))
        here = experts.item_weights[:, 0] > 0
        if not bool(here.any()):
            raise ValueError("present: expected at least one expert, got none")
        mixture = FullPosterior(experts.item_weights[here], experts.loc[here], experts.covariance[here])
        return GridPool.of(mixture, self.alpha)

    def divergence_options(self) -> dict[str, float]:
        """See `Aggregator.divergence_options`."""
        return {"alpha": self.alpha}

    def error(self, num_experts: int) -> float:
        """Largest relative error of the unnormalised density, 0 if 1/alpha is an integer."""
        return expansion(self.alpha, num_experts).error

    def shared_mass(self, loc: Tensor, scale: Tensor) -> Tensor:
        """Mass of the terms that more than one expert has a part in: experts (M, B, D) -> (B,) in [0, 1]."""
        several = torch.from_numpy((expansion(self.alpha, len(loc)).exponents > 0).sum(1) > 1)
        return self(loc, scale).weights[several.to(loc.device)].sum(0)

    def aggregate(self, experts: Experts) -> Posterior:
        """See `Aggregator.aggregate`."""
        exponents, log_weights, valid = self._terms(experts)
        loc, scale, log_integral = diagonal.normal_of_powers(exponents, experts.loc, experts.scale)
        return with_prior(self._normalised(log_weights + log_integral, valid), loc, scale, valid, experts.everyone)

    def aggregate_full(self, experts: FullExperts) -> FullPosterior:
        """See `Aggregator.aggregate_full`."""
        exponents, log_weights, valid = self._terms(experts)
        loc, covariance, log_integral = full_covariance.normal_of_powers(exponents, experts.loc, experts.covariance)
        return full_with_prior(self._normalised(log_weights + log_integral, valid), loc, covariance, valid)

    def held(self, num_modalities: int) -> Tensor:
        """See `Aggregator.held`: the experts that a term of the expansion has a power of."""
        return torch.from_numpy(expansion(self.alpha, num_modalities).exponents > 0)

    def worked_formula(self, case: OneDimension) -> Worked:
        """See `Aggregator.worked_formula`."""
        terms, mean, scale = heaviest(case.joint, case.d)
        return Worked([rf"\alpha &= {number(self.alpha)}", *total("q(z)", terms, in_line=1),
                       *moments(mean, scale)], mean, scale)

    def _terms(self, experts: Experts | FullExperts) -> tuple[Tensor, Tensor, Tensor]:
        """Exponents (K, M), logarithms of the weights before the integrals (K, B), and what is present (K, B)."""
        exponents, log_coefficients = _expansion_on(self.alpha, len(experts.loc), experts.loc.device, experts.loc.dtype)
        weights = torch.where(experts.present, experts.item_weights, 1.0)
        valid = (exponents > 0).to(experts.loc) @ (~experts.present).to(experts.loc) == 0
        return exponents, log_coefficients.unsqueeze(1) + exponents @ weights.log() / self.alpha, valid

    @staticmethod
    def _normalised(log_weights: Tensor, valid: Tensor) -> Tensor:
        """Softmax over the valid terms, (K, B); zeros for an item that has none."""
        masked = torch.where(valid, log_weights, -1e300 if log_weights.dtype == torch.float64 else -1e30)
        return masked.softmax(0) * valid


@dataclass(frozen=True)
class GridPool:
    """A Hoelder pool of one item in one or two dimensions, by quadrature. What comparisons ask of a `FullPosterior`.

    Attributes
    ----------
    mixture : FullPosterior
        The experts with their weights, K = M, B = 1.
    alpha : float
    log_integral : Tensor
        (1,) of (sum_m w_m q_m^alpha)^(1/alpha).
    mean, total_covariance : Tensor
        (1, D), (1, D, D).
    """

    mixture: FullPosterior
    alpha: float
    log_integral: Tensor
    mean: Tensor
    total_covariance: Tensor

    @classmethod
    def of(cls, mixture: FullPosterior, alpha: float) -> GridPool:
        """Normalise and find the moments."""
        grid = quadrature_grid([mixture], reach=7.0, most=400)
        log_q = _log_power_mean(mixture, alpha, grid.points)  # (P, 1)
        log_integral = log_q.logsumexp(0) + grid.cell.log()
        mass = (log_q - log_integral).exp() * grid.cell  # (P, 1)
        mean = (mass.unsqueeze(-1) * grid.points).sum(0)  # (1, D)
        apart = grid.points - mean
        covariance = torch.einsum("pb,pbi,pbj->bij", mass, apart, apart)
        return cls(mixture, alpha, log_integral, mean, covariance)

    @property
    def num_components(self) -> int:
        """More than one: it is not a Gaussian."""
        return self.mixture.num_components + 1

    @property
    def loc(self) -> Tensor:
        """(K, 1, D): means of the experts."""
        return self.mixture.loc

    @property
    def convergence(self) -> None:
        """There is no iteration."""
        return None

    def log_prob(self, z: Tensor) -> Tensor:
        """See `Posterior.log_prob`."""
        return _log_power_mean(self.mixture, self.alpha, z) - self.log_integral


def _log_power_mean(mixture: FullPosterior, alpha: float, z: Tensor) -> Tensor:
    """log (sum_m w_m q_m(z)^alpha)^(1/alpha), (..., B)."""
    each = full_covariance.log_prob(z.unsqueeze(-3), mixture.loc, mixture.covariance)  # (..., K, B)
    return (alpha * each + mixture.weights.log()).logsumexp(-2) / alpha


@AGGREGATORS.register("helvae")
@dataclass(frozen=True)
class HellingerMoments(GaussianAggregator):
    """The Gaussian with the mean and covariance of the Hellinger barycenter (the pool with alpha = 1/2).

    Terms of two experts count as much as they overlap. As in the published code, that is the overlap of whole vectors:
    in many dimensions experts hardly overlap, and the rule is the moment-matched mixture with weights w_m^2. With
    `per_dimension`, ours, every dimension is pooled by itself, and what the experts agree on in a dimension counts
    there whatever they say in others.

    Parameters
    ----------
    per_dimension : bool
        Pool the marginals instead of the vectors. The same for one dimension. Full covariances have no dimensions of
        their own and raise.

    References
    ----------
    HELVAE: Vo & Valera, AISTATS 2026, arXiv 2601.06572, and its code.
    """

    per_dimension: bool = False

    title: ClassVar[str] = "Hellinger pool, one Gaussian (HELVAE)"
    short: ClassVar[str] = "HELVAE"
    order: ClassVar[float] = 90
    divergence: ClassVar[str] = "squared Hellinger distance, then forward KL to the nearest Gaussian"
    minimises: ClassVar[str] = "forward-kl"
    formula: ClassVar[str] = (
        r"\mu, \sigma^2:\; \text{mean and variance of}\; "
        r"q(z) \propto \Big(\sum_m w_m \sqrt{\mathcal N(z;\, \mu_m, \sigma_m^2)}\Big)^{2}"
    )

    def barycenter(self, experts: Experts) -> tuple[Tensor, Tensor]:
        """See `GaussianAggregator.barycenter`."""
        pool, shape = self._pool(experts), experts.loc.shape[1:]
        return pool.mean.view(shape), variance_to_scale(pool.variance.view(shape), experts)

    def _pool(self, experts: Experts) -> Posterior:
        """The pool of B vectors, or with `per_dimension` those of B x D numbers."""
        if not self.per_dimension:
            return HoelderPool(0.5).aggregate(experts)
        m, b, d = experts.loc.shape
        # Every dimension of every item as an item of one dimension.
        alone = Experts(experts.loc.reshape(m, b * d, 1), experts.scale.reshape(m, b * d, 1),
                        experts.weights.expand(m, b, d).reshape(m, b * d, 1),
                        experts.present.repeat_interleave(d, 1), everyone=experts.everyone)
        return HoelderPool(0.5).aggregate(alone)

    def full_barycenter(self, experts: FullExperts) -> FullGaussian:
        """See `GaussianAggregator.full_barycenter`. Raises ValueError with `per_dimension`."""
        if self.per_dimension:
            raise ValueError("helvae: expected diagonal covariances with per_dimension, got full ones")
        pool = HoelderPool(0.5).aggregate_full(experts)
        return FullGaussian(pool.mean, pool.total_covariance)

    def targets(self, experts: FullExperts) -> list[tuple[Tensor, FullPosterior]]:
        """See `Aggregator.targets`: the pool alone."""
        return [(torch.ones_like(experts.loc[0, :, 0]), HoelderPool(0.5).aggregate_full(experts))]

    def worked_formula(self, case: OneDimension) -> Worked:
        """See `Aggregator.worked_formula`: the pool, whose moments are read off it."""
        pool = self._pool(case.experts)
        terms, mean, scale = heaviest(pool.items([case.d]), 0) if self.per_dimension else heaviest(pool, case.d)
        return Worked([*total(r"\text{pool}", terms, in_line=1), rf"\mu &= \text{{its mean}} = {number(mean)}",
                       rf"\sigma &= \text{{its sd}} = {number(scale)}"], mean, scale)
