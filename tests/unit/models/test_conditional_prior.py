"""Private latents below shared ones: p(w | z) and q(w | x, z), against densities in w itself, and the bound of both."""

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

import bvae
from bvae.aggregators import aggregator
from bvae.models.objectives import objective
from bvae.models.priors import ConditionalPrior
from bvae.samplers.private import best_private, fit_private, private_draws
from bvae.training.settings import Settings

D, P = 2, 3
TIMES = 4000


def moved(module):
    """With weights under which p(w | z) depends on z."""
    with torch.no_grad():
        for prior in (part for part in module.modules() if isinstance(part, ConditionalPrior)):
            prior.out.weight.normal_(0, 0.4)
            prior.out.bias.normal_(0, 0.5)
    return module


def made(modalities, rule="mwb", **options):
    model = bvae.MultimodalVAE(
        modalities, aggregator(rule, **options), bvae.ModelConfig(D, 4, private_dim=P, conditional_prior=True))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1.3)
    return moved(model)


def in_w(model, m, loc, scale, start, z):
    """Mean and standard deviation of q(w | x, z) and of p(w | z), by precisions in w and nothing of `carried`."""
    prior = list(model.decoders.values())[m].prior
    (a, b), (a_z, b_z) = prior.moments(start), prior.moments(z)
    said = (a + b * loc, b * scale.clamp_max(1))
    word = said[1] ** -2 - b ** -2  # of q(w | x, start) / p(w | start)
    tilt = said[0] * said[1] ** -2 - a * b ** -2
    precision = word + b_z ** -2
    return (tilt + a_z * b_z ** -2) / precision, precision ** -0.5, a_z, b_z


def test_it_begins_at_the_standard_normal_and_is_that_in_its_own_units():
    prior = ConditionalPrior(D, P)
    z, e = torch.randn(5, D), torch.randn(5, P)
    torch.testing.assert_close(prior.moments(z), (torch.zeros(5, P), torch.ones(5, P)))
    torch.testing.assert_close(prior(torch.cat([z, e], 1)), torch.cat([z, e], 1))
    a, b = moved(prior).moments(z)
    assert (b > 0).all()
    assert a.std(0).min() > 0.01
    torch.testing.assert_close(prior(torch.cat([z, e], 1))[:, D:], a + b * e)


def test_what_a_view_says_is_multiplied_by_the_prior_of_another_z():
    """By numbers on a line: the density of w at z' is p(w | z') q(w | x, z) / p(w | z), normalised."""
    torch.manual_seed(0)
    prior = moved(ConditionalPrior(D, P))
    start, end, loc, scale = torch.randn(D), torch.randn(D), torch.randn(P), torch.rand(P) * 0.8 + 0.1
    w = torch.linspace(-30, 30, 200001, dtype=torch.float64)
    a, b, a_end, b_end = (v.detach().double() for v in (*prior.moments(start), *prior.moments(end)))
    got = [v.detach().double() for v in prior.carried(loc, scale, start, end)]
    for k in range(P):
        density = (Normal(a_end[k], b_end[k]).log_prob(w) + Normal(a[k] + b[k] * loc[k], b[k] * scale[k]).log_prob(w)
                   - Normal(a[k], b[k]).log_prob(w)).softmax(0)
        mean = (density * w).sum()
        std = (density * (w - mean) ** 2).sum().sqrt()
        torch.testing.assert_close(a_end[k] + b_end[k] * got[0][k], mean, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(b_end[k] * got[1][k], std, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(prior.carried(loc, scale, start, start), (loc, scale))
    nothing = prior.carried(torch.zeros(P), torch.ones(P), start, end)
    torch.testing.assert_close(nothing, (torch.zeros(P), torch.ones(P)))
    wide = prior.carried(torch.zeros(P), torch.full((P,), 3.0), start, end)  # less than nothing is taken for nothing
    torch.testing.assert_close(wide, nothing)


def slow(model, modalities, x, present, private, generator, chosen=True):
    """Reconstruction error and divergence of each item, every component in turn, in w and not in its units."""
    loc, scale, _ = model.experts(x, present)
    q = model.shared(model.aggregate(model.experts(x, present)))
    held = model.aggregator.held(3)
    reconstruction, kl = torch.zeros(2), torch.zeros(2)
    networks = [decoder.network for decoder in model.decoders.values()]
    for b in range(2):
        for k, weight in enumerate((q.weights if chosen else q.weights.detach())[:, b]):
            if weight == 0:
                continue
            z = q.loc[k, b] + q.scale[k, b] * torch.randn(TIMES, D, generator=generator)
            to_prior = kl_divergence(Independent(Normal(q.loc[k, b], q.scale[k, b]), 1),
                                     Independent(Normal(torch.zeros(D), torch.ones(D)), 1))
            error = torch.zeros(())
            for m in range(3):
                own = slice(D + m * P, D + (m + 1) * P)
                mean, std, a, b_z = in_w(model, m, loc[m, b, own], scale[m, b, own], loc[m, b, :D], z)
                w = a
                if held[k, m] and present[m, b]:
                    w = mean + std * torch.randn(TIMES, P, generator=generator)
                    apart = kl_divergence(Independent(Normal(mean, std), 1), Independent(Normal(a, b_z), 1))
                    to_prior = to_prior + private * apart.mean()
                if present[m, b]:
                    decoded = networks[m](torch.cat([z, w], 1))
                    error = error - Normal(decoded, 0.3).log_prob(x[modalities[m].name][b]).sum((-1, -2, -3)).mean()
            reconstruction[b] += weight * error
            kl[b] += weight * to_prior
    return reconstruction, kl


@pytest.mark.parametrize(("rule", "options"), [("mwb", {}), ("hoelder", {"alpha": 0.5})])
def test_the_bound_is_that_of_the_hierarchy(three_views, rule, options):
    modalities, x, present = three_views
    model = made(modalities, rule, **options)
    bound = objective("shared-private", beta=2.0, private=0.5)
    generator = torch.Generator().manual_seed(0)
    repeated = {n: v.repeat(TIMES, 1, 1, 1) for n, v in x.items()}
    with torch.no_grad():
        ours = bound(model, repeated, present.repeat(1, TIMES), generator)
        reconstruction, kl = slow(model, modalities, x, present, 0.5, generator)
    torch.testing.assert_close(ours.reconstruction.view(TIMES, 2).mean(0), reconstruction, rtol=5e-3, atol=0)
    torch.testing.assert_close(ours.kl.view(TIMES, 2).mean(0), kl, rtol=1e-2, atol=0)  # which component is chance
    torch.testing.assert_close(ours.loss, ours.reconstruction + 2 * ours.kl)


@pytest.mark.parametrize("chosen", [False, True])
def test_encoders_learn_what_every_component_costs(three_views, chosen):
    """Weights of a Hölder pool are the encoders' doing: the gradient is that of the sum over components."""
    modalities, x, present = three_views
    model = made(modalities, "hoelder", alpha=0.5)
    encoders = list(model.encoders.parameters())
    generator = torch.Generator().manual_seed(1)
    repeated = {n: v.repeat(TIMES, 1, 1, 1) for n, v in x.items()}
    there, got = present.repeat(1, TIMES), torch.zeros(())
    for _ in range(4):
        ours = objective("shared-private", beta=2.0, chosen=chosen)(model, repeated, there, generator)
        got = got + torch.cat([g.flatten() for g in torch.autograd.grad(ours.loss.mean(), encoders)]) / 4
    reconstruction, kl = slow(model, modalities, x, present, 1.0, generator, chosen)
    expected = torch.cat([g.flatten() for g in torch.autograd.grad((reconstruction + 2 * kl).mean(), encoders)])
    assert (got - expected).norm() < 0.15 * expected.norm()  # without the score term .76 if chosen


def test_draws_are_carried_to_their_shared_part_and_others_come_from_the_prior(three_views):
    modalities, x, _ = three_views
    model = made(modalities)
    one = {name: values[:1].repeat(TIMES, 1, 1, 1) for name, values in x.items() if name != "c"}
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        experts = model.experts(one)
        z = model.aggregate(experts, model.aggregator.conditional()).rsample(generator=generator)
        z[:, :D] = torch.tensor([0.7, -1.1])  # one place, far from where the views see it
        done = model.complete(z, experts, generator=generator)
        for m in range(2):
            own = model.private_part(m)
            mean, std, a, b = in_w(model, m, experts.loc[m, 0, own], experts.scale[m, 0, own], experts.loc[m, 0, :D],
                                   z[0, :D])
            assert not torch.equal(done[:, own], z[:, own])
            torch.testing.assert_close((a + b * done[:, own]).mean(0), mean, rtol=0.05, atol=0.05)
            torch.testing.assert_close((b * done[:, own]).std(0), std, rtol=0.05, atol=0)
        other = done[:, model.private_part(2)]
        torch.testing.assert_close((other.mean(0), other.std(0)), (torch.zeros(P), torch.ones(P)), rtol=0.05, atol=0.06)
        stays = model.complete(z, experts.present, generator=generator)  # a mask alone knows of no views
        torch.testing.assert_close(stays[:, : D + 2 * P], z[:, : D + 2 * P])
        assert not model.complete(z, experts, "zero")[:, model.private_part(2)].any()
        place = torch.cat([z[:1, :D], torch.zeros(1, 3 * P)], 1)
        a, b = model.decoders["a"].prior.moments(place[0, :D])
        torch.testing.assert_close(model.decode(place, ["a"])["a"],
                                   model.decoders["a"].network(torch.cat([place[0, :D], a]).unsqueeze(0)))


def test_means_are_carried_too(three_views):
    """What metrics decode of a posterior's mean: seen views at the mean of q(w | x, z), others at p(w | z)'s."""
    modalities, x, present = three_views
    model = made(modalities)
    with torch.no_grad():
        experts = model.experts(x, present)
        mean = model.aggregate(experts, model.aggregator.conditional()).mean
        done = model.complete(mean, experts, "zero")
        assert torch.equal(done[:, :D], mean[:, :D])
        for m in range(3):
            own = model.private_part(m)
            w, _, a, b = in_w(model, m, experts.loc[m, :, own], experts.scale[m, :, own], experts.loc[m, :, :D],
                              mean[:, :D])
            seen = present[m].unsqueeze(1)
            torch.testing.assert_close(a + b * done[:, own], torch.where(seen, w, a))


def test_translations_and_inventions(three_views):
    modalities, x, _ = three_views
    model = made(modalities)
    said = [model.generate(x, ["a"], 3, torch.Generator().manual_seed(seed))["a"] for seed in (0, 0, 1)]
    assert said[0].shape == (3, 2, 1, 8, 8)
    assert torch.equal(said[0], said[1])
    assert not torch.equal(said[0], said[2])
    assert model.sample(4, generator=torch.Generator().manual_seed(0))["b"].shape == (4, 1, 8, 8)


def test_tables_and_what_is_fitted_after_a_training():
    """Decoders of tables are shown the training split behind the prior, too."""
    g = np.random.default_rng(0)
    data = bvae.from_arrays({"a": g.normal(100, 7, (60, 2)), "b": g.normal(size=(60, 3))})
    model = bvae.MultimodalVAE(data.modalities.values(), aggregator("mwb"),
                               bvae.ModelConfig(D, 4, private_dim=P, conditional_prior=True))
    model.observe(data)
    assert 80 < model.decode(torch.zeros(1, model.latent_dim), ["a"])["a"].mean() < 120
    assert best_private(model, data).sizes() == {"a": (D, P), "b": (D, P)}
    draws = private_draws(model, data)
    assert {name: d.w.shape for name, d in draws.items()} == {"a": (60, P), "b": (60, P)}
    model.private_sampler = fit_private(model, data)
    assert model.sample(4)["a"].isfinite().all()


def test_candidates_are_drawn_anew(three_views):
    """Inventions keep the best of several draws of p(w | z), as they do of a fitted sampler's."""
    model = made(three_views[0])
    nothing = torch.zeros(3, 5, dtype=torch.bool)
    z = torch.randn(5, model.latent_dim)
    with torch.no_grad():
        read = [model._read_back(0, "a", z[:, :D], model.complete(
            z, nothing, None, torch.Generator().manual_seed(0), candidates=n)[:, model.private_part(0)])
            for n in (1, 64)]
    assert (read[1] >= read[0]).all()
    assert (read[1] > read[0]).any()


def test_what_it_refuses():
    with pytest.raises(ValueError, match="conditional_prior: it is one of private latents; .* got 0"):
        bvae.ModelConfig(conditional_prior=True)
    with pytest.raises(ValueError, match="conditional_prior: expected one prior of private latents"):
        bvae.ModelConfig(private_dim=2, conditional_prior=True, auxiliary_prior=True)
    with pytest.raises(ValueError, match="conditional_prior: expected a method whose bound .* got 'mwb-vae' with elbo"):
        Settings.for_method("polymnist", "mwb-vae", private_dim=4, conditional_prior=True)
    assert Settings.for_method("polymnist", "mwb-vae-plus", conditional_prior=True).conditional_prior
    assert Settings.for_method("polymnist", "hoelder-vae-plus-plus").model_config().conditional_prior
