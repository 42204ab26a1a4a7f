"""Intervals of imputed numbers that hold what they say."""

import shutil

import pytest
import torch

from bvae import aggregator
from bvae.app.beliefs import columns
from bvae.data import dataset
from bvae.data.own.from_arrays import from_arrays
from bvae.io.storage import StorageError
from bvae.models.config import ModelConfig
from bvae.models.imputation import impute
from bvae.models.vae import MultimodalVAE
from bvae.training import calibrating, load_checkpoint, load_weights
from bvae.training.checkpoint import CALIBRATION, checkpoints_root, read_calibration, read_checkpoint

WITHIN = 1.6449


@pytest.fixture(scope="module")
def birds():
    return dataset("penguins", "test")


@pytest.fixture
def checkpoint(tmp_path):
    """A copy of the model whose own intervals are much too narrow, not calibrated."""
    shutil.copytree(checkpoints_root() / "penguins" / "wb-vae", tmp_path / "penguins" / "wb-vae")
    (tmp_path / "penguins" / "wb-vae" / CALIBRATION).unlink(missing_ok=True)
    return load_checkpoint("penguins", "wb-vae", tmp_path)


def filled(model, data, name, **options):
    """What is imputed of a view from all others, and what is true."""
    views = list(data.modalities)
    seen = data.present & torch.tensor([v != name for v in views])[:, None]
    return impute(model, data.x, seen, 32, generator=torch.Generator().manual_seed(0), targets=[name],
                  **options)[name], data.x[name], data.present[views.index(name)]


def held(found, true, there):
    return float(((true - found.mean).abs() <= WITHIN * found.scale)[there].double().mean())


@pytest.mark.parametrize("off", [0.5, 1.0, 3.0])
def test_a_factor_is_by_how_much_the_model_is_off(off):
    """Errors that are normal with `off` of the standard deviations that were said."""
    g = torch.Generator().manual_seed(0)
    rows = [(off * torch.randn(20_000, 3, generator=g)).abs() for _ in range(3)]
    assert calibrating.factors_of(rows) == pytest.approx(torch.full((3, 3), off), rel=0.05)


def test_columns_with_few_items_are_drawn_to_the_others_and_one_without_any_says_nothing():
    g = torch.Generator().manual_seed(0)
    errors = torch.randn(400, 3, generator=g).abs()
    errors[20:, 1] = torch.nan
    errors[:20, 1] *= 5
    errors[:, 2] = torch.nan
    plain, few, none = calibrating.factors_of([errors])[0].tolist()
    assert plain < few < 5
    assert none == pytest.approx(float(calibrating.factors_of([errors[:, :2]])[0].log().mean().exp()), rel=0.5)


def test_intervals_hold_what_they_say_of_items_that_nobody_trained_on(checkpoint, birds):
    model = load_weights(checkpoint)
    before = {name: held(*filled(model, birds, name)) for name in ("beak", "body")}
    calibrating.make(checkpoint)
    model = load_weights(checkpoint)
    after = {name: held(*filled(model, birds, name)) for name in ("beak", "body")}
    assert max(before.values()) < 0.5
    assert min(after.values()) > 0.7


def test_means_stay_and_draws_are_spread_as_the_standard_deviation_says(checkpoint, birds):
    calibrating.make(checkpoint)
    model = load_weights(checkpoint)
    (own, _, _), (bare, _, there) = (filled(model, birds, "beak", num_samples=32, calibrated=c) for c in (True, False))
    factor = model.calibration.factors["beak"][2]
    assert torch.equal(own.mean, bare.mean)
    torch.testing.assert_close(own.scale, bare.scale * factor)
    torch.testing.assert_close(own.samples[:, there] - own.mean[there],
                               (bare.samples[:, there] - bare.mean[there]) * factor, rtol=1e-3, atol=1e-3)
    probabilities = [filled(model, birds, "life", calibrated=c)[0].scale for c in (True, False)]
    assert torch.equal(*probabilities)


def test_another_rule_has_its_own_spread(checkpoint, birds):
    model = load_weights(checkpoint)
    bare = filled(model, birds, "beak", aggregator=aggregator("poe"))[0]
    calibrating.make(checkpoint)
    again = filled(load_weights(checkpoint), birds, "beak", aggregator=aggregator("poe"))[0]
    assert torch.equal(again.scale, bare.scale)


def test_gaps_and_hidden_views_have_factors_of_their_own(checkpoint, birds):
    calibrating.make(checkpoint)
    model = load_weights(checkpoint)
    x = {name: values[:1].clone() for name, values in birds.x.items()}
    x["beak"][0, 0] = torch.nan
    views, factors = list(model.modalities), model.calibration.factors["beak"]

    def scale(x, **options):
        return impute(model, x, None, 32, generator=torch.Generator().manual_seed(0), targets=["beak"],
                      **options)["beak"].scale[0]

    assert scale(x)[0] == pytest.approx(float(scale(x, calibrated=False)[0] * factors[-1, 0]))
    assert scale(x)[1] == 0
    alone = {"body": x["body"]}
    torch.testing.assert_close(scale(alone), scale(alone, calibrated=False) * factors[1])
    assert len(factors) == len(views) + 1


def test_the_app_says_what_impute_says(checkpoint, birds):
    calibrating.make(checkpoint)
    model = load_weights(checkpoint)
    x = {name: values[:1] for name, values in birds.x.items() if name != "beak"}
    z = model.encode(x, model.aggregator.conditional()).common(32, torch.Generator().manual_seed(0))[:, 0]
    cells = columns.of_draws(model, birds, z, x, {n: v[0] for n, v in birds.x.items()})
    said = impute(model, x, None, 32, generator=torch.Generator().manual_seed(0), targets=["beak"])["beak"].scale[0]
    assert torch.cat([c.scale for c in cells["beak"]]) == pytest.approx(said)
    seen = columns.of_draws(model, birds, z, x, {}, calibrated=False)["body"]
    assert [float(c.scale[0]) for c in cells["body"]] == [float(c.scale[0]) for c in seen]


def test_one_of_other_weights_or_shapes_is_refused_and_said(checkpoint, birds):
    path = calibrating.make(checkpoint)
    assert calibrating.state(checkpoint) == "ready"
    found = read_calibration(checkpoint)
    calibrating.write(checkpoint.folder, found, "0" * 64)
    assert calibrating.state(checkpoint) == "stale"
    with pytest.warns(RuntimeWarning, match="--calibrations"):
        assert load_weights(checkpoint).calibration is None
    for wrong in (found.factors["beak"][:, :1], -found.factors["beak"], found.factors["beak"].double()):
        calibrating.write(checkpoint.folder, type(found)({"beak": wrong}), checkpoint.hash)
        with pytest.raises(StorageError, match="beak"):
            read_calibration(checkpoint)
    path.write_bytes(b"{}")
    assert calibrating.state(checkpoint) == "stale"
    assert calibrating.after_training(checkpoint.folder) == ""
    assert calibrating.state(read_checkpoint(checkpoint.folder)) == "ready"


def test_without_kept_items_or_real_numbers_there_is_none():
    assert calibrating.state(load_checkpoint("polymnist", "mwb-vae")) == "none"
    assert calibrating.kept_items(load_checkpoint("polymnist", "mwb-vae").settings) is None
    texts = from_arrays({"words": ["one", "two", "three"]})
    model = MultimodalVAE(texts.modalities.values(), aggregator("poe"), ModelConfig(latent_dim=2, width=8))
    assert calibrating.fit(model, texts) is None
