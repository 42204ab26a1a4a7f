"""Each rule against its formula written out, and the barycenters against a numerical minimiser."""

import itertools

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from bvae.aggregators import aggregator
from bvae.aggregators.subsets import subset_membership
from bvae.gaussians.diagonal import wasserstein2

WEIGHTS = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)


def test_poe_adds_precisions(experts):
    loc, scale = experts
    for prior, extra in (("never", 0), ("always", 1), ("full", 1)):
        q = aggregator("poe", prior_expert=prior)(loc, scale)
        precision = scale.pow(-2).sum(0) + extra
        torch.testing.assert_close(q.scale[0], precision.rsqrt())
        torch.testing.assert_close(q.loc[0], (loc / scale**2).sum(0) / precision)


def test_poe_prior_expert_full_needs_all_modalities(experts):
    loc, scale = experts
    present = torch.ones(4, 6, dtype=torch.bool)
    present[0, :3] = False
    q = aggregator("poe", prior_expert="full")(loc, scale, present)
    never, always = (aggregator("poe", prior_expert=p)(loc, scale, present) for p in ("never", "always"))
    torch.testing.assert_close(q.scale[:, :3], never.scale[:, :3])
    torch.testing.assert_close(q.scale[:, 3:], always.scale[:, 3:])


def test_poe_sharpens_with_the_number_of_experts_and_the_others_do_not():
    widths = {name: [] for name in ("poe", "geometric", "wasserstein", "moe")}
    for m in (1, 2, 4, 8):
        for name, width in widths.items():
            q = aggregator(name)(torch.zeros(m, 1, 1), torch.full((m, 1, 1), 0.5))
            width.append(q.variance.sqrt().item())
    assert widths.pop("poe") == pytest.approx([0.5 / m**0.5 for m in (1, 2, 4, 8)])
    for width in widths.values():
        assert width == pytest.approx([0.5] * 4)


def test_moe_is_the_mixture(experts):
    loc, scale = experts
    z = torch.randn(6, 3, dtype=torch.float64)
    q = aggregator("moe")(loc, scale, weights=WEIGHTS)
    written_out = sum(w * Normal(m, s).log_prob(z).sum(-1).exp() for w, m, s in zip(WEIGHTS, loc, scale, strict=True))
    torch.testing.assert_close(q.log_prob(z).exp(), written_out)


@pytest.mark.parametrize(
    ("name", "divergence"),
    [
        ("geometric", lambda q, p: kl_divergence(q, p).sum(-1)),
        ("wasserstein", lambda q, p: wasserstein2(q.loc, q.scale, p.loc, p.scale).square()),
    ],
)
def test_barycenters_minimise_their_divergence(name, divergence, experts):
    """A general-purpose minimiser, started elsewhere, ends at the closed form."""
    loc, scale = experts
    mean = torch.zeros(6, 3, dtype=torch.float64, requires_grad=True)
    log_scale = torch.zeros(6, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([mean, log_scale], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-16,
                                  line_search_fn="strong_wolfe")

    def objective():
        optimizer.zero_grad()
        q = Normal(mean, log_scale.exp())
        terms = [w * divergence(q, Normal(m, s)) for w, m, s in zip(WEIGHTS, loc, scale, strict=True)]
        value = torch.stack(terms).sum()
        value.backward()
        return value

    optimizer.step(objective)
    closed = aggregator(name)(loc, scale, weights=WEIGHTS)
    torch.testing.assert_close(closed.loc[0], mean.detach(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(closed.scale[0], log_scale.detach().exp(), atol=1e-5, rtol=1e-5)


def test_moe_minimises_forward_kl_among_mixtures(experts):
    """sum_m w_m KL(q_m || q) has its minimum at q = sum w q_m: other component weights do worse (Monte Carlo)."""
    loc, scale = experts
    z = Normal(loc, scale).sample((40_000,))  # (S, M, B, D): the same draws for both
    right = aggregator("moe")(loc, scale, weights=WEIGHTS)
    for other in ([0.4, 0.3, 0.2, 0.1], [0.15, 0.25, 0.25, 0.35]):
        wrong = aggregator("moe")(loc, scale, weights=torch.tensor(other, dtype=torch.float64))
        gain = sum(w * (right.log_prob(z[:, m]) - wrong.log_prob(z[:, m])).mean(0) for m, w in enumerate(WEIGHTS))
        assert (gain > 0).all()


def test_subsets_are_ordered_by_size_as_itertools_does():
    written_out = [c for n in range(1, 5) for c in itertools.combinations(range(4), n)]
    assert [tuple(row.nonzero().flatten().tolist()) for row in subset_membership(4)] == written_out


@pytest.mark.parametrize(("mixture", "inner"), [("mopoe", "poe"), ("mwb", "wasserstein")])
def test_mixtures_over_subsets_against_a_loop(mixture, inner, experts):
    loc, scale = experts
    q = aggregator(mixture)(loc, scale)
    assert q.num_components == 15
    torch.testing.assert_close(q.weights, torch.full((15, 6), 1 / 15, dtype=torch.float64))
    for k, members in enumerate(subset_membership(4)):
        one = aggregator(inner)(loc[members], scale[members])
        torch.testing.assert_close(q.loc[k], one.loc[0])
        torch.testing.assert_close(q.scale[k], one.scale[0])


def test_mixtures_over_subsets_with_weights_against_a_loop(experts):
    loc, scale = experts
    q = aggregator("mwb")(loc, scale, weights=WEIGHTS)
    raw = []
    for k, members in enumerate(subset_membership(4)):
        inside = WEIGHTS[members]
        one = aggregator("wasserstein")(loc[members], scale[members], weights=inside / inside.sum())
        torch.testing.assert_close(q.loc[k], one.loc[0])
        torch.testing.assert_close(q.scale[k], one.scale[0])
        raw.append(inside.log().mean().exp())
    torch.testing.assert_close(q.weights[:, 0], torch.stack(raw) / sum(raw))


def test_mopoe_prior_expert_only_in_the_full_set(experts):
    loc, scale = experts
    published, plain = (aggregator("mopoe", prior_expert=p)(loc, scale) for p in ("full", "never"))
    torch.testing.assert_close(published.scale[:-1], plain.scale[:-1])
    torch.testing.assert_close(published.scale[-1], (plain.scale[-1].pow(-2) + 1).rsqrt())


@pytest.mark.parametrize(("mixture", "inner"), [("mopoe", "poe"), ("mwb", "wasserstein")])
def test_conditional_of_a_mixture_is_its_component(mixture, inner, experts):
    loc, scale = experts
    conditional = aggregator(mixture).conditional()(loc, scale)
    torch.testing.assert_close(conditional.loc, aggregator(mixture)(loc, scale).loc[-1:])
    assert conditional.num_components == 1
    torch.testing.assert_close(conditional.scale, aggregator(inner)(loc, scale).scale)


@pytest.mark.parametrize("number", [2, 3, 5, 6, 8, 10])
def test_the_stated_error_of_a_hoelder_pool_holds_for_any_number_of_experts(number):
    """Against random positive numbers, among them equal ones and nearly nothing: never above, and reached."""
    from bvae.aggregators.hoelder import expansion

    alpha = 0.7
    terms = expansion(alpha, number)
    rng = np.random.default_rng(0)
    log_x = np.concatenate([-rng.exponential(rng.choice([0.1, 1.0, 5.0, 20.0], (4000, 1)), (4000, number)),
                            -60.0 * (np.arange(number) >= np.arange(1, number + 1)[:, None])])
    found = (terms.coefficients * np.exp(log_x @ terms.exponents.T)).sum(1)
    errors = np.abs(found / np.exp(alpha * log_x).sum(1) ** (1 / alpha) - 1)
    assert errors.max() <= 1.02 * terms.error + 1e-3
    assert errors.max() >= 0.6 * terms.error
    if number in (6, 8, 10):
        assert errors.max() == pytest.approx({6: 0.215, 8: 0.339, 10: 0.458}[number], abs=0.01)


def test_helvae_per_dimension_is_the_rule_for_every_dimension_alone():
    loc = torch.tensor([[0.0, 1.0, -2.0], [0.5, 1.0, 2.0], [9.0, 1.1, 0.0]]).unsqueeze(1)
    scale = torch.tensor([[1.0, 0.5, 1.0], [0.7, 0.5, 1.0], [1.0, 0.6, 3.0]]).unsqueeze(1)
    weights = torch.tensor([0.5, 0.3, 0.2])
    q = aggregator("helvae", per_dimension=True)(loc, scale, weights=weights)
    for d in range(3):
        one = aggregator("helvae")(loc[..., d:d + 1], scale[..., d:d + 1], weights=weights)
        torch.testing.assert_close(q.loc[..., d], one.loc[..., 0])
        torch.testing.assert_close(q.scale[..., d], one.scale[..., 0])
    whole = aggregator("helvae")(loc, scale, weights=weights)
    assert (q.loc - whole.loc).abs().max() > 0.01
    missing = torch.tensor([[True], [True], [False]])
    torch.testing.assert_close(aggregator("helvae", per_dimension=True)(loc, scale, present=missing).loc,
                               aggregator("helvae", per_dimension=True)(loc[:2], scale[:2]).loc)
    with pytest.raises(ValueError, match="per_dimension"):
        aggregator("helvae", per_dimension=True).full(loc, torch.diag_embed(scale.square()))


def test_terms_of_several_experts_have_mass_in_one_dimension_and_hardly_any_in_many():
    g = torch.Generator().manual_seed(0)
    loc, scale = torch.randn(3, 4, 32, generator=g), torch.full((3, 4, 32), 0.5)
    pool = aggregator("hoelder", alpha=0.5)
    assert (pool.shared_mass(loc, scale) < 1e-5).all()
    assert (pool.shared_mass(loc[..., :1], scale[..., :1]) > 0.1).any()
    moments, matched = aggregator("helvae")(loc, scale), aggregator("moment")(loc, scale)
    torch.testing.assert_close(moments.loc, matched.loc, atol=1e-4, rtol=0)
    torch.testing.assert_close(moments.scale, matched.scale, atol=1e-4, rtol=0)


def test_the_sharper_of_two_dependent_experts_decides_at_the_ratio_of_their_scales_and_beyond_it_is_corrected():
    loc, scale = torch.tensor([[[0.0]], [[1.0]]]), torch.tensor([[[1.0]], [[2.0]]])
    at = aggregator("code", rho=0.5)(loc, scale)
    torch.testing.assert_close((at.loc.item(), at.scale.item()), (0.0, 1.0))
    beyond = aggregator("code", rho=0.999)(loc, scale)
    assert (beyond.loc.item(), beyond.scale.item()) == pytest.approx((-0.994, 0.089), abs=0.001)
