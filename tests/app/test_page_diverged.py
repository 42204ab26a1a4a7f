"""A model of one's own whose training went wrong: its posteriors are no numbers, or all the same."""

import pytest
import torch

from bvae.app import loaders
from bvae.app.compare import compare_maps
from bvae.app.latent_space import mapping
from bvae.io.storage import read_json, read_tensors_and_metadata, sha256, write_stated, write_tensors
from bvae.runs.isolated import ComputationError
from bvae.training import load_checkpoint
from bvae.training.checkpoint import CONFIG, WEIGHTS, own_models
from tests.support.pages import assert_clean, open_page

DATA, MODEL = "mnist-svhn-text", "wb-vae"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """own(change): a model named "mine", the shipped one with other weights; `change` gets a name and a tensor."""
    monkeypatch.setenv("BVAE_RUNS", str(tmp_path / "runs"))

    def make(change):
        shipped, folder = load_checkpoint(DATA, MODEL).folder, own_models() / DATA / "mine"
        folder.mkdir(parents=True)
        tensors, metadata = read_tensors_and_metadata(shipped / WEIGHTS)
        write_tensors(folder / WEIGHTS, {k: change(k, v) for k, v in tensors.items()},
                      {k: v for k, v in metadata.items() if k != "sha256"})
        write_stated(folder / CONFIG, {**{k: v for k, v in read_json(shipped / CONFIG).items() if k != "digest"},
                                       "sha256": sha256(folder / WEIGHTS)})
        return folder

    return make


def diverged(name, value):
    return torch.full_like(value, torch.nan) if name.startswith("encoders") and value.is_floating_point() else value


def collapsed(name, value):
    """Encoders that say almost the same of every item."""
    return value * 1e-4 if name.startswith("encoders") and value.is_floating_point() else value


def errors(app):
    assert not app.exception, [e.value for e in app.exception]
    return [e.value for e in app.error]


@pytest.mark.slow
def test_a_diverged_model_is_an_error_in_a_sentence(own):
    own(diverged)
    for page in ("pages/latent_space.py", "pages/compare.py"):
        app = open_page(page, data=DATA)
        app.selectbox(key="model").set_value("mine").run()
        said = errors(app)
        assert len(said) == 1
        assert "expected finite means and positive standard deviations" in said[0]
        assert "the model diverged" in said[0]
    with pytest.raises(loaders.DivergedError, match="mnist-svhn-text/mine"):
        loaders.load_model(DATA, "mine")
    app = open_page("pages/compare.py", data=DATA, mode="Trained models")
    app.pills(key="models").set_value(["mine", MODEL]).run()
    assert errors(app) == []
    assert any("mine" in w.value and "diverged" in w.value for w in app.warning)


def test_a_collapsed_model_has_maps_like_others(own):
    own(collapsed)
    app = open_page("pages/latent_space.py", data=DATA)
    app.selectbox(key="model").set_value("mine").run()
    assert_clean(app)
    for which in ("mnist", "everything"):
        app.segmented_control(key="which").set_value(which).run()
        assert_clean(app)
    app = open_page("pages/compare.py", data=DATA)
    app.selectbox(key="model").set_value("mine").run()
    assert_clean(app)


def test_a_computation_that_dies_is_said_where_it_would_have_been(monkeypatch):
    def dies(*_, **__):
        raise ComputationError("The process that computed this crashed (signal 11): nothing else is affected.")

    monkeypatch.setattr(mapping, "neighbours", dies)
    mapping.same_class.clear()
    app = open_page("pages/latent_space.py", model="wb-vae")
    assert any("Nothing can be said in numbers. The process" in m.value for m in app.markdown)
    assert app.get("plotly_chart")
    for broken, cache in (("modality_gap", mapping.gap), ("pca", mapping.components)):
        monkeypatch.setattr(mapping, broken, dies)
        cache.clear()
        app.segmented_control(key="which").set_value("everything").run()
        assert [e.endswith("nothing else is affected.") for e in errors(app)] == [True]
    monkeypatch.setattr("bvae.app.beliefs.neighbours.linked", dies)
    compare_maps.laid_over.clear()
    app = open_page().switch_page("pages/compare.py").run()
    app.segmented_control(key="part").set_value("maps").run()
    assert len(errors(app)) == 1
    assert any(b.label == "Pin these runs" for b in app.button)  # the rest of the page is there
