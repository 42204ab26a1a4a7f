"""MNIST-SVHN-TEXT: words, street numbers, pairing, the official formats, a model on it."""

import hashlib

import numpy as np
import pytest
import scipy.io
import torch

import bvae
from bvae.data import DataError, _street_numbers
from bvae.data._torchvision import torchvision
from bvae.data.mnist_svhn_text import LENGTH, WORDS, MnistSvhnText, read, word_log_probability, write
from bvae.metrics.classifiers import build
from bvae.models.likelihoods import categorical


@pytest.fixture(scope="module")
def data():
    return bvae.dataset("mnist-svhn-text", "test")


def test_words_stand_at_random_places_and_are_read_back():
    labels = torch.arange(10).repeat(60)
    text = write(labels, torch.Generator().manual_seed(0))
    assert text.shape == (600, LENGTH, 27)
    assert (text.sum(-1) == 1).all()
    strings = read(text)
    for label, string in zip(labels.tolist(), strings, strict=True):
        assert string.strip() == WORDS[label]
        assert len(string) == LENGTH
    for label, word in enumerate(WORDS):  # every possible place occurs
        places = {len(s) - len(s.lstrip()) for s, k in zip(strings, labels.tolist(), strict=True) if k == label}
        assert places == set(range(LENGTH - len(word) + 1))


def test_the_judge_of_words_knows_words_and_survives_noise():
    labels = torch.arange(10).repeat(20)
    text = write(labels, torch.Generator().manual_seed(1))
    assert (word_log_probability(text).argmax(1) == labels).all()
    soft = 0.5 * text + 0.5 / 27
    assert (word_log_probability(soft).argmax(1) == labels).all()


def test_street_numbers_are_seeded_balanced_and_legible_to_a_simple_probe():
    labels = torch.arange(600) % 10
    a, b = _street_numbers.render(labels, 3), _street_numbers.render(labels[:50], 3)
    assert a.shape == (600, 3, 32, 32)
    assert a.dtype == torch.uint8
    assert torch.equal(a[:50], b)
    assert not torch.equal(a[:50], _street_numbers.render(labels[:50], 4))
    assert len(torch.unique(a.flatten(1), dim=0)) == 600
    contrast = a.float().amax((2, 3)) - a.float().amin((2, 3))
    assert (contrast.amax(1) > 30).all()
    # Independent of the digit: the colours say nothing about the class.
    from sklearn.linear_model import LogisticRegression

    colour = a.float().mean((2, 3)).numpy()
    probe = LogisticRegression(max_iter=500).fit(colour[:400], labels[:400])
    assert probe.score(colour[400:], labels[400:]) < 0.2


def test_pairing_keeps_the_class(data):
    generator = torch.Generator().manual_seed(0)
    first, second = data.pairing(generator), data.pairing(generator)
    assert (data.street_y[first] == data.y).all()
    assert not torch.equal(first, second)
    # Nobody is left out while another one serves twice.
    assert torch.bincount(first, minlength=len(data.street_y)).max() == 1


def test_the_labels_never_say_svhn_of_synthetic_pictures(data):
    assert data.modalities["svhn"].label == "synthetic street number"
    assert "SVHN" not in data.describe()


def test_reconstruction_weights_are_those_of_the_recipe(data):
    weights = {m.name: round(m.weight, 3) for m in data.modalities.values()}
    assert weights == {"mnist": 3.918, "svhn": 1.0, "text": 384.0}


def test_train_and_test_share_no_picture():
    train = bvae.dataset("mnist-svhn-text", "train")
    test = bvae.dataset("mnist-svhn-text", "test")
    assert (len(train), len(test)) == (4000, 1000)
    for a, b in ((train.digits, test.digits), (train.streets, test.streets)):
        assert not {t.numpy().tobytes() for t in a} & {t.numpy().tobytes() for t in b}


def test_categorical_likelihood_against_torch():
    g = torch.Generator().manual_seed(0)
    p = torch.rand(4, 8, 27, generator=g).softmax(-1)
    x = torch.nn.functional.one_hot(torch.randint(27, (4, 8), generator=g), 27).float()
    exact = torch.distributions.OneHotCategorical(probs=p).log_prob(x).sum(1)
    torch.testing.assert_close(categorical(x, p), exact)


def test_a_model_reads_writes_and_translates(data):
    torch.manual_seed(0)
    model = bvae.MultimodalVAE(data.modalities.values(), bvae.aggregator("mwb"), bvae.ModelConfig(4, 4))
    x = data.subset(slice(0, 6))
    out = model.generate({"mnist": x["mnist"]}, num_samples=2, generator=torch.Generator().manual_seed(0))
    assert out["svhn"].shape == (2, 6, 3, 32, 32)
    assert out["text"].shape == (2, 6, 8, 27)
    torch.testing.assert_close(out["text"].sum(-1), torch.ones(2, 6, 8))
    z = torch.zeros(6, 4)
    each = model.log_likelihood(x, z)
    weighted = -sum(model.modalities[m].weight * v for m, v in each.items())
    torch.testing.assert_close(model.reconstruction_error(x, z), weighted)
    judged = build(data).probabilities(x)
    assert (judged["text"].argmax(-1) == data.y[:6]).all()


def mat(path, count=40):
    """SVHN's own format: X (32, 32, 3, N), y (N, 1) with 10 for zero."""
    rng = np.random.default_rng(0)
    labels = (np.arange(count) % 10 + 1).reshape(-1, 1)
    pictures = rng.integers(0, 255, (32, 32, 3, count), dtype=np.uint8)
    scipy.io.savemat(path, {"X": pictures, "y": labels})
    return pictures, labels


def idx(folder, images, labels, prefix):
    folder.mkdir(parents=True, exist_ok=True)
    header = np.array([2051, len(images), 28, 28], ">i4").tobytes()
    (folder / f"{prefix}-images-idx3-ubyte").write_bytes(header + images.tobytes())
    (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(np.array([2049, len(labels)], ">i4").tobytes()
                                                        + labels.astype(np.uint8).tobytes())


@pytest.fixture
def official(tmp_path, monkeypatch):
    """A folder in the official formats, small; torchvision's list of checksums says what these files have."""
    pictures, labels = mat(tmp_path / "test_32x32.mat")
    digits = np.random.default_rng(1).integers(0, 255, (30, 28, 28), dtype=np.uint8)
    for prefix in ("t10k", "train"):  # torchvision wants all four files
        idx(tmp_path / "MNIST" / "raw", digits, np.arange(30) % 10, prefix)
    svhn = torchvision().datasets.SVHN
    digest = hashlib.md5((tmp_path / "test_32x32.mat").read_bytes()).hexdigest()
    url, name, _ = svhn.split_list["test"]
    monkeypatch.setitem(svhn.split_list, "test", [url, name, digest])
    return tmp_path, pictures, labels


def test_official_files_are_read_paired_and_worded(official):
    root, pictures, labels = official
    data = MnistSvhnText("test", "official", root=root, repeats=2)
    assert len(data) == 60
    assert data.modalities["svhn"].label == "street number (SVHN)"
    assert (data.street_y.numpy() == labels[:, 0] % 10).all()
    np.testing.assert_array_equal(data.streets[3].permute(1, 2, 0).numpy(), pictures[..., 3])
    pairing = data.pairing(torch.Generator().manual_seed(0))
    assert (data.street_y[pairing] == data.y).all()
    assert [s.strip() for s in read(data.x["text"])] == [WORDS[k] for k in data.y.tolist()]


def test_damaged_or_missing_official_files_say_how_to_repair(official):
    root, *_ = official
    path = root / "test_32x32.mat"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"test_32x32.mat: torchvision cannot read SVHN .* download"):
        MnistSvhnText("test", "official", root=root)
    path.unlink()
    with pytest.raises(DataError, match=r"test_32x32.mat: torchvision cannot read SVHN"):
        MnistSvhnText("test", "official", root=root)
    (root / "MNIST" / "raw" / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(DataError, match="cannot read MNIST"):
        MnistSvhnText("test", "official", root=root)
    for options, message in ((("val", "embedded"), "split must be"), (("test", "svhn"), "source must be"),
                             (("test", "official"), "needs root")):
        with pytest.raises(DataError, match=message):
            MnistSvhnText(*options)
