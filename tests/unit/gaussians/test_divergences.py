"""Divergences: three routes to each, and a newcomer."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import ot
import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from bvae.aggregators.verify.numerical import numerical_barycenter
from bvae.aggregators.verify.verification import divergence_agrees, random_experts, verify_divergences
from bvae.gaussians import divergences as d
from bvae.gaussians.posterior import FullPosterior, Posterior

F64 = torch.float64


def gaussians(dims, number=2, seed=0):
    experts = random_experts(dims, True, seed=seed, num_experts=number)
    return [FullPosterior.gaussian(experts.loc[m], experts.covariance[m]) for m in range(number)]


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in verify_divergences()}


@pytest.mark.parametrize("name", d.divergences())
def test_closed_form_quadrature_and_monte_carlo_agree(name, rows):
    row = rows[name]
    assert divergence_agrees(row), row
    assert row.closed_form is not None or row.quadrature is not None


@pytest.mark.parametrize("name", d.divergences())
@pytest.mark.parametrize("dims", [1, 2])
def test_zero_only_for_equal_distributions(name, dims):
    experts = random_experts(dims, correlated=name != "fisher-rao", num_experts=2)
    p, q = (FullPosterior.gaussian(experts.loc[m], experts.covariance[m]) for m in range(2))
    measure = d.divergence(name)
    assert abs(measure(p, p).value.item()) < 1e-9
    assert measure(q, p).value.item() > 0.01


@pytest.mark.parametrize("name", d.divergences())
def test_diagonal_and_full_representation_agree(name):
    experts = random_experts(2, correlated=False, num_experts=2)
    full = [FullPosterior.gaussian(experts.loc[m], experts.covariance[m]) for m in range(2)]
    scale = experts.covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    diagonal = [Posterior.gaussian(experts.loc[m], scale[m]) for m in range(2)]
    measure = d.divergence(name)
    a, b = measure(*full), measure(*diagonal)
    torch.testing.assert_close(a.value, b.value)


@pytest.mark.parametrize("name", [n for n in d.divergences() if n not in ("wasserstein", "fisher-rao")])
def test_mixtures_by_quadrature_against_monte_carlo(name):
    p = FullPosterior.of(mixture(2))
    (q,) = gaussians(2, 1, seed=5)
    measure = d.divergence(name)
    exact, sampled = measure(q, p), measure.by_monte_carlo(q, p, 100_000)
    assert exact.method == "quadrature"
    assert sampled.method == "Monte Carlo"
    assert abs(exact.value - sampled.value) < 4.5 * sampled.error + 2 * exact.error


def mixture(dims):
    g = torch.Generator().manual_seed(7)
    loc = 2 * torch.randn(3, 1, dims, generator=g, dtype=F64)
    scale = torch.rand(3, 1, dims, generator=g, dtype=F64) + 0.3
    return Posterior(torch.tensor([[0.2], [0.5], [0.3]], dtype=F64), loc, scale)


def test_more_than_two_dimensions_without_a_closed_form_report_a_standard_error():
    p, q = (FullPosterior.gaussian(0.3 * x.loc[0], x.covariance[0]) for x in gaussians(5))
    estimate = d.divergence("jensen-shannon")(q, p)
    assert estimate.method == "Monte Carlo"
    repeats = torch.stack([d.divergence("jensen-shannon")(q, p, seed=s).value for s in range(60)])
    # The reported standard error is the spread of repeated estimates.
    assert 0.7 < (repeats.std() / estimate.error).item() < 1.4


def test_kl_against_torch_distributions():
    p, q = gaussians(3)
    theirs = [MultivariateNormal(x.loc[0], x.covariance[0]) for x in (p, q)]
    torch.testing.assert_close(d.divergence("reverse-kl")(p, q).value, kl_divergence(*theirs))
    torch.testing.assert_close(d.divergence("forward-kl")(p, q).value, kl_divergence(*theirs[::-1]))


def test_wasserstein_against_pot():
    p, q = gaussians(3)
    theirs = ot.gaussian.bures_wasserstein_distance(
        *(x.loc[0, 0].numpy() for x in (p, q)), *(x.covariance[0, 0].numpy() for x in (p, q)))
    np.testing.assert_allclose(d.divergence("wasserstein")(p, q).value.item(), theirs**2, rtol=1e-9)


def test_wasserstein_bounds_of_mixtures_hold_on_a_line():
    """In one dimension W2 is known: the distance of the quantile functions."""
    q, p = mixture(1), Posterior.gaussian(torch.tensor([[0.5]], dtype=F64), torch.tensor([[0.8]], dtype=F64))
    estimate = d.divergence("wasserstein")(q, p)
    assert estimate.method == "bounds"
    x = torch.linspace(-15, 15, 200_001, dtype=F64)
    cumulated = [torch.cumsum(r.log_prob(x.view(-1, 1, 1))[:, 0].exp(), 0) * 1.5e-4 for r in (q, p)]
    levels = np.linspace(1e-7, 1 - 1e-7, 400_001)
    quantiles = [np.interp(levels, c.numpy(), x.numpy()) for c in cumulated]
    exact = np.trapezoid((quantiles[0] - quantiles[1]) ** 2, levels)
    low, high = estimate.value.item(), (estimate.value + estimate.error).item()
    assert low - 1e-3 <= exact <= high + 1e-3
    assert low > 0


def test_limits_of_alpha():
    p, q = gaussians(2)
    near = d.divergence("alpha", alpha=1e-5)(q, p).value
    torch.testing.assert_close(near, d.divergence("reverse-kl")(q, p).value, rtol=1e-3, atol=0)
    torch.testing.assert_close(d.divergence("alpha", alpha=1.0)(q, p).value, d.divergence("forward-kl")(q, p).value)
    torch.testing.assert_close(d.divergence("renyi", alpha=0.99999)(q, p).value, d.divergence("forward-kl")(q, p).value,
                               rtol=1e-3, atol=0)
    torch.testing.assert_close(d.divergence("alpha", alpha=0.5)(q, p).value / 4, d.divergence("hellinger")(q, p).value)


def test_bad_names_options_and_unavailable_pairs_are_named():
    with pytest.raises(ValueError, match=r"unknown divergence 'renyu'; there are .*Did you mean 'renyi'"):
        d.divergence("renyu")
    with pytest.raises(TypeError, match="'jeffreys' has no option 'alpha'; it has none"):
        d.divergence("jeffreys", alpha=0.5)
    with pytest.raises(ValueError, match=r"alpha: expected a number in \(0, 1\), got 1"):
        d.divergence("renyi", alpha=1)
    with pytest.raises(ValueError, match=r"alpha: expected a number in \(0, 1\], got 1.5"):
        d.divergence("alpha", alpha=1.5)
    with pytest.raises(d.Unavailable, match="correlated"):
        d.divergence("fisher-rao")(*gaussians(2))
    with pytest.raises(d.Unavailable, match="no closed form"):
        d.divergence("fisher-rao")(mixture(2), mixture(2))


@pytest.mark.parametrize("name", ["reverse-kl", "jensen-shannon", "renyi", "hellinger", "alpha"])
def test_a_barycenter_of_any_divergence(name):
    """Two mirrored experts: the barycenter is in the middle; its cost is stationary and not above any neighbour's."""
    loc = torch.tensor([[[-1.0]], [[1.0]]], dtype=F64)
    scale = torch.full((2, 1, 1), 0.8, dtype=F64)
    measure = d.divergence(name)
    best = numerical_barycenter((loc, scale), measure, family="diagonal")
    assert best.converged.all(), str(best)
    assert abs(best.posterior.mean.item()) < 1e-6

    def cost(mean, std):
        q = Posterior.gaussian(torch.tensor([[mean]], dtype=F64), torch.tensor([[std]], dtype=F64))
        return sum(0.5 * measure(q, Posterior.gaussian(loc[m], scale[m])).value.item() for m in range(2))

    std = best.posterior.scale.item()
    for mean, other in ((0.05, std), (-0.05, std), (0, 1.05 * std), (0, std / 1.05)):
        assert cost(mean, other) > best.objective.item()


def test_what_does_not_converge_says_so():
    loc = torch.tensor([[[-1.0]], [[1.5]], [[0.2]]], dtype=F64)
    best = numerical_barycenter((loc, torch.full((3, 1, 1), 0.5, dtype=F64)), d.divergence("total-variation"),
                                tolerance=1e-12)
    assert not best.converged.all()
    assert "NOT converged for 1 of 1 items, largest gradient norm" in str(best)


def test_a_new_divergence_has_its_barycenter_at_once():
    """|mu - mu_m|^2 + (log s - log s_m)^2: means of means, geometric means of scales."""

    @dataclass(frozen=True)
    class LogScale(d.Divergence):
        title: ClassVar[str] = "log-scale"

    @d.register_closed_form(LogScale, "diagonal", "diagonal")
    def _(measure, q, p):
        return ((q.loc[0] - p.loc[0]).square() + (q.scale[0] / p.scale[0]).log().square()).sum(-1)

    g = torch.Generator().manual_seed(0)
    loc, scale = torch.randn(3, 4, 2, generator=g), torch.rand(3, 4, 2, generator=g) + 0.2
    weights = torch.tensor([0.2, 0.3, 0.5])
    best = numerical_barycenter((loc, scale), LogScale(), weights, "diagonal")
    assert best.converged.all(), str(best)
    w = weights.view(3, 1, 1).double()
    torch.testing.assert_close(best.posterior.loc[0], (w * loc).sum(0), atol=1e-7, rtol=1e-7)
    torch.testing.assert_close(best.posterior.scale[0], (w * scale.log()).sum(0).exp(), atol=1e-7, rtol=1e-7)
    del d.CLOSED_FORMS[LogScale, "diagonal", "diagonal"]
    with pytest.raises(ValueError, match=r"weights: expected shape \(3,\) or \(3, 4\), .*got \(2,\)"):
        numerical_barycenter((loc, scale), LogScale(), torch.ones(2) / 2)


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("name", ["total-variation", "jensen-shannon"])
def test_quadrature_that_steps_over_a_peak_says_so(name, dims):
    loc = torch.full((1, dims), 0.0137, dtype=F64)
    needle = Posterior.gaussian(loc, torch.full_like(loc, 1e-6))
    wide = Posterior.gaussian(torch.zeros_like(loc), torch.ones_like(loc))
    estimate = d.divergence(name)(needle, wide)
    truth = {"total-variation": 1.0, "jensen-shannon": 0.6931}[name]
    assert abs(estimate.value.item() - truth) <= estimate.error.item()


def test_gradient_of_the_monte_carlo_estimate():
    """Against the gradient of the closed form, in three dimensions."""
    loc = torch.tensor([[0.3, -0.2, 0.1]], dtype=F64, requires_grad=True)
    scale = torch.tensor([[0.8, 1.0, 1.2]], dtype=F64, requires_grad=True)
    p = Posterior.gaussian(torch.zeros(1, 3, dtype=F64), torch.ones(1, 3, dtype=F64))
    q = Posterior.gaussian(loc, scale)
    measure = d.divergence("reverse-kl")
    exact = torch.autograd.grad(measure(q, p).value.sum(), (loc, scale))
    sampled = torch.autograd.grad(measure.by_monte_carlo(q, p, 400_000).value.sum(), (loc, scale))
    for a, b in zip(exact, sampled, strict=True):
        torch.testing.assert_close(b, a, atol=0.02, rtol=0)


def test_barycenter_without_a_closed_form_in_three_dimensions():
    """KL, once with its closed form and once as an integral over fixed points."""

    @dataclass(frozen=True)
    class Plain(d.Divergence):
        title: ClassVar[str] = "forward KL as an integral"

        def integrand(self, log_q, log_p):
            return log_p.exp() * (log_p - log_q)

    g = torch.Generator().manual_seed(0)
    loc, scale = torch.randn(2, 1, 3, generator=g), torch.rand(2, 1, 3, generator=g) + 0.6
    exact = numerical_barycenter((loc, scale), d.divergence("forward-kl"), family="diagonal")
    found = numerical_barycenter((loc, scale), Plain(), family="diagonal")
    assert found.converged.all(), str(found)
    torch.testing.assert_close(found.posterior.mean, exact.posterior.mean, atol=0.05, rtol=0)
    torch.testing.assert_close(found.posterior.scale, exact.posterior.scale, atol=0.05, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": torch.tensor([0.1, 0.2])}, "weights: expected the sum 1"),
        ({"weights": torch.tensor([1.5, -0.5])}, "weights: expected non-negative"),
        ({"family": "foo"}, "family: expected one of .*'foo'"),
        ({"tolerance": -1}, "tolerance: expected a positive number"),
        ({"experts": (torch.zeros(2, 1, 2), -torch.ones(2, 1, 2))}, "scale: expected positive, finite"),
        ({"experts": (torch.full((2, 1, 2), torch.nan), torch.ones(2, 1, 2))}, "loc: expected finite means"),
    ],
)
def test_bad_input_of_the_numerical_barycenter_is_named(change, message):
    experts = (torch.zeros(2, 1, 2), torch.ones(2, 1, 2))
    arguments = {"experts": experts, "divergence": d.divergence("jeffreys"), **change}
    with pytest.raises(ValueError, match=message):
        numerical_barycenter(**arguments)
    with pytest.raises(ValueError, match=r"q, p: expected the same B and D, got \(2, 3\) and \(5, 3\)"):
        d.divergence("jeffreys")(Posterior.gaussian(torch.zeros(2, 3), torch.ones(2, 3)),
                                 Posterior.gaussian(torch.zeros(5, 3), torch.ones(5, 3)))
