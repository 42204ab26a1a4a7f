"""Samplers: each is a density, is fitted the same way twice, and comes back from its file as it was."""

import sys
import warnings

import pytest
import torch

import bvae
from bvae import samplers
from bvae.io.storage import StorageError, read_tensors_and_metadata, write_tensors
from bvae.registry import UnknownName
from bvae.samplers import SAMPLERS, Draws, files, flow

pytest.importorskip("zuko", reason="the extra flows, which the extra dev has")
every = pytest.mark.parametrize("name", samplers.samplers())
CENTRES = torch.tensor([[4.0, 0.0, 0.0], [-4.0, 0.0, 0.0], [0.0, 4.0, 0.0]])


def draws(count=600, seed=0, width=0.3):
    """Three round heaps, which are the classes."""
    g = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % 3
    return Draws(CENTRES[y] + width * torch.randn(count, 3, generator=g), y)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_there_are_the_prior_a_mixture_and_one_for_each_class():
    assert set(samplers.samplers()) >= {"prior", "gaussian-mixture", "gaussian-mixture-per-class", "normalising-flow"}
    with pytest.raises(UnknownName, match="gaussian-mixture"):
        SAMPLERS["gaussian-mixtur"]


@every
def test_the_same_draws_and_seed_give_the_same_sampler_and_the_same_z(name):
    one, other = (SAMPLERS[name].fitted(draws(), seed=1) for _ in range(2))
    assert one.name == name
    for key, value in one.state().items():
        assert torch.equal(value, other.state()[key])
    assert torch.equal(one.sample(7, seeded(3)), other.sample(7, seeded(3)))
    assert one.sample(7).shape == (7, 3)
    assert one.sample(7).dtype == torch.float32
    assert one.dim == 3


@every
def test_the_density_is_that_of_the_draws(name):
    """Its integral by importance sampling is 1, and its draws have the mean of the density's moments."""
    sampler = SAMPLERS[name].fitted(draws(width=1.0))
    wide = torch.distributions.Normal(torch.zeros(3), 4.0)
    z = 4.0 * torch.randn(200_000, 3, generator=seeded())
    weight = (sampler.log_prob(z) - wide.log_prob(z).sum(1)).exp()
    assert weight.mean() == pytest.approx(1, abs=0.1)
    mean = (weight.unsqueeze(1) * z).mean(0)
    torch.testing.assert_close(sampler.sample(20_000, seeded(1)).mean(0), mean, atol=0.15, rtol=0)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    for name, value in {"STEPS": 100, "HIDDEN": (32, 32), "TRANSFORMS": 2, "BINS": 4, "BATCH": 128}.items():
        monkeypatch.setattr(flow, name, value)


@pytest.mark.parametrize("name", ["gaussian-mixture", "gaussian-mixture-per-class", "normalising-flow"])
def test_a_fitted_one_draws_where_the_items_are(name):
    sampler = SAMPLERS[name].fitted(draws())
    far = torch.cdist(sampler.sample(300, seeded()), CENTRES).min(1)
    assert (far.values < 1.5).double().mean() > (0.4 if name == "normalising-flow" else 0.98)  # after few steps
    assert torch.bincount(far.indices, minlength=3).min() > 60  # each as often as among the items
    prior = torch.cdist(SAMPLERS["prior"].fitted(draws()).sample(300, seeded()), CENTRES).min(1)
    assert (prior.values < 1.5).double().mean() < 0.1


def test_a_flow_says_what_it_needs(monkeypatch):
    with pytest.raises(ValueError, match="at least 20 draws, got 3"):
        SAMPLERS["normalising-flow"].fitted(Draws(torch.randn(3, 2)))
    state = SAMPLERS["normalising-flow"].fitted(draws(60)).state()
    with pytest.raises(ValueError, match="finite numbers"):
        SAMPLERS["normalising-flow"].of_state({**state, "scale": -state["scale"]})
    with torch.inference_mode():  # as pages and metrics do
        assert SAMPLERS["normalising-flow"].fitted(draws(60)).sample(2).shape == (2, 3)
    monkeypatch.setitem(sys.modules, "zuko", None)
    with pytest.raises(ImportError, match=r"bvae\[flows\]"):
        SAMPLERS["normalising-flow"].of_state(state)


def test_few_draws_get_few_components_and_many_get_all():
    assert SAMPLERS["gaussian-mixture"].fitted(draws(90)).num_components == 3
    one = SAMPLERS["gaussian-mixture"].fitted(Draws(torch.randn(60, 3, generator=seeded())))
    assert one.num_components <= 2
    assert SAMPLERS["gaussian-mixture"].fitted(Draws(torch.randn(2, 3, generator=seeded()))).num_components == 1
    with pytest.raises(ValueError, match="at least two draws, got 1"):
        SAMPLERS["gaussian-mixture"].fitted(Draws(torch.zeros(1, 3)))


def test_the_best_one_leaves_out_what_is_no_number_and_needs_two_draws():
    z = draws().z.clone()
    z[:500, 1] = torch.nan
    sampler = samplers.best(Draws(z, draws().y))
    assert sampler.name == "gaussian-mixture"
    assert sampler.sample(50).isfinite().all()
    assert samplers.best(Draws(z[499:501])).name == "prior"


def test_draws_that_are_all_the_same_are_a_narrow_cloud():
    sampler = SAMPLERS["gaussian-mixture"].fitted(Draws(torch.ones(300, 3)))
    assert (sampler.sample(100, seeded()) - 1).abs().max() < 0.1


def test_one_for_each_class_draws_the_class_that_is_asked_for():
    sampler = SAMPLERS["gaussian-mixture-per-class"].fitted(draws())
    for k in range(3):
        nearest = torch.cdist(sampler.sample_of(k, 40, seeded()), CENTRES).argmin(1)
        assert (nearest == k).all()
    with pytest.raises(ValueError, match=r"one of \[0, 1, 2\], got 7"):
        sampler.sample_of(7, 1)
    with pytest.raises(ValueError, match="expected the classes"):
        SAMPLERS["gaussian-mixture-per-class"].fitted(Draws(draws().z))


# -- in a model and in its folder --------------------------------------------------------------------------------------


@pytest.fixture
def model():
    torch.manual_seed(0)
    return bvae.MultimodalVAE([bvae.Modality("a", "vector", (4,)), bvae.Modality("b", "vector", (2,))],
                              bvae.aggregator("wasserstein"), bvae.ModelConfig(3, 4)).eval()


def test_a_model_invents_by_its_own_sampler_and_by_the_prior_if_asked(model):
    prior = model.decode(torch.randn(5, 3, generator=seeded()))
    assert torch.equal(model.sample(5, generator=seeded())["a"], prior["a"])  # it has no other
    model.sampler = SAMPLERS["gaussian-mixture"].fitted(draws())
    own = model.sample(5, generator=seeded())
    assert own["a"].shape == (5, 4)
    assert not torch.equal(own["a"], prior["a"])
    assert torch.equal(model.sample(5, "gaussian-mixture", seeded())["b"], own["b"])
    assert torch.equal(model.sample(5, "prior", seeded())["b"], prior["b"])
    assert list(model.sample(5, SAMPLERS["prior"](3), targets=["b"])) == ["b"]
    with pytest.raises(ValueError, match="'gaussian-mixture' or 'prior'"):
        model.sample(5, "flow")
    with pytest.raises(ValueError, match="one of 3 dimensions, got 2"):
        model.sample(5, SAMPLERS["prior"](2))
    with pytest.raises(ValueError, match="positive integer, got 0"):
        model.sample(0)


def test_private_parts_are_drawn_from_the_prior():
    torch.manual_seed(0)
    model = bvae.MultimodalVAE([bvae.Modality("a", "vector", (4,)), bvae.Modality("b", "vector", (2,))],
                               bvae.aggregator("moe"), bvae.ModelConfig(3, 4, private_dim=2, auxiliary_prior=True))
    model.sampler = SAMPLERS["gaussian-mixture"].fitted(draws())
    z = model.sample_latents(2000, generator=seeded())
    assert z.shape == (2000, 7)
    assert (torch.cdist(z[:, :3], CENTRES).min(1).values < 1.5).double().mean() > 0.98
    torch.testing.assert_close(z[:, 3:].std(0), torch.ones(4), atol=0.1, rtol=0)


def test_a_sampler_is_fitted_to_draws_of_the_joint_beliefs(model):
    data = bvae.from_arrays({"a": torch.randn(50, 4).numpy(), "b": torch.randn(50, 2).numpy()})
    found = samplers.posterior_draws(model, data, items=20, seed=4)
    assert found.z.shape == (20, 3)
    q = model.encode(data.subset(torch.linspace(0, 49, 20).round().long()))
    assert ((found.z - q.mean).abs() < 6 * q.variance.sqrt()).all()
    assert isinstance(samplers.fit(model, data), SAMPLERS["gaussian-mixture"])
    assert samplers.fit(model, data, "prior").dim == 3


@every
def test_a_file_gives_back_what_was_fitted(name, tmp_path):
    sampler = SAMPLERS[name].fitted(draws())
    assert files.read(tmp_path, "w", 3) is None
    path = files.write(tmp_path, sampler, "w", items=600)
    back = files.read(tmp_path, "w", 3)
    assert type(back) is type(sampler)
    torch.testing.assert_close(back.sample(50, seeded()), sampler.sample(50, seeded()), atol=0.02, rtol=0.01)
    assert '"items": 600' in read_tensors_and_metadata(path)[1]["facts"]


def test_a_sampler_of_other_weights_or_a_damaged_one_is_refused(tmp_path):
    path = files.write(tmp_path, SAMPLERS["gaussian-mixture"].fitted(draws()), "w")
    with pytest.raises(StorageError, match="fitted for other weights"):
        files.read(tmp_path, "other", 3)
    with pytest.raises(StorageError, match="of 4 dimensions, got 3"):
        files.read(tmp_path, "w", 4)
    state, metadata = read_tensors_and_metadata(path)
    metadata = {k: v for k, v in metadata.items() if k != "digest"}
    for change in ({"root": state["root"][:, :-1]}, {"weights": -state["weights"]},
                   {"loc": state["loc"] * torch.inf}, {"root": 0 * state["root"]}):
        write_tensors(path, {**state, **change}, metadata)
        with pytest.raises(StorageError, match="not the state of a sampler"):
            files.read(tmp_path, "w", 3)
    for about, said in (({"format": "9"}, "format 1, got '9'"), ({"sampler": "../x"}, "unknown sampler")):
        write_tensors(path, state, {**metadata, **about})
        with pytest.raises(StorageError, match=said):
            files.read(tmp_path, "w", 3)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(StorageError):
        files.read(tmp_path, "w", 3)


def test_a_refused_sampler_takes_no_model_away(tmp_path):
    from bvae.training.checkpoint import load_weights, read_checkpoint, save_model
    from bvae.training.settings import Settings

    settings = Settings.for_method("own", "wb-vae", latent_dim=3, width=4)
    model = bvae.training.checkpoint.build_model((bvae.Modality("a", "vector", (4,)),), settings).eval()
    save_model(tmp_path, model, settings, {"seconds": 1.0})
    checkpoint = read_checkpoint(tmp_path)
    assert load_weights(checkpoint).sampler is None
    files.write(tmp_path, SAMPLERS["gaussian-mixture"].fitted(draws()), checkpoint.hash)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_weights(checkpoint).sampler.name == "gaussian-mixture"
    files.write(tmp_path, SAMPLERS["gaussian-mixture"].fitted(draws()), "other")
    with pytest.warns(RuntimeWarning, match="--samplers"):
        assert load_weights(checkpoint).sampler is None
    save_model(tmp_path, model, settings, {"seconds": 1.0})
    assert not (tmp_path / files.FILE).exists()  # of the weights that were there before


@pytest.mark.parametrize("fault", [ValueError("the data are gone"), OSError(28, "no space left"),
                                   RuntimeError("not positive-definite")])
def test_a_saved_model_outlives_a_sampler_that_cannot_be_fitted(tmp_path, monkeypatch, fault):
    from bvae.training import sampling
    from bvae.training.checkpoint import checkpoints_root, read_checkpoint

    for name in ("config.json", "history.csv", "model.safetensors"):
        (tmp_path / name).write_bytes((checkpoints_root() / "polymnist" / "mvae" / name).read_bytes())

    def fails(*_):
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(sampling, "make", fails)
        assert sampling.after_training(tmp_path) == f"no sampler was fitted: {fault}"
    assert sampling.state(read_checkpoint(tmp_path)) == "missing"
    monkeypatch.setattr(sampling, "training_items", lambda *_: bvae.dataset("polymnist", "test"))
    assert sampling.after_training(tmp_path) == ""
    assert sampling.state(read_checkpoint(tmp_path)) == "ready"
    monkeypatch.setattr(sampling, "make", fails)  # what is there is not fitted again
    assert sampling.after_training(tmp_path) == ""
