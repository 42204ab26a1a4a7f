"""What every registered aggregator must do. A new rule is tested here the day it registers."""

import contextlib
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal

import bvae
from bvae.aggregators import AGGREGATORS, LEARNED, Aggregator, LearnedAggregator, naming
from bvae.aggregators.worked import aligned, number
from tests.support import latex

ALL = [*AGGREGATORS.names(), "mixture(jeffreys)", "mixture(hoelder)", *LEARNED.names()]
rules = pytest.mark.parametrize("name", ALL)


def aggregator(name, dims=3):
    """The rule of that name; if it is a network, one with weights at random, in double precision as the experts are."""
    rule = bvae.aggregator(name)
    if not isinstance(rule, LearnedAggregator):
        return rule
    torch.manual_seed(0)
    return rule.with_network(rule.build(dims).double())


def assert_same(p, q, **tolerance):
    """Equal moments and equal densities at some points."""
    torch.testing.assert_close(p.mean, q.mean, **tolerance)
    torch.testing.assert_close(p.variance, q.variance, **tolerance)
    z = p.rsample((7,), generator=torch.Generator().manual_seed(0)).detach()
    torch.testing.assert_close(p.log_prob(z), q.log_prob(z), **tolerance)


@rules
def test_shapes_and_normalised_weights(name, experts):
    loc, scale = experts
    q = aggregator(name)(loc, scale)
    k = q.num_components
    assert q.loc.shape == q.scale.shape == (k, 6, 3)
    torch.testing.assert_close(q.weights.sum(0), torch.ones(6, dtype=torch.float64))
    assert (q.scale > 0).all()
    assert q.rsample((5,)).shape == (5, 6, 3)
    assert q.log_prob(torch.zeros(2, 6, 3, dtype=torch.float64)).shape == (2, 6)


@rules
def test_order_of_modalities_does_not_matter(name, experts):
    loc, scale = experts
    order = [2, 0, 3, 1]
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    rule = aggregator(name)
    assert_same(rule(loc, scale, weights=weights), rule(loc[order], scale[order], weights=weights[order]))


@rules
def test_items_do_not_see_each_other(name, experts):
    loc, scale = experts
    together = aggregator(name)(loc, scale)
    alone = aggregator(name)(loc[:, 2:3], scale[:, 2:3])
    assert_same(together.items([2]), alone)


@rules
def test_missing_is_the_same_as_not_there(name, experts):
    loc, scale = experts
    present = torch.ones(4, 6, dtype=torch.bool)
    present[1] = False
    keep = [0, 2, 3]
    rule = aggregator(name)
    nan_loc, nan_scale = loc.clone(), scale.clone()
    nan_loc[1], nan_scale[1] = torch.nan, -1.0  # what a missing expert holds is never read
    assert_same(rule(nan_loc, nan_scale, present), rule(loc[keep], scale[keep]))


@rules
def test_every_pattern_of_missing_modalities(name, experts):
    loc, scale = experts
    rule = aggregator(name)
    for pattern in itertools.product([False, True], repeat=4):
        present = torch.tensor(pattern).unsqueeze(1).expand(4, 6)
        keep = [m for m, there in enumerate(pattern) if there]
        q = rule(loc, scale, present)
        if keep:
            assert_same(q, rule(loc[keep], scale[keep]))
        else:
            torch.testing.assert_close(q.mean, torch.zeros_like(q.mean))
            torch.testing.assert_close(q.variance, torch.ones_like(q.variance))
            z = torch.randn(6, 3, dtype=torch.float64)
            torch.testing.assert_close(q.log_prob(z), Normal(0, 1).log_prob(z).sum(-1))


@rules
def test_masks_may_differ_between_items(name, experts, generator):
    loc, scale = experts
    present = torch.rand(4, 6, generator=generator) < 0.5
    present[:, 0] = False
    rule = aggregator(name)
    q = rule(loc, scale, present)
    for b in range(6):
        assert_same(q.items([b]), rule(loc[:, b : b + 1], scale[:, b : b + 1], present[:, b : b + 1]))


@rules
def test_a_weight_of_zero_removes_an_expert(name, experts):
    loc, scale = experts
    weights = torch.tensor([0.5, 0.0, 0.2, 0.3], dtype=torch.float64)
    keep = [0, 2, 3]
    rule = aggregator(name)
    assert_same(rule(loc, scale, weights=weights), rule(loc[keep], scale[keep], weights=weights[keep]))


# Rules that count experts (the exponents of a product) have no such limit; they say so.
@pytest.mark.parametrize("name", [name for name in ALL if not aggregator(name).counts_experts])
def test_a_weight_that_goes_to_zero_removes_an_expert_continuously(name, experts):
    loc, scale = experts
    small = torch.tensor([0.5, 1e-12, 0.2, 0.3], dtype=torch.float64)
    small = small / small.sum()
    none = torch.tensor([0.5, 0.0, 0.2, 0.3], dtype=torch.float64)
    rule = aggregator(name)
    nearly, gone = rule(loc, scale, weights=small), rule(loc, scale, weights=none)
    torch.testing.assert_close(nearly.mean, gone.mean, atol=2e-3, rtol=0)
    torch.testing.assert_close(nearly.variance, gone.variance, atol=5e-3, rtol=0)


@rules
def test_uniform_weights_are_the_default(name, experts):
    loc, scale = experts
    rule = aggregator(name)
    assert_same(rule(loc, scale), rule(loc, scale, weights=torch.full((4, 6), 0.25, dtype=torch.float64)))


@rules
def test_one_expert_alone_is_kept_as_it_is_or_the_rule_says_that_it_is_not(name, experts):
    loc, scale = experts
    q = aggregator(name)(loc[:1], scale[:1])
    if not aggregator(name).keeps_one:
        assert name in LEARNED
        assert not torch.isclose(q.mean, loc[0], rtol=0.01).any()
        return
    torch.testing.assert_close(q.mean, loc[0])
    torch.testing.assert_close(q.variance, scale[0].square())


@rules
def test_gradients_match_finite_differences(name, experts):
    loc, scale = (t[:3, :2, :2].clone().requires_grad_() for t in experts)
    logits = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64, requires_grad=True)
    z = torch.randn(2, 2, dtype=torch.float64)
    rule = aggregator(name, dims=2)

    def density(loc, scale, logits):
        return rule(loc, scale, weights=logits.softmax(0)).log_prob(z)

    torch.autograd.gradcheck(density, (loc, scale, logits))


@rules
def test_missing_experts_get_no_gradient(name, experts):
    loc, scale = (t.clone().requires_grad_() for t in experts)
    present = torch.ones(4, 6, dtype=torch.bool)
    present[2], present[:, 5] = False, False
    q = aggregator(name)(loc, scale, present)
    (q.mean.sum() + q.variance.sum() + q.log_prob(torch.zeros(6, 3, dtype=torch.float64)).sum()).backward()
    for gradient in (loc.grad, scale.grad):
        assert torch.isfinite(gradient).all()
        assert (gradient[2] == 0).all()
        assert (gradient[:, 5] == 0).all()
        assert (gradient[0, :5] != 0).any()


@rules
@settings(max_examples=50, deadline=None, derandomize=True)
@given(dtype=st.sampled_from([torch.float32, torch.float64]),
       exponents=st.lists(st.floats(-6, 6), min_size=6, max_size=6), seed=st.integers(0, 99))
def test_extreme_scales_stay_finite(name, dtype, exponents, seed):
    g = torch.Generator().manual_seed(seed)
    scale = (10.0 ** torch.tensor(exponents, dtype=dtype)).view(3, 1, 2).requires_grad_()
    loc = torch.randn(3, 1, 2, generator=g, dtype=dtype).requires_grad_()
    rule = aggregator(name, dims=2)
    q = rule(loc, scale)
    assert torch.isfinite(q.loc).all()
    assert (torch.isfinite(q.scale) & (q.scale > 0)).all()
    z = q.rsample(generator=g)
    loss = q.kl_to_prior().sum() + q.log_prob(z.detach()).sum() + z.sum()
    loss.backward()
    assert torch.isfinite(loc.grad).all()
    assert torch.isfinite(scale.grad).all()
    if rule.extrapolates:
        return
    # Every other rule's mean lies between the experts' means.
    slack = 1e-4 * loc.detach().abs().max()
    assert (q.mean >= loc.detach().min(0).values - slack).all()
    assert (q.mean <= loc.detach().max(0).values + slack).all()


@rules
def test_autocast_does_not_touch_the_rule(name, experts):
    loc, scale = (t.float() for t in experts)
    plain = aggregator(name)(loc, scale)
    with torch.autocast("cpu", torch.bfloat16):
        inside = aggregator(name)(loc, scale)
    assert torch.equal(plain.loc, inside.loc)
    assert torch.equal(plain.scale, inside.scale)


@rules
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: {**a, "loc": a["loc"][0]}, r"loc: expected shape \(M, B, D\), got \(6, 3\)"),
        (lambda a: {**a, "scale": a["scale"][:2]}, r"scale: expected the shape of loc"),
        (lambda a: {**a, "scale": -a["scale"]}, "scale: expected positive, finite"),
        (lambda a: {**a, "scale": a["scale"] * torch.inf}, "scale: expected positive, finite"),
        (lambda a: {**a, "loc": a["loc"] * torch.nan}, "loc: expected finite"),
        (lambda a: {**a, "present": torch.ones(4, dtype=torch.bool)}, r"present: expected bool of shape \(4, 6\)"),
        (lambda a: {**a, "present": torch.ones(4, 6)}, "present: expected bool"),
        (lambda a: {**a, "weights": torch.ones(3) / 3}, r"weights: expected shape \(4,\) or \(4, 6\), .*got \(3,\)"),
        (lambda a: {**a, "weights": torch.ones(4)}, "weights: expected the sum 1 over modalities, got 4"),
        (lambda a: {**a, "weights": torch.tensor([2.0, -1, 0, 0])}, "weights: expected non-negative numbers, got -1"),
    ],
)
def test_bad_input_is_named(name, change, message, experts):
    loc, scale = experts
    with pytest.raises(ValueError, match=message):
        aggregator(name)(**change({"loc": loc, "scale": scale}))


def test_unknown_names_and_options_say_what_there_is():
    with pytest.raises(ValueError, match=r"unknown aggregator 'wasserstien'; there are .*Did you mean 'wasserstein'"):
        bvae.aggregator("wasserstien")
    with pytest.raises(TypeError, match="'poe' has no option 'alpha'; its options are prior_expert"):
        bvae.aggregator("poe", alpha=1)
    with pytest.raises(ValueError, match="prior_expert: expected one of .*'sometimes'"):
        bvae.aggregator("mopoe", prior_expert="sometimes")


# -- what a rule is called, and its formula with numbers ---------------------------------------------------------------


@rules
def test_a_rule_has_a_title_a_short_name_a_place_and_a_formula_of_its_own(name):
    others = [n for n in ALL if n != name]
    for called in (naming.title, naming.short):
        assert called(name).strip()
        assert called(name) not in map(called, others)
    assert naming.ordered(ALL).count(name) == 1
    formula = aggregator(name).formula
    assert formula
    assert formula.count("{") == formula.count("}")


PATTERNS = (
    ([1, 1, 1, 1], None), ([1, 0, 1, 0], [0.5, 0.2, 0.2, 0.1]), ([0, 1, 0, 0], None), ([0, 0, 1, 1], None),
    ([1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4]), ([1, 1, 0, 1], [0.6, 0.0, 0.2, 0.2]),
)


@rules
def test_the_worked_formula_comes_to_what_the_rule_gives(name, experts):
    """Its mean and scale are the rule's, stand there, and follow from the digits that stand there."""
    rule, evaluated = aggregator(name), 0
    for b, (there, weights) in enumerate(PATTERNS):
        loc, scale = (t[:, b : b + 1] for t in experts)
        present = torch.tensor(there, dtype=torch.bool).unsqueeze(1)
        weights = None if weights is None else torch.tensor(weights, dtype=torch.float64)
        q = rule.conditional()(loc, scale, present, weights)
        for d in range(3):
            made = rule.worked_formula(latex.case(rule, loc, scale, d, present, weights))
            assert made.mean == pytest.approx(q.mean[0, d].item(), rel=1e-6, abs=1e-9)
            assert made.scale == pytest.approx(q.variance[0, d].sqrt().item(), rel=1e-6)
            text = aligned(made.lines)
            assert text.count("{") == text.count("}")
            assert all("&" in line for line in made.lines)
            assert number(made.mean) in text
            assert number(made.scale) in text
            for left, right, result in latex.sums(made.lines):
                if "mathcal" in right or "text" in result:
                    continue
                found, size = latex.value(right)
                assert found == pytest.approx(latex.value(result)[0], abs=0.02 * size), (left, right, result)
                evaluated += 1
            if (mixed := latex.written_mixture(made.lines)) is not None:
                assert mixed == pytest.approx((made.mean, made.scale), abs=0.02)
                evaluated += 1
    assert evaluated or type(rule).worked_formula is Aggregator.worked_formula


@rules
@pytest.mark.parametrize("dims", [1, 2])
def test_the_worked_formula_of_covariances_is_sound_and_adds_up_on_a_line(name, dims, experts):
    rule, weights = aggregator(name, dims), torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    loc, covariance = experts[0][:, :1, :dims], torch.diag_embed(experts[1][:, :1, :dims].square() + 0.5)
    has_a_form = False
    with contextlib.suppress(ValueError):
        rule.full(loc, covariance)
        has_a_form = True
    for there in ([1, 1, 1, 1], [1, 0, 0, 1], [0, 1, 0, 0]) if has_a_form else ():
        present = torch.tensor(there, dtype=torch.bool).unsqueeze(1)
        lines = rule.worked_covariances(latex.in_the_plane(rule, loc, covariance, present, weights))
        assert lines
        assert all("&" in line and line.count("{") == line.count("}") for line in lines)
        for left, right, result in latex.sums(lines) if dims == 1 else ():
            found, size = latex.value(right)
            assert found == pytest.approx(latex.value(result)[0], abs=0.03 * size + 0.02), (left, right, result)
