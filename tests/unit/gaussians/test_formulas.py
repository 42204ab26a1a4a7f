"""Pure functions on Gaussians against torch.distributions, quadrature and POT."""

import numpy as np
import ot
import torch
from torch.distributions import Independent, Normal, kl_divergence

from bvae.aggregators.comparison import distances, gelbrich
from bvae.gaussians import diagonal, full_covariance
from bvae.gaussians.posterior import Posterior


def normal(loc, scale):
    return Independent(Normal(loc, scale), 1)


def test_density_entropy_and_kl_against_torch(experts):
    loc, scale = experts
    p, q = normal(loc[0], scale[0]), normal(loc[1], scale[1])
    z = torch.randn(6, 3, dtype=torch.float64)
    torch.testing.assert_close(diagonal.log_prob(z, loc[0], scale[0]), p.log_prob(z))
    torch.testing.assert_close(diagonal.entropy(scale[0]), p.entropy())
    torch.testing.assert_close(diagonal.kl(loc[0], scale[0], loc[1], scale[1]), kl_divergence(p, q))
    standard = normal(torch.zeros_like(loc[0]), torch.ones_like(scale[0]))
    torch.testing.assert_close(diagonal.kl_to_standard(loc[0], scale[0]), kl_divergence(p, standard))


def test_wasserstein_distance_against_pot(experts):
    loc, scale = experts
    ours = diagonal.wasserstein2(loc[0], scale[0], loc[1], scale[1])
    for b in range(6):
        theirs = ot.gaussian.bures_wasserstein_distance(
            loc[0, b].numpy(), loc[1, b].numpy(), np.diag(scale[0, b] ** 2), np.diag(scale[1, b] ** 2)
        )
        np.testing.assert_allclose(ours[b].item(), theirs, rtol=1e-6)


def test_wasserstein_barycenter_against_pot(experts):
    loc, scale = experts
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    mean, spread = diagonal.wasserstein_barycenter(
        loc, scale, weights.view(4, 1, 1).expand(4, 6, 1), torch.ones(1, 4, dtype=torch.float64)
    )
    for b in range(6):
        covariances = np.stack([np.diag(s**2) for s in scale[:, b].numpy()])
        their_mean, their_covariance = ot.gaussian.bures_wasserstein_barycenter(
            loc[:, b].numpy(), covariances, weights=weights.numpy(), num_iter=2000, eps=1e-12
        )
        np.testing.assert_allclose(mean[0, b].numpy(), their_mean, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(np.diag(spread[0, b].numpy() ** 2), their_covariance, rtol=1e-5, atol=1e-8)


def test_product_against_quadrature():
    """The normalised product of powers of densities on a fine grid has our mean and variance."""
    loc, scale = torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64), torch.tensor([0.5, 1.5, 0.9], dtype=torch.float64)
    exponents = torch.tensor([0.7, 1.0, 0.2], dtype=torch.float64)
    x = torch.linspace(-15, 15, 60_001, dtype=torch.float64)
    unnormalised = (exponents[:, None] * Normal(loc[:, None], scale[:, None]).log_prob(x)).sum(0).exp()
    mass = torch.trapezoid(unnormalised, x)
    mean = torch.trapezoid(x * unnormalised, x) / mass
    variance = torch.trapezoid((x - mean) ** 2 * unnormalised, x) / mass
    ours, spread = diagonal.product(
        loc.view(3, 1, 1), scale.view(3, 1, 1), exponents.view(3, 1, 1), torch.ones(1, 3, dtype=torch.float64)
    )
    torch.testing.assert_close(ours.squeeze(), mean)
    torch.testing.assert_close(spread.squeeze() ** 2, variance)


def test_distances_to_a_gaussian_are_the_closed_forms(experts):
    loc, scale = experts
    q = Posterior.gaussian(loc[0], scale[0])
    far = distances(loc, scale, q)
    assert far.exact
    assert (far.wasserstein2[0] == 0).all()
    torch.testing.assert_close(
        far.kl_to_aggregate[1], kl_divergence(normal(loc[1], scale[1]), normal(loc[0], scale[0]))
    )
    torch.testing.assert_close(
        far.kl_from_aggregate[1], kl_divergence(normal(loc[0], scale[0]), normal(loc[1], scale[1]))
    )


def test_distances_to_a_mixture_agree_with_the_closed_forms_when_it_is_one_gaussian(experts):
    loc, scale = experts
    single = Posterior.gaussian(loc[0], scale[0])
    doubled = Posterior(torch.full((2, 6), 0.5, dtype=torch.float64), loc[[0, 0]], scale[[0, 0]])
    exact, estimated = distances(loc, scale, single), distances(loc, scale, doubled, num_samples=100_000)
    assert not estimated.exact
    torch.testing.assert_close(estimated.wasserstein2[1:], exact.wasserstein2[1:], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(estimated.kl_to_aggregate, exact.kl_to_aggregate, rtol=0.03, atol=0.03)
    torch.testing.assert_close(estimated.kl_from_aggregate, exact.kl_from_aggregate, rtol=0.03, atol=0.03)


def test_gelbrich_bound_against_discrete_optimal_transport():
    """In one dimension W2 is the distance of the quantile functions: the bound lies below it, and not far."""
    q = Posterior(torch.tensor([[0.5], [0.5]]).double(), torch.tensor([[[-1.0]], [[1.0]]]).double(),
                  torch.full((2, 1, 1), 0.8).double())
    loc, scale = torch.zeros(1, 1, 1).double(), torch.full((1, 1, 1), 0.7).double()
    levels = (torch.arange(20_000).double() + 0.5) / 20_000
    mixture = torch.quantile(q.rsample((400_000,), generator=torch.Generator().manual_seed(0)).flatten(), levels)
    distance = (mixture - Normal(0.0, 0.7).icdf(levels)).square().mean().sqrt()
    bound = gelbrich(loc, scale, q).squeeze()
    assert bound <= distance * 1.01
    torch.testing.assert_close(bound, distance, rtol=0.1, atol=0)


def test_the_matrix_square_root_has_right_first_and_second_derivatives():
    """Also where eigenvalues are equal; a constant in `backward` would make the second one wrong without an error."""
    g = torch.Generator().manual_seed(0)
    root = torch.randn(2, 3, 3, generator=g, dtype=torch.float64)
    general = root @ root.mT + torch.eye(3)
    for matrix in (general, torch.eye(3, dtype=torch.float64).expand(2, 3, 3).clone()):
        matrix.requires_grad_()
        assert torch.autograd.gradcheck(full_covariance.sqrtm, matrix)
        assert torch.autograd.gradgradcheck(full_covariance.sqrtm, matrix)
    a, b = general[:1].detach().requires_grad_(), general[1:].detach().requires_grad_()
    assert torch.autograd.gradgradcheck(full_covariance.matrix_geometric_mean, (a, b))
