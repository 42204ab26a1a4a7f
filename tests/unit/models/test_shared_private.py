"""The bound of MWB-VAE+ and WB-VAE+ against loops over subsets, views and samples; components with private parts."""

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

import bvae
from bvae.aggregators import aggregator
from bvae.aggregators.subsets import subset_membership
from bvae.models.objectives import objective

D, P = 2, 2
TIMES = 4000


def made(modalities, rule):
    """A model whose private parts say something."""
    model = bvae.MultimodalVAE(modalities, aggregator(rule), bvae.ModelConfig(D, 4, private_dim=P))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1.5)
    return model


def standard(like):
    return Independent(Normal(torch.zeros_like(like), torch.ones_like(like)), 1)



def slow(model, modalities, x, present, mixture, private, least, generator):
    """Reconstruction error and divergence of each item, every subset in turn."""
    loc, scale, _ = model.experts(x, present)
    reconstruction, kl = torch.zeros(2), torch.zeros(2)
    for b in range(2):
        there = [m for m in range(3) if present[m, b]]
        subsets = [[m for m in range(3) if row[m]] for row in subset_membership(3)
                   if all(m in there for m in range(3) if row[m])]
        for members in subsets:
            holding = members if mixture else there
            mean, std = loc[holding, b, :D].mean(0), scale[holding, b, :D].mean(0)
            z = mean + std * torch.randn(TIMES, D, generator=generator)
            parts = [z]
            kl[b] += kl_divergence(Independent(Normal(mean, std), 1), standard(mean)) / len(subsets)
            for m in range(3):
                own = slice(D + m * P, D + (m + 1) * P)
                w_loc, w_scale = loc[m, b, own], scale[m, b, own]
                if m in members and len(members) >= least:
                    parts.append(w_loc + w_scale * torch.randn(TIMES, P, generator=generator))
                    q = Independent(Normal(w_loc, w_scale), 1)
                    kl[b] += private * kl_divergence(q, standard(w_loc)) / len(subsets)
                else:
                    parts.append(torch.zeros(TIMES, P))
            decoded = model.decode(torch.cat(parts, 1))
            for m in there:
                name = modalities[m].name
                error = -Normal(decoded[name], 0.3).log_prob(x[name][b]).sum((-1, -2, -3)).mean()
                reconstruction[b] += error / len(subsets)
    return reconstruction, kl


@pytest.mark.parametrize(("rule", "mixture", "least"), [("mwb", True, 1), ("mwb", True, 2), ("wasserstein", False, 1)])
def test_it_is_the_mean_over_all_subsets(three_views, rule, mixture, least):
    modalities, x, present = three_views
    model = made(modalities, rule)
    bound = objective("shared-private", beta=2.0, private=0.5, least=least)
    generator = torch.Generator().manual_seed(0)
    repeated = {n: v.repeat(TIMES, 1, 1, 1) for n, v in x.items()}
    with torch.no_grad():
        ours = bound(model, repeated, present.repeat(1, TIMES), generator)
        reconstruction, kl = slow(model, modalities, x, present, mixture, 0.5, least, generator)
    torch.testing.assert_close(ours.reconstruction.view(TIMES, 2).mean(0), reconstruction, rtol=5e-3, atol=0)
    torch.testing.assert_close(ours.kl.view(TIMES, 2).mean(0), kl, rtol=1e-2, atol=0)  # which subsets is chance
    torch.testing.assert_close(ours.loss, ours.reconstruction + 2 * ours.kl)


def test_what_is_decoded_with_drawn_private_parts_teaches_decoders_alone(three_views):
    modalities, x, present = three_views
    model = made(modalities, "mwb")
    seeds = [torch.Generator().manual_seed(1) for _ in range(3)]
    plain = objective("shared-private")(model, x, present, seeds[0])
    one = objective("shared-private", agreement=1.0)(model, x, present, seeds[1])
    two = objective("shared-private", agreement=2.0)(model, x, present, seeds[2])
    extra = (one.loss - plain.loss).detach()
    assert (extra > 0).all()
    torch.testing.assert_close((two.loss - plain.loss).detach(), 2 * extra, rtol=1e-3, atol=1e-2)
    encoders = list(model.encoders.parameters())
    assert all(p.requires_grad for p in encoders)
    first = torch.autograd.grad(plain.loss.sum(), encoders, retain_graph=True)
    second = torch.autograd.grad(one.loss.sum(), encoders, retain_graph=True)
    for a, b in zip(first, second, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)
    decoders = list(model.decoders.parameters())
    changed = torch.autograd.grad(one.loss.sum() - plain.loss.sum(), decoders, allow_unused=True)
    assert any(g is not None and float(g.abs().max()) > 1e-4 for g in changed)


def test_it_refuses_what_it_cannot_take(three_views):
    modalities, x, present = three_views
    model = bvae.MultimodalVAE(modalities, aggregator("mwb"), bvae.ModelConfig(D, 4))
    with pytest.raises(ValueError, match="expected a model with private latents"):
        objective("shared-private")(model, x, present, None)
    with pytest.raises(ValueError, match="private: expected a non-negative number, got -1"):
        objective("shared-private", private=-1)
    with pytest.raises(ValueError, match="least: expected a positive integer, got 0"):
        objective("shared-private", least=0)
    drawn = bvae.MultimodalVAE(modalities, aggregator("mwb", num_subsets=2), bvae.ModelConfig(D, 4, private_dim=P))
    with pytest.raises(ValueError, match="num_subsets: expected None"):
        objective("shared-private")(drawn, x, present, torch.Generator().manual_seed(0))


# -- components of any rule -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["mwb", "mopoe", "moe", "hoelder", "mixture(hoelder)"])
def test_a_component_knows_private_parts_of_its_own_views_alone(three_views, rule):
    modalities, x, _ = three_views
    model = made(modalities, rule)
    experts = model.experts(x)
    q = model.apart(model.aggregate(experts))
    held = model.aggregator.held(3)
    assert held.shape == (q.num_components, 3)
    for k, row in enumerate(held):
        for m in range(3):
            part = model.private_part(m)
            loc, scale = q.loc[k, :, part], q.scale[k, :, part]
            expected = (experts.loc[m, :, part], experts.scale[m, :, part]) if row[m] else (
                torch.zeros_like(loc), torch.ones_like(scale))
            torch.testing.assert_close((loc, scale), expected)


@pytest.mark.parametrize("rule", ["mwb", "mopoe", "moe", "hoelder", "mixture(hoelder)"])
def test_a_component_depends_on_the_views_that_it_is_said_to_be_made_of(rule):
    """The gradient of its mean reaches those experts and no other."""
    torch.manual_seed(0)
    loc = torch.randn(3, 1, 2, requires_grad=True)
    q = aggregator(rule)(loc, torch.rand(3, 1, 2) + 0.5)
    for k, row in enumerate(aggregator(rule).held(3)):
        if float(q.weights[k].detach()) == 0:
            continue
        (gradient,) = torch.autograd.grad(q.loc[k].sum(), loc, retain_graph=True)
        assert torch.equal(gradient.abs().sum((1, 2)) > 1e-7, row)


def test_a_rule_that_gives_one_gaussian_keeps_all_private_parts(three_views):
    modalities, x, _ = three_views
    model = made(modalities, "wasserstein")
    q = model.aggregate(model.experts(x))
    assert model.apart(q) is q
    assert torch.equal(aggregator("wasserstein").held(3), torch.ones(1, 3, dtype=torch.bool))


def test_the_elbo_of_a_mixture_pays_only_for_private_parts_that_a_subset_holds(three_views):
    modalities, x, _ = three_views
    model = made(modalities, "mwb")
    with torch.no_grad():
        loc, scale, _ = model.experts(x)
        kl = torch.zeros(2)
        for row in subset_membership(3):
            members = row.nonzero().flatten()
            mean, std = loc[members][..., :D].mean(0), scale[members][..., :D].mean(0)
            kl += kl_divergence(Independent(Normal(mean, std), 1), standard(mean)) / 7
            for m in members:
                part = model.private_part(int(m))
                q = Independent(Normal(loc[m, :, part], scale[m, :, part]), 1)
                kl += kl_divergence(q, standard(loc[m, :, part])) / 7
        out = objective("elbo")(model, x, torch.ones(3, 2, dtype=torch.bool), torch.Generator().manual_seed(0))
    torch.testing.assert_close(out.kl, kl, rtol=1e-4, atol=1e-4)
