"""Imputation beside simpler methods, and who says what, on tables that are known."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import bvae
from bvae.data.base import Modality
from bvae.data.columns import Column
from bvae.data.own.own_data import OwnData
from bvae.metrics.contributions import contributions
from bvae.metrics.imputation import as_compared, errors, imputation, mean_of, predicted, r2, scale_of
from bvae.models.imputation import impute
from bvae.training.loop import train
from bvae.training.settings import Settings

MIXED = Modality("mixed", "table", (5,), columns=(
    Column("n", "number"), Column("c", "count"), Column("k", "category", ("a", "b", "c"))))


def mixed(n: int = 2000) -> torch.Tensor:
    g = np.random.default_rng(3)
    words = np.eye(3)[g.integers(3, size=n)]
    return torch.from_numpy(np.column_stack([100 + 7 * g.normal(size=n), g.poisson(20, n), words]))


def test_the_mean_has_r2_0_and_the_truth_1_whatever_the_units():
    x = mixed()
    scale = scale_of(MIXED, x)
    middle = as_compared(x, scale.counts).mean(0)
    guess = torch.where(scale.counts, middle.expm1(), middle).expand_as(x)
    assert r2(errors(scale, x, guess))["mean"] == pytest.approx(0, abs=1e-6)
    right = errors(scale, x, x)
    assert r2(right) == {"mean": 1.0, "se": 0.0}
    assert mean_of(right.right) == {"mean": 1.0, "se": 0.0}
    half = x.clone()
    half[:, 0] = 100 + 0.5 * (x[:, 0] - 100)  # half of a number's deviations: a quarter of its variance is left
    half[:, 1] = guess[:, 1]
    assert r2(errors(scale, x, half))["mean"] == pytest.approx(0.375, abs=0.01)


def test_intervals_hold_as_much_as_they_say_and_gaps_are_not_asked():
    x = mixed(20_000)
    scale = scale_of(MIXED, x)
    guess = torch.full_like(x, 100.0)
    within = mean_of(errors(scale, x, guess, torch.full_like(x, 7.0)).within)
    assert within["mean"] == pytest.approx(0.9, abs=0.01)
    assert within["se"] == pytest.approx(math.sqrt(0.09 / len(x)), rel=0.1)
    x[::2, 0] = math.nan
    found = errors(scale, x, guess, torch.full_like(x, 7.0))
    assert bool(found.within[::2].isnan().all())
    assert not bool(found.within[1::2].isnan().any())


def test_words_are_compared_as_words():
    x = mixed(6)
    wrong = x.clone()
    wrong[:3, 2:] = wrong[:3, 2:].roll(1, 1)
    assert errors(scale_of(MIXED, x), x, wrong).right.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Two views of one latent vector and one of nothing, and a model of them."""
    g = np.random.default_rng(0)
    z = g.normal(size=(900, 2))
    x = {"a": z @ g.normal(size=(2, 5)) + 0.2 * g.normal(size=(900, 5)),
         "b": 50 + 9 * (z @ g.normal(size=(2, 4)) + 0.2 * g.normal(size=(900, 4))), "noise": g.normal(size=(900, 3))}
    x = {name: torch.from_numpy(v).float() for name, v in x.items()}
    x["b"][:100] = torch.nan
    modalities = [Modality(n, "vector", v.shape[1:], columns=tuple(Column(f"{n}{k}", "number") for k in range(
        v.shape[1]))) for n, v in x.items()]
    mask = torch.stack([~v.isnan().all(1) for v in x.values()])
    data = OwnData("known", modalities, x, mask)
    parts = SimpleNamespace(train=data.rows(np.arange(700), "train"), test=data.rows(np.arange(700, 900), "test"))
    settings = Settings.for_method("own", "mwb-vae", steps=400, batch_size=64, latent_dim=4, width=16, beta=0.5,
                                   precision="32-true")
    model = train(settings, tmp_path_factory.mktemp("known"), progress=False, data=parts.train)
    return model, parts


def test_a_model_fills_what_can_be_known_and_says_how_sure_it_is(known):
    model, parts = known
    out = imputation(model, parts, torch.Generator().manual_seed(0))
    assert out["imputation_r2"]["a"]["mean"] > 0.6
    assert out["imputation_r2"]["b"]["mean"] > 0.6
    assert abs(out["imputation_r2"]["noise"]["mean"]) < 0.1
    assert out["imputation_r2_ridge"]["a"]["mean"] > 0.85
    assert out["imputation_r2_neighbours"]["a"]["mean"] > 0.6
    assert all(0.8 < v["mean"] < 0.98 for v in out["imputation_coverage_90"].values())
    views = out["imputation_r2_views"]
    assert set(views) == {"1", "2"}
    assert 0 < views["1"]["mean"] < views["2"]["mean"]
    assert "imputation_accuracy" not in out  # there are no words


def test_who_says_what(known):
    model, parts = known
    found = contributions(model, parts.train)
    assert found.explained.shape == (4, 3)
    assert found.total[0] > 0.8
    assert found.explained[:, :2].max(0).values.min() > 0.2
    assert int(found.active.sum()) >= 2
    assert float(found.shares.sum()) == pytest.approx(1, abs=0.15)  # a mean over items some of which lack a view
    sums = found.per_item.nansum(0)
    torch.testing.assert_close(sums, torch.ones_like(sums))
    assert bool(found.per_item[1, :100].isnan().all())
    assert not bool(found.per_item[0].isnan().any())
    without = found.total - found.explained.sum(0)  # what is left when every dimension is taken away, if they add up
    assert without[0] < 0.3


def test_counts_are_predicted_in_the_logarithms_that_they_are_compared_in():
    columns = tuple(Column(f"c{k}", "count") for k in range(3))
    modalities = [Modality("counts", "counts", (3,), columns=columns), Modality("v", "vector", (2,))]
    model = bvae.MultimodalVAE(modalities, bvae.aggregator("poe"), bvae.ModelConfig(latent_dim=2, width=4)).eval()
    g = torch.Generator().manual_seed(0)
    x = {"counts": torch.poisson(torch.full((500, 3), 2.0), generator=g), "v": torch.randn(500, 2, generator=g)}
    model.observe(OwnData("two", modalities, x))
    everyone = torch.ones(2, 500, dtype=torch.bool)
    said = predicted(model, x, everyone, ["v"], ["counts"], torch.arange(500), g)["counts"][0]
    expected = impute(model, {"v": x["v"]}, targets=["counts"], generator=g)["counts"].mean
    assert bool((said.mean(0) < expected.mean(0)).all())  # Jensen
    torch.testing.assert_close(said.log1p().mean(0), x["counts"].log1p().mean(0), atol=0.15, rtol=0)
