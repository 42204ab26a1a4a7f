"""What is said of the size of an item whose counts are missing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import bvae
from bvae.data.own.from_arrays import from_arrays
from bvae.metrics.imputation import errors, r2, scale_of
from bvae.models.imputation import impute

GENES = 15


@pytest.fixture(scope="module")
def cells():
    """Counts of two types of cells alike but for their size, ten times as large, and a column that tells the type."""
    g = np.random.default_rng(0)
    types = g.integers(2, size=300)
    rate = g.uniform(1, 9, GENES) * np.where(types, 5.0, 0.5)[:, None]
    counts = g.poisson(rate).astype(np.float64)
    return from_arrays({"rna": counts, "level": (types + g.normal(0, 0.1, 300))[:, None]}, kinds={"rna": "counts"})


@pytest.fixture(scope="module")
def model(cells):
    est = bvae.BarycentricVAE("wb-vae-tc", latent_dim=2, steps=500, learning_rate=5e-3, kinds={"rna": "counts"},
                              random_state=0)
    return est.fit({name: cells.x[name].numpy() for name in cells.modalities}).model_


def test_it_follows_from_what_the_other_views_say(cells, model):
    found = impute(model, {"level": cells.x["level"]}, targets=["rna"], num_samples=64, num_draws=64,
                   generator=torch.Generator().manual_seed(0))["rna"]
    scale = scale_of(cells.modalities["rna"], cells.x["rna"])
    assert r2(errors(scale, cells.x["rna"], found.mean))["mean"] > 0.8  # at the reference size at most 0
    totals, true = found.samples.sum(2), cells.x["rna"].sum(1)
    low, high = totals.quantile(0.05, 0), totals.quantile(0.95, 0)
    assert ((low <= true) & (true <= high)).float().mean() > 0.8


def test_counts_that_are_there_decide_it(cells, model):
    """Of an item ten times as large as its other views say, a gap is filled at its own size."""
    x = {name: values[:40].clone() for name, values in cells.x.items()}
    x["rna"] = 10 * x["rna"]
    x["rna"][:, 0] = torch.nan
    plain = {**x, "rna": x["rna"] / 10}
    large, usual = (impute(model, given, targets=["rna"])["rna"].mean[:, 0] for given in (x, plain))
    assert ((large / usual).median() - 10).abs() < 3


def test_drawn_sizes_leave_the_mean_as_it_is(model):
    likelihood = model.likelihood("rna")
    mean = likelihood.statistics.rate.expand(50, 3, -1)
    drawn = likelihood.at_size_of(torch.full((3, GENES), torch.nan), mean, torch.Generator().manual_seed(1))
    torch.testing.assert_close(drawn.mean(0), mean[0])
    assert (drawn.sum(2).log().std(0) > 0.5 * likelihood.width).all()
    assert torch.equal(drawn[:, 0], drawn[:, 1])  # the same chance for every item


def test_weights_that_say_nothing_of_sizes_have_the_reference_size(cells, model):
    lacking = {k: v for k, v in model.state_dict().items() if "of_size" not in k and "raw_width" not in k}
    assert len(lacking) == len(model.state_dict()) - 3
    old = bvae.MultimodalVAE(model.modalities.values(), model.aggregator, model.config)
    old.load_state_dict(lacking)
    means = old.eval().decode(torch.randn(8, 2))["rna"]
    torch.testing.assert_close(means.sum(1), old.likelihood("rna").statistics.rate.sum().expand(8))
    filled = impute(old, {"level": cells.x["level"][:8]}, targets=["rna"])["rna"]
    torch.testing.assert_close(filled.mean.sum(1), means.sum(1))
