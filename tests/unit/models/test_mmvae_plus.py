"""MMVAE+: the scale of its auxiliary prior, and the bound of several samples against everything written out."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal

import bvae
from bvae.aggregators import aggregator
from bvae.models.objectives import objective

D, P, S = 2, 2, 3
TIMES = 3000


@pytest.fixture
def case(three_views):
    modalities, x, present = three_views
    model = bvae.MultimodalVAE(modalities, aggregator("moe"),
                               bvae.ModelConfig(D, 2, private_dim=P, auxiliary_prior=True))
    with torch.no_grad():
        model.auxiliary_scale.copy_(torch.linspace(-0.7, 0.3, 6).view(3, 2))
    return modalities, model, x, present


def log_density(value, loc, scale):
    return Independent(Normal(loc, scale), 1).log_prob(value)


def slow(modalities, model, x, present, beta, seed):
    """The bound of S samples for each item, by its formula, averaged over many draws."""
    generator = torch.Generator().manual_seed(seed)
    loc, scale, _ = model.experts(x)
    zero, one = torch.zeros(D), torch.ones(D)
    losses = []
    for b in range(2):
        there = [m for m in range(3) if present[m, b]]
        total = torch.zeros(())
        for m in there:
            own = slice(D + P * m, D + P * (m + 1))
            z = loc[m, b, :D] + scale[m, b, :D] * torch.randn(TIMES, S, D, generator=generator)
            w = loc[m, b, own] + scale[m, b, own] * torch.randn(TIMES, S, P, generator=generator)
            parts = model.auxiliary_scales() * torch.randn(TIMES, S, 3, P, generator=generator)
            parts[:, :, m] = w
            decoded = model.decode(torch.cat([z, parts.flatten(2)], -1))
            log_p = sum(Normal(decoded[modalities[n].name], 0.3).log_prob(x[modalities[n].name][b]).sum((-1, -2, -3))
                        for n in there)
            mixture = torch.stack([log_density(z, loc[k, b, :D], scale[k, b, :D]) for k in there]).logsumexp(0)
            ratio = log_density(z, zero, one) - mixture + math.log(len(there))
            ratio = ratio + log_density(w, zero, one) - log_density(w, loc[m, b, own], scale[m, b, own])
            total = total - ((log_p + beta * ratio).logsumexp(1) - math.log(S)).mean() / len(there)
        losses.append(total)
    return torch.stack(losses)


def test_the_bound_of_several_samples_is_its_formula(case):
    modalities, model, x, present = case
    bound = objective("mmvae-plus-iwae", beta=1.5, num_samples=S, estimator="iwae")
    generator = torch.Generator().manual_seed(0)
    repeated = {n: v.repeat(TIMES, 1, 1, 1) for n, v in x.items()}
    with torch.no_grad():
        ours = bound(model, repeated, present.repeat(1, TIMES), generator).loss.view(TIMES, 2).mean(0)
        exact = slow(modalities, model, x, present, 1.5, 1)
    torch.testing.assert_close(ours, exact, rtol=5e-3, atol=0)


def test_one_sample_is_the_one_sample_bound(case):
    _, model, x, present = case
    generator = torch.Generator().manual_seed(0)
    repeated = {n: v.repeat(TIMES, 1, 1, 1) for n, v in x.items()}
    with torch.no_grad():
        losses = [objective(name, beta=1.5, **options)(model, repeated, present.repeat(1, TIMES), generator)
                  .loss.view(TIMES, 2).mean(0)
                  for name, options in (("mmvae-plus", {}), ("mmvae-plus-iwae", {"num_samples": 1}))]
    torch.testing.assert_close(losses[0], losses[1], rtol=5e-3, atol=0)


def test_the_doubly_reparameterised_gradient_changes_that_of_encoders_alone(case):
    """The value and the gradient of the decoders are the same with the same noise."""
    _, model, x, present = case
    found = {}
    for estimator in ("iwae", "dreg"):
        bound = objective("mmvae-plus-iwae", num_samples=S, estimator=estimator)
        loss = bound(model, x, present, torch.Generator().manual_seed(5)).loss.sum()
        decoders, encoders = list(model.decoders.parameters()), list(model.encoders.parameters())
        gradients = torch.autograd.grad(loss, decoders + encoders)
        found[estimator] = loss.detach(), gradients[: len(decoders)], gradients[len(decoders):]
    torch.testing.assert_close(found["iwae"][0], found["dreg"][0])
    torch.testing.assert_close(found["iwae"][1], found["dreg"][1], rtol=1e-3, atol=1e-3)
    assert any(not torch.allclose(a, b, rtol=1e-2) for a, b in zip(found["iwae"][2], found["dreg"][2], strict=True))


def test_the_auxiliary_scale_is_free_a_softmax_or_fixed():
    modalities = [bvae.Modality(n, "image", (1, 8, 8)) for n in "ab"]

    def made(kind):
        config = bvae.ModelConfig(2, 2, private_dim=4, auxiliary_prior=True, auxiliary=kind)
        return bvae.MultimodalVAE(modalities, aggregator("moe"), config)

    free, soft, fixed = (made(kind) for kind in ("free", "softmax", "fixed"))
    for model in (free, soft):
        torch.testing.assert_close(model.auxiliary_scales(), torch.ones(2, 4))
        with torch.no_grad():
            model.auxiliary_scale[0, 0] = 2.0
    torch.testing.assert_close(free.auxiliary_scales()[0, 0].item(), math.exp(2))
    torch.testing.assert_close(soft.auxiliary_scales().mean(1), torch.ones(2))
    assert soft.auxiliary_scales()[0, 0] > 2
    assert fixed.auxiliary_scale is None
    assert "auxiliary_scale" not in fixed.state_dict()
    torch.testing.assert_close(fixed.auxiliary_scales(), torch.full((2, 4), math.exp(-6)))
    x = {m.name: torch.rand(3, *m.shape) for m in modalities}
    out = objective("mmvae-plus")(fixed, x, torch.ones(2, 3, dtype=torch.bool), torch.Generator().manual_seed(0))
    assert out.loss.isfinite().all()
    assert bvae.MultimodalVAE(modalities, aggregator("moe")).auxiliary_scales() is None
    with pytest.raises(ValueError, match="auxiliary: expected one of free, softmax, fixed, got 'small'"):
        made("small")
