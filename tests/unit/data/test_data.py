"""PolyMNIST: the recipe, the split, and files that are not as they should be."""

import gzip
import struct

import numpy as np
import pytest
import torch
from PIL import Image

import bvae
from bvae.data import DataError
from bvae.data.polymnist import compose, distort, embedded_digits, pair, photos, split_digits


def test_the_embedded_split_is_stratified_disjoint_and_fixed():
    _, labels = embedded_digits()
    train, test = split_digits(labels, "train"), split_digits(labels, "test")
    assert len(train) == 4000
    assert len(test) == 1000
    assert not set(train.tolist()) & set(test.tolist())
    assert torch.bincount(labels[test]).tolist() == [100] * 10
    assert torch.equal(test, split_digits(labels, "test"))


def test_no_digit_is_in_both_splits_as_an_image():
    train, test = (bvae.dataset("polymnist", split) for split in ("train", "test"))
    seen = {row.numpy().tobytes() for row in train.digits}
    assert sum(row.numpy().tobytes() in seen for row in test.digits) == 0


def test_compose_follows_the_recipe_pixel_by_pixel(generator):
    digits, labels = (t[::50] for t in embedded_digits())
    state = generator.get_state()
    x = compose(digits, labels, photos(), generator)
    assert list(x) == ["m0", "m1", "m2", "m3", "m4"]
    assert x["m0"].shape == (100, 3, 28, 28)
    assert x["m0"].dtype == torch.float32
    replay = torch.Generator()
    replay.set_state(state)
    order = pair(labels, 5, replay)
    for m, photo in enumerate(photos()):
        top = torch.randint(photo.shape[1] - 27, (100, 1, 1), generator=replay).flatten()
        left = torch.randint(photo.shape[2] - 27, (100, 1, 1), generator=replay).flatten()
        for n in range(0, 100, 9):
            crop = photo[:, top[n] : top[n] + 28, left[n] : left[n] + 28].float() / 255
            inside = digits[order[m, n]] > 128
            torch.testing.assert_close(x[f"m{m}"][n], torch.where(inside, 1 - crop, crop))


def test_compose_is_pure(generator):
    digits, labels = (t[::100] for t in embedded_digits())
    before = digits.clone()
    first, second = (compose(digits, labels, photos(), torch.Generator().manual_seed(5)) for _ in range(2))
    other = compose(digits, labels, photos(), generator)
    assert all(torch.equal(first[m], second[m]) for m in first)
    assert not torch.equal(first["m0"], other["m0"])
    assert torch.equal(digits, before)


def test_views_share_the_class_and_nothing_else(generator):
    labels = torch.arange(10).repeat_interleave(50)
    order = pair(labels, 5, generator)
    assert (labels[order] == labels).all()
    for row in order:
        assert sorted(row.tolist()) == list(range(500))
    same = (order[:, None] == order[None]).float().mean(-1)  # (5, 5): how often two views show the same digit
    assert (same - torch.eye(5)).max() < 0.08  # by chance 1 in 50


def test_training_is_fresh_each_epoch_and_the_test_set_is_fixed():
    data = bvae.dataset("polymnist", "train")
    draws = [next(data.epoch(e, 16, 0, torch.Generator().manual_seed(e))) for e in (0, 1)]
    assert not torch.equal(draws[0].x["m0"], draws[1].x["m0"])
    assert torch.equal(bvae.dataset("polymnist").x["m3"], bvae.dataset("polymnist").x["m3"])


def test_distorted_digits_stay_digits(generator):
    digits, _ = embedded_digits()
    moved = distort(digits[::25], generator)
    assert moved.shape == (200, 28, 28)
    ink, before = (moved > 128).float().mean((1, 2)), (digits[::25] > 128).float().mean((1, 2))
    assert not torch.equal(moved, digits[::25])
    assert ((ink / before) > 0.4).all()
    assert ((ink / before) < 2).all()


def test_missing_completely_at_random_never_all():
    data = bvae.dataset("polymnist", "train")
    observed = data.observed(0.5, seed=1)
    assert observed.any(0).all()
    assert 0.45 < (~observed).float().mean() < 0.5  # a little less than 0.5, because never all
    assert torch.equal(observed, data.observed(0.5, seed=1))
    assert data.observed(0.0, seed=1).all()
    with pytest.raises(ValueError, match="missing must be a probability"):
        data.observed(1.0, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(3, 28, 28), torch.zeros(3, dtype=torch.int64)), "digits: expected uint8"),
        ((torch.zeros(3, 28, 27, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64)), r"digits: .*\(3, 28, 27\)"),
        ((torch.zeros(3, 28, 28, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)), "labels: expected 3 integers"),
    ],
)
def test_compose_names_bad_arguments(arguments, message, generator):
    with pytest.raises(DataError, match=message):
        compose(*arguments, photos(), generator)


def test_compose_names_a_bad_photo(generator):
    digits, labels = (t[:3] for t in embedded_digits())
    with pytest.raises(DataError, match=r"photos\[0\]: expected uint8 of shape \(3, H, W\)"):
        compose(digits, labels, [torch.zeros(28, 28, 3, dtype=torch.uint8)], generator)


# -- published files, written here in exactly their formats --------------------------------------------------------


def write_pngs(root, split, numbers=(0, 1, 2, 10)):
    rng = np.random.default_rng(0)
    pixels = {}
    for m in range(5):
        folder = root / split / f"m{m}"
        folder.mkdir(parents=True)
        for i in reversed(numbers):
            pixels[m, i] = rng.integers(0, 256, (28, 28, 3), dtype=np.uint8)
            Image.fromarray(pixels[m, i]).save(folder / f"{i}.{i % 10}.png")
    return pixels


def test_published_pngs(tmp_path):
    pixels = write_pngs(tmp_path, "test")
    data = bvae.dataset("polymnist", "test", "published", root=tmp_path)
    assert data.y.tolist() == [0, 1, 2, 0]
    assert data.x["m4"].shape == (4, 3, 28, 28)
    for row, i in enumerate((0, 1, 2, 10)):  # by number, not as text
        expected = torch.from_numpy(pixels[3, i]).permute(2, 0, 1).float() / 255
        torch.testing.assert_close(data.x["m3"][row], expected)


@pytest.mark.parametrize("as_float", [False, True])
def test_published_tensors(tmp_path, as_float):
    folder = tmp_path / "train"
    folder.mkdir()
    stored = {f"m{m}": torch.randint(0, 256, (6, 3, 28, 28), dtype=torch.uint8) for m in range(5)}
    for name, values in stored.items():
        torch.save(values.float() / 255 if as_float else values, folder / f"{name}.pt")
    torch.save(torch.arange(6), folder / "labels.pt")
    data = bvae.dataset("polymnist", "train", "published", root=tmp_path)
    torch.testing.assert_close(data.x["m2"], stored["m2"].float() / 255)
    assert data.y.tolist() == list(range(6))
    batch = next(data.epoch(0, 3, 0, torch.Generator()))
    assert batch.x["m0"].shape == (3, 3, 28, 28)


def test_damaged_published_files_are_named(tmp_path):
    with pytest.raises(DataError, match="found neither"):
        bvae.dataset("polymnist", "test", "published", root=tmp_path)
    write_pngs(tmp_path, "test")
    broken = tmp_path / "test" / "m2" / "1.1.png"
    good = broken.read_bytes()
    broken.write_bytes(good[: len(good) // 2])
    with pytest.raises(DataError, match=r"m2/1\.1\.png: expected a PNG image, got an unreadable file"):
        bvae.dataset("polymnist", "test", "published", root=tmp_path)
    Image.fromarray(np.zeros((28, 28), dtype=np.uint8)).save(broken)
    with pytest.raises(DataError, match=r"m2/1\.1\.png: expected an RGB image of 28 x 28, got uint8 of shape"):
        bvae.dataset("polymnist", "test", "published", root=tmp_path)
    broken.unlink()
    with pytest.raises(DataError, match=r"m2: expected the same items as in m0, but 1\.1\.png differs"):
        bvae.dataset("polymnist", "test", "published", root=tmp_path)
    (tmp_path / "test" / "m0" / "cover.png").write_bytes(good)
    with pytest.raises(DataError, match=r"cover\.png: expected a name like"):
        bvae.dataset("polymnist", "test", "published", root=tmp_path)


class Evil:
    def __reduce__(self):
        return print, ("this must not run",)


def test_published_tensors_never_run_code(tmp_path, capsys):
    folder = tmp_path / "test"
    folder.mkdir()
    torch.save(Evil(), folder / "labels.pt")
    with pytest.raises(DataError, match=r"labels\.pt: expected a tensor saved by PyTorch"):
        bvae.dataset("polymnist", "test", "published", root=tmp_path)
    assert "must not run" not in capsys.readouterr().out


def test_damaged_published_tensors_are_named(tmp_path):
    folder = tmp_path / "test"
    folder.mkdir()
    torch.save(torch.arange(2), folder / "labels.pt")
    for m in range(5):
        torch.save(torch.zeros(2, 3, 28, 28), folder / f"m{m}.pt")
    whole = (folder / "m1.pt").read_bytes()
    (folder / "m1.pt").write_bytes(whole[:200])
    with pytest.raises(DataError, match=r"m1\.pt: expected a tensor saved by PyTorch, got an unreadable file"):
        bvae.dataset("polymnist", "test", "published", root=tmp_path)
    torch.save(torch.zeros(3, 3, 28, 28), folder / "m1.pt")
    with pytest.raises(DataError, match=r"m1\.pt: expected shape \(2, 3, 28, 28\), got \(3, 3, 28, 28\)"):
        bvae.dataset("polymnist", "test", "published", root=tmp_path)
    torch.save(torch.full((2, 3, 28, 28), 255.0), folder / "m1.pt")
    with pytest.raises(DataError, match=r"m1\.pt: expected floats in \[0, 1\]"):
        bvae.dataset("polymnist", "test", "published", root=tmp_path)


def write_idx(root, count=20):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    labels = (np.arange(count) % 10).astype(np.uint8)
    for prefix in ("train", "t10k"):
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, count, 28, 28) + images.tobytes())
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + labels.tobytes())
        for part in ("images-idx3-ubyte", "labels-idx1-ubyte"):  # torchvision looks for the archives as well
            with gzip.open(raw / f"{prefix}-{part}.gz", "wb") as file:
                file.write((raw / f"{prefix}-{part}").read_bytes())
    return images


def test_official_mnist_through_torchvision(tmp_path):
    images = write_idx(tmp_path)
    data = bvae.dataset("polymnist", "train", "mnist", root=tmp_path)
    assert torch.equal(data.digits, torch.from_numpy(images))
    assert data.x["m1"].shape == (20, 3, 28, 28)


def test_truncated_mnist_says_what_to_do(tmp_path):
    write_idx(tmp_path)
    path = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"MNIST/raw: torchvision cannot read .*download=True"):
        bvae.dataset("polymnist", "train", "mnist", root=tmp_path)
    with pytest.raises(DataError, match="MNIST/raw: torchvision cannot read"):
        bvae.dataset("polymnist", "train", "mnist", root=tmp_path / "empty")


def test_wrong_split_source_and_name():
    with pytest.raises(DataError, match="split must be 'train' or 'test', got 'validation'"):
        bvae.dataset("polymnist", "validation")
    with pytest.raises(DataError, match="source must be"):
        bvae.dataset("polymnist", "test", "web")
    with pytest.raises(DataError, match="needs root"):
        bvae.dataset("polymnist", "test", "mnist")
    with pytest.raises(KeyError, match="unknown data set 'polymist'.*Did you mean 'polymnist'"):
        bvae.dataset("polymist")
