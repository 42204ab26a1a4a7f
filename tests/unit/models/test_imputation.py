"""Imputation: near the truth that was hidden, honest about what it does not know, and nothing observed is changed."""

from __future__ import annotations

import pytest
import torch

import bvae
from bvae.data import Column, Modality
from bvae.models.config import ModelConfig
from bvae.models.imputation import impute
from bvae.models.vae import MultimodalVAE
from bvae.training.loop import train
from bvae.training.settings import Settings


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """A model of the simulated cells, and test items of which it saw nothing."""
    settings = Settings.for_method("simulated-cells", "mwb-vae", steps=250, batch_size=64, latent_dim=6, width=24,
                                   learning_rate=3e-3, beta=1.0, warmup_steps=20)
    model = train(settings, tmp_path_factory.mktemp("model"), progress=False)
    return model, bvae.dataset("simulated-cells", "test")


def test_hidden_proteins_come_back_better_than_their_mean(cells):
    """What was measured is hidden and imputed from the counts alone; half of the hidden variance is found at least."""
    model, data = cells
    has = data.present[1]
    truth = data.x["protein"][has]
    found = impute(model, {"rna": data.x["rna"][has]}, None, 32, 0, torch.Generator().manual_seed(0))["protein"]
    mean = bvae.dataset("simulated-cells", "train")
    mean = mean.x["protein"][mean.present[1]].mean(0)
    error, error_of_mean = ((v - truth).square().mean() for v in (found.mean, mean))
    assert error < 0.5 * error_of_mean
    assert bool(found.missing.all())
    inside = ((found.mean - truth).abs() < 1.645 * found.scale).float().mean()
    assert 0.75 < float(inside) < 0.98  # 0.9 if the normal approximation and the model were right


def test_single_hidden_cells_come_back_too(cells):
    model, data = cells
    has = data.present[1]
    x = {name: values[has].clone() for name, values in data.x.items()}
    hidden = torch.rand(x["protein"].shape, generator=torch.Generator().manual_seed(1)) < 0.25
    truth = x["protein"].clone()
    x["protein"][hidden] = torch.nan
    found = impute(model, x, None, 32, 4, torch.Generator().manual_seed(0))["protein"]
    assert torch.equal(found.missing, hidden)
    assert torch.equal(found.mean[~hidden], truth[~hidden])
    assert bool((found.scale[~hidden] == 0).all())
    assert torch.equal(found.samples[:, ~hidden], truth[~hidden].expand(4, -1))
    error = (found.mean - truth)[hidden].square().mean()
    assert error < 0.4 * (truth - truth.mean(0))[hidden].square().mean()


def test_draws_agree_with_mean_and_scale(cells):
    """Of numbers and of counts: the draws' mean and spread are those that are said, up to what chance allows."""
    model, data = cells
    x = {"protein": data.x["protein"][data.present[1]][:6]}
    found = impute(model, x, None, 2000, 2000, torch.Generator().manual_seed(0))["rna"]
    drawn = found.samples
    assert bool((drawn >= 0).all())
    assert torch.equal(drawn, drawn.round())
    common = found.mean > 0.5  # where 2,000 draws tell something
    error = found.scale / 2000**0.5
    assert float(((drawn.mean(0) - found.mean) / error)[common].abs().mean()) < 1.3  # 0.8 of a normal variate
    ratio = (drawn.std(0) / found.scale)[common]
    assert float(ratio.mean()) == pytest.approx(1, abs=0.05)


def test_pieces_give_the_same_as_all_at_once(cells, monkeypatch):
    model, data = cells
    x, present = {k: v[:20] for k, v in data.x.items()}, data.present[:, :20]
    whole = impute(model, x, present, 16, 3, torch.Generator().manual_seed(5))
    monkeypatch.setattr("bvae.models.imputation.AT_ONCE", 16 * 200 * 7)
    parts = impute(model, x, present, 16, 3, torch.Generator().manual_seed(5))
    for name in whole:
        torch.testing.assert_close(parts[name].mean, whole[name].mean, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(parts[name].scale, whole[name].scale, rtol=1e-3, atol=1e-4)
        assert parts[name].samples.shape == whole[name].samples.shape


def test_what_is_missing_is_certain_only_as_far_as_the_data_say(cells):
    """With less to go by, the spread is larger."""
    model, data = cells
    x = data.x["rna"][:50]
    few = x.clone()
    few[:, 20:] = torch.nan
    spread = [impute(model, {"rna": v}, None, 64, 0, torch.Generator().manual_seed(0))["protein"].scale.mean()
              for v in (few, x)]
    assert spread[0] > spread[1]


def test_numbers_of_draws_that_cannot_be():
    model = MultimodalVAE([Modality("a", "vector", (2,)), Modality("b", "table", (3,), columns=(
        Column("n", "number"), Column("k", "category", ("u", "v"))))], bvae.aggregator("wasserstein"),
        ModelConfig(latent_dim=2, width=4))
    for draws, samples in ((1, 0), (4, 5), (4, -1)):
        with pytest.raises(ValueError, match="num_draws, num_samples"):
            impute(model, {"a": torch.zeros(3, 2)}, None, draws, samples)
    found = impute(model.eval(), {"a": torch.zeros(3, 2)}, None, 8, 2, torch.Generator().manual_seed(0), ["b"])
    assert list(found) == ["b"]
    torch.testing.assert_close(found["b"].mean[:, 1:].sum(1), torch.ones(3))
    torch.testing.assert_close(found["b"].samples[..., 1:].sum(-1), torch.ones(2, 3))
