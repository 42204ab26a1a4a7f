"""What every method must do: train a step on complete and incomplete items, alone or in a batch."""

import dataclasses

import pytest
import torch

import bvae
from bvae.aggregators import aggregator
from bvae.models.methods import METHODS
from bvae.models.objectives import objective
from bvae.models.priors import ConditionalPrior

OF_MODEL = {field.name for field in dataclasses.fields(bvae.ModelConfig)}
every = pytest.mark.parametrize("name", METHODS.names())


def build(name, beta=1.0):
    method = METHODS[name]
    torch.manual_seed(0)
    model = bvae.MultimodalVAE([bvae.Modality(n, "image", (3, 8, 8)) for n in "abc"],
                               aggregator(method.aggregator, **method.aggregator_options),
                               bvae.ModelConfig(4, 4, **{key: value for key, value in method.settings.items()
                                                         if key in OF_MODEL}))
    for part in model.modules():
        if isinstance(part, ConditionalPrior):  # it begins at 0, where what lies before gets no gradient yet
            torch.nn.init.normal_(part.out.weight, 0, 0.1)
    return model, objective(method.objective, beta=beta, **method.objective_options)


def batch(count=14):
    g = torch.Generator().manual_seed(1)
    return {n: torch.rand(count, 3, 8, 8, generator=g) for n in "abc"}


def seeded():
    return torch.Generator().manual_seed(2)


@every
def test_loss_is_per_item_finite_and_made_of_its_parts(name):
    model, bound = build(name, beta=0.7)
    out = bound(model, batch(), torch.ones(3, 14, dtype=torch.bool), seeded())
    assert out.loss.shape == out.reconstruction.shape == out.kl.shape == (14,)
    assert torch.isfinite(out.loss).all()
    if bound.decomposes:
        torch.testing.assert_close(out.loss, out.reconstruction + 0.7 * out.kl)


@every
def test_every_parameter_learns(name):
    model, bound = build(name)
    bound(model, batch(), torch.ones(3, 14, dtype=torch.bool), seeded()).loss.mean().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name
        assert (parameter.grad != 0).any(), parameter_name


@every
def test_a_missing_modality_contributes_nothing_and_gets_no_gradient(name):
    model, bound = build(name)
    present = torch.ones(3, 14, dtype=torch.bool)
    present[1] = False
    x = batch()
    nan = {**x, "b": torch.full_like(x["b"], torch.nan)}
    with_nan = bound(model, nan, present, seeded())
    with_other = bound(model, x, present, seeded())
    torch.testing.assert_close(with_nan.loss, with_other.loss)
    with_nan.loss.mean().backward()
    for parameter_name, parameter in model.named_parameters():
        if parameter_name.split(".")[1:2] == ["b"]:
            assert parameter.grad is None or (parameter.grad == 0).all(), parameter_name
        else:
            assert torch.isfinite(parameter.grad).all(), parameter_name
            assert (parameter.grad != 0).any(), parameter_name


@every
def test_incomplete_items_of_all_kinds_in_one_batch(name):
    model, bound = build(name)
    patterns = torch.tensor([[1, 0, 0, 1, 1, 0, 1], [0, 1, 0, 1, 0, 1, 1], [0, 0, 1, 0, 1, 1, 1]]).bool()
    out = bound(model, batch(), patterns.repeat(1, 2), seeded())
    assert torch.isfinite(out.loss).all()
    out.loss.mean().backward()


@pytest.mark.slow
@every
def test_the_loss_falls(name):
    model, bound = build(name)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    x, present, generator = batch(), torch.ones(3, 14, dtype=torch.bool), seeded()
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = bound(model, x, present, generator).loss.mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < sum(losses[:5])


@every
def test_same_generator_same_loss(name):
    model, bound = build(name)
    present = torch.ones(3, 14, dtype=torch.bool)
    first, second = (bound(model, batch(), present, seeded()).loss for _ in range(2))
    assert torch.equal(first, second)
