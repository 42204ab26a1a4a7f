"""FID's own network: its poolings, its input, and that it is used only where its weights are."""

import pytest
import torch
import torch.nn.functional as F

from bvae.io.storage import StorageError, write_tensors
from bvae.metrics import fid


def test_averages_without_the_border_are_those_of_the_definition(generator):
    x = torch.rand(2, 3, 7, 9, generator=generator)
    ours = fid.without_border(F.avg_pool2d(x, 3, stride=1, padding=1))
    torch.testing.assert_close(ours, F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False))


def test_the_network_pools_as_published():
    """What the 1 x 1 convolutions behind the poolings get, block by block, against the pooling of the block's input."""
    torch.manual_seed(0)
    network = fid.inception()
    got, given = {}, {}
    for name, block in network.named_children():
        if hasattr(block, "branch_pool"):
            block.register_forward_pre_hook(lambda _, inputs, name=name: given.__setitem__(name, inputs[0]))
            block.branch_pool.conv.register_forward_pre_hook(
                lambda _, inputs, name=name: got.__setitem__(name, inputs[0]))
    out = fid.features(network, torch.rand(2, 1, 28, 28))
    assert out.shape == (2, 2048)
    assert len(got) == 9
    for name, pooled in got.items():
        if name == "Mixed_7c":
            expected = F.max_pool2d(given[name], 3, stride=1, padding=1)
        else:
            expected = F.avg_pool2d(given[name], 3, stride=1, padding=1, count_include_pad=False)
        torch.testing.assert_close(pooled, expected)


def test_fid_needs_its_weights_and_says_what_is_wrong_with_others(tmp_path, monkeypatch):
    monkeypatch.delenv(fid.VARIABLE, raising=False)
    assert fid.fid(None, None, torch.Generator()) == {}
    write_tensors(tmp_path / "w.safetensors", {"a": torch.zeros(1)})
    with pytest.raises(StorageError, match="expected the weights of FID's Inception v3"):
        fid.load(tmp_path / "w.safetensors")
    network = fid.inception()
    write_tensors(tmp_path / "right.safetensors", network.state_dict())
    again = fid.load(tmp_path / "right.safetensors")
    x = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(fid.features(network, x), fid.features(again, x))
