"""Objectives against slow implementations that loop over items, modalities and subsets."""

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

import bvae
from bvae.aggregators import aggregator
from bvae.aggregators.subsets import subset_membership
from bvae.objectives import objective


@pytest.fixture
def case():
    torch.manual_seed(3)
    modalities = [bvae.Modality(n, "image", (3, 8, 8)) for n in "abc"]
    x = {m.name: torch.rand(2, *m.shape) for m in modalities}
    return modalities, x, torch.ones(3, 2, dtype=torch.bool)


def standard(like):
    return Independent(Normal(torch.zeros_like(like), torch.ones_like(like)), 1)


def log_likelihood(model, x, z):
    return sum(Normal(mean, 0.3).log_prob(x[n]).sum((-1, -2, -3)) for n, mean in model.decode(z).items())


def test_elbo_of_mwb_against_a_loop_over_all_subsets(case):
    """Averaged over many draws of noise and assignment, the loss is the mean over subsets of the exact ELBO terms."""
    modalities, x, present = case
    model = bvae.MultimodalVAE(modalities, aggregator("mwb"), bvae.ModelConfig(2, 4))
    bound = objective("elbo", beta=2.0)
    generator = torch.Generator().manual_seed(0)
    repeated = {n: v.repeat(2000, 1, 1, 1) for n, v in x.items()}
    with torch.no_grad():
        ours = bound(model, repeated, present.repeat(1, 2000), generator)
        loc, scale, _ = model.experts(x)
        reconstruction, kl = torch.zeros(2), torch.zeros(2)
        for members in subset_membership(3):
            mean, std = loc[members].mean(0), scale[members].mean(0)
            z = mean + std * torch.randn(4000, 2, 2, generator=generator)
            reconstruction -= log_likelihood(model, x, z).mean(0) / 7
            kl += kl_divergence(Independent(Normal(mean, std), 1), standard(mean)) / 7
    torch.testing.assert_close(ours.kl.view(2000, 2).mean(0), kl, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ours.reconstruction.view(2000, 2).mean(0), reconstruction, rtol=2e-3, atol=0)


def test_mmvae_uses_the_density_of_the_whole_mixture(case):
    modalities, x, present = case
    model = bvae.MultimodalVAE(modalities, aggregator("moe"), bvae.ModelConfig(2, 4))
    bound = objective("elbo", kl="sampled")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        ours = bound(model, {n: v.repeat(4000, 1, 1, 1) for n, v in x.items()}, present.repeat(1, 4000), generator)
        loc, scale, _ = model.experts(x)
        estimate = torch.zeros(2)
        for m in range(3):
            z = loc[m] + scale[m] * torch.randn(20_000, 2, 2, generator=generator)
            mixture = torch.stack([Independent(Normal(loc[k], scale[k]), 1).log_prob(z) for k in range(3)])
            estimate += (mixture.logsumexp(0) - torch.tensor(3.0).log() - standard(z).log_prob(z)).mean(0) / 3
    torch.testing.assert_close(ours.kl.view(4000, 2).mean(0), estimate, rtol=0.05, atol=0.02)


def test_mvae_is_the_sum_of_joint_and_unimodal_elbos(case):
    modalities, x, present = case
    present = present.clone()
    present[2, 1] = False
    model = bvae.MultimodalVAE(modalities, aggregator("poe", prior_expert="always"), bvae.ModelConfig(2, 4))
    bound = objective("mvae", beta=0.5)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        ours = bound(model, {n: v.repeat(3000, 1, 1, 1) for n, v in x.items()}, present.repeat(1, 3000), generator)
        loc, scale, _ = model.experts(x)
        for b in range(2):
            there = [m for m in range(3) if present[m, b]]
            kl, reconstruction = torch.zeros(()), torch.zeros(())
            for members in [there, *[[m] for m in there]]:
                precision = 1 + (scale[members, b] ** -2).sum(0)
                mean, std = (loc[members, b] / scale[members, b] ** 2).sum(0) / precision, precision.rsqrt()
                kl += kl_divergence(Independent(Normal(mean, std), 1), standard(mean))
                decoded = model.decode(mean + std * torch.randn(6000, 2, generator=generator))
                for m in members:
                    name = modalities[m].name
                    reconstruction -= Normal(decoded[name], 0.3).log_prob(x[name][b]).sum((-1, -2, -3)).mean()
            torch.testing.assert_close(ours.kl.view(3000, 2)[0, b], kl, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(ours.reconstruction.view(3000, 2)[:, b].mean(), reconstruction, rtol=2e-3,
                                       atol=0)


def test_bad_options_are_named():
    with pytest.raises(ValueError, match="beta: expected a non-negative number, got -1"):
        objective("elbo", beta=-1)
    with pytest.raises(ValueError, match="kl: expected one of .*'exact'"):
        objective("elbo", kl="exact")
    with pytest.raises(TypeError, match="has no option 'gamma'; its options are beta, kl"):
        objective("elbo", gamma=1)
