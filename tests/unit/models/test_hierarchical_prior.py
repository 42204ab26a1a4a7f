"""Priors of single views, and the bound in which every set of views has the barycenter of theirs."""

import itertools

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

import bvae
from bvae.aggregators import aggregator
from bvae.models.objectives import objective
from bvae.models.priors import ModalityPriors

D, M, BETA = 2, 3, 1.5


def gaussian(loc, scale):
    return Independent(Normal(loc, scale), 1)


@pytest.fixture
def priors():
    torch.manual_seed(0)
    made = ModalityPriors(M, D)
    with torch.no_grad():
        for values in made.parameters():
            values.copy_(torch.randn(M, D))
    return made


def test_they_begin_at_the_standard_normal_and_their_barycenter_stays_there(priors):
    loc, scale = ModalityPriors(M, D)()
    torch.testing.assert_close((loc, scale), (torch.zeros(M, D), torch.ones(M, D)))
    loc, scale = priors()
    assert loc.abs().min() > 0.01
    assert (scale > 0).all()
    q = aggregator("wasserstein")(loc.unsqueeze(1), scale.unsqueeze(1))
    torch.testing.assert_close((q.mean, q.variance), (torch.zeros(1, D), torch.ones(1, D)))


def test_sets_of_views_have_the_wasserstein_barycenter_of_their_priors(priors):
    loc, scale = priors()
    for members in itertools.product([False, True], repeat=M):
        said = priors.of(torch.tensor(members))
        q = aggregator("wasserstein")(loc.unsqueeze(1), scale.unsqueeze(1), torch.tensor(members).unsqueeze(1))
        torch.testing.assert_close(said, (q.loc[0, 0], q.scale[0, 0]))


@pytest.mark.parametrize("rule", ["mwb", "wasserstein"])
def test_the_bound_against_a_loop_over_items_and_sets(priors, rule):
    modalities = [bvae.Modality(n, "image", (1, 8, 8)) for n in "abc"]
    x = {m.name: torch.rand(2, *m.shape) for m in modalities}
    present = torch.ones(M, 2, dtype=torch.bool)
    present[2, 1] = False
    model = bvae.MultimodalVAE(modalities, aggregator(rule), bvae.ModelConfig(D, 2, modality_priors=True))
    model.priors.load_state_dict(priors.state_dict())
    times, generator = 2000, torch.Generator().manual_seed(0)
    ours = objective("hierarchical-prior", beta=BETA)(
        model, {n: v.repeat(times, 1, 1, 1) for n, v in x.items()}, present.repeat(1, times), generator)
    loc, scale, _ = model.experts(x)
    a, b = priors()
    slow = []
    for item in range(2):
        there = [m for m in range(M) if present[m, item]]
        sets = [s for n in range(1, M + 1) for s in itertools.combinations(there, n)] if rule == "mwb" else [there]
        total = torch.zeros(())
        for members in map(list, sets):
            q = gaussian(loc[members, item].mean(0), scale[members, item].mean(0))
            z = q.rsample((times,))
            error = -sum(Normal(model.decode(z, [modalities[m].name])[modalities[m].name], 0.3).log_prob(
                x[modalities[m].name][item]).sum((-1, -2, -3)) for m in there).mean()
            to_prior = kl_divergence(q, gaussian(a[members].mean(0), b[members].mean(0)))
            total = total + (error + BETA * to_prior) / len(sets)
        slow.append(total)
    slow = torch.stack(slow)
    mean = ours.loss.view(times, 2).mean(0)
    torch.testing.assert_close(mean, slow, rtol=5e-3, atol=0)
    # No noise reaches the priors' gradients: they are those of the divergences alone.
    model.zero_grad(set_to_none=True)
    mean.sum().backward()
    got = [p.grad for p in model.priors.parameters()]
    priors.zero_grad(set_to_none=True)
    slow.sum().backward()
    torch.testing.assert_close(got, [p.grad for p in priors.parameters()], rtol=2e-3, atol=2e-3)


def test_private_parts_and_learned_weights_and_what_it_refuses():
    modalities = [bvae.Modality(n, "image", (1, 8, 8)) for n in "abc"]
    x = {m.name: torch.rand(4, *m.shape) for m in modalities}
    there = torch.ones(M, 4, dtype=torch.bool)
    config = bvae.ModelConfig(D, 2, private_dim=2, modality_priors=True, weights="modality")
    model = bvae.MultimodalVAE(modalities, aggregator("moe"), config)
    loss = objective("hierarchical-prior")(model, x, there, torch.Generator().manual_seed(0)).loss.mean()
    loss.backward()
    assert model.expert_weights.logits.grad.abs().max() > 0
    assert model.priors.place.grad.abs().max() > 0
    plain = bvae.MultimodalVAE(modalities, aggregator("mwb"), bvae.ModelConfig(D, 2))
    assert plain.priors is None
    assert not [name for name in plain.state_dict() if name.startswith("priors")]
    with pytest.raises(ValueError, match="hierarchical-prior: expected a model with priors of its modalities"):
        objective("hierarchical-prior")(plain, x, there, None)
