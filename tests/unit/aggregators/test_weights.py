"""Weights of experts as a part of a model: fixed, learned per modality, learned per latent dimension."""

import pytest
import torch

import bvae
from bvae.aggregators.weights import ExpertWeights
from bvae.gaussians.posterior import Posterior
from bvae.models.objectives import OBJECTIVES
from bvae.models.objectives.elbo import score
from bvae.training.settings import Settings

MODALITIES = [bvae.Modality(name, "image", (3, 8, 8)) for name in "abc"]


def model_with(weights, rule="wasserstein"):
    torch.manual_seed(0)
    return bvae.MultimodalVAE(MODALITIES, bvae.aggregator(rule), bvae.ModelConfig(4, 4, weights=weights))


def batch(n=6):
    g = torch.Generator().manual_seed(1)
    return {m.name: torch.rand(n, *m.shape, generator=g) for m in MODALITIES}


def test_uniform_weights_have_no_parameters():
    assert ExpertWeights("uniform", 3, 4)() is None
    assert not list(ExpertWeights("uniform", 3, 4).parameters())


def test_fixed_weights_are_those_that_were_given():
    model = model_with("2,1,1")
    torch.testing.assert_close(model.expert_weights(), torch.tensor([0.5, 0.25, 0.25]))
    x = batch()
    given = model_with("uniform").encode(x, weights=torch.tensor([0.5, 0.25, 0.25]))
    torch.testing.assert_close(model.encode(x).mean, given.mean)
    assert not any("expert_weights" in name for name in model.state_dict())


@pytest.mark.parametrize(("kind", "shape"), [("modality", (3,)), ("dimension", (3, 1, 4))])
@pytest.mark.parametrize("rule", ["poe", "wasserstein", "mwb", "jeffreys"])
def test_learned_weights_begin_uniform_and_get_gradients(kind, shape, rule):
    model = model_with(kind, rule)
    x = batch()
    torch.testing.assert_close(model.encode(x).mean, model_with("uniform", rule).encode(x).mean)
    assert model.expert_weights.logits.shape == shape
    present = torch.ones(3, 6, dtype=torch.bool)
    OBJECTIVES["elbo"]()(model, x, present, torch.Generator().manual_seed(0)).loss.mean().backward()
    gradient = model.expert_weights.logits.grad
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0


def test_learning_finds_the_expert_that_knows():
    """Expert 0 is right, expert 1 is far off: the weight that minimises the squared error goes to expert 0."""
    weights = ExpertWeights("modality", 2, 1)
    optimiser = torch.optim.Adam(weights.parameters(), 0.1)
    loc, scale = torch.tensor([[[0.0]], [[3.0]]]), torch.ones(2, 1, 1)
    for _ in range(200):
        optimiser.zero_grad()
        bvae.aggregator("wasserstein")(loc, scale, weights=weights()).mean.square().sum().backward()
        optimiser.step()
    assert weights()[0] > 0.95


def test_gradient_to_the_weights_of_a_mixture_is_unbiased():
    """E[cost] over the choice of components: its gradient is the components' costs, which `score` estimates."""
    logits = torch.tensor([0.2, -0.3, 0.5], dtype=torch.float64, requires_grad=True)
    costs = torch.tensor([1.0, 4.0, -2.0], dtype=torch.float64)
    (exact,) = torch.autograd.grad((logits.softmax(0) * costs).sum(), logits)
    g = torch.Generator().manual_seed(0)
    draws = []
    for _ in range(3000):
        weights = logits.softmax(0).unsqueeze(1).expand(3, 4)
        q = Posterior(weights, torch.zeros(3, 4, 1, dtype=torch.float64), torch.ones(3, 4, 1, dtype=torch.float64))
        index = q.draw(g)
        value = score(q.weights, index, costs[index])
        assert (value == 0).all()
        draws.append(torch.autograd.grad(value.mean(), logits)[0])
    draws = torch.stack(draws)
    error = draws.std(0) / len(draws) ** 0.5
    assert ((draws.mean(0) - exact).abs() < 4 * error).all()


def test_learned_weights_are_saved_and_loaded(tmp_path):
    from bvae.training.checkpoint import build_model, load_checkpoint, load_weights, save_model

    settings = Settings.for_method("polymnist", "wb-vae", width=4, latent_dim=3, weights="dimension")
    modalities = [bvae.Modality(f"m{k}", "image", (3, 28, 28)) for k in range(5)]
    model = build_model(modalities, settings)
    with torch.no_grad():
        model.expert_weights.logits.copy_(torch.randn(5, 1, 3))
    folder = tmp_path / "polymnist" / "mine"
    folder.mkdir(parents=True)
    save_model(folder, model, settings, {})
    again = load_weights(load_checkpoint("polymnist", "mine", tmp_path))
    torch.testing.assert_close(again.expert_weights(), model.expert_weights(), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("spec", "message"),
    [("some", "weights: expected one of uniform, modality, dimension, subset, or non-negative numbers .*'some'"),
     ("1,-1,1", "weights: expected one of"), ("0,0,0", "weights: expected one of"),
     ("1,nan,1", "weights: expected one of"),
     ("1,2", "weights: expected 3 numbers, one per modality, got '1,2'")],
)
def test_bad_weights_are_named(spec, message):
    with pytest.raises(ValueError, match=message):
        model_with(spec)


def test_weights_of_dimensions_are_refused_at_once_by_rules_that_cannot_use_them():
    with pytest.raises(ValueError, match="expected one weight per modality"):
        model_with("dimension", "moe")
    with pytest.raises(ValueError, match="weights: expected one of"):
        Settings.for_method("polymnist", "mwb-vae", weights="all")
