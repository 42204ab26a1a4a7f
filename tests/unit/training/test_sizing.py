"""Settings that follow from the data."""

import numpy as np
import pytest

import bvae
from bvae.training.settings import Settings
from bvae.training.sizing import sized
from bvae.training.validation import held_out


def own(n: int, *columns: int):
    g = np.random.default_rng(0)
    return bvae.from_arrays({f"v{k}": g.normal(size=(n, p)) for k, p in enumerate(columns)})


@pytest.mark.parametrize("n", [2, 5, 50, 99, 100, 101, 176, 344, 1500, 30_000])
def test_any_number_of_items_gets_settings_that_are_allowed(n):
    data = own(n, 2, 3)
    size = sized(data)
    settings = Settings.for_method("own", "mwb-vae", **size.settings)
    assert 1 <= settings.batch_size <= n
    assert settings.warmup_steps < settings.steps
    assert (settings.validation > 0) == (n >= 100)
    learnt = len(held_out(data, settings.validation)[0]) if settings.validation else n
    times = round(settings.steps * settings.batch_size / learnt)
    assert size.why[0] == (f"{settings.steps:,} steps of {settings.batch_size} items: each of {learnt:,} items is seen "
                           f"about {times:,} times")


def test_few_columns_have_few_latent_dimensions_and_a_small_beta():
    few, some, many = (sized(own(200, *columns)) for columns in ((2, 3), (40, 60), (250, 100)))
    assert [s.settings["latent_dim"] for s in (few, some, many)] == [2, 16, 32]
    assert [s.settings["beta"] for s in (few, some, many)] == [0.3, 0.5, 1.0]
    assert any("beta 0.3: with so few columns" in line for line in few.why)
    assert "beta 1, the bound itself" in many.why


def test_more_items_are_trained_on_longer_and_less_often_each():
    sizes = [sized(own(n, 2, 3)).settings for n in (300, 3000, 60_000)]
    steps, seen = [s["steps"] for s in sizes], [s["steps"] * s["batch_size"] / n for s, n in zip(
        sizes, (300, 3000, 60_000), strict=True)]
    assert steps == sorted(steps)
    assert seen == sorted(seen, reverse=True)
