"""`Posterior` against torch.distributions and Monte Carlo."""

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from bvae.gaussians.posterior import Posterior


@pytest.fixture
def mixture(experts):
    loc, scale = experts
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64).unsqueeze(1).expand(4, 6)
    return Posterior(weights, loc, scale)


def reference(q):
    return MixtureSameFamily(Categorical(q.weights.T), Independent(Normal(q.loc.transpose(0, 1),
                                                                          q.scale.transpose(0, 1)), 1))


def test_density_and_moments_against_torch(mixture):
    z = torch.randn(9, 6, 3, dtype=torch.float64)
    theirs = reference(mixture)
    torch.testing.assert_close(mixture.log_prob(z), theirs.log_prob(z))
    torch.testing.assert_close(mixture.mean, theirs.mean)
    torch.testing.assert_close(mixture.variance, theirs.variance)


def test_density_integrates_to_one():
    q = Posterior(torch.tensor([[0.3], [0.7]]), torch.tensor([[[-2.0]], [[1.0]]]), torch.tensor([[[0.3]], [[1.2]]]))
    x = torch.linspace(-12, 12, 20_001)
    torch.testing.assert_close(torch.trapezoid(q.log_prob(x.view(-1, 1, 1)).exp().flatten(), x), torch.tensor(1.0))


def test_samples_follow_the_density(mixture, generator):
    z = mixture.rsample((200_000,), generator=generator)
    torch.testing.assert_close(z.mean(0), mixture.mean, atol=0.02, rtol=0)
    torch.testing.assert_close(z.var(0), mixture.variance, atol=0.03, rtol=0.02)


def test_a_component_of_weight_zero_counts_nowhere(generator):
    weights = torch.tensor([[1.0], [0.0]], requires_grad=True)
    loc = torch.tensor([[[0.0]], [[50.0]]], requires_grad=True)
    q = Posterior(weights, loc, torch.ones(2, 1, 1))
    z = torch.tensor([[50.0]])
    torch.testing.assert_close(q.log_prob(z), Normal(0.0, 1.0).log_prob(z).sum(-1))
    assert q.rsample((1000,), generator=generator).max() < 10
    q.log_prob(z).sum().backward()
    assert torch.isfinite(loc.grad).all()
    assert loc.grad[1] == 0


def test_same_generator_same_samples_and_same_noise_for_every_posterior(mixture):
    def noise(q):
        return q.rsample((2,), generator=torch.Generator().manual_seed(3))

    assert torch.equal(noise(mixture), noise(mixture))
    one = Posterior.gaussian(mixture.loc[0], mixture.scale[0])
    unit = noise(one) - one.mean
    components = [(noise(mixture) - mixture.loc[k]) / mixture.scale[k] for k in range(4)]
    same = torch.stack([torch.isclose(c, unit / one.scale[0]).all(-1) for c in components]).any(0)
    assert same.all()


def test_stratified_assignment_is_even_and_unbiased(mixture):
    wide = Posterior(*(t[:, :1].expand(t.shape[0], 1000, *t.shape[2:]) for t in
                       (mixture.weights, mixture.loc, mixture.scale)))
    counts = torch.zeros(4)
    first = torch.zeros(4)
    for seed in range(300):
        index = wide.stratified(torch.Generator().manual_seed(seed))
        seen = torch.bincount(index, minlength=4)
        assert (seen - 1000 * mixture.weights[:, 0]).abs().max() <= 1  # as even as it can be, in every batch
        counts += seen
        first[index[0]] += 1
    torch.testing.assert_close(first / 300, mixture.weights[:, 0].float(), atol=0.1, rtol=0)


def test_stratified_never_picks_weight_zero(generator):
    weights = torch.tensor([[0.0, 1.0, 0.5], [1.0, 0.0, 0.5], [0.0, 0.0, 0.0]]).repeat(1, 40)
    q = Posterior(weights, torch.zeros(3, 120, 1), torch.ones(3, 120, 1))
    index = q.stratified(generator)
    assert (weights.gather(0, index.unsqueeze(0)) > 0).all()


def test_kl_bound_and_estimate(mixture, generator):
    z = mixture.rsample((100_000,), generator=generator)
    estimate = mixture.sampled_kl_to_prior(z).mean(0)
    assert (estimate <= mixture.kl_to_prior() + 0.02).all()
    one = Posterior.gaussian(mixture.loc[1], mixture.scale[1])
    z = one.rsample((100_000,), generator=generator)
    torch.testing.assert_close(one.sampled_kl_to_prior(z).mean(0), one.kl_to_prior(), atol=0.02, rtol=0.02)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"expected weights \(K, B\), loc \(K, B, D\)"):
        Posterior(torch.ones(2), torch.zeros(2, 3), torch.ones(2, 3))


def test_components_of_weight_zero_change_no_distance_and_no_estimate():
    from bvae.aggregators import comparison

    g = torch.Generator().manual_seed(3)
    loc, scale = torch.randn(4, 1, 6, generator=g), torch.rand(4, 1, 6, generator=g) + 0.2
    weights = torch.tensor([[0.3], [0.0], [0.7], [0.0]])
    q = Posterior(weights, loc, scale)
    kept = q.alive()
    assert kept.num_components == 2
    assert Posterior.gaussian(loc[0], scale[0]).alive().num_components == 1
    z = torch.randn(50, 1, 6, generator=g)
    torch.testing.assert_close(kept.log_prob(z), q.log_prob(z))
    torch.testing.assert_close(comparison._mixture_log_prob(q, z), q.log_prob(z), rtol=1e-5, atol=1e-5)
    far = Posterior(weights, loc + 100, scale / 50)  # where float32 would run out of digits
    torch.testing.assert_close(comparison._mixture_log_prob(far, far.loc[:2]), far.log_prob(far.loc[:2]), rtol=1e-4,
                               atol=1e-3)
    one = Posterior(torch.tensor([[0.0], [1.0], [0.0], [0.0]]), loc, scale)
    found = comparison.distances(loc, scale, one)
    assert found.exact
    assert found.wasserstein2[1].item() == pytest.approx(0, abs=1e-3)
    assert comparison.entropy(one).error.item() == 0
