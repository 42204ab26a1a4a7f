"""Every rule and every divergence by a second route, as tables: ``python -m bvae barycenters --verify``.

Gaussian rules: the cost that the rule claims to minimise, at its closed form and at the minimum that a general
optimiser finds. Rules that are densities: the same among *all* densities on a grid. Then the mass by quadrature,
samples against `log_prob`, and other libraries' answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from bvae.aggregators import AGGREGATORS, aggregator
from bvae.aggregators.base import Aggregator
from bvae.aggregators.experts import FullExperts, prepare_full
from bvae.aggregators.verify.numerical import Family, grid_barycenter, minimise, narrow, starts
from bvae.gaussians.divergences import DIVERGENCES, Unavailable, divergence, quadrature_grid
from bvae.gaussians.posterior import FullPosterior, Posterior

# Rules with the options that change what they are; rules that are registered and not here are checked as they are.
CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("poe", {}), ("poe", {"prior_expert": "always"}), ("geometric", {}), ("moe", {}), ("moment", {}),
    ("wasserstein", {}), ("mopoe", {}), ("mwb", {}), ("mixture(jeffreys)", {}), ("hoelder", {"alpha": 0.5}),
    ("hoelder", {"alpha": 1 / 3}), ("hoelder", {"alpha": 0.7}), ("helvae", {}), ("jeffreys", {}), ("fisher-rao", {}),
    ("code", {"rho": 0.5}), ("code", {"rho": 0.0}),
)


class Row(NamedTuple):
    """What was found for one rule in one number of dimensions.

    Attributes
    ----------
    rule : str
    dims : int
    claim : str
        The divergence, and the family among which the rule is the minimiser.
    at_rule, at_minimum : float
        The cost at the closed form and at the numerical minimiser.
    gradient_norm : float
        Of the numerical minimiser.
    mean_difference, covariance_difference : float
        Largest absolute difference between the two.
    mass : float
        Of the rule's density, by quadrature.
    entropy_z : float
        Monte Carlo estimate of -E[log q] minus quadrature's, in standard errors.
    library : str
        Another library's answer and the largest difference to it, if it has one.
    """

    rule: str
    dims: int
    claim: str
    at_rule: float
    at_minimum: float
    gradient_norm: float
    mean_difference: float
    covariance_difference: float
    mass: float
    entropy_z: float
    library: str


def random_experts(dims: int, correlated: bool, seed: int = 20487, num_experts: int = 3) -> FullExperts:
    """Experts and weights of one item."""
    g = torch.Generator().manual_seed(seed)
    loc = 1.5 * torch.randn(num_experts, 1, dims, generator=g, dtype=torch.float64)
    factor = torch.randn(num_experts, 1, dims, dims, generator=g, dtype=torch.float64)
    covariance = 0.4 * factor @ factor.mT + 0.3 * torch.eye(dims, dtype=torch.float64)
    if not correlated:
        covariance = torch.diag_embed(covariance.diagonal(dim1=-2, dim2=-1))
    weights = torch.rand(num_experts, generator=g, dtype=torch.float64) + 0.3
    return prepare_full(loc, covariance, None, weights / weights.sum())


def all_cases() -> list[tuple[str, dict[str, Any]]]:
    """`CASES`, and every other registered rule that claims to minimise something over full covariances."""
    newcomers = [name for name in AGGREGATORS if name not in dict(CASES) and aggregator(name).minimises]
    return [*CASES, *((name, {}) for name in newcomers)]


def verify(cases: Sequence[tuple[str, dict[str, Any]]] | None = None, seed: int = 20487) -> Iterator[Row]:
    """One row for every case, in one and in two dimensions."""
    for name, options in all_cases() if cases is None else cases:
        rule = aggregator(name, **options)
        label = name + "".join(f" {k}={v:.3g}" if isinstance(v, float) else f" {k}={v}" for k, v in options.items())
        for dims in (1, 2):
            experts = random_experts(dims, correlated=rule.takes_correlated, seed=seed)
            yield _row(label, rule, experts)


def _row(label: str, rule: Aggregator, experts: FullExperts) -> Row:
    dims = experts.loc.shape[-1]
    q = rule.aggregate_full(experts)
    grid = quadrature_grid([q])
    log_q = q.log_prob(grid.points)  # (P, 1)
    mass = (log_q.exp().sum() * grid.cell).item()
    entropy = -(torch.where(log_q > -700, log_q.exp() * log_q, 0.0).sum() * grid.cell).item()
    z = q.rsample((40_000,), generator=torch.Generator().manual_seed(0))
    surprise = -q.log_prob(z)[:, 0]
    entropy_z = ((surprise.mean() - entropy) / (surprise.std() / len(surprise) ** 0.5)).item()
    if rule.family == "density":
        at_rule, at_minimum, gradient, mean, covariance, q_moments = _among_densities(rule, experts, q)
    else:
        family: Family = "full" if rule.takes_correlated else "diagonal"
        full = FullPosterior(experts.item_weights, experts.loc, experts.covariance)
        cost: Any = rule.cost  # takes a posterior of either kind
        best = minimise(lambda p, _: cost(p, experts)[0], starts(full, experts.item_weights), family)
        at_rule = cost(narrow(q, family), experts).item()
        at_minimum, gradient = best.objective.item(), best.gradient_norm.item()
        other = FullPosterior.of(best.posterior)
        mean, covariance, q_moments = other.mean[0], other.total_covariance[0], (q.mean[0], q.total_covariance[0])
    return Row(
        label, dims, rule.divergence or "-", at_rule, at_minimum, gradient,
        (mean - q_moments[0]).abs().max().item(), (covariance - q_moments[1]).abs().max().item(), mass, entropy_z,
        _library(rule, experts, q),
    )


def _among_densities(rule: Aggregator, experts: FullExperts, q: FullPosterior) -> tuple[Any, ...]:
    """The rule beside the best of all densities on one and the same grid."""
    measure = divergence(rule.minimises, **rule.divergence_options())
    targets = rule.targets(experts)
    best = grid_barycenter(targets, measure, 301 if q.loc.shape[-1] == 1 else 33)
    density = q.log_prob(best.points)[:, 0].exp()
    density = density / (density.sum() * best.cell)
    on_grid = best._replace(density=density)
    log_q = density.log()
    at_rule = torch.stack([
        w[0] * measure.finish(measure.integrand(log_q, p.log_prob(best.points)[:, 0]).sum() * best.cell)
        for w, p in targets]).sum()
    return at_rule.item(), best.objective, best.gradient_norm, best.mean, best.covariance, (on_grid.mean,
                                                                                          on_grid.covariance)


def _library(rule: Aggregator, experts: FullExperts, q: FullPosterior) -> str:
    """Another library's answer to the same question."""
    if rule.minimises == "wasserstein":
        import ot

        mean, covariance = ot.gaussian.bures_wasserstein_barycenter(
            experts.loc[:, 0].numpy(), experts.covariance[:, 0].numpy(), weights=experts.item_weights[:, 0].numpy(),
            num_iter=1000, eps=1e-12)
        far = max((q.loc[0, 0] - torch.from_numpy(mean)).abs().max().item(),
                  (q.covariance[0, 0] - torch.from_numpy(covariance)).abs().max().item())
        return f"POT {far:.1e}"
    if rule.minimises in ("reverse-kl", "forward-kl") and q.num_components == 1 and len(rule.targets(experts)) > 1:
        from torch.distributions import MultivariateNormal, kl_divergence

        ours = torch.distributions.MultivariateNormal(q.loc[0, 0], q.covariance[0, 0])
        total = torch.zeros((), dtype=torch.float64)
        for w, p in rule.targets(experts):
            theirs = MultivariateNormal(p.loc[0, 0], p.covariance[0, 0])
            pair = (ours, theirs) if rule.minimises == "reverse-kl" else (theirs, ours)
            total = total + w[0] * kl_divergence(*pair)
        return f"torch.distributions {(total - rule.cost(q, experts)[0]).abs().item():.1e}"
    return ""


class DivergenceRow(NamedTuple):
    """A divergence by three routes, between two Gaussians of two dimensions."""

    name: str
    closed_form: float | None
    quadrature: float | None
    quadrature_error: float | None
    monte_carlo: float | None
    monte_carlo_error: float | None


def verify_divergences(seed: int = 20487) -> Iterator[DivergenceRow]:
    """One row for every registered divergence. Monte Carlo is made to take the same two dimensions."""
    experts = random_experts(2, correlated=True, seed=seed, num_experts=2)
    pair = [FullPosterior.gaussian(experts.loc[m], experts.covariance[m]) for m in range(2)]
    diagonal = [Posterior.gaussian(p.loc[0], p.covariance[0].diagonal(dim1=-2, dim2=-1).sqrt()) for p in pair]
    for name in DIVERGENCES:
        measure = divergence(name)
        q, p = diagonal if name == "fisher-rao" else pair
        estimate = measure(q, p)
        closed = estimate.value.item() if estimate.method == "closed form" else None
        try:
            integral = measure.numerically(q, p)
            sampled = measure.by_monte_carlo(q, p, 200_000)
        except Unavailable:
            yield DivergenceRow(name, closed, None, None, None, None)
            continue
        if integral.method == "bounds":
            yield DivergenceRow(name, closed, integral.value.item(), integral.error.item(), None, None)
            continue
        yield DivergenceRow(name, closed, integral.value.item(), integral.error.item(), sampled.value.item(),
                            sampled.error.item())


def print_tables() -> bool:
    """Print both tables; returns whether all of it agrees within the tolerances that are printed with them."""
    good = True
    print("Three random experts with full covariance and random weights (diagonal for fisher-rao).")
    print("cost: the weighted sum of divergences that the rule claims to minimise; 'best' is what a general optimiser")
    print("finds among Gaussians, or among all densities on a grid for rules marked *.\n")
    print(f"{'rule':<26}D  {'cost, rule':>13} {'cost, best':>13} {'|gradient|':>10} {'d mean':>8} {'d cov':>8} "
          f"{'mass - 1':>9} {'MC, se':>7}  library")
    claims = {}
    for row in verify():
        name, *_ = row.rule.split()
        star = "*" if aggregator(name).family == "density" else " "
        ok = agrees(row, density=star == "*")
        good &= ok
        claims[row.rule] = row.claim
        print(f"{row.rule + star:<26}{row.dims}  {row.at_rule:>13.9f} {row.at_minimum:>13.9f} "
              f"{row.gradient_norm:>10.1e} {row.mean_difference:>8.1e} {row.covariance_difference:>8.1e} "
              f"{row.mass - 1:>9.1e} {row.entropy_z:>7.2f}  {row.library}{'' if ok else '  DISAGREES'}")
    print("\nWhat each minimises:")
    for rule, claim in claims.items():
        print(f"  {rule:<26}{claim}")
    print("\nDivergences between two Gaussians of two dimensions (diagonal for fisher-rao):")
    print(f"{'divergence':<18}{'closed form':>14} {'quadrature':>22} {'Monte Carlo':>24}")
    for two in verify_divergences():
        ok = divergence_agrees(two)
        good &= ok
        cell = ["-" if two.closed_form is None else f"{two.closed_form:.9f}"]
        cell.append("-" if two.quadrature is None else f"{two.quadrature:.9f} ±{two.quadrature_error:.0e}")
        cell.append("-" if two.monte_carlo is None else f"{two.monte_carlo:.5f} ±{two.monte_carlo_error:.5f}")
        print(f"{two.name:<18}{cell[0]:>14} {cell[1]:>22} {cell[2]:>24}{'' if ok else '  DISAGREES'}")
    print("\neverything agrees" if good else "\nNOT everything agrees")
    return good


def agrees(row: Row, density: bool) -> bool:
    """Whether the second route found the same, and nothing better.

    Gaussians: cost to 1e-9, moments to 1e-6. Densities: no density on the grid that the optimiser found costs less
    (1e-9), its own is within 1e-5, moments to 2e-3. A pool whose alpha is not 1/n is an approximation, see
    `HoelderPool`: cost 1e-3, moments 0.05. Mass to 1e-6, Monte Carlo within 4.5 standard errors.
    """
    approximate = row.rule == "hoelder alpha=0.7"
    above, below, moments = (1e-3, 1e-3, 0.05) if approximate else (1e-9, 1e-5, 2e-3) if density else (1e-9, 1e-9, 1e-6)
    size = 1 + abs(row.at_minimum)
    return (-below * size <= row.at_rule - row.at_minimum <= above * size
            and max(row.mean_difference, row.covariance_difference) <= moments
            and abs(row.mass - 1) <= 1e-6 and abs(row.entropy_z) <= 4.5)


def divergence_agrees(row: DivergenceRow) -> bool:
    """Closed form and quadrature to 1e-6 (and its own error), Monte Carlo within 4.5 standard errors."""
    values = [v for v in (row.closed_form, row.quadrature) if v is not None]
    ok = len(values) < 2 or abs(values[0] - values[1]) <= 1e-6 + 2 * (row.quadrature_error or 0)
    if row.monte_carlo is None:
        return ok
    return ok and abs(row.monte_carlo - values[-1]) <= 4.5 * (row.monte_carlo_error or 0) + 1e-6
