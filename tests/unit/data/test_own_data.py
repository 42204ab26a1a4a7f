"""Data that are not as ours are: converted where that is safe, refused in a sentence where it is not."""

import numpy as np
import pytest
import scipy.sparse
import torch

import bvae
from bvae.cli import main
from bvae.data import DATASETS, DataError
from bvae.data.checks import labels
from bvae.models.named_modules import NamedModules
from tests.support.own_data import SMALL, register

NAMES = tuple("abc")


# -- labels ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [
    torch.tensor([0, 2, 1]), torch.tensor([0.0, 2.0, 1.0]), torch.tensor([[0], [2], [1]]), np.array([0, 2, 1], "u1"),
    np.array([0.0, 2.0, 1.0]), [0, 2, 1], ["a", "c", "b"], np.array(["a", "c", "b"]), np.array([["a"], ["c"], ["b"]]),
    np.array(["a", "c", "b"], dtype=object), np.array([b"a", b"c", b"b"]), torch.tensor([0, 2, 1], dtype=torch.int8),
])
def test_labels_of_every_common_form_are_understood(given):
    found = labels(given, 3, 3, NAMES)
    assert found.dtype == torch.int64
    assert found.tolist() == [0, 2, 1]


@pytest.mark.parametrize(("given", "message"), [
    (torch.tensor([1, 2, 3]), "y, item 2: expected a class in 0 to 2, got 3.*subtract 1"),
    (torch.tensor([0, -1, 1]), "y, item 1: expected a class in 0 to 2, got -1.*without a label"),
    (torch.tensor([0.0, 0.5, 1.0]), "y, item 1: expected an integer, got 0.5"),
    (np.array([0.0, np.nan, 1.0]), "y, item 1: expected an integer, got nan"),
    (np.array([np.inf, 0.0, 1.0]), "y, item 0: expected an integer, got inf"),
    (["a", "d", "b"], "y, item 1: expected one of the names of the classes .a, b, c., got 'd'"),
    (np.array(["a", None, "b"], dtype=object), "y, item 1: expected an integer or the name of a class, got None"),
    (torch.eye(3), r"y: expected shape \(3,\), got \(3, 3\); of one-hot labels take .argmax\(1\)"),
    (torch.tensor([0, 1]), r"y: expected shape \(3,\), got \(2,\)"),
    (np.array(["2020-01-01"] * 3, dtype="datetime64[D]"), "y: expected integers or names of classes"),
    (None, "y: expected labels of 3 classes, got none; a data set without labels has num_classes = 1"),
])
def test_other_labels_are_refused_in_a_sentence(given, message):
    with pytest.raises(DataError, match=message):
        labels(given, 3, 3, NAMES)


def test_without_labels_all_are_of_one_class():
    assert labels(None, 3, 1, ("0",)).tolist() == [0, 0, 0]
    assert labels([5, 5, 5], 3, 1, ("0",)).tolist() == [0, 0, 0]
    with pytest.raises(DataError, match="num_classes is 1"):
        labels([0, 1, 0], 3, 1, ("0",))


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [
    lambda x: x.double(), lambda x: x.numpy(), lambda x: x.numpy().astype("f8"), lambda x: x.half().float(),
    lambda x: x.to_sparse(), lambda x: (x * 255).round().byte(), lambda x: (x * 255).round().byte().numpy(),
    lambda x: x.numpy().astype(">f4"), lambda x: x + 1e-4 * (x == 1),
])
def test_values_of_every_common_form_are_taken(form, monkeypatch):
    register(monkeypatch)
    plain = bvae.dataset("own", "test").x["upper"]
    register(monkeypatch, values=form)
    taken = bvae.dataset("own", "test").x["upper"]
    assert taken.dtype == torch.float32
    assert taken.layout == torch.strided
    assert taken.max() <= 1
    torch.testing.assert_close(taken, plain, atol=1 / 255, rtol=0)


def test_sparse_measurements_become_dense(monkeypatch):
    cls = register(monkeypatch, measured=True)
    dense = bvae.dataset("own", "test").x["lower"]
    made = cls.__init__

    def sparse(self, **options):
        made(self, **options)
        self.x["lower"] = scipy.sparse.csr_matrix(self.x["lower"].numpy())

    cls.__init__ = sparse
    torch.testing.assert_close(bvae.dataset("own", "test").x["lower"], dense)


def one(x, value):
    x = x.clone()
    x[7, 0, 1, 2] = value
    return x


@pytest.mark.parametrize(("values", "message"), [
    (lambda x: x * 16, r"x\['upper'\], item 0: expected numbers in \[0, 1\] \(image\), got .*; divide by 16"),
    (lambda x: x * 255, r"x\['upper'\], item 0: .*; divide by 255"),
    (lambda x: 2 * x - 1, r"x\['upper'\], item 0: expected numbers in \[0, 1\] \(image\), got -1"),
    (lambda x: one(x, float("nan")), r"x\['upper'\], item 7: .* got nan in 1 of 32 cells; an item that lacks"),
    (lambda x: one(x, float("inf")), r"x\['upper'\], item 7: .* got inf in 1 of 32 cells"),
    (lambda x: x[:, 0], r"x\['upper'\]: expected shape \(N, 1, 4, 8\), got \(360, 4, 8\)"),
    (lambda x: x[:5], "x: expected as many items in every modality, got 5 of 'upper', 360 of 'lower'"),
    (lambda x: x.to(torch.complex64), r"x\['upper'\]: expected real numbers, got torch.complex64"),
    (lambda x: "pictures", r"x\['upper'\]: expected numbers"),
    (lambda x: np.array([["a"]]), r"x\['upper'\]: expected numbers"),
    (lambda x: None, r"x\['upper'\]: expected numbers"),
])
def test_other_values_are_refused_with_modality_and_item(values, message, monkeypatch):
    register(monkeypatch, values=values)
    with pytest.raises(DataError, match=f"data set 'own', split 'test': {message}"):
        bvae.dataset("own", "test")


def test_measurements_may_lie_anywhere_but_must_be_finite(monkeypatch):
    register(monkeypatch, measured=True)
    assert bvae.dataset("own", "test").x["lower"].min() == -1


def test_a_likelihood_is_not_taken_for_values_that_it_does_not_know(monkeypatch, tmp_path, capsys):
    register(monkeypatch, measured=True, every=10)
    command = ["train", "own", "wb-vae", "--steps", "2", "--likelihood", "bernoulli", *SMALL, "--out", str(tmp_path),
               "--no-evaluate"]
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "modality 'lower': expected numbers in [0, 1] for the likelihood 'bernoulli', got -1 to 3" in said
    assert "Traceback" not in said


def test_items_that_hold_nothing_but_nan_are_missing(monkeypatch):
    def some_missing(x):
        x = x.clone()
        x[[3, 5]] = float("nan")
        return x

    register(monkeypatch, values=some_missing)
    data = bvae.dataset("own", "test")
    assert data.incomplete
    assert (~data.present[0]).nonzero().flatten().tolist() == [3, 5]
    assert not data.has("upper", 3)
    assert set(data.of_item(3)) == {"lower"}
    assert data.x["upper"].isfinite().all()


def test_a_mask_of_another_form_is_understood_or_refused(monkeypatch):
    cls = register(monkeypatch, holes=0.0)
    wanted = bvae.dataset("own", "test").mask
    made = cls.__init__
    for change, message in ((lambda m: m.int(), None), (lambda m: m.numpy(), None), (lambda m: m.float().numpy(), None),
                            (lambda m: m.T, "transpose it"), (lambda m: m + 1, "other values than 0 and 1"),
                            (lambda m: torch.zeros_like(m), "item 0: expected at least one modality, got none")):
        def changed(self, change=change, **options):
            made(self, **options)
            self.mask = change(self.mask)

        cls.__init__ = changed
        if message is None:
            assert torch.equal(bvae.dataset("own", "test").mask, wanted)
            continue
        with pytest.raises(DataError, match=message):
            bvae.dataset("own", "test")


def test_what_a_data_sets_own_code_raises_says_whose_it_is(monkeypatch, capsys):
    class Broken(bvae.data.MultimodalDataset):
        """Cannot be made."""

        name, num_classes = "broken", 2

        def __init__(self, split, source):
            self.modalities = {}
            raise KeyError("a column")

    monkeypatch.setitem(DATASETS._entries, "broken", Broken)
    assert main(["data", "broken"]) == 1
    said = capsys.readouterr().err
    assert "data set 'broken', split 'train': its own code" in said
    assert "KeyError: 'a column'" in said
    assert "Traceback" not in said


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rna.seq", "type", "values", "16S", "mean", "keys", "training", "a b", "µRNA", "图像",
                                  "x.y.z", "forward", "T"])
def test_any_name_of_a_modality_works_to_the_saved_weights(name):
    modalities = [bvae.Modality(name, "image", (1, 8, 8)), bvae.Modality("b", "image", (1, 8, 8))]
    torch.manual_seed(0)
    model = bvae.MultimodalVAE(modalities, bvae.aggregator("poe"), bvae.ModelConfig(2, 4)).eval()
    again = bvae.MultimodalVAE(modalities, bvae.aggregator("poe"), bvae.ModelConfig(2, 4)).eval()
    again.load_state_dict(model.state_dict())
    x = {name: torch.rand(3, 1, 8, 8)}
    assert torch.equal(model.encode(x).mean, again.encode(x).mean)
    assert model.generate(x)[name].shape == (1, 3, 1, 8, 8)
    assert list(model.encoders) == [name, "b"]


def test_plain_names_stand_in_the_weights_as_they_are():
    modules = NamedModules({"m0": torch.nn.Linear(1, 1), "rna.seq": torch.nn.Linear(1, 1)})
    assert [key.rsplit(".", 1)[0] for key in modules.state_dict()][::2] == ["m0", "rna%2Eseq"]
    assert "rna.seq" in modules
    assert "rna%2Eseq" not in modules
    assert len(modules) == 2


@pytest.mark.parametrize("name", ["", " a", "a ", "joint", "Joint", "everything", "a/b", "a\\b", "a,b", "a\nb",
                                  "x" * 61, 3, "<b>", None])
def test_names_that_the_program_keeps_or_cannot_show_are_refused(name):
    with pytest.raises(ValueError, match="name of a modality: expected"):
        bvae.Modality(name, "image", (1, 8, 8))


@pytest.mark.parametrize(("options", "message"), [
    ({"shape": ()}, "shape of positive integers"), ({"shape": (1, 0)}, "shape of positive integers"),
    ({"shape": (1, 2.5)}, "shape of positive integers"), ({"weight": float("nan")}, "weight of at least 0"),
    ({"weight": -1}, "weight of at least 0"), ({"kind": ""}, "expected a kind"),
])
def test_a_modality_is_checked_when_it_is_made(options, message):
    with pytest.raises(ValueError, match=f"modality 'a': .*{message}"):
        bvae.Modality(**{"name": "a", "kind": "image", "shape": (1, 8, 8), **options})


def test_no_modality_twice_and_at_least_one():
    a = bvae.Modality("a", "image", (1, 8, 8))
    with pytest.raises(ValueError, match="different names, got 'a' more than once"):
        bvae.MultimodalVAE([a, a], bvae.aggregator("poe"))
    with pytest.raises(ValueError, match="at least one, got none"):
        bvae.MultimodalVAE([], bvae.aggregator("poe"))


# -- what goes into a model --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [lambda v: v.double(), lambda v: v.numpy(), lambda v: v.numpy().astype("f8"),
                                  lambda v: v.to_sparse(), lambda v: v.tolist()])
def test_a_model_takes_numbers_of_every_common_form(form, tiny_model):
    model, x = tiny_model
    model.eval()
    taken = model.encode({"a": form(x["a"])}).mean
    torch.testing.assert_close(taken, model.encode({"a": x["a"]}).mean)
    z = torch.zeros(3, 4)
    torch.testing.assert_close(model.decode(form(z) if form(z) is not z else z)["a"], model.decode(z)["a"])


@pytest.mark.parametrize(("change", "message"), [
    (lambda v: one(v.repeat(2, 1, 1, 1), float("nan")), r"x\['a'\], item 7: expected finite numbers, got nan in 1 of"),
    (lambda v: v * 255, r"x\['a'\], item 0: expected floats in \[0, 1\], got .*divide pictures"),
    (lambda v: (v * 255).byte().numpy(), r"x\['a'\]: expected floats .* got uint8.*divide by 255"),
    (lambda v: None, r"x\['a'\]: expected numbers"),
    (lambda v: v.to(torch.complex64), r"x\['a'\]: expected real numbers"),
    (lambda v: np.array("text"), r"x\['a'\]: expected numbers"),
])
def test_a_model_refuses_the_rest_by_modality_and_item(change, message, tiny_model):
    model, x = tiny_model
    with pytest.raises(ValueError, match=message):
        model.eval().encode({"a": change(x["a"])})


@pytest.mark.parametrize("rule", ["poe", "mwb", "moe", "wasserstein"])
def test_every_item_may_have_another_pattern_when_generating(rule, tiny_model):
    model, x = tiny_model
    model.eval()
    present = torch.tensor([[1, 0, 1, 0, 0], [1, 1, 0, 0, 1], [0, 1, 0, 1, 1]]).bool()
    holed = {name: torch.where(present[m].view(-1, 1, 1, 1), x[name], float("nan")) for m, name in enumerate("abc")}
    q = model.encode(holed, bvae.aggregator(rule).conditional(), present=present)
    out = model.generate(holed, present=present, num_samples=2, aggregator=bvae.aggregator(rule),
                         generator=torch.Generator().manual_seed(0))
    for i in range(5):
        mine = {name: x[name][i : i + 1] for m, name in enumerate("abc") if present[m, i]}
        alone = model.encode(mine, bvae.aggregator(rule).conditional())
        torch.testing.assert_close(q.mean[i], alone.mean[0], atol=1e-5, rtol=1e-4)
    assert all(v.isfinite().all() and v.shape[:2] == (2, 5) for v in out.values())
    as_numbers = model.generate(holed, present=present.int().numpy(), num_samples=2, aggregator=bvae.aggregator(rule),
                                generator=torch.Generator().manual_seed(0))
    assert all(torch.equal(out[name], as_numbers[name]) for name in out)


def test_generate_refuses_no_sample_at_all(tiny_model):
    model, x = tiny_model
    for bad in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="num_samples: expected a positive integer"):
            model.generate(x, num_samples=bad)


# -- the command line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "message"), [
    (["--clip", "inf"], "clip: expected a finite number, got inf"),
    (["--beta", "nan"], "beta: expected a finite number, got nan"),
    (["--warmup-steps", "-3"], "warmup_steps: expected 0 or more, got -3"),
    (["--beta-warmup-steps", "-1"], "beta_warmup_steps: expected 0 or more, got -1"),
    (["--seed", "-1"], "seed: expected 0 or more, got -1"),
    (["--seed", str(2**70)], "seed: expected an integer from 0 to"),
    (["--weight-decay", "-1"], "weight_decay: expected 0 or more"),
    (["--accelerator", "abacus"], "--accelerator abacus"),
    (["--precision", "7-bit"], "7-bit"),
    (["--strategy", "hope"], "--strategy hope"),
    (["--name", "con"], "--name: expected letters"),
    (["--name", "Records"], "--name: expected letters"),
    (["--width", "1000000000000"], "not enough memory"),
])
def test_the_command_line_never_shows_a_traceback_for_an_option(options, message, monkeypatch, tmp_path, capsys):
    register(monkeypatch, every=20)
    command = ["train", "own", "wb-vae", "--steps", "1", "--latent-dim", "2", "--width", "4", "--no-evaluate", "--out",
               str(tmp_path), *options]
    assert main(command) == 1
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not list(tmp_path.glob("*/*/model.safetensors"))


@pytest.mark.parametrize("options", [
    ["train", "own", "wb-vae", "--devices", "0"], ["train", "own", "wb-vae", "--nodes", "-1"],
    ["evaluate", "own", "all", "--seed", "-1"], ["classifiers", "own", "--epochs", "0"],
    ["maps", "own", "m", "--perplexity", "0"]])
def test_options_without_a_meaning_are_refused_at_once(options, monkeypatch, capsys):
    register(monkeypatch, every=20)
    with pytest.raises(SystemExit) as stop:
        main(options)
    assert stop.value.code == 2
    assert "expected" in capsys.readouterr().err
