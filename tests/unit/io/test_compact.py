"""What is saved is what was trained: ranges of half precision, integers, buffers, shared weights, NaN, other types."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import bvae
from bvae.data import DATASETS
from bvae.io import compact, storage
from bvae.io.compact import WeightsError, buffers_of, shrink, widened, write_weights
from bvae.io.storage import StorageError, read_tensors, write_tensors
from bvae.models.methods import METHODS, methods
from bvae.models.networks import NETWORKS, NetworkPair
from bvae.training import Settings
from bvae.training.checkpoint import build_model, load_weights, read_checkpoint, save_model
from bvae.training.loop import OnStep, train


def read_back(path, tensors, **options):
    """What a model gets that is loaded, and why tensors were kept."""
    kept = write_weights(path / "w.safetensors", tensors, **options)
    return widened(read_tensors(path / "w.safetensors")), kept


@pytest.mark.parametrize(
    ("value", "holds"),
    [([0.0, 1.0, -3.1], True), ([65504.0], True), ([65520.0], False), ([1e-9], False), ([1e-7], False),
     ([1e38], False), ([1e-40], False), ([6.2e-5, 1.0], True)],
)
def test_numbers_beyond_half_precision_stay_in_float32(tmp_path, value, holds):
    trained = torch.tensor(value)
    back, kept = read_back(tmp_path, {"x": trained})
    assert (kept == {}) == holds
    torch.testing.assert_close(back["x"], trained, rtol=2**-10, atol=0)
    assert read_tensors(tmp_path / "w.safetensors")["x"].dtype == (torch.float16 if holds else torch.float32)


@given(st.lists(st.floats(-(2.0**126), 2.0**126, width=32), min_size=1, max_size=20))
def test_every_number_of_a_vector_holds(values):
    trained = torch.tensor(values, dtype=torch.float32)
    packed, why = shrink(trained)
    assert (packed.dtype == torch.float16) == (why == "")
    assert bool(((packed.double() - trained.double()).abs() <= 2**-10 * trained.double().abs()).all())


def test_a_row_of_weights_counts_by_its_largest_number_but_a_buffer_number_by_number(tmp_path):
    trained = torch.tensor([[1.0, 1e-8], [0.5, 0.25]])
    assert shrink(trained)[0].dtype == torch.float16
    assert shrink(trained, each=True)[0].dtype == torch.float32
    assert shrink(trained[:1])[0].dtype == torch.float32  # one row is a vector
    assert shrink(torch.tensor([[1e-8, 2e-8], [0.5, 0.25]]))[0].dtype == torch.float32  # a row of nothing but these
    back, kept = read_back(tmp_path, {"table": trained}, buffers={"table"})
    assert torch.equal(back["table"], trained)
    assert list(kept) == ["table"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_type_of_training_is_read_back(tmp_path, dtype):
    trained = torch.tensor([0.1, 1e-6, 3e4, -7.0]).to(dtype)
    back, _ = read_back(tmp_path, {"x": trained, "large": torch.full((3,), 2e5 if dtype != torch.float16 else 6e4,
                                                                    dtype=dtype)})
    torch.testing.assert_close(back["x"], trained.float(), rtol=2**-10, atol=0)
    assert bool((back["large"] > 5e4).all())
    assert back["x"].dtype == torch.float32


def test_what_float32_cannot_hold_is_refused_and_what_is_below_it_becomes_zero(tmp_path):
    with pytest.raises(WeightsError, match=r"^x: expected numbers in the range of float32, got 1e\+300 in"):
        write_weights(tmp_path / "w", {"x": torch.tensor([1.0, -1e300], dtype=torch.float64)})
    assert list(tmp_path.iterdir()) == []
    back, kept = read_back(tmp_path, {"x": torch.tensor([1.0, 1e-300], dtype=torch.float64)})
    assert kept == {"x": "1e-300 becomes 0"}
    assert back["x"].tolist() == [1.0, 0.0]


def test_integers_truth_values_and_shared_weights_stay(tmp_path):
    weight = torch.randn(3, 3)
    trained = {"count": torch.tensor(70_001), "large": torch.tensor([2**40 + 1]), "mask": torch.tensor([True, False]),
               "one": weight, "same": weight, "part": weight[1:]}
    back, kept = read_back(tmp_path, trained)
    for name in ("count", "large", "mask"):
        assert torch.equal(back[name], trained[name])
    assert torch.equal(back["one"], back["same"])
    assert kept == {}
    write_tensors(tmp_path / "state", trained)  # in full precision, as the state of a training
    assert all(torch.equal(value, trained[name]) for name, value in read_tensors(tmp_path / "state").items())


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused_but_a_mask_of_infinities_is_none(tmp_path, bad):
    with pytest.raises(WeightsError, match=r"^net\.weight: expected finite weights, got 1 of 2 that are not"):
        write_weights(tmp_path / "w", {"net.weight": torch.tensor([1.0, bad])})
    assert not (tmp_path / "w").exists()
    back, kept = read_back(tmp_path, {"mask": torch.tensor([0.0, bad])}, buffers={"mask"})
    torch.testing.assert_close(back["mask"], torch.tensor([0.0, bad]), equal_nan=True)
    assert kept == {}


def test_a_state_that_is_no_tensor_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"net\._extra_state: expected a tensor .*, got dict"):
        write_weights(tmp_path / "w", {"net._extra_state": {}})


def test_a_disk_that_changes_what_is_written_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(compact, "write_tensors", lambda path, tensors, metadata: storage.write_tensors(
        path, {name: value + 1 for name, value in tensors.items()}, metadata))
    with pytest.raises(StorageError, match="x is not what was written"):
        write_weights(tmp_path / "w", {"x": torch.zeros(2)})


# -- models ------------------------------------------------------------------------------------------------------------


def saved(folder, model, settings):
    save_model(folder, model, settings, {})
    return load_weights(read_checkpoint(folder))


def alike(model, again, each=()):
    """Every tensor of the state is what it was, up to half precision."""
    state, other = model.state_dict(), again.state_dict()
    assert state.keys() == other.keys()
    for name, value in state.items():
        if not value.is_floating_point():
            assert torch.equal(value, other[name]), name
        else:
            largest = value.abs().amax().item() if name not in each else 0.0
            torch.testing.assert_close(other[name], value.float(), rtol=2**-10, atol=2**-10 * largest, msg=name)


@pytest.mark.parametrize("factor", [1.0, 1e6, 1e-9])
@pytest.mark.parametrize("dataset", ["polymnist", "mnist-svhn-text", "celeba"])
def test_every_kind_of_network_is_loaded_as_it_was_trained(tmp_path, dataset, factor):
    """All kinds that are registered come in these data sets; with weights of any size."""
    modalities = list(bvae.dataset(dataset, "test").modalities.values()) if dataset != "celeba" else [
        bvae.Modality("image", "image", (3, 64, 64)), bvae.Modality("text", "text", (64, 28))]
    settings = Settings.for_method(dataset, "mwb-vae", width=4, latent_dim=3, weights="modality")
    model = build_model(tuple(modalities), settings)
    with torch.no_grad():
        for value in model.parameters():
            value.normal_(std=0.1).mul_(factor)
    alike(model, saved(tmp_path / "m", model, settings))


def test_every_kind_that_is_registered_was_tried():
    tried = {modality.kind for name in ("polymnist", "mnist-svhn-text")
             for modality in bvae.dataset(name, "test").modalities.values()}
    own = {name for name, pair in ((n, NETWORKS[n]) for n in NETWORKS) if pair.encoder.__module__.startswith("bvae.")}
    assert own <= tried


@pytest.mark.parametrize("method", methods())
def test_every_method_is_loaded_as_it_was_trained(tmp_path, method):
    settings = Settings.for_method("polymnist", method, width=4, latent_dim=3)
    modalities = tuple(bvae.Modality(f"m{k}", "image", (3, 8, 8)) for k in range(2))
    model = build_model(modalities, settings)
    alike(model, saved(tmp_path / METHODS[method].title.replace("/", "-"), model, settings))


class Counts(nn.Module):
    """An encoder of raw counts: statistics far beyond half precision, a count of batches, a mask."""

    def __init__(self, shape, latent_dim, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(shape[0])
        self.register_buffer("mask", torch.tensor([0.0, -float("inf")]))
        self.net = nn.Sequential(nn.Linear(shape[0], width), nn.SiLU(), nn.Linear(width, 2 * latent_dim))

    def forward(self, x):
        return self.net(self.norm(x))


class Rates(nn.Module):
    """Its decoder."""

    def __init__(self, shape, latent_dim, width):
        super().__init__()
        self.net = nn.Linear(latent_dim, shape[0])

    def forward(self, z):
        return self.net(z).float().exp()


@pytest.fixture
def counts(monkeypatch):
    """A data set of raw counts and its networks, registered for one test."""
    from bvae.data.base import MultimodalDataset

    class Cells(MultimodalDataset):
        """Both are of one cell."""

        name, num_classes, story = "cells", 3, "Both are of one cell."

        def __init__(self, split="test", source="embedded", **_):
            generator = torch.Generator().manual_seed(int(split == "test"))
            self.split, self.source, n = split, source, 200
            self.y = torch.randint(3, (n,), generator=generator)
            self.modalities = {name: bvae.Modality(name, "raw-counts", (size,), name)
                               for name, size in (("rna", 12), ("adt", 5))}
            self.x = {name: torch.poisson(torch.rand(n, *m.shape, generator=generator) * 3000 * (1 + self.y[:, None]),
                                          generator=generator) for name, m in self.modalities.items()}

    for registry, name, thing in ((NETWORKS, "raw-counts", NetworkPair(Counts, Rates)), (DATASETS, "cells", Cells)):
        if name not in registry:
            registry.register(name)(thing)
    yield
    for registry, name in ((NETWORKS, "raw-counts"), (DATASETS, "cells")):
        registry._entries.pop(name)


def test_statistics_beyond_half_precision_survive_training_and_loading(counts, tmp_path):
    settings = Settings.for_method("cells", "wb-vae", steps=12, latent_dim=2, width=8, precision="32-true",
                                   likelihood_scale=1000.0, batch_size=50)
    model = train(settings, tmp_path / "cells" / "m", progress=False)
    again = bvae.load("cells", "m", tmp_path)
    variances = [value for name, value in model.state_dict().items() if name.endswith("running_var")]
    assert max(value.max() for value in variances) > 65_504
    assert all(bool(value.isfinite().all()) for name, value in again.state_dict().items() if "running" in name)
    alike(model, again, each=buffers_of(model) - {n for n in model.state_dict() if n.endswith("mask")})
    x = bvae.dataset("cells", "test").x
    with torch.no_grad():
        mine, theirs = model.encode(x).mean, again.encode(x).mean
    assert theirs.std() > 0.5 * mine.std() > 0
    torch.testing.assert_close(theirs, mine, atol=0.02 * float(mine.std()) + 1e-3, rtol=0)
    stored = read_tensors(tmp_path / "cells" / "m" / "model.safetensors")
    for name, value in stored.items():
        if name.endswith("num_batches_tracked"):
            assert value.dtype == torch.int64
            assert value == model.state_dict()[name]


def test_statistics_that_become_infinite_end_training_with_a_word(counts, tmp_path):
    settings = Settings.for_method("cells", "wb-vae", steps=5, latent_dim=2, width=8, precision="32-true",
                                   likelihood_scale=1000.0, batch_size=50)

    def spoil(now):
        if now.step == 3:
            next(b for n, b in now.model.named_buffers() if n.endswith("running_var")).fill_(float("inf"))

    with pytest.raises(FloatingPointError, match="not finite any more"):
        train(settings, tmp_path / "m", progress=False, callbacks=[OnStep(spoil)])
    assert not (tmp_path / "m" / "config.json").exists()


def test_checkpoints_in_half_precision_with_counts_as_floats_are_read_too(counts, tmp_path):
    """As they were written before: everything in half precision."""
    settings = Settings.for_method("cells", "wb-vae", latent_dim=2, width=8)
    model = build_model(tuple(bvae.dataset("cells", "test").modalities.values()), settings)
    saved(tmp_path / "m", model, settings)
    path = tmp_path / "m" / "model.safetensors"
    write_tensors(path, {name: value.half() for name, value in model.state_dict().items()})
    checkpoint = read_checkpoint(tmp_path / "m")
    checkpoint = dataclasses.replace(checkpoint, config={**checkpoint.config, "sha256": storage.sha256(path)})
    again = load_weights(checkpoint)
    assert next(b for n, b in again.named_buffers() if n.endswith("num_batches_tracked")).dtype == torch.int64


def test_judges_with_large_statistics_are_loaded_as_they_were_trained(tmp_path):
    from bvae.metrics.classifiers import ImageClassifier

    net = ImageClassifier(3, 10, width=4).eval()
    norm = net.features[1]
    norm.running_var.fill_(1e6)
    norm.running_mean.fill_(-7e4)
    norm.num_batches_tracked.fill_(100_000)
    back, kept = read_back(tmp_path, net.state_dict(), buffers=buffers_of(net))
    assert {"features.1.running_var", "features.1.running_mean"} <= set(kept)
    again = ImageClassifier(3, 10, width=4).eval()
    again.load_state_dict(back)
    assert again.features[1].num_batches_tracked == 100_000
    x = torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(again(x), net(x), atol=1e-2, rtol=1e-2)
