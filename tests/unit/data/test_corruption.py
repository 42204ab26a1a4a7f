"""Damage to views: seeded, of the strength that was asked for, and nothing else changes."""

import pytest
import torch

import bvae
from bvae.data.corruption import DAMAGES, GREY, erase, item_of_class, misspell, noise, occlude, shuffle


def g(seed=0):
    return torch.Generator().manual_seed(seed)


def texts(*words, length=8):
    data = bvae.dataset("mnist-svhn-text", split="test")
    return torch.cat([data.encode_text(word) for word in words]), data


def example(kind):
    return texts("seven", "one")[0] if kind == "text" else torch.rand(2, 3, 9, 9, generator=g())


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k in DAMAGES for n in DAMAGES[k]])
def test_every_damage_is_seeded_leaves_its_input_alone_and_does_nothing_at_strength_0(kind, name):
    x, damage = example(kind), DAMAGES[kind][name]
    before = x.clone()
    first = damage(x, 0.7, g(3))
    assert torch.equal(x, before)
    assert first.shape == x.shape
    assert first.dtype == x.dtype
    assert first.min() >= 0
    assert first.max() <= 1
    assert torch.equal(first, damage(x, 0.7, g(3)))
    assert any(not torch.equal(damage(x, 0.7, g(seed)), x) for seed in range(5))
    torch.testing.assert_close(damage(x, 0.0, g()), x)
    with pytest.raises(ValueError, match="strength"):
        damage(x, 1.1, g())
    with pytest.raises(ValueError, match="^x: expected"):
        damage(x[0], 0.5, g())


def test_noise_has_the_standard_deviation_that_was_asked_for():
    x = torch.full((1, 1, 100, 100), 0.5)
    assert (noise(x, 0.1, g()) - x).std().item() == pytest.approx(0.1, rel=0.05)


def test_an_occlusion_covers_the_share_that_was_asked_for_with_one_rectangle():
    x = torch.rand(20, 3, 28, 28, generator=g())
    for share in (0.25, 0.5, 1.0):
        out = occlude(x, share, g(1))
        covered = (out == GREY).all(1)  # (B, H, W)
        assert covered.float().mean((1, 2)).tolist() == pytest.approx([share] * 20, abs=0.03)
        for mask in covered:
            rows, columns = mask.any(1), mask.any(0)
            assert torch.equal(mask, rows.unsqueeze(1) & columns.unsqueeze(0))
        assert torch.equal(out[~covered.unsqueeze(1).expand_as(out)], x[~covered.unsqueeze(1).expand_as(x)])
    assert len({tuple(m.flatten().tolist()) for m in (occlude(x, 0.25, g(1)) == GREY).all(1)}) > 5  # places differ


def test_texts_keep_their_place_and_change_as_they_should():
    x, data = texts("seven", "zero")
    misspelt, gone, mixed = (data.read_text(f(x, 1.0, g())) for f in (misspell, erase, shuffle))
    for before, after in zip(data.read_text(x), misspelt, strict=True):
        assert all((a == " ") == (b == " ") for a, b in zip(before, after, strict=True))
        assert all(a != b for a, b in zip(before, after, strict=True) if a != " ")
    assert gone == [" " * 8] * 2
    assert [sorted(t) for t in mixed] == [sorted(t) for t in data.read_text(x)]
    half = data.read_text(erase(x, 0.5, g()))
    assert [len(t.replace(" ", "")) for t in half] == [3, 2]  # 2 of 5 (rounded to even), 2 of 4 are gone


def test_the_filler_of_every_data_set_is_known():
    for name, view in (("mnist-svhn-text", "text"), ("celeba", "text")):
        data = bvae.dataset(name, split="test")
        x = data.subset([0])[view]
        blank = data.blank_character(view)
        assert data.read_text(erase(x, 1.0, g(), blank)) == [data.text_padding * x.shape[1]]


def test_an_item_of_a_class():
    labels = torch.tensor([0, 1, 2, 1, 0])
    assert {item_of_class(labels, 1, g(s)) for s in range(20)} == {1, 3}
    with pytest.raises(ValueError, match="label"):
        item_of_class(labels, 7, g())
