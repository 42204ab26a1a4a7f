"""Data sets whose items really lack modalities, or have no labels, or modalities that nobody can draw."""

import math

import pytest
import streamlit
import torch
from PIL import Image

import bvae
from bvae.aggregators import aggregator
from bvae.cli import main
from bvae.data import DataError
from bvae.data.shards import write
from bvae.io.storage import read_json
from bvae.metrics import METRICS, EvaluationData, evaluate
from bvae.metrics.base import all_experts, left_out, left_out_in_words, posterior_of
from bvae.metrics.classifiers import Classifiers, build, fit, judged
from bvae.metrics.classifiers import load as load_judges
from bvae.models.vae import ModelConfig, MultimodalVAE
from bvae.training import load_checkpoint
from tests.support.known import Data, Known, Reads, Shows
from tests.support.own_data import SMALL, register
from tests.support.pages import assert_clean, open_page


class Incomplete(Data):
    """What `tests.support.known.Data` is, with a mask, and `holes` where it says that nothing is there."""

    attributes, labelled = None, True

    def __init__(self, seed, holes):
        super().__init__(seed)
        self.mask = torch.rand(3, 200, generator=torch.Generator().manual_seed(seed + 7)) > 0.4
        self.mask[0] |= ~self.mask.any(0)
        for m, name in enumerate(self.x):
            self.x[name][~self.mask[m]] = holes


def evaluation(tmp_path, holes):
    data = EvaluationData("polymnist", tmp_path)
    data.__dict__.update(train=Incomplete(0, holes), test=Incomplete(1, holes),
                         judges=Classifiers({n: Reads() for n in "abc"}),
                         sharp_judges=Classifiers())
    torch.manual_seed(0)
    model = MultimodalVAE(data.test.modalities.values(), aggregator("poe"), ModelConfig(10, 4)).eval()
    for n in "abc":
        model.encoders[n], model.decoders[n] = Known(sees=n != "c"), Shows()
    return model, data


def test_figures_do_not_depend_on_what_stands_in_the_holes(tmp_path):
    names = [n for n in METRICS if n not in ("samples", "fid")]
    found = [evaluate(*evaluation(tmp_path, holes), names=names) for holes in (0.0, float("nan"), 0.7)]
    assert found[0] == found[1] == found[2]
    assert {"coherence", "latent_accuracy", "reconstruction_error", "log_likelihood"} <= set(found[0])
    assert all(math.isfinite(v) for v in numbers(found[0]))


def numbers(value):
    if isinstance(value, dict | list):
        return [n for v in (value.values() if isinstance(value, dict) else value) for n in numbers(v)]
    return [value]


def test_coherence_counts_the_items_that_have_the_views(tmp_path):
    """Item by item, slowly: of every subset that an item has in full, what the other views show."""
    model, data = evaluation(tmp_path, float("nan"))
    test = data.test
    by_size = {1: [], 2: []}
    for i in range(len(test)):
        of_item = {1: [], 2: []}
        for members in [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]:
            if not all(bool(test.mask[m, i]) for m in members):
                continue
            x = {name: test.x[name][i : i + 1] for m, name in enumerate(test.x) if m in members}
            q = model.encode(x, model.aggregator.conditional())
            shown = model.decode(q.mean)
            hits = [int(data.judges[name](shown[name]).argmax()) == int(test.y[i])
                    for m, name in enumerate(test.x) if m not in members]
            of_item[len(members)].append(sum(hits) / len(hits))
        for size, values in of_item.items():
            if values:
                by_size[size].append(sum(values) / len(values))
    ours = evaluate(model, data, names=["coherence"])["coherence"]
    for size, values in by_size.items():
        # "c" sees nothing: its z are noise, and what they show is right by chance only.
        assert ours[str(size)]["mean"] == pytest.approx(sum(values) / len(values), abs=0.04)


def test_reconstruction_and_distances_are_of_the_items_that_have_a_view(tmp_path):
    model, data = evaluation(tmp_path, float("nan"))
    test = data.test
    found = evaluate(model, data, names=["reconstruction", "distance_to_joint"])
    experts = all_experts(model, test)
    q = posterior_of(model, experts, (0, 1, 2))
    for m, name in enumerate("abc"):
        errors, apart = [], []
        for i in range(len(test)):
            if test.mask[m, i]:
                x = model.decode(q.mean[i : i + 1], [name])[name]
                errors.append(float((x - test.x[name][i]).square().mean().sqrt()))
                apart.append(float(((experts.loc[m, i] - q.loc[0, i]).square()
                                    + (experts.scale[m, i] - q.scale[0, i]).square()).sum().sqrt()))
        assert found["reconstruction_error"][name]["mean"] == pytest.approx(sum(errors) / len(errors), abs=1e-5)
        assert found["w2_to_joint"][name]["mean"] == pytest.approx(sum(apart) / len(apart), rel=1e-4)


def test_log_likelihood_is_that_of_what_an_item_has(tmp_path):
    """An item without "a" has the log-likelihood that it would have if the model had no other view."""
    from bvae.metrics import log_likelihood as module

    def estimate(x, present=None):
        return module.averaged(module.log_weights(model, x, q, 20, torch.Generator().manual_seed(0), present))

    model, data = evaluation(tmp_path, float("nan"))
    present = data.test.mask[:, :4].clone()
    present[0] = torch.tensor([True, False, True, False])
    present[1:] = True
    x = {name: torch.nan_to_num(v[:4]) for name, v in data.test.x.items()}
    q = model.encode(x, model.aggregator.conditional(), present=present)
    ours = estimate(x, present)
    rest = {name: v for name, v in x.items() if name != "a"}
    without, whole = estimate(rest), estimate(x)
    torch.testing.assert_close(ours[1::2], without[1::2])
    torch.testing.assert_close(ours[::2], whole[::2])


def test_missing_views_are_drawn_from_what_an_item_has(monkeypatch):
    register(monkeypatch, holes=0.0)
    data = bvae.dataset("own", "train")
    for share in (0.0, 0.5, 0.9):
        seen = data.observed(share, 3)
        assert bool(seen.any(0).all())
        assert not bool((seen & ~data.mask).any())
    assert torch.equal(data.observed(0.0, 3), data.mask)
    batch = next(data.epoch(0, 50, 0, torch.Generator().manual_seed(0)))
    assert not bool(batch.present.all())
    assert "of 7" in data.describe()
    assert "of the items" in data.describe()


@pytest.mark.parametrize("holes", [float("nan"), 0.5])
def test_judges_learn_from_what_is_there(holes, monkeypatch):
    """The normalisation of a judge is that of the items that have the modality, whatever stands in the holes."""
    register(monkeypatch, holes=holes, every=4)
    training, test = bvae.dataset("own", "train"), bvae.dataset("own", "test")
    nets = []
    for _ in range(2):
        torch.manual_seed(0)
        nets.append(build(training))
        fit(nets[-1], training, 1, 50, 0)
        for name in training.x:  # the second time, other numbers where nothing is
            training.x[name][~training.present[list(training.x).index(name)]] = 0.123
    for a, b in zip(nets[0].state_dict().values(), nets[1].state_dict().values(), strict=True):
        assert bool(a.isfinite().all())
        assert torch.equal(a, b)
    figures = judged(nets[0], test, 0)["accuracy"]
    p = nets[0].probabilities(test.x)["upper"]
    right = [bool(p[i].argmax() == test.y[i]) for i in range(len(test)) if test.has("upper", i)]
    assert figures["upper"]["mean"] == pytest.approx(sum(right) / len(right))


def test_shards_keep_the_mask(monkeypatch, tmp_path):
    register(monkeypatch, holes=float("nan"))
    memory = bvae.dataset("own", "train")
    write(memory, tmp_path, shard_items=200)
    shards = bvae.dataset("own", "train", source="shards", root=tmp_path)
    assert shards.incomplete
    assert shards.mask.shape == memory.mask.shape

    def keys(x, mask):
        return sorted((round(float(u.sum()), 3), round(float(v.sum()), 3), *m) for u, v, m in
                      zip(x["upper"], x["lower"], mask.T.tolist(), strict=True))

    assert keys(shards.x, shards.mask) == keys(memory.x, memory.mask)
    for share in (0.0, 0.3):
        for batch in shards.epoch(0, 100, 0, torch.Generator(), missing=share):
            assert bool(batch.present.any(0).all())
            there = torch.stack([v.flatten(1).abs().sum(1) > 0 for v in batch.x.values()])
            assert not bool((batch.present & ~there).any())  # a half of a digit always has ink


# -- what a data set cannot give ---------------------------------------------------------------------------------------


def trained(monkeypatch, tmp_path, **oddities):
    """A model of a data set of one's own, trained and evaluated on the command line."""
    streamlit.cache_resource.clear()
    streamlit.cache_data.clear()
    register(monkeypatch, every=4, **oddities)
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    assert main(["train", "own", "mwb-vae", "--steps", "3", "--batch-size", "40", *SMALL, "--out", str(tmp_path),
                 "--name", "m"]) == 0
    return read_json(tmp_path / "own" / "m" / "metrics.json")


def test_without_judges_the_other_metrics_are_there_and_the_command_is_said(monkeypatch, tmp_path, capsys):
    metrics = trained(monkeypatch, tmp_path)
    said = capsys.readouterr().err
    assert "left out, because there are no judges: " in said
    assert "train them with: python -m bvae classifiers own" in said
    assert metrics["evaluation"]["left_out"]["coherence"] == "judges"
    assert {"latent_accuracy", "reconstruction_error", "latent_accuracy_missing"} <= set(metrics)
    assert not {"coherence", "joint_coherence", "coherence_missing", "judge_frechet"} & set(metrics)
    assert main(["classifiers", "own", "--epochs", "1", "--out", str(tmp_path)]) == 0
    assert main(["evaluate", "own", "m", "--out", str(tmp_path)]) == 0
    metrics = load_checkpoint("own", "m", tmp_path).metrics
    assert {"coherence", "joint_coherence", "coherence_missing", "judge_frechet"} <= set(metrics)


@pytest.mark.slow
def test_without_labels_nothing_is_said_of_classes(monkeypatch, tmp_path, capsys):
    metrics = trained(monkeypatch, tmp_path, labels=lambda y: None, num_classes=1)
    assert {"reconstruction_error", "log_likelihood", "w2_to_joint"} <= set(metrics)
    assert not {"latent_accuracy", "coherence", "latent_accuracy_missing"} & set(metrics)
    assert "there are no labels" in capsys.readouterr().err
    assert main(["classifiers", "own", "--epochs", "1", "--out", str(tmp_path)]) == 1
    assert "it has no labels" in capsys.readouterr().err
    assert main(["data", "own"]) == 0
    assert "no labels" in capsys.readouterr().out
    for page in ("explore", "latent_space", "compare"):
        app = open_page(f"pages/{page}.py", data="own")
        assert not [m.value for m in app.markdown if "class 0" in m.value]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["explore", "generate", "latent_space", "compare", "benchmarks"])
def test_every_page_shows_holes_and_kinds_that_cannot_be_drawn(page, monkeypatch, tmp_path):
    trained(monkeypatch, tmp_path, holes=float("nan"), measured=True, names=("16S", "rna.seq"))
    data = bvae.dataset("own", "test")
    app = open_page(f"pages/{page}.py", data="own")
    if page == "benchmarks":
        return
    for lacks in ("16S", "rna.seq"):
        item = next(i for i in range(len(data)) if not data.has(lacks, i))
        if page in ("explore", "generate", "compare"):
            app.number_input(key="item").set_value(item).run()
            assert_clean(app)
        if page == "explore":
            assert any(f"This item has no {lacks}." in c.value for c in app.caption)


def numbers_only(monkeypatch):
    """A data set of measurements and nothing else."""
    cls = register(monkeypatch, measured=True)
    made = cls.__init__

    def without_pictures(self, **options):
        made(self, **options)
        del self.modalities["upper"], self.x["upper"]

    cls.__init__ = without_pictures


def test_a_sheet_leaves_out_what_cannot_be_drawn(monkeypatch, tmp_path):
    register(monkeypatch, measured=True, holes=float("nan"))
    assert main(["data", "own", "--sheet", str(tmp_path / "sheet.png")]) == 0
    assert Image.open(tmp_path / "sheet.png").height < Image.open(tmp_path / "sheet.png").width / 10
    numbers_only(monkeypatch)
    from bvae.data.sheet import contact_sheet

    with pytest.raises(DataError, match=r"expected a modality that can be drawn.*'lower' \(measurements\)"):
        contact_sheet(bvae.dataset("own", "test"), tmp_path / "none.png")


def test_a_kind_without_pictures_has_no_judges_and_says_so(monkeypatch, tmp_path):
    numbers_only(monkeypatch)
    data = EvaluationData("own", tmp_path)
    without = left_out(data, METRICS)
    assert without["coherence"] == "pictures or texts that judges could read"
    assert not any("classifiers" in line for line in left_out_in_words(without, "own"))
    assert main(["classifiers", "own", "--out", str(tmp_path)]) == 1


def test_judges_that_are_damaged_are_an_error_not_left_out(monkeypatch, tmp_path):
    register(monkeypatch, every=4)
    assert main(["classifiers", "own", "--epochs", "1", "--out", str(tmp_path)]) == 0
    (tmp_path / "own" / "classifiers" / "model.safetensors").write_bytes(b"")
    load_judges.cache_clear()
    with pytest.raises(bvae.io.storage.StorageError):
        _ = EvaluationData("own", tmp_path).judges


def test_modalities_without_a_judge_are_not_judged():
    judges = Classifiers({"a": Reads()})
    x = {n: torch.zeros(2, 1, 12, 12) for n in "ab"}
    assert list(judges.probabilities(x)) == ["a"]
