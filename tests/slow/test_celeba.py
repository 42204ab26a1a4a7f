"""CelebA: avatars, words, the cache, the official formats, networks of its shapes, judges and attribute metrics."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import average_precision_score
from torch import nn

import bvae
from bvae.aggregators import aggregator
from bvae.data import DataError, _avatars, celeba
from bvae.data._torchvision import torchvision
from bvae.data.celeba import HAIR_COLORS, LENGTH, CelebA, encode, name_scores, places, read, write
from bvae.io.storage import read_tensors
from bvae.metrics import EvaluationData, classifiers, evaluate
from bvae.metrics.average_precision import average_precision, mean_average_precision
from bvae.metrics.text import right_characters, right_words
from bvae.models.networks import NETWORKS


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BVAE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return CelebA("test", limit=60)


# -- avatars --------------------------------------------------------------------------------------------------------


def test_avatars_are_seeded_and_differ():
    a = _avatars.draw(8, 3)
    assert a.shape == (8, 64, 64, 3)
    assert a.dtype == np.uint8
    np.testing.assert_array_equal(a[:3], _avatars.draw(3, 3))
    assert not np.array_equal(a[:3], _avatars.draw(3, 4))
    np.testing.assert_array_equal(a, _avatars.draw(8, 3, workers=2))  # however many processes draw
    assert len(np.unique(a.reshape(8, -1), axis=0)) == 8


def test_attributes_are_consistent_and_none_is_rare():
    held = dict(zip(_avatars.ATTRIBUTES, _avatars.attributes(2000, 1).T, strict=True))
    assert list(held) == sorted(held)
    colors = sum(held[name].astype(int) for name in HAIR_COLORS)
    assert (colors + held["Bald"] + held["Wearing_Hat"] == 1).all()
    assert not (held["Eyeglasses"] & held["Sunglasses"]).any()
    assert not (held["Pale_Skin"] & held["Dark_Skin"]).any()
    assert not (held["Closed_Eyes"] & held["Sunglasses"]).any()
    assert not (held["Long_Hair"] & (colors == 0)).any()
    assert (held["Mustache"] | held["No_Beard"]).all()
    for name, values in held.items():
        assert 0.08 < values.mean() < 0.85, name


# What each attribute excludes: it is switched off when the attribute is switched on.
EXCLUDES = {"Eyeglasses": ("Sunglasses",), "Sunglasses": ("Eyeglasses", "Closed_Eyes"), "Dark_Skin": ("Pale_Skin",),
            "Pale_Skin": ("Dark_Skin",), "Bald": (*HAIR_COLORS, "Long_Hair", "Wearing_Hat"),
            "Wearing_Hat": (*HAIR_COLORS, "Long_Hair", "Bald"), "Closed_Eyes": ("Sunglasses",),
            **{c: tuple({*HAIR_COLORS, "Bald", "Wearing_Hat"} - {c}) for c in HAIR_COLORS}}


@pytest.mark.parametrize("name", [a for a in _avatars.ATTRIBUTES if a != "No_Beard"])
def test_every_attribute_can_be_seen_at_64_pixels(name):
    without = dict.fromkeys(_avatars.ATTRIBUTES, False) | {"No_Beard": True}
    without["Brown_Hair" if name == "Blond_Hair" else "Blond_Hair"] = True
    with_it = without | dict.fromkeys(EXCLUDES.get(name, ()), False) | {name: True}
    for n in range(6):
        choices = np.random.default_rng([5, n]).random(_avatars.NUM_CHOICES)
        a, b = (_avatars.render(held, choices).astype(int) for held in (without, with_it))
        assert (abs(a - b).max(-1) > 25).sum() >= 6, f"{name} of face {n} is hardly to be seen"
        np.testing.assert_array_equal(a[0, 0], b[0, 0])  # the ground, which is style, is the same


def test_the_program_draws_its_share_without_pytorch():
    code = ("import runpy, sys; sys.argv = ['x', '4', '9', '2', '1']; "
            f"runpy.run_path({_avatars.__file__!r}, run_name='__main__'); assert 'torch' not in sys.modules")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    expected = _avatars.draw(4, 9)[1::2]
    np.testing.assert_array_equal(np.frombuffer(out, np.uint8).reshape(2, 64, 64, 3), expected)


def test_a_process_that_fails_is_said(monkeypatch):
    monkeypatch.setattr(_avatars, "__file__", "/nowhere/at/all.py")
    with pytest.raises(ChildProcessError, match="ended early, at face 0"):
        _avatars.draw(4, 1, workers=2)


# -- the cache ------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A split of six faces, a cache folder, and a count of the drawings."""
    monkeypatch.setenv("BVAE_CACHE", str(tmp_path))
    monkeypatch.setitem(_avatars.COUNTS, "test", 6)
    calls, draw = [], _avatars.draw
    monkeypatch.setattr(_avatars, "draw", lambda count, seed: calls.append(count) or draw(count, seed))
    return tmp_path / "avatars-test.safetensors", calls


def test_the_cache_is_used_and_never_trusted_blindly(small, monkeypatch):
    path, calls = small
    first, held = _avatars.avatars("test")
    again, _ = _avatars.avatars("test")
    part, held_of_part = _avatars.avatars("test", 4)
    assert calls == [6]
    assert torch.equal(first, again)
    assert torch.equal(first[:4], part)
    assert torch.equal(held[:4], held_of_part)
    intact = path.read_bytes()
    for damaged in (intact[:-100], intact[:-1] + bytes([intact[-1] ^ 1]), b"", b"no safetensors at all"):
        path.write_bytes(damaged)
        assert torch.equal(_avatars.avatars("test")[0], first)
        assert torch.equal(read_tensors(path)["images"], first)
    assert calls == [6] * 5
    monkeypatch.setattr(_avatars, "recipe", lambda count, seed: "another")
    _avatars.avatars("test")
    assert calls == [6] * 6


def test_without_a_folder_to_write_the_faces_are_drawn_each_time(small, monkeypatch):
    path, calls = small
    path.parent.joinpath("file").write_text("in the way")
    monkeypatch.setenv("BVAE_CACHE", str(path.parent / "file" / "below"))
    a, b = (_avatars.avatars("test")[0] for _ in range(2))
    assert torch.equal(a, b)
    assert calls == [6, 6]
    monkeypatch.delenv("BVAE_CACHE")
    monkeypatch.setattr(_avatars.Path, "home", staticmethod(lambda: (_ for _ in ()).throw(RuntimeError("no home"))))
    assert _avatars.cache_folder() is None
    assert torch.equal(_avatars.avatars("test")[0], a)


# -- words ----------------------------------------------------------------------------------------------------------


def test_words_follow_the_recipe_and_are_read_back(data):
    held = data.attributes
    texts = read(data.x["text"])
    for row, text in zip(held, texts, strict=True):
        names = [n.replace("_", " ").lower() for n, h in zip(data.attribute_names, row, strict=True) if h]
        assert text.strip("*") == ", ".join(names)
        assert len(text) == LENGTH
    assert torch.equal(data.attribute_scores(data.x["text"]) > 0.9, held)
    assert (data.word_scores(data.x["text"]).argmax(1) == data.y).all()
    soft = 0.5 * data.x["text"] + 0.5 / 30
    assert (data.word_scores(soft).argmax(1) == data.y).all()
    scores = data.attribute_scores(soft)
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert mean_average_precision([scores], held, torch.Generator())["mean"] == 1


def test_official_texts_stand_at_fresh_places_and_those_of_avatars_at_the_first(data, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    index = torch.arange(8)
    still = data.items(index, data.pairing(generator), generator)["text"]
    assert not any(t.startswith("*") for t in read(still))
    monkeypatch.setattr(data, "source", "official")
    a, b = (data.items(index, data.pairing(generator), generator)["text"] for _ in range(2))
    assert not torch.equal(a, b)
    assert [t.strip("*") for t in read(a)] == [t.strip("*") for t in read(still)]
    assert [t.strip("*") for t in read(a)] == [t.strip("*") for t in read(b)]
    assert torch.equal(data.subset(slice(0, 8))["text"], data.x["text"][:8])
    lengths = torch.full((4000,), 250)
    assert places(lengths, generator).unique().tolist() == list(range(7))


def test_every_word_can_be_written_and_long_texts_are_cut():
    names = ("5_o_Clock_Shadow", *_avatars.ATTRIBUTES, *(f"Very_Long_Name_{c}" for c in "abcdefghijkl"))
    letters, lengths = encode(torch.ones(1, len(names), dtype=torch.bool), names)
    assert lengths.tolist() == [LENGTH]
    assert read(write(letters, torch.tensor([0])))[0].startswith("5 o clock shadow, arched eyebrows, bald, ")
    empty, none = encode(torch.zeros(1, len(names), dtype=torch.bool), names)
    assert read(write(empty, places(none, torch.Generator()))) == ["*" * LENGTH]
    with pytest.raises(DataError, match="expected letters a to z"):
        encode(torch.ones(1, 1, dtype=torch.bool), ("Größe",))


def test_the_data_set_is_honest_about_avatars(data):
    text = data.describe().lower()
    assert "60 items" in text
    assert "avatar" in text
    assert "photograph" not in text
    assert "smiling" in text
    assert "mit" in text
    assert data.class_names == ("black hair", "blond hair", "brown hair", "gray hair", "other or no hair")
    assert {m.name: m.weight for m in data.modalities.values()} == {"image": 1 / 3, "text": 16}
    assert bvae.dataset("polymnist").class_names == tuple("0123456789")
    assert bvae.dataset("polymnist").attributes is None


def test_mirrored_pictures_and_attributes_of_batches(data, monkeypatch):
    monkeypatch.setattr(data, "augment", True)
    batch = next(data.epoch(0, 20, 0, torch.Generator().manual_seed(0)))
    assert batch.attributes.shape == (20, len(data.attribute_names))
    plain = {p.numpy().tobytes() for p in data.x["image"]}
    kept = sum(p.numpy().tobytes() in plain for p in batch.x["image"])
    mirrored = sum(p.flip(-1).contiguous().numpy().tobytes() in plain for p in batch.x["image"])
    assert kept + mirrored == 20
    assert 3 < mirrored < 17


# -- official files -------------------------------------------------------------------------------------------------

OFFICIAL = ("5_o_Clock_Shadow", "Bald", "Black_Hair", "Blond_Hair", "Brown_Hair", "Eyeglasses", "Gray_Hair", "Smiling")


@pytest.fixture
def official(tmp_path, monkeypatch):
    """A folder with nine pictures in the official formats; only the checksums are not asked for."""
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    rng = np.random.default_rng(0)
    files = [f"{n + 1:06d}.jpg" for n in range(9)]
    held = rng.random((9, len(OFFICIAL))) < 0.4
    held[:, 2:5] = np.eye(3, dtype=bool)[np.arange(9) % 3]
    held[:, 6] = False
    held[8, 2] = held[8, 3] = True  # two colours at once, as people do assign them
    for n, name in enumerate(files):
        pixels = np.zeros((218, 178, 3), np.uint8)
        pixels[35:183, 15:163] = 20 * n + 40
        Image.fromarray(pixels).save(folder / "img_align_celeba" / name, quality=95)
    rows = [f"{f} " + "".join(f"{1 if h else -1:>3}" for h in row) for f, row in zip(files, held, strict=True)]
    (folder / "list_attr_celeba.txt").write_text("\n".join(["9", " ".join(OFFICIAL) + " ", *rows]) + "\n")
    (folder / "list_eval_partition.txt").write_text("".join(f"{f} {n // 3}\n" for n, f in enumerate(files)))
    (folder / "identity_CelebA.txt").write_text("".join(f"{f} {n + 1}\n" for n, f in enumerate(files)))
    (folder / "list_bbox_celeba.txt").write_text(
        "9\nimage_id x_1 y_1 width height\n" + "".join(f"{f}    95  71 226 313\n" for f in files))
    (folder / "list_landmarks_align_celeba.txt").write_text(
        "9\nlefteye_x lefteye_y\n" + "".join(f"{f} 69  109\n" for f in files))
    monkeypatch.setattr(torchvision().datasets.CelebA, "_check_integrity",
                        lambda self: (folder / "img_align_celeba").is_dir())
    return tmp_path, held


@pytest.mark.parametrize(("split", "first"), [("train", 0), ("test", 6)])
def test_official_files_are_read_cropped_and_worded(official, split, first):
    root, held = official
    data = CelebA(split, "official", root=root)
    assert len(data) == 3
    assert data.attribute_names == OFFICIAL
    np.testing.assert_array_equal(data.attributes.numpy(), held[first : first + 3])
    assert data.modalities["image"].label == "photograph (CelebA)"
    for n, image in enumerate(data.x["image"]):  # nothing of the black border is inside the crop
        assert abs(image * 255 - (20 * (first + n) + 40)).max() <= 3
    assert data.y.tolist() == ([0, 1, 2] if split == "train" else [0, 1, celeba.NO_HAIR_COLOR])
    words = [", ".join(n.replace("_", " ").lower() for n, h in zip(OFFICIAL, row, strict=True) if h)
             for row in held[first : first + 3]]
    assert [t.strip("*") for t in read(data.x["text"])] == words
    cache = root / "celeba" / f"bvae_64x64_{split}.npy"
    assert np.load(cache).shape == (3, 3, 64, 64)
    # A cache that is cut is written anew; a whole one does without the JPEG files.
    pictures = data.pictures.clone()  # what is mapped from a file changes with it
    assert torch.equal(CelebA(split, "official", root=root).pictures, pictures)
    cache.write_bytes(cache.read_bytes()[:-50])
    assert torch.equal(CelebA(split, "official", root=root).pictures, pictures)
    assert torch.equal(CelebA(split, "official", root=root, limit=2).pictures, pictures[:2])
    for path in (root / "celeba" / "img_align_celeba").iterdir():
        path.unlink()
    assert torch.equal(CelebA(split, "official", root=root).pictures, pictures)


def test_damaged_or_missing_official_files_say_how_to_repair(official):
    root, _ = official
    picture = root / "celeba" / "img_align_celeba" / "000008.jpg"
    good = picture.read_bytes()
    picture.write_bytes(good[: len(good) // 2])
    with pytest.raises(DataError, match=r"000008\.jpg: expected a JPEG picture, got an unreadable file .* unpack"):
        CelebA("test", "official", root=root)
    Image.new("RGB", (64, 64)).save(picture)
    with pytest.raises(DataError, match=r"000008\.jpg: expected an aligned picture of 178 x 218, got 64 x 64"):
        CelebA("test", "official", root=root)
    picture.unlink()
    with pytest.raises(DataError, match=r"000008\.jpg: expected a JPEG picture, got no file .* unpack"):
        CelebA("test", "official", root=root)
    assert not list((root / "celeba").glob("*.tmp"))
    assert not list((root / "celeba").glob("*.npy"))
    listing = root / "celeba" / "list_attr_celeba.txt"
    listing.write_text(listing.read_text()[:-30])
    with pytest.raises(DataError, match="torchvision cannot read them .* download"):
        CelebA("test", "official", root=root)
    listing.unlink()
    with pytest.raises(DataError, match=r"list_attr_celeba\.txt: missing"):
        CelebA("test", "official", root=root)


def test_other_checksums_are_named(official, monkeypatch):
    root, _ = official
    monkeypatch.undo()  # torchvision checks again
    with pytest.raises(DataError, match=r"list_attr_celeba\.txt: another checksum than 75e246fa.* download"):
        CelebA("test", "official", root=root)
    for arguments, message in ((("val",), "split must be"), (("test", "celeba"), "source must be"),
                               (("test", "official"), "needs root")):
        with pytest.raises(DataError, match=message):
            CelebA(*arguments)
    with pytest.raises(DataError, match="limit: expected a positive number"):
        CelebA(limit=0)


# -- networks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "shape"), [("image", (3, 64, 64)), ("image", (1, 48, 56)), ("image", (3, 52, 52)),
                                             ("text", (256, 30)), ("text", (250, 30)), ("text", (48, 5)),
                                             ("text", (33, 5)), ("text", (32, 5)), ("text", (7, 5))])
def test_networks_of_large_shapes(kind, shape):
    encoder, decoder = (make(shape, 4, 8) for make in NETWORKS[kind])
    x = torch.rand(2, *shape)
    assert encoder(x).shape == (2, 8)
    out = decoder(torch.randn(2, 4))
    assert out.shape == (2, *shape)
    assert out.min() >= 0
    assert out.max() <= 1
    if kind == "text":
        torch.testing.assert_close(out.sum(-1), torch.ones(2, shape[0]))
    out.square().sum().backward()
    assert all((p.grad != 0).any() for p in decoder.parameters())


def test_a_model_sees_reads_and_translates(data):
    torch.manual_seed(0)
    model = bvae.MultimodalVAE(data.modalities.values(), aggregator("mwb"), bvae.ModelConfig(4, 4))
    x = data.subset(slice(0, 5))
    out = model.generate({"text": x["text"]}, num_samples=2, generator=torch.Generator().manual_seed(0))
    assert out["image"].shape == (2, 5, 3, 64, 64)
    assert out["text"].shape == (2, 5, 256, 30)
    assert torch.isfinite(model.reconstruction_error(x, torch.zeros(5, 4))).all()


# -- judges and metrics ---------------------------------------------------------------------------------------------


def test_judges_give_classes_and_attributes(data, tmp_path, monkeypatch):
    small = data.subset(slice(0, 7))
    nets = classifiers.build(data)
    p, scores = nets.probabilities(small), nets.attribute_scores(small)
    assert p["image"].shape == p["text"].shape == (7, 5)
    torch.testing.assert_close(p["image"].sum(1), torch.ones(7))
    assert scores["image"].shape == scores["text"].shape == (7, 17)
    assert torch.equal(scores["text"] > 0.9, data.attributes[:7])
    assert nets.features("image", small["image"]).shape == (7, 384)
    # Trained for two steps, written, and read again.
    monkeypatch.setattr(classifiers, "dataset", lambda name, split, source="embedded", **options: data)
    figures = classifiers.train(tmp_path, "celeba", epochs=2, batch_size=30)
    assert set(figures["accuracy"]) == set(figures["average_precision"]) == {"image", "text"}
    assert figures["average_precision"]["text"] == {"mean": 1.0, "se": 0.0}
    loaded = classifiers.load(tmp_path, "celeba")
    assert loaded.attribute_scores(small)["image"].shape == (7, 17)
    classifiers.load.cache_clear()


def test_judges_of_other_data_sets_are_as_they_were():
    nets = classifiers.build(bvae.dataset("polymnist"))
    assert nets["m0"].head.weight.shape == (10, 384)
    assert nets["m0"].features[0].stride == (1, 1)


def test_average_precision_against_scikit_learn(generator):
    truth = torch.rand(80, generator=generator) < 0.3
    counts = torch.randint(3, (5, 80), generator=generator).float()
    for scores in (torch.rand(80, generator=generator), torch.randint(4, (80,), generator=generator).float(),
                   torch.zeros(80)):  # with ties, and nothing but ties
        ours = average_precision(scores, truth)
        assert ours.item() == pytest.approx(average_precision_score(truth, scores))
        for row, value in zip(counts, average_precision(scores, truth, counts), strict=True):
            assert value.item() == pytest.approx(average_precision_score(truth, scores, sample_weight=row))


def test_bootstrap_errors_are_those_of_repeated_draws(generator):
    def draw(n):
        truth = torch.rand(n, 1, generator=generator) < 0.4
        return truth + torch.randn(n, 1, generator=generator), truth

    spread = torch.stack([average_precision(s[:, 0], t[:, 0]) for s, t in (draw(300) for _ in range(300))]).std()
    ses = [mean_average_precision([s], t, generator)["se"] for s, t in (draw(300) for _ in range(10))]
    assert np.mean(ses) == pytest.approx(spread.item(), rel=0.2)


class Sees(nn.Module):
    """An encoder whose means are the first numbers of x, or 0."""

    def __init__(self, size, sees):
        super().__init__()
        self.size, self.sees = size, sees

    def forward(self, x):
        loc = x.flatten(1)[:, : self.size] if self.sees else torch.zeros(len(x), self.size)
        return torch.cat([loc, torch.full_like(loc, -20.0)], 1)


class Shows(nn.Module):
    """A decoder that writes z into the first numbers of an image."""

    def forward(self, z):
        x = torch.zeros(len(z), 192)
        x[:, : z.shape[1]] = z
        return x.view(-1, 3, 8, 8)


class Writes(nn.Module):
    """A decoder that words the attributes that z says."""

    def forward(self, z):
        return write(encode(z > 0.5, _avatars.ATTRIBUTES)[0], torch.zeros(len(z), dtype=torch.int64))


class Reads(nn.Module):
    """A judge that reads the attributes where `Shows` writes them."""

    def attribute_scores(self, x):
        return x.flatten(1)[:, :17]


class Known(CelebA):
    """Attributes as the first pixels of an image, and in words; the encoder of texts gets them by their scores."""

    def __init__(self, count, seed):
        self.attribute_names = _avatars.ATTRIBUTES
        self.attributes = torch.from_numpy(_avatars.attributes(count, seed))
        self.y = celeba.hair_color(self.attributes, self.attribute_names)
        self.modalities = {"image": bvae.Modality("image", "image", (3, 8, 8)),
                           "text": bvae.Modality("text", "text", (256, 30))}
        letters, lengths = encode(self.attributes, self.attribute_names)
        text = write(letters, places(lengths, torch.Generator().manual_seed(seed)))
        self.x = {"image": Shows()(self.attributes.float()), "text": text}

    def subset(self, index):
        return {name: values[index] for name, values in self.x.items()}


class ReadsText(Sees):
    """An encoder of texts that knows the names."""

    def forward(self, x):
        return super().forward(name_scores(x, _avatars.ATTRIBUTES).round())


@pytest.mark.parametrize("sees", [True, False])
def test_attribute_metrics_of_an_all_knowing_and_of_a_blind_model(sees, tmp_path):
    data = EvaluationData("celeba", tmp_path)
    train, test = Known(300, 0), Known(200, 1)
    judges = classifiers.Classifiers({"image": Reads(), "text": classifiers.WordJudge(test)})
    data.__dict__.update(train=train, test=test, judges=judges, sharp_judges=type(judges)())
    model = bvae.MultimodalVAE(test.modalities.values(), aggregator("poe", prior_expert="never"),
                               bvae.ModelConfig(17, 4))
    model.encoders["image"], model.encoders["text"] = Sees(17, sees), ReadsText(17, sees)
    model.decoders["image"], model.decoders["text"] = Shows(), Writes()
    out = evaluate(model, data, names=["latent_average_precision", "attribute_coherence", "text_accuracy"])
    assert list(out["latent_average_precision"]) == ["1", "2"]
    assert list(out["attribute_coherence"]) == ["1"]
    assert list(out["text_accuracy"]) == ["characters", "words"]
    chance = test.attributes.double().mean(0).mean().item()
    for figure in (*out["latent_average_precision"].values(), out["attribute_coherence"]["1"]):
        if sees:
            assert figure["mean"] > 0.99
        else:
            assert figure["mean"] == pytest.approx(chance, abs=0.04)
            assert figure["se"] < 0.03
    for figure in out["text_accuracy"].values():
        assert figure["mean"] == (1 if sees else pytest.approx(0, abs=0.01))


def test_metrics_that_do_not_apply_say_nothing(tiny_model, tmp_path):
    data = EvaluationData("polymnist", tmp_path)
    data.__dict__["test"] = bvae.dataset("polymnist")
    names = ["latent_average_precision", "attribute_coherence", "text_accuracy"]
    assert evaluate(tiny_model[0], data, names=names) == {}


def test_right_characters_and_words():
    assert right_characters("***bald, smiling**", "bald, smiling") == 1
    assert right_characters("***bald, smilinx**", "bald, smiling") == pytest.approx(12 / 13)
    assert right_characters("*******", "bald") == 0
    assert right_words("***bald, smiling**", "bald, smiling", "*") == 1
    assert right_words("**smiling, bald, pale skin*", "bald, smiling", "*") == pytest.approx(2 / 3)
    assert right_words("  seven ", "seven", " ") == 1
    assert right_words("  sevem ", "seven", " ") == 0
