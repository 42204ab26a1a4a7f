"""Rules that are networks: made by a model, trained and saved with it; the contracts test what they compute."""

import copy
import sys

import pytest
import torch

import bvae
from bvae.aggregators import aggregator, learned_aggregators, name_of, naming, options_of
from bvae.aggregators.learned.base import UntrainedError
from bvae.cli import main

every = pytest.mark.parametrize("name", learned_aggregators())


def model_with(rule, **config):
    torch.manual_seed(0)
    return bvae.MultimodalVAE([bvae.Modality(n, "image", (1, 4, 4)) for n in "ab"], rule,
                              bvae.ModelConfig(3, 4, **config))


@every
def test_a_model_makes_the_network_and_has_it_in_its_state(name):
    recipe = aggregator(name, units=8)
    with pytest.raises(UntrainedError, match="expected the rule of a trained model"):
        recipe(torch.zeros(2, 1, 3), torch.ones(2, 1, 3))
    model = model_with(recipe).eval()
    assert recipe.network is None
    assert model.aggregator == recipe
    assert (name_of(model.aggregator), options_of(model.aggregator)) == (name, {"units": 8})
    assert all(f"pooling.{key}" in model.state_dict() for key in model.aggregator.network.state_dict())
    x = {"a": torch.rand(2, 1, 4, 4)}
    said = model.encode(x).mean
    other = model_with(recipe)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1)
    assert not torch.allclose(other.eval().encode(x).mean, said)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.encode(x).mean, said)
    alone = copy.deepcopy(model)
    assert alone.aggregator.network is alone.pooling is not model.pooling
    with torch.no_grad():
        next(alone.pooling.parameters()).add_(1.0)
    assert torch.equal(model.encode(x).mean, said)


@every
def test_they_have_names_and_are_not_among_the_rules_for_any_experts(name):
    assert name not in bvae.aggregators()
    assert naming.title(name) != name
    with pytest.raises(ValueError, match=r"mixture\(.*\): expected a rule without a network"):
        aggregator(f"mixture({name})")
    with pytest.raises(ValueError, match="units: expected a positive"):
        aggregator(name, units=0)
    with pytest.raises(ValueError, match="expected one weight per modality"):
        model_with(aggregator(name), weights="dimension")


def test_self_attention_needs_units_that_its_heads_can_share():
    with pytest.raises(ValueError, match="units: expected a positive multiple of 3, got 8"):
        aggregator("self-attention", units=8, heads=3)


def test_an_expert_counts_by_what_the_others_say_with_attention_alone():
    """What the third expert adds to the sum is the same whatever the others say, or it is not."""
    loc, scale = torch.randn(3, 1, 2, generator=torch.Generator().manual_seed(1)), torch.ones(3, 1, 2)
    moved = loc.clone()
    moved[0] += 1.0
    parts = {}
    for name in ("sum-pooling", "self-attention"):
        torch.manual_seed(0)
        network = aggregator(name, units=8).build(2)
        network.whole = torch.nn.Identity()  # what is summed
        with torch.no_grad():
            parts[name] = [network(torch.cat([x, scale.log()], -1), torch.ones(3, 1))
                           - network(torch.cat([x, scale.log()], -1), torch.tensor([[1.0], [1.0], [0.0]]))
                           for x in (loc, moved)]
    torch.testing.assert_close(*parts["sum-pooling"])
    assert not torch.allclose(*parts["self-attention"], rtol=0.01)


def test_a_flow_has_a_mode_for_each_of_two_kinds_of_items_that_a_view_cannot_tell_apart():
    """z is -1 or 1, one view says nothing, the other one which; after some steps of maximum likelihood."""
    torch.manual_seed(0)
    recipe = aggregator("conditional-flow", units=16, transforms=2, kernels=64)
    rule = recipe.with_network(recipe.build(1))
    generator = torch.Generator().manual_seed(0)
    sign = torch.where(torch.rand(128, generator=generator) < 0.5, -1.0, 1.0)
    z = (sign + 0.05 * torch.randn(128, generator=generator)).unsqueeze(1)
    loc, scale = torch.stack([torch.zeros_like(z), sign.unsqueeze(1)]), torch.ones(2, 128, 1)
    blind = torch.tensor([True, False]).unsqueeze(1).expand(2, 128)
    optimizer = torch.optim.Adam(rule.network.parameters(), 1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        fit = sum(-rule.log_density(rule.prepare(loc, scale, present, None), z).mean() for present in (None, blind))
        fit.backward()
        optimizer.step()
    with torch.no_grad():
        unsure, sure = rule(loc, scale, blind), rule(loc, scale)
    near = (unsure.loc.abs() - 1).abs() < 0.3  # (K, B, 1)
    assert near.double().mean() > 0.9
    assert 0.35 < (unsure.loc > 0).double().mean() < 0.65
    assert ((sure.loc - sign[:, None]).abs() < 0.3).double().mean() > 0.95
    assert float(unsure.log_prob(torch.zeros(128, 1)).max()) < float(unsure.log_prob(z).min())


def test_a_flow_gives_the_moments_of_its_draws_and_always_the_same():
    recipe = aggregator("conditional-flow", units=8, kernels=6)
    torch.manual_seed(0)
    rule = recipe.with_network(recipe.build(3))
    loc, scale = torch.randn(2, 5, 3), torch.rand(2, 5, 3) + 0.5
    with torch.no_grad():
        q, again = rule(loc, scale), rule(loc, scale)
        network, features, weights = rule.read(rule.prepare(loc, scale, None, None))
        draws = network.flow(network.context(features, weights)).transform.inv(network.noise.unsqueeze(1))
    assert torch.equal(q.loc, again.loc)
    torch.testing.assert_close(q.mean, draws.mean(0))
    torch.testing.assert_close(q.variance, draws.var(0, correction=0))
    for option, value in (("kernels", 3), ("kernels", 0), ("width", 1.0), ("transforms", 0)):
        with pytest.raises(ValueError, match=f"{option}: expected a"):
            aggregator("conditional-flow", **{option: value})


def test_without_the_package_of_flows_one_sentence_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "zuko", None)
    assert main(["train", "penguins", "joint-flow-vae", "--steps", "3", "--out", str(tmp_path)]) != 0
    said = capsys.readouterr().err
    assert "conditional-flow: needs the package zuko: pip install 'bvae[flows]'" in said
    assert "Traceback" not in said
