"""Objectives against slow implementations that loop over items, modalities and subsets."""

import itertools
import math

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

import bvae
from bvae.aggregators import aggregator
from bvae.aggregators.learned.conditional_flow import ConditionalFlow
from bvae.aggregators.subsets import subset_membership
from bvae.gaussians import diagonal
from bvae.models.objectives import objective


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


# -- methods beyond the first five: values and gradients against slow versions with everything written out -------------


def repeated(x, present, times):
    return {n: v.repeat(times, 1, 1, 1) for n, v in x.items()}, present.repeat(1, times)


def means(bound, model, x, present, times, calls, seed=0):
    """Loss per item and gradient of its sum, averaged over draws; with the standard errors over calls."""
    generator = torch.Generator().manual_seed(seed)
    losses, gradients = [], []
    parameters = [p for p in model.parameters() if p.requires_grad]
    for _ in range(calls):
        out = bound(model, *repeated(x, present, times), generator)
        loss = out.loss.view(times, -1).mean(0)
        grads = torch.autograd.grad(loss.sum(), parameters)
        losses.append(loss.detach())
        gradients.append(torch.cat([g.flatten() for g in grads]))
    losses, gradients = torch.stack(losses).double(), torch.stack(gradients).double()
    return losses.mean(0), losses.std(0) / calls**0.5, gradients.mean(0), gradients.std(0) / calls**0.5


def slow_gradient(model, loss):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss.sum(), list(model.parameters()))]).double()


def elbo_of(model, x, mean, std, noise):
    """Reconstruction error of one Gaussian by its samples (S, D) of noise, for one item."""
    z = mean + std * noise
    decoded = model.decode(z)
    return -sum(Normal(decoded[n], 0.3).log_prob(x[n]).sum((-1, -2, -3)) for n in x).mean()


def test_mvtcae_against_its_formula(case):
    modalities, x, present = case
    present = present.clone()
    present[2, 1] = False
    model = bvae.MultimodalVAE(modalities, aggregator("poe"), bvae.ModelConfig(2, 2))
    ours, _, gradient, _ = means(objective("mvtcae", beta=2.0, a=0.6), model, x, present, 200, 12)
    loc, scale, _ = model.experts(x)
    noise = torch.randn(4000, 2, generator=torch.Generator().manual_seed(9))
    losses = []
    for b in range(2):
        there = [m for m in range(3) if present[m, b]]
        n = len(there)
        precision = (scale[there, b] ** -2).sum(0)
        mean, std = (loc[there, b] / scale[there, b] ** 2).sum(0) / precision, precision.rsqrt()
        q = Independent(Normal(mean, std), 1)
        rec = elbo_of(model, {modalities[m].name: x[modalities[m].name][b] for m in there}, mean, std, noise)
        conditional = sum(kl_divergence(q, Independent(Normal(loc[m, b], scale[m, b]), 1)) for m in there)
        losses.append((n - 0.6) / n * rec + 2 * (0.6 / n * conditional + 0.4 * kl_divergence(q, standard(mean))))
    losses = torch.stack(losses)
    torch.testing.assert_close(ours, losses.detach().double(), rtol=3e-3, atol=0)
    slow = slow_gradient(model, losses)
    assert ((gradient - slow).norm() / slow.norm()) < 0.03
    with pytest.raises(ValueError, match="mvtcae: expected an aggregator that gives one Gaussian, got a mixture of 3"):
        objective("mvtcae")(bvae.MultimodalVAE(modalities, aggregator("moe"), bvae.ModelConfig(2, 2)), x, present, None)


def test_mvtcae_charges_for_private_latents_what_it_pays_for_them(case):
    """A view's own belief has them as the joint one, every other view's has their prior in their place."""
    modalities, x, present = case
    present = present.clone()
    present[2, 1] = False
    model = bvae.MultimodalVAE(modalities, aggregator("wasserstein"), bvae.ModelConfig(2, 2, private_dim=3))
    with torch.no_grad():
        out = objective("mvtcae", a=0.6)(model, x, present, torch.Generator().manual_seed(0))
        q, expert = model.encode(x, present=present), model.experts(x, present)
        for b, there in enumerate(((0, 1, 2), (0, 1))):
            n = len(there)
            charged = {m: Independent(Normal(q.loc[0, b, part], q.scale[0, b, part]), 1)
                       for m in there for part in [model.private_part(m)]}
            private = sum(kl_divergence(w, standard(w.mean)) for w in charged.values())
            z = Independent(Normal(q.loc[0, b, :2], q.scale[0, b, :2]), 1)
            shared = 0.4 * kl_divergence(z, standard(z.mean)) + 0.6 / n * sum(
                kl_divergence(z, Independent(Normal(expert.loc[m, b, :2], expert.scale[m, b, :2]), 1)) for m in there)
            torch.testing.assert_close(out.kl[b], shared + (n - 0.6) / n * private)  # as its reconstruction


@pytest.mark.slow
@pytest.mark.parametrize("method", ["helvae", "hoelder-vae", "code-vae", "mmvae", "mopoe-vae"])
def test_component_elbos_against_enumeration(case, method):
    """The loss is sum_k w_k (reconstruction_k + beta KL_k), and its gradient goes through the weights too."""
    from bvae.models.methods import METHODS

    modalities, x, present = case
    chosen = METHODS[method]
    model = bvae.MultimodalVAE(
        modalities, aggregator(chosen.aggregator, **chosen.aggregator_options),
        bvae.ModelConfig(2, 2, weights=chosen.settings.get("weights", "uniform")))
    if model.expert_weights.learned:
        with torch.no_grad():
            model.expert_weights.logits.copy_(torch.linspace(-0.5, 0.5, 7))
    options = {"mmvae": {}, "code-vae": {"entropy": 4.0}}.get(method, chosen.objective_options)
    bound = objective(chosen.objective, beta=1.5, **options)
    ours, _, gradient, gradient_error = means(bound, model, x, present, 100, 60)

    def slow(seed):
        q = model.encode(x)
        noise = torch.randn(1500, 2, generator=torch.Generator().manual_seed(seed))
        losses = []
        for b in range(2):
            total = torch.zeros(())
            for k in range(q.num_components):
                rec = elbo_of(model, {n: v[b] for n, v in x.items()}, q.loc[k, b], q.scale[k, b], noise)
                kl = kl_divergence(Independent(Normal(q.loc[k, b], q.scale[k, b]), 1), standard(q.loc[k, b]))
                total = total + q.weights[k, b] * (rec + 1.5 * kl)
            if method == "code-vae":
                pi = model.expert_weights()
                total = total + 4.0 * (pi * (7 * pi).log()).sum()
            losses.append(total)
        return torch.stack(losses)

    exact = [slow(seed) for seed in (1, 2, 3, 4)]
    slow_gradients = torch.stack([slow_gradient(model, e) for e in exact])
    values = torch.stack([e.detach() for e in exact]).double()
    torch.testing.assert_close(ours, values.mean(0), rtol=2e-3, atol=0)
    slow_error = slow_gradients.std(0) / 2
    # The parameters act on it together: compare along the gradient and in norm.
    mean = slow_gradients.mean(0)
    noise_floor = (gradient_error.square().sum() + slow_error.square().sum()).sqrt()
    assert (gradient - mean).norm() < 2.5 * noise_floor
    along = (gradient @ mean) / mean.square().sum()
    assert abs(along - 1) < 0.05 + 4 * noise_floor / mean.norm() / len(mean) ** 0.5


@pytest.mark.parametrize("samples", [1, 4])
def test_importance_weighted_bound_against_loops(case, samples):
    modalities, x, present = case
    model = bvae.MultimodalVAE(modalities, aggregator("moe"), bvae.ModelConfig(2, 2))
    bound = objective("iwae", num_samples=samples, estimator="iwae")
    ours, *_ = means(bound, model, x, present, 400, 3)
    with torch.no_grad():
        loc, scale, _ = model.experts(x)
        expected = torch.zeros(2, dtype=torch.float64)
        generator = torch.Generator().manual_seed(5)
        for b in range(2):
            for m in range(3):
                z = loc[m, b] + scale[m, b] * torch.randn(1500 * samples, 2, generator=generator)
                decoded = model.decode(z)
                log_x = sum(Normal(decoded[n], 0.3).log_prob(v[b]).sum((-1, -2, -3)) for n, v in x.items())
                mixture = torch.stack([Independent(Normal(loc[k, b], scale[k, b]), 1).log_prob(z) for k in range(3)])
                log_q = mixture.logsumexp(0) - torch.tensor(3.0).log()
                log_w = (log_x + standard(z).log_prob(z) - log_q).view(1500, samples)
                expected[b] -= (log_w.logsumexp(1) - torch.tensor(float(samples)).log()).mean().double() / 3
    torch.testing.assert_close(ours, expected, rtol=3e-3, atol=0)


@pytest.mark.slow
def test_more_samples_tighten_the_bound_and_dreg_has_nearly_the_same_gradient(case):
    modalities, x, present = case
    model = bvae.MultimodalVAE(modalities, aggregator("moe"), bvae.ModelConfig(2, 2))
    values = {}
    for samples in (1, 3):
        a, b = (means(objective("iwae", num_samples=samples, estimator=e), model, x, present, 200, 40)
                for e in ("iwae", "dreg"))
        values[samples] = a[0]
        noise_floor = (a[3].square().sum() + b[3].square().sum()).sqrt()
        apart = (a[2] - b[2]).norm()
        if samples == 1:  # the same expectation, exactly
            assert apart < 2.5 * noise_floor
        else:  # treats the mixture's density as the one that was sampled
            assert apart < 0.1 * a[2].norm()
    assert (values[3] < values[1]).all()
    for options, message in (({"num_samples": 0}, "num_samples: expected"), ({"estimator": "vimco"}, "estimator: exp")):
        with pytest.raises(ValueError, match=message):
            objective("iwae", **options)


def test_code_vae_learns_the_weights_of_subsets(case):
    """A subset whose posterior costs more gets less weight."""
    modalities, x, present = case
    model = bvae.MultimodalVAE(modalities, aggregator("mixture(code)", rho=0.4),
                               bvae.ModelConfig(2, 2, weights="subset"))
    q = model.encode(x)
    torch.testing.assert_close(q.weights, torch.full((7, 2), 1 / 7))
    optimiser = torch.optim.Adam(model.expert_weights.parameters(), 0.1)
    bound = objective("code", entropy=1.0)  # these subsets differ by a few nats
    generator = torch.Generator().manual_seed(0)
    for _ in range(60):
        optimiser.zero_grad()
        bound(model, *repeated(x, present, 50), generator).loss.mean().backward()
        optimiser.step()
    with torch.no_grad():
        noise = torch.randn(2000, 2, generator=generator)
        costs = torch.tensor([sum(elbo_of(model, {n: v[b] for n, v in x.items()}, q.loc[k, b], q.scale[k, b], noise)
                                  for b in range(2)) for k in range(7)]) + q.component_kl_to_prior().sum(1)
    weights = model.expert_weights().detach()
    assert weights[costs.argmin()] > 1 / 7 > weights[costs.argmax()]
    # A missing modality takes its subsets away; the others are renormalised.
    missing = present.clone()
    missing[0] = False
    left = model.encode(x, present=missing).weights[:, 0]
    torch.testing.assert_close(left[[1, 2, 5]], weights[[1, 2, 5]] / weights[[1, 2, 5]].sum())
    assert left[[0, 3, 4, 6]].abs().sum() == 0
    with pytest.raises(ValueError, match="weights of subsets with the sum 1"):
        model.aggregator(torch.zeros(3, 1, 2), torch.ones(3, 1, 2), weights=torch.ones(7))


@pytest.mark.parametrize("weights", ["uniform", "modality"])
def test_mmvae_plus_against_its_formula(case, weights):
    """Every modality's own term and its cross terms written out, with the density of the mixture on z alone."""
    modalities, x, present = case
    present = present.clone()
    present[2, 1] = False
    model = bvae.MultimodalVAE(modalities, aggregator("moe"),
                               bvae.ModelConfig(2, 2, private_dim=2, auxiliary_prior=True, weights=weights))
    with torch.no_grad():
        model.auxiliary_scale.copy_(torch.linspace(-0.7, 0.3, 6).view(3, 2))
        if weights == "modality":
            model.expert_weights.logits.copy_(torch.tensor([0.3, -0.2, 0.1]))
    ours, _, gradient, gradient_error = means(objective("mmvae-plus", beta=1.5), model, x, present, 200, 40)

    def slow(seed):
        generator = torch.Generator().manual_seed(seed)
        loc, scale, _ = model.experts(x)
        losses, chance = [], model.encode(x, present=present).weights
        for b in range(2):
            there = [m for m in range(3) if present[m, b]]
            total = torch.zeros(())
            for m in there:
                own = slice(2 + 2 * m, 4 + 2 * m)
                z = loc[m, b, :2] + scale[m, b, :2] * torch.randn(3000, 2, generator=generator)
                w = model.auxiliary_scale.exp() * torch.randn(3000, 3, 2, generator=generator)
                w[:, m] = loc[m, b, own] + scale[m, b, own] * torch.randn(3000, 2, generator=generator)
                decoded = model.decode(torch.cat([z, w.flatten(1)], 1))
                rec = -sum(Normal(decoded[modalities[n].name], 0.3).log_prob(x[modalities[n].name][b])
                           .sum((-1, -2, -3)) for n in there).mean()
                log_q = torch.stack([Independent(Normal(loc[k, b, :2], scale[k, b, :2]), 1).log_prob(z)
                                     + chance[k, b].log() for k in there]).logsumexp(0)
                shared = (log_q - standard(z).log_prob(z)).mean()
                private = kl_divergence(Independent(Normal(loc[m, b, own], scale[m, b, own]), 1),
                                        standard(loc[m, b, own]))
                total = total + (rec + 1.5 * (shared + private)) * chance[m, b]
            losses.append(total)
        return torch.stack(losses)

    exact = [slow(seed) for seed in (1, 2, 3, 4)]
    torch.testing.assert_close(ours, torch.stack([e.detach() for e in exact]).double().mean(0), rtol=3e-3, atol=0)
    gradients = torch.stack([slow_gradient(model, e) for e in exact])
    noise_floor = (gradient_error.square().sum() + gradients.std(0).square().sum() / 4).sqrt()
    assert (gradient - gradients.mean(0)).norm() < 2.5 * noise_floor
    assert noise_floor < 0.1 * gradients.mean(0).norm()
    with pytest.raises(ValueError, match="mmvae-plus: expected a model with private latents"):
        objective("mmvae-plus")(bvae.MultimodalVAE(modalities, aggregator("moe"), bvae.ModelConfig(2, 2)), x, present,
                                None)


def test_code_is_the_sum_over_all_subsets_less_its_entropy():
    """Against every subset's ELBO written out, with the weights and options of the published objective."""
    torch.manual_seed(3)
    model = bvae.MultimodalVAE([bvae.Modality(n, "image", (1, 4, 4)) for n in "abc"],
                               aggregator("mixture(code)", rho=0.4), bvae.ModelConfig(3, 4, weights="subset")).eval()
    with torch.no_grad():
        model.expert_weights.logits.copy_(torch.linspace(-1, 1, 7))
    x = {n: torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(k)) for k, n in enumerate("abc")}
    present = torch.ones(3, 6, dtype=torch.bool)
    draws = 3000
    with torch.no_grad():
        q = model.encode(x, present=present)
        pi = model.expert_weights()
        g = torch.Generator().manual_seed(0)
        elbos = []
        for k in range(7):
            z = q.component(torch.full((6,), k)).rsample((draws,), generator=g)
            repeated = {n: v.repeat(draws, 1, 1, 1) for n, v in x.items()}
            error = model.reconstruction_error(repeated, z.flatten(0, 1), present.repeat(1, draws)).mean()
            elbos.append(error + 2.5 * diagonal.kl_to_standard(q.loc[k], q.scale[k]).mean())
        entropy = -(pi * pi.log()).sum()
        slow = (pi * torch.stack(elbos)).sum() - 1000 * entropy + 1000 * torch.tensor(7.0).log()
        bound = objective("code", beta=2.5)
        fast = torch.stack([bound(model, {n: v.repeat(50, 1, 1, 1) for n, v in x.items()}, present.repeat(1, 50), g
                                  ).loss.mean() for _ in range(60)])
    assert (fast.mean() - slow).abs() < 4 * fast.std() / 60**0.5 + 0.05
    weak = objective("code", beta=2.5, entropy=0.0)
    with torch.no_grad():
        out = weak(model, x, present, torch.Generator().manual_seed(1))
        much = bound(model, x, present, torch.Generator().manual_seed(1))
    torch.testing.assert_close(much.loss - out.loss, (1000 * (math.log(7) - entropy)).expand(6))
    with pytest.raises(ValueError, match="entropy"):
        objective("code", entropy=-1.0)


# -- mmJSD, MMVM and the masked bound, each against its formula written out --------------------------------------------


def gaussian(loc, scale):
    return Independent(Normal(loc, scale), 1)


def agree(bound, model, x, present, slow, times=100, calls=30):
    """Loss per item and gradient of its sum: `slow`, a function of a generator, against the objective, over draws."""
    ours, _, gradient, gradient_error = means(bound, model, x, present, times, calls)
    exact = [slow(torch.Generator().manual_seed(seed)) for seed in (1, 2, 3, 4)]
    torch.testing.assert_close(ours, torch.stack([e.detach() for e in exact]).double().mean(0), rtol=5e-3, atol=0)
    gradients = torch.stack([slow_gradient(model, e) for e in exact])
    noise_floor = (gradient_error.square().sum() + gradients.std(0).square().sum() / 4).sqrt()
    assert (gradient - gradients.mean(0)).norm() < 2.5 * noise_floor
    assert noise_floor < 0.2 * gradients.mean(0).norm()


def test_mmjsd_against_its_formula(case):
    """The dynamic prior as a product of powers, and every divergence to it by torch.distributions."""
    modalities, x, present = case
    present = present.clone()
    present[2, 1] = False
    model = bvae.MultimodalVAE(modalities, aggregator("moe"), bvae.ModelConfig(2, 2, weights="0.5,0.2,0.3"))

    def slow(generator):
        loc, scale, _ = model.experts(x)
        losses = []
        for b in range(2):
            there = [m for m in range(3) if present[m, b]]
            w = torch.tensor([0.5, 0.2, 0.3])[there]
            w, prior = w / w.sum(), 1 / (1 + len(there))
            pi = torch.cat([torch.tensor([prior]), (1 - prior) * w])
            mu = torch.cat([torch.zeros(1, 2), loc[there, b]])
            s = torch.cat([torch.ones(1, 2), scale[there, b]])
            precision = (pi.unsqueeze(1) / s**2).sum(0)
            f = gaussian((pi.unsqueeze(1) * mu / s**2).sum(0) / precision, precision.rsqrt())
            total = sum(pi[k] * kl_divergence(gaussian(mu[k], s[k]), f) for k in range(len(pi))) * 1.5
            for m, share in zip(there, w, strict=True):
                noise = torch.randn(1500, 2, generator=generator)
                total = total + share * elbo_of(model, {n.name: x[n.name][b] for k, n in enumerate(modalities)
                                                        if k in there}, loc[m, b], scale[m, b], noise)
            losses.append(total)
        return torch.stack(losses)

    agree(objective("mmjsd", beta=1.5), model, x, present, slow)


def test_the_dynamic_prior_is_a_barycenter_and_the_bound_is_one(case):
    """It has the smallest sum of reverse divergences, and the loss's sum is no less than that of the mixture to it."""
    modalities, x, present = case
    model = bvae.MultimodalVAE(modalities, aggregator("moe"), bvae.ModelConfig(2, 2))
    with torch.no_grad():
        loc, scale, _ = experts = model.experts(x)
        q = model.aggregate(experts)
        mu, s = torch.cat([torch.zeros(1, 2, 2), loc]), torch.cat([torch.ones(1, 2, 2), scale])
        f = aggregator("geometric")(mu, s)
        best = diagonal.kl(f.loc, f.scale, mu, s).mean(0)
        for other in ("moment", "wasserstein", "jeffreys"):
            g = aggregator(other)(mu, s)
            assert (diagonal.kl(g.loc, g.scale, mu, s).mean(0) > best).all()
        summed = objective("mmjsd").divergence(model, experts, q)
        torch.testing.assert_close(summed, diagonal.kl(mu, s, f.loc, f.scale).mean(0))
        moment = objective("mmjsd", mean="moment").divergence(model, experts, q)
        assert (moment < summed).all()  # the same sum is smallest there
        z = q.rsample((20_000,), generator=torch.Generator().manual_seed(0))
        mixture = (q.log_prob(z) - f.log_prob(z)).mean(0)
        assert (mixture * 0.75 <= summed + 0.05).all()  # the prior's own term is not negative
    with pytest.raises(ValueError, match="mean: expected a rule that gives one Gaussian, got 'mwb'"):
        objective("mmjsd", mean="mwb")
    with pytest.raises(ValueError, match="mmjsd: expected one component for each of 3 modalities"):
        objective("mmjsd")(bvae.MultimodalVAE(modalities, aggregator("poe"), bvae.ModelConfig(2, 2)), x, present, None)


@pytest.mark.parametrize(("kl", "standard"), [("pairs", 0.3), ("sampled", 0.3)])
def test_mmvm_against_its_formula(case, kl, standard):
    """Every modality by itself, with the prior that the posteriors of the others are."""
    modalities, x, present = case
    present = present.clone()
    present[2, 1] = False
    model = bvae.MultimodalVAE(modalities, aggregator("moe"), bvae.ModelConfig(2, 2))

    def slow(generator):
        loc, scale, _ = model.experts(x)
        losses = []
        for b in range(2):
            there, total = [m for m in range(3) if present[m, b]], torch.zeros(())
            for m in there:
                q, name = gaussian(loc[m, b], scale[m, b]), modalities[m].name
                noise = torch.randn(1500, 2, generator=generator)
                total = total + elbo_of(model, {name: x[name][b]}, loc[m, b], scale[m, b], noise)
                others = [gaussian(loc[n, b], scale[n, b]) for n in there]
                if kl == "pairs":
                    to_all = sum(kl_divergence(q, n) for n in others) / len(there)
                    total = total + 1.5 * ((1 - standard) * to_all + standard * kl_divergence(q, standard_of(2)))
                else:
                    z = loc[m, b] + scale[m, b] * noise
                    h = (1 - standard) * sum(n.log_prob(z).exp() for n in others) / len(there)
                    h = h + standard * standard_of(2).log_prob(z).exp()
                    total = total + 1.5 * (q.log_prob(z) - h.log()).mean()
            losses.append(total)
        return torch.stack(losses)

    agree(objective("mmvm", beta=1.5, kl=kl, standard=standard), model, x, present, slow)


def standard_of(dims):
    return standard(torch.zeros(dims))


def test_a_mixture_prior_that_holds_the_posterior_itself_costs_little_and_pairs_much(case):
    """However far two posteriors lie apart, the divergence to their mixture is at most log 2; the bound grows."""
    modalities, x, present = case
    model = bvae.MultimodalVAE(modalities, aggregator("moe"), bvae.ModelConfig(2, 2))
    present = present.clone()
    present[2] = False
    generator = torch.Generator().manual_seed(0)
    kls = {}
    with torch.no_grad():
        for far in (0.0, 100.0):
            experts = model.experts
            moved = experts(x, present)
            moved.loc[1] += far
            model.experts = lambda *_, moved=moved: moved
            for kl in ("pairs", "sampled"):
                kls[kl, far] = objective("mmvm", kl=kl)(model, x, present, generator).kl
            del model.experts
    assert (kls["sampled", 100.0] <= 2 * math.log(2) + 1e-4).all()
    assert (kls["pairs", 100.0] > 1e4).all()
    assert (kls["pairs", 0.0] >= 0).all()
    for options, message in (({"kl": "exact"}, "kl: expected one of"), ({"standard": 2}, "standard: expected a num")):
        with pytest.raises(ValueError, match=message):
            objective("mmvm", **options)
    with pytest.raises(ValueError, match="mmvm: expected one component for each of 3 modalities"):
        objective("mmvm")(bvae.MultimodalVAE(modalities, aggregator("poe"), bvae.ModelConfig(2, 2)), x, present, None)


def test_the_masked_bound_is_the_mean_over_all_parts(case):
    """Every part S of the views written out: its own bound, and the others' with the posterior of S as their prior."""
    modalities, x, present = case
    present = present.clone()
    present[2, 1] = False
    model = bvae.MultimodalVAE(modalities, aggregator("sum-pooling", units=4), bvae.ModelConfig(2, 2))

    def slow(generator):
        loc, scale, _ = model.experts(x)
        losses = []

        def posterior(b, members):
            if not members:
                return standard_of(2)
            q = model.aggregator(loc[members, b : b + 1], scale[members, b : b + 1])
            return gaussian(q.loc[0, 0], q.scale[0, 0])

        for b in range(2):
            there = [m for m in range(3) if present[m, b]]
            every, total = posterior(b, there), torch.zeros(())
            for members in itertools.chain.from_iterable(itertools.combinations(there, n) for n in range(4)):
                part = posterior(b, list(members))
                cost = 1.5 * (kl_divergence(part, standard_of(2)) + kl_divergence(every, part))
                for m in there:
                    q, name = part if m in members else every, modalities[m].name
                    noise = torch.randn(500, 2, generator=generator)
                    cost = cost + elbo_of(model, {name: x[name][b]}, q.mean, q.stddev, noise)
                total = total + cost / 2 ** len(there)
            losses.append(total)
        return torch.stack(losses)

    agree(objective("masked", beta=1.5), model, x, present, slow, times=150, calls=40)
    with pytest.raises(ValueError, match="masked: expected an aggregator that gives one Gaussian, got a mixture of 3"):
        objective("masked")(bvae.MultimodalVAE(modalities, aggregator("moe"), bvae.ModelConfig(2, 2)), x, present, None)


def test_joint_then_flow_is_the_bound_of_all_views_and_a_density_of_its_draws_given_every_part(case):
    """The Gaussian and the context out of the perceptrons by hand, the flow's density by a change of variables."""
    modalities, x, present = case
    present = present.clone()
    present[2, 1] = False
    rule = aggregator("conditional-flow", units=4, transforms=1, kernels=2)
    model = bvae.MultimodalVAE(modalities, rule, bvae.ModelConfig(2, 2))
    net = model.pooling

    def density(z, features):
        """Of (S, D) draws, given the experts that are told of, (n, 2 D)."""
        transform = net.flow(net.of_told(net.told(features).sum(0))).transform
        volume = torch.func.vmap(torch.func.jacrev(transform))(z.detach()).det().abs().log()
        return standard_of(2).log_prob(transform(z.detach())) + volume

    def slow(generator):
        loc, scale, _ = model.experts(x)
        losses = []
        for b in range(2):
            there = [m for m in range(3) if present[m, b]]
            features = torch.cat([loc[:, b], scale[:, b].log()], -1)
            mean, raw = net.of_all(net.each(features[there]).sum(0)).chunk(2)
            q = gaussian(mean, torch.nn.functional.softplus(raw - 2) + 1e-4)
            noise = torch.randn(1000, 2, generator=generator)
            cost = 1.5 * kl_divergence(q, standard_of(2)) + elbo_of(
                model, {modalities[m].name: x[modalities[m].name][b] for m in there}, q.mean, q.stddev, noise)
            for members in itertools.chain.from_iterable(itertools.combinations(there, n) for n in range(4)):
                told = features.detach()[list(members) or there]
                cost = cost - density(q.mean + q.stddev * noise, told).mean() / 2 ** len(there)
            losses.append(cost)
        return torch.stack(losses)

    agree(objective("joint-then-flow", beta=1.5), model, x, present, slow, times=100, calls=20)
    with pytest.raises(ValueError, match="joint-then-flow: expected the aggregator 'conditional-flow', got MixtureOf"):
        objective("joint-then-flow")(
            bvae.MultimodalVAE(modalities, aggregator("moe"), bvae.ModelConfig(2, 2)), x, present, None)


def test_the_second_stage_changes_nothing_of_the_first(case, monkeypatch):
    """Without the flow's term, encoders, decoders and the joint Gaussian have the same gradients, and the flow none."""
    modalities, x, present = case
    model = bvae.MultimodalVAE(modalities, aggregator("conditional-flow", units=4, kernels=2),
                               bvae.ModelConfig(2, 2, private_dim=1, weights="modality"))
    found = []
    for _ in range(2):
        model.zero_grad(set_to_none=True)
        objective("joint-then-flow")(model, x, present, torch.Generator().manual_seed(0)).loss.sum().backward()
        found.append({name: p.grad for name, p in model.named_parameters()})
        monkeypatch.setattr(ConditionalFlow, "log_density", lambda self, experts, z: torch.zeros(len(z)))
    second = {name for name in found[0] if name.startswith(("pooling.flow", "pooling.told", "pooling.of_told"))}
    assert second
    for name, gradient in found[0].items():
        if name in second:
            assert found[1][name] is None
        else:
            torch.testing.assert_close(gradient, found[1][name], rtol=0, atol=0)
            assert float(gradient.abs().max()) > 0 or "bias" in name


@pytest.mark.parametrize(("name", "rule"), [("mmjsd", "moe"), ("mmvm", "moe"), ("masked", "sum-pooling"),
                                            ("joint-then-flow", "conditional-flow")])
def test_private_latents_have_the_prior_alone_to_agree_with_and_weights_learn(case, name, rule):
    """Private parts add their divergence to N(0, I), once for each view that is there, and nothing else."""
    modalities, x, present = case
    present = present.clone()
    present[2, 1] = False
    torch.manual_seed(1)
    model = bvae.MultimodalVAE(modalities, aggregator(rule), bvae.ModelConfig(2, 2, private_dim=2, weights="modality"))
    experts, changed = model.experts(x, present), {}
    private = sum(diagonal.kl_to_standard(v[..., part], s[..., part]) for v, s, part in (
        (experts.loc[m], experts.scale[m], model.private_part(m)) for m in range(3)))
    for moved in (False, True):
        loc, scale = experts.loc.clone(), experts.scale.clone()
        if moved:  # private parts at their prior
            loc[..., 2:], scale[..., 2:] = 0.0, 1.0
        model.experts = lambda *_, now=(loc, scale): experts._replace(loc=now[0], scale=now[1])
        out = objective(name)(model, x, present, torch.Generator().manual_seed(0))
        changed[moved] = out.kl
    torch.testing.assert_close(changed[False] - changed[True], private)
    del model.experts
    out.loss.mean().backward()
    assert model.expert_weights.logits.grad.abs().max() > 0
