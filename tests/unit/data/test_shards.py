"""Shards hold the same items as memory, in an order that any step and any process can tell."""

import re
from pathlib import Path

import pytest
import torch

import bvae
from bvae.data import DataError
from bvae.data import shards as module
from bvae.data.shards import OPEN, WINDOW, write
from bvae.io.storage import read_json, read_tensors, write_json
from bvae.training.loop import TrainingStopped, train
from bvae.training.settings import Settings
from tests.support.training import after_step


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """PolyMNIST's test split in 13 shards, as both splits."""
    root = tmp_path_factory.mktemp("shards")
    data = bvae.dataset("polymnist", split="test")
    write(data, root, shard_items=80)
    data.split = "train"
    write(data, root, shard_items=80)
    return root


def batches(data, epoch=0, size=64, **options):
    return list(data.epoch(epoch, size, 3, torch.Generator().manual_seed(0), **options))


def keys(x):
    """A number for every item that tells it from the others."""
    sums = x["m0"].double().flatten(1) @ torch.linspace(1, 2, 2352, dtype=torch.float64)
    return [round(value, 6) for value in sums.tolist()]  # products of other sizes are added up in another order


@pytest.mark.parametrize("name", ["polymnist", "mnist-svhn-text"])
def test_the_same_items_as_in_memory(tmp_path, name):
    memory = bvae.dataset(name, split="test")
    write(memory, tmp_path, shard_items=300)
    data = bvae.dataset(name, "test", "shards", root=tmp_path)
    assert len(data) == len(memory) == 1000
    assert list(data.modalities.values()) == list(memory.modalities.values())
    assert (data.num_classes, data.class_names) == (memory.num_classes, memory.class_names)
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(0))  # as `write` mixes them
    assert torch.equal(data.y, memory.y[order])
    for modality, values in memory.x.items():
        assert torch.equal(data.x[modality], values[order])
    if name == "mnist-svhn-text":
        assert data.read_text(data.x["text"][:3]) == memory.read_text(memory.x["text"][order[:3]])
    assert "hashes are right" in data.describe()


def test_an_epoch_has_every_item_once_and_another_order_each_time(folder):
    data = bvae.dataset("polymnist", "train", "shards", root=folder)
    assert len(data.sizes) == 13 > OPEN
    all_of_them = sorted(keys(data.x))
    orders = [data.order(epoch, 3, 0, 1000) for epoch in (0, 1)]
    assert not torch.equal(*orders)
    for order in orders:
        assert torch.equal(order.sort().values, torch.arange(1000))
    seen = [key for batch in batches(data, size=50) for key in keys(batch.x)]
    assert sorted(seen) == all_of_them
    first = data.order(0, 3, 0, 64) // 80
    assert 1 < len(first.unique()) <= WINDOW  # mixed, within a window


def test_any_step_and_any_process_can_tell_its_items(folder):
    data = bvae.dataset("polymnist", "train", "shards", root=folder)
    whole = batches(data, missing=0.3)
    assert len(whole) == 15
    later = batches(bvae.dataset("polymnist", "train", "shards", root=folder), missing=0.3, skip=11)
    for a, b in zip(whole[11:], later, strict=True):
        assert torch.equal(a.present, b.present)
        assert torch.equal(a.x["m3"], b.x["m3"])
        assert torch.equal(a.y, b.y)
    for rank in range(3):
        mine = batches(data, missing=0.3, rows=slice(rank, None, 3))
        assert torch.equal(mine[4].x["m1"], whole[4].x["m1"][rank::3])
        assert torch.equal(mine[4].present, whole[4].present[:, rank::3])
    share = torch.cat([b.present for b in whole], 1).double().mean()
    assert 0.65 < share < 0.75  # a little more than 0.7: nobody lacks everything


@pytest.mark.slow
def test_a_stopped_run_goes_on_as_if_it_had_not_been(folder, tmp_path):
    settings = Settings.for_method("polymnist", "mwb-vae", source="shards", steps=6, batch_size=300, width=4,
                                   latent_dim=3, warmup_steps=2)

    def stop(step):
        if step == 2:
            raise KeyboardInterrupt

    train(settings, tmp_path / "whole", root=str(folder), progress=False)
    with pytest.raises(TrainingStopped):
        train(settings, tmp_path / "parts", root=str(folder), progress=False, callbacks=[after_step(stop)])
    train(settings, tmp_path / "parts", root=str(folder), progress=False, resume=True)
    whole, parts = (read_tensors(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def anonymous_memory():
    return int(re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024


def test_memory_is_bounded(tmp_path):
    """40 shards, 235 MB as floats and 59 MB as bytes, are read in far less, and few are open at a time."""
    data = bvae.dataset("polymnist", split="test")
    write(data, tmp_path, shard_items=125, passes=5)
    data = bvae.dataset("polymnist", "test", "shards", root=tmp_path)
    assert len(data) == 5000
    most = 0
    before = anonymous_memory()
    for step, batch in enumerate(data.epoch(0, 100, 0, torch.Generator())):
        assert batch.x["m0"].shape == (100, 3, 28, 28)
        assert len(data.opened) <= OPEN
        if step > 2:
            most = max(most, anonymous_memory() - before)
    assert most < 40e6


def test_passes_are_fresh_views(tmp_path):
    data = bvae.dataset("polymnist", split="test")
    data.digits, data.y = data.digits[:60], data.y[:60]
    write(data, tmp_path, shard_items=50, passes=2)
    twice = bvae.dataset("polymnist", "test", "shards", root=tmp_path)
    assert twice.sizes.tolist() == [50, 50, 20]
    assert len(set(keys(twice.x))) == 120
    assert torch.equal(twice.y.bincount(), 2 * data.y.bincount())


def test_damage_is_named(folder, tmp_path):
    with pytest.raises(DataError, match="no shards there"):
        bvae.dataset("polymnist", "train", "shards", root=tmp_path)
    with pytest.raises(DataError, match="needs root"):
        bvae.dataset("polymnist", "train", "shards")
    with pytest.raises(KeyError, match="unknown data set"):
        bvae.dataset("../polymnist", "train", "shards", root=folder)
    with pytest.raises(DataError, match="expected shards of 'celeba'"):
        bvae.dataset("celeba", "train", "shards", root=folder)
    write(bvae.dataset("polymnist", split="test"), tmp_path, shard_items=600)
    path = tmp_path / "test" / "00001.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"00001\.safetensors: its SHA-256 is not the one"):
        bvae.dataset("polymnist", "test", "shards", root=tmp_path).describe()
    path.write_bytes(content[:1000])
    with pytest.raises(DataError, match=r"expected .* bytes, got 1,000"):
        _ = bvae.dataset("polymnist", "test", "shards", root=tmp_path).y
    index = read_json(tmp_path / "test" / module.INDEX)
    for change in ({"shards": [{}]}, {"modalities": 3}, {"shards": []}):
        write_json(tmp_path / "test" / module.INDEX, {**index, **change})
        with pytest.raises(DataError, match=r"index\.json: (damaged|expected at least)"):
            bvae.dataset("polymnist", "test", "shards", root=tmp_path)
