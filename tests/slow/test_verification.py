"""The table of `python -m bvae barycenters --verify`, row by row, and the rules' characters."""

import itertools

import pytest
import torch

import bvae
from bvae.aggregators import AGGREGATORS, Mixture, aggregator, name_of, options_of
from bvae.aggregators.hoelder import expansion
from bvae.aggregators.verify.verification import CASES, agrees, all_cases, verify
from bvae.gaussians.posterior import FullPosterior

F64 = torch.float64
ids = [name + "".join(f"-{v}" for v in options.values()) for name, options in CASES]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_second_route(case):
    for row in verify((case,)):
        assert agrees(row, aggregator(case[0]).family == "density"), row
        if row.library:
            assert float(row.library.split()[-1]) < 1e-6, row


def test_a_newcomer_is_in_the_table_the_day_it_registers(monkeypatch):
    from bvae.aggregators.moe import MomentMatching

    assert {name for name, _ in all_cases()} >= set(AGGREGATORS)
    monkeypatch.setitem(AGGREGATORS._entries, "newcomer", MomentMatching)
    assert ("newcomer", {}) in all_cases()
    assert all(agrees(row, False) for row in verify((("newcomer", {}),)))


def test_a_wrong_rule_is_found_out(monkeypatch):
    """The table can fail: a barycenter that is a little off disagrees."""
    from bvae.aggregators.wasserstein import WassersteinBarycenter

    right = WassersteinBarycenter.full_barycenter
    monkeypatch.setattr(WassersteinBarycenter, "full_barycenter",
                        lambda self, e: right(self, e)._replace(loc=right(self, e).loc + 1e-4))
    assert not any(agrees(row, False) for row in verify((("wasserstein", {}),)))


# -- full covariance ---------------------------------------------------------------------------------------------------


@pytest.fixture
def correlated(generator):
    factor = torch.randn(4, 6, 3, 3, generator=generator, dtype=F64)
    loc = torch.randn(4, 6, 3, generator=generator, dtype=F64)
    return loc, factor @ factor.mT + 0.2 * torch.eye(3, dtype=F64)


SHIPPED = list(dict.fromkeys(name for name, _ in CASES if "(" not in name))  # the characters below are theirs
FULL = [name for name in SHIPPED if name != "fisher-rao"]


@pytest.mark.parametrize("name", SHIPPED)
def test_on_a_line_full_and_diagonal_agree(name, experts):
    loc, scale = (t[..., :1] for t in experts)
    present = torch.rand(4, 6, generator=torch.Generator().manual_seed(0)) < 0.7
    present[:, 3] = False
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=F64)
    rule = aggregator(name)
    a, b = rule(loc, scale, present, weights), rule.full(loc, scale.square().unsqueeze(-1), present, weights)
    torch.testing.assert_close(a.mean, b.mean)
    torch.testing.assert_close(a.variance, b.total_covariance[..., 0])
    z = torch.randn(5, 6, 1, dtype=F64)
    torch.testing.assert_close(a.log_prob(z), b.log_prob(z))


@pytest.mark.parametrize("name", FULL)
def test_rotating_the_space_rotates_the_barycenter(name, correlated):
    loc, covariance = correlated
    rotation, _ = torch.linalg.qr(torch.randn(3, 3, dtype=F64, generator=torch.Generator().manual_seed(3)))
    rule = aggregator(name)
    q = rule.full(loc, covariance)
    turned = rule.full(loc @ rotation.mT, rotation @ covariance @ rotation.mT)
    torch.testing.assert_close(turned.mean, q.mean @ rotation.mT, atol=1e-7, rtol=1e-7)
    torch.testing.assert_close(turned.total_covariance, rotation @ q.total_covariance @ rotation.mT, atol=1e-7,
                               rtol=1e-7)


@pytest.mark.parametrize("name", FULL)
def test_full_gradients_match_finite_differences(name, correlated):
    loc, covariance = (t[:3, :1, ..., :2].contiguous() for t in correlated)
    covariance = covariance[..., :2, :].clone()
    covariance[0] = torch.eye(2)  # equal eigenvalues too
    inputs = [loc.clone().requires_grad_(), covariance.requires_grad_(),
              torch.tensor([0.3, -0.2, 0.1], dtype=F64, requires_grad=True)]
    z = torch.tensor([[0.3, -0.4]], dtype=F64)

    def density(loc, covariance, logits):
        symmetric = 0.5 * (covariance + covariance.mT)
        return aggregator(name).full(loc, symmetric, weights=logits.softmax(0)).log_prob(z)

    torch.autograd.gradcheck(density, inputs, atol=1e-5)


def test_iterations_report_how_they_ended(correlated):
    for name in ("wasserstein", "jeffreys", "mwb", "mixture(jeffreys)"):
        report = aggregator(name).full(*correlated).convergence
        assert report.converged.all()
        assert 1 < report.iterations < 200
        assert (report.residual <= 1e-12).all()


def test_an_iteration_that_is_cut_short_says_so(correlated):
    from bvae.gaussians import full_covariance

    _, report = full_covariance.bures_barycenter(correlated[1], torch.full((4, 6), 0.25, dtype=F64), max_iterations=2)
    assert not report.converged.any()
    assert report.iterations == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c[:3], r"covariance: expected shape \(M, B, D, D\) = \(4, 6, 3, 3\), got \(3, 6, 3, 3\)"),
        (lambda c: -c, "covariance: expected positive definite matrices, got the eigenvalue -"),
        (lambda c: c * torch.nan, "covariance: expected finite numbers"),
        (lambda c: c + torch.triu(torch.ones(3, 3), 1), "covariance: expected symmetric"),
    ],
)
@pytest.mark.parametrize("name", SHIPPED)
def test_bad_covariances_are_named(name, change, message, correlated):
    loc, covariance = correlated
    with pytest.raises(ValueError, match=message):
        aggregator(name).full(loc, change(covariance))


def test_fisher_rao_refuses_correlated_experts(correlated):
    with pytest.raises(ValueError, match="covariance: expected diagonal matrices"):
        aggregator("fisher-rao").full(*correlated)


# -- what the rules are like -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_when_all_experts_agree(name):
    """Everything keeps what all believe, except the product, which becomes M times as precise."""
    loc, scale = torch.full((5, 1, 2), 0.7, dtype=F64), torch.full((5, 1, 2), 0.6, dtype=F64)
    q = aggregator(name)(loc, scale)
    torch.testing.assert_close(q.mean, loc[0])
    ratio = (q.variance / scale[0].square())[0, 0].item()
    expected = {"poe": 1 / 5, "code": (1 + 4 * 0.5) / 5}.get(name, 1.0)
    if name == "mopoe":  # mean over subsets of 1 / size
        expected = sum([5 / 1, 10 / 2, 10 / 3, 5 / 4, 1 / 5]) / 31
    assert ratio == pytest.approx(expected)


@pytest.mark.parametrize("name", SHIPPED)
def test_one_weight_of_one_leaves_that_expert(name, experts):
    loc, scale = experts
    q = aggregator(name)(loc, scale, weights=torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=F64))
    torch.testing.assert_close(q.mean, loc[1])
    torch.testing.assert_close(q.variance, scale[1].square())


def test_precision_against_the_number_of_experts():
    """PoE sharpens with every copy of an expert; the barycenters of total weight 1 do not."""
    widths = {}
    for name in SHIPPED:
        widths[name] = [aggregator(name)(torch.zeros(m, 1, 1), torch.ones(m, 1, 1)).variance.item() for m in (1, 2, 4)]
    assert widths["poe"] == pytest.approx([1, 1 / 2, 1 / 4])
    for name in ("geometric", "moe", "moment", "wasserstein", "mwb", "hoelder", "helvae", "jeffreys", "fisher-rao"):
        assert widths[name] == pytest.approx([1, 1, 1], rel=1e-5), name
    assert 1 > widths["code"][1] > widths["poe"][1]
    assert 1 > widths["mopoe"][2] > widths["poe"][2]


@pytest.mark.parametrize("name", SHIPPED)
def test_experts_that_quarrel(name):
    """Two sharp experts four apart: who stays sure, who covers both, who stays between."""
    q = aggregator(name)(torch.tensor([[[-2.0]], [[2.0]]], dtype=F64), torch.full((2, 1, 1), 0.5, dtype=F64))
    assert q.mean.item() == pytest.approx(0, abs=1e-9)
    std = q.variance.sqrt().item()
    sure, same, wide = ("poe", "code"), ("geometric", "wasserstein"), (
        "moe", "moment", "hoelder", "helvae", "jeffreys", "fisher-rao", "mopoe", "mwb")
    assert (std < 0.5 - 1e-6) == (name in sure)
    assert (std == pytest.approx(0.5)) == (name in same)
    assert (std > 0.6) == (name in wide)


def test_hoelder_runs_from_the_geometric_mean_to_the_mixture(experts):
    loc, scale = experts
    mixture = aggregator("moe")(loc, scale)
    one = aggregator("hoelder", alpha=1.0)(loc, scale)
    torch.testing.assert_close(one.variance, mixture.variance)
    far = [(aggregator("hoelder", alpha=1 / n)(0.5 * loc[:2], scale[:2]).mean -
            aggregator("geometric")(0.5 * loc[:2], scale[:2]).mean).abs().max().item() for n in (2, 8, 32, 128)]
    assert far[0] > 2 * far[1] > 4 * far[2] > 8 * far[3]  # towards the geometric mean as alpha -> 0
    # Between, the spread of the first dimension grows with alpha, without jumps between 1/n and its neighbours.
    spread = [aggregator("hoelder", alpha=a)(loc[:2], scale[:2]).variance.mean().item()
              for a in (0.2, 0.26, 1 / 3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)]
    assert all(a < b for a, b in itertools.pairwise(spread))


@pytest.mark.parametrize("alpha", [0.9, 0.7, 0.55, 0.45, 0.3])
def test_hoelder_approximation_keeps_its_bound(alpha, experts):
    """The unnormalised density is within the stated relative error of the power mean, at random points."""
    terms = expansion(alpha, 3)
    assert 0 < terms.error < 0.08
    log_x = 12 * torch.randn(4000, 3, dtype=F64, generator=torch.Generator().manual_seed(1))
    exact = torch.logsumexp(alpha * log_x, 1) / alpha
    exponents, coefficients = torch.from_numpy(terms.exponents), torch.from_numpy(terms.coefficients)
    ours = torch.logsumexp(log_x @ exponents.T + coefficients.log(), 1)
    assert ((ours - exact).exp() - 1).abs().max() < 1.3 * terms.error + 1e-9


def test_hoelder_that_would_need_too_many_components_says_so(experts):
    with pytest.raises(ValueError, match=r"alpha: expected one that takes at most 4096 components, got 0.01"):
        aggregator("hoelder", alpha=0.01)(*experts)
    for alpha in (0, -1, 1.01):
        with pytest.raises(ValueError, match=r"alpha: expected a number in \(0, 1\]"):
            aggregator("hoelder", alpha=alpha)
    with pytest.raises(ValueError, match=r"rho: expected a number in \[0, 1\)"):
        aggregator("code", rho=1.0)


def test_code_without_correlation_is_the_product(experts):
    a, b = aggregator("code", rho=0.0)(*experts), aggregator("poe")(*experts)
    torch.testing.assert_close(a.mean, b.mean)
    torch.testing.assert_close(a.variance, b.variance)


def test_code_against_the_matrices_of_its_paper(experts):
    loc, scale = experts
    q = aggregator("code", rho=0.4)(loc, scale)
    for b in range(6):
        for d in range(3):
            s = scale[:, b, d]
            matrix = 0.4 * torch.outer(s, s) + 0.6 * torch.diag(s.square())
            row = torch.linalg.inv(matrix).sum(0)
            assert q.mean[b, d].item() == pytest.approx((row @ loc[:, b, d] / row.sum()).item())
            assert q.variance[b, d].item() == pytest.approx((1 / row.sum()).item())


# -- mixtures of any rule ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("combined", "named"), [("mixture(poe)", "mopoe"), ("mixture(wasserstein)", "mwb")])
def test_named_mixtures_are_combinations(combined, named, experts):
    a, b = bvae.aggregator(combined)(*experts), bvae.aggregator(named)(*experts)
    torch.testing.assert_close(a.weights, b.weights)
    torch.testing.assert_close(a.loc, b.loc)
    torch.testing.assert_close(a.scale, b.scale)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_mixture_of_any_rule_is_the_rule_in_every_subset(name, experts):
    import itertools

    loc, scale = experts
    rule = aggregator(name)
    q = Mixture(rule)(loc, scale)
    z = torch.randn(2, 6, 3, dtype=F64)
    subsets = [s for r in range(1, 5) for s in itertools.combinations(range(4), r)]
    parts = torch.stack([rule(loc[list(s)], scale[list(s)]).log_prob(z) for s in subsets])
    torch.testing.assert_close(q.log_prob(z), parts.logsumexp(0) - torch.tensor(15.0, dtype=F64).log())


def test_names_and_options_give_a_rule_back():
    for name, options in (("poe", {"prior_expert": "full"}), ("mixture(hoelder)", {"alpha": 0.25}), ("mwb", {}),
                          ("mixture(code)", {"rho": 0.2, "num_subsets": 4})):
        rule = aggregator(name, **options)
        assert (name_of(rule), options_of(rule)) == (name, options)
        assert aggregator(name_of(rule), **options_of(rule)) == rule
    with pytest.raises(ValueError, match="unknown aggregator 'nothing'"):
        aggregator("mixture(nothing)")
    with pytest.raises(TypeError, match="'jeffreys' has no option 'alpha'"):
        aggregator("mixture(jeffreys)", alpha=0.5)


def test_sampled_subsets_estimate_the_kl_without_bias():
    """Ten modalities, 1,023 subsets, 8 drawn: the mean over calls is the mean over all, within 4 standard errors."""
    g = torch.Generator().manual_seed(0)
    loc, scale = torch.randn(10, 4, 3, generator=g, dtype=F64), torch.rand(10, 4, 3, generator=g, dtype=F64) + 0.2
    present = torch.ones(10, 4, dtype=torch.bool)
    present[3:, 1], present[:, 3] = False, False
    weights = torch.arange(1.0, 11.0, dtype=F64) / 55
    for w in (None, weights):
        exact = aggregator("mwb")(loc, scale, present, w).kl_to_prior()
        rule = aggregator("mwb", num_subsets=8)
        draws = torch.stack([rule(loc, scale, present, w, generator=g).kl_to_prior() for _ in range(400)])
        assert draws.shape[1:] == (4,)
        error = draws.std(0) / 400**0.5
        assert ((draws.mean(0) - exact).abs() <= 4 * error + 1e-12).all()
        torch.testing.assert_close(exact[3], torch.tensor(0.0, dtype=F64))
    assert rule(loc, scale, present, generator=g).num_components == 8
    with pytest.raises(ValueError, match="num_subsets: expected a positive integer"):
        aggregator("mwb", num_subsets=0)
    with pytest.raises(ValueError, match="at most 16 modalities"):
        aggregator("mwb")(torch.zeros(17, 1, 1), torch.ones(17, 1, 1))


# -- weights of single dimensions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_weights_of_single_dimensions(name, experts):
    loc, scale = experts
    weights = torch.rand(4, 1, 3, generator=torch.Generator().manual_seed(0), dtype=F64)
    weights = weights / weights.sum(0)
    rule = aggregator(name)
    if name in ("moe", "hoelder", "helvae"):
        with pytest.raises(ValueError, match="expected one weight per modality"):
            rule(loc, scale, weights=weights)
        return
    q = rule(loc, scale, weights=weights)
    if name in ("mopoe", "mwb"):
        return
    for d in range(3):  # every dimension by itself
        alone = rule(loc[..., d : d + 1], scale[..., d : d + 1], weights=weights[:, 0, d])
        torch.testing.assert_close(q.mean[:, d : d + 1], alone.mean)
        torch.testing.assert_close(q.variance[:, d : d + 1], alone.variance)


def test_full_posterior_represents_a_diagonal_one(experts):
    q = aggregator("mwb")(*experts)
    full = FullPosterior.of(q)
    z = full.rsample((3,), generator=torch.Generator().manual_seed(0))
    assert z.shape == (3, 6, 3)
    torch.testing.assert_close(full.log_prob(z), q.log_prob(z))
    torch.testing.assert_close(full.total_covariance.diagonal(dim1=-2, dim2=-1), q.variance)
    with pytest.raises(ValueError, match=r"FullPosterior: expected weights \(K, B\)"):
        FullPosterior(q.weights, q.loc, q.scale)


# -- extremes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("num_experts", [2, 4, 5, 6, 8, 10])
@pytest.mark.parametrize("alpha", [0.95, 0.6, 0.45, 0.3, 1 / 3, 1.0])
def test_hoelder_for_any_number_of_experts(num_experts, alpha):
    g = torch.Generator().manual_seed(0)
    loc, scale = torch.randn(num_experts, 2, 3, generator=g), torch.rand(num_experts, 2, 3, generator=g) + 0.3
    rule = aggregator("hoelder", alpha=alpha)
    q = rule(loc, scale)
    torch.testing.assert_close(q.weights.sum(0), torch.ones(2))
    assert 0 <= rule.error(num_experts) < (0.16 if num_experts <= 5 else 0.5)  # no coefficients beyond five


def test_the_pool_itself_against_its_exact_mixture(correlated):
    loc, covariance = (t[:3, :1, ..., :2] for t in correlated)
    covariance = covariance[..., :2, :]
    rule = aggregator("hoelder", alpha=1 / 3)
    mixture, pool = rule.full(loc, covariance), rule.exact(loc, covariance)
    torch.testing.assert_close(pool.mean, mixture.mean, atol=1e-4, rtol=0)
    torch.testing.assert_close(pool.total_covariance, mixture.total_covariance, atol=1e-3, rtol=0)
    z = torch.randn(20, 1, 2, dtype=F64)
    torch.testing.assert_close(pool.log_prob(z), mixture.log_prob(z), atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", ["wasserstein", "jeffreys", "mwb", "code", "poe", "helvae"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("ratio", [1e2, 1e4])
def test_narrow_ellipses(name, dtype, ratio):
    """Axes that differ by a factor of 10 and 100, in all directions: finite, converged, with gradients."""
    g = torch.Generator().manual_seed(0)
    q, _ = torch.linalg.qr(torch.randn(3, 16, 2, 2, generator=g, dtype=F64))
    axes = torch.tensor([1.0, 1 / ratio], dtype=F64)
    covariance = ((q * axes) @ q.mT).to(dtype)
    covariance = (0.5 * (covariance + covariance.mT)).requires_grad_()
    loc = torch.randn(3, 16, 2, generator=g, dtype=F64).to(dtype).requires_grad_()
    made = aggregator(name).full(loc, covariance)
    assert made.loc.dtype == dtype
    if made.convergence is not None:
        assert made.convergence.converged.double().mean() > 0.9
    (made.covariance.sum() + made.loc.sum()).backward()
    for gradient in (loc.grad, covariance.grad):
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_softmax_that_has_gone_to_zero_keeps_its_gradients(name, experts):
    logits = torch.tensor([0.0, -80.0, 1.0, 0.5], requires_grad=True)
    q = aggregator(name)(*(t.float() for t in experts), weights=logits.softmax(0))
    (q.mean.sum() + q.variance.sum()).backward()
    assert torch.isfinite(logits.grad).all()


def test_sampled_subsets_refuse_learned_weights(experts):
    logits = torch.zeros(4, dtype=F64, requires_grad=True)
    with pytest.raises(ValueError, match="num_subsets: expected None with learned weights"):
        aggregator("mwb", num_subsets=3)(*experts, weights=logits.softmax(0))


def test_whole_numbers_and_odd_options_are_named():
    with pytest.raises(ValueError, match="loc: expected floating-point numbers, got torch.int64"):
        aggregator("moe")(torch.zeros(2, 1, 1, dtype=torch.int64), torch.ones(2, 1, 1))
    for value in ("x", True, None):
        with pytest.raises(ValueError, match="alpha: expected a number"):
            aggregator("hoelder", alpha=value)
        with pytest.raises(ValueError, match="rho: expected a number"):
            aggregator("code", rho=value)
