"""A model whose rule is a network: pages show it, say what its experts are, and offer the network to no other model."""

import pytest
import torch

import bvae
from bvae.aggregators import learned_aggregators, name_of, naming
from bvae.app.beliefs.belief_charts import READ_BY_A_NETWORK
from bvae.app.widgets.choose import FOR_A_NETWORK
from bvae.training.checkpoint import build_model, own_models, save_model
from bvae.training.settings import Settings
from tests.support.pages import assert_clean, open_page, unfold

DATA = "mnist-svhn-text"


@pytest.fixture(params=["self-attention-vae", "joint-flow-vae"])
def own(request, tmp_path, monkeypatch):
    """A small model named "mine" with weights at random."""
    monkeypatch.setenv("BVAE_RUNS", str(tmp_path / "runs"))
    settings = Settings.for_method(DATA, request.param, width=4, latent_dim=2)
    torch.manual_seed(0)
    model = build_model(tuple(bvae.dataset(DATA, "test").modalities.values()), settings)
    save_model(own_models() / DATA / "mine", model, settings, {})
    return model


def code(app, mark):
    """The script of the page that contains `mark`."""
    return next(c.value for c in unfold(app).code if mark in c.value and "import bvae" in c.value)


def test_pages_show_it_and_offer_it_to_no_other_model(own):
    app = open_page("pages/explore.py", data=DATA, model="mine", coping="true")
    assert any(c.value == READ_BY_A_NETWORK for c in app.caption)
    box = app.selectbox(key="agg")
    assert naming.short(name_of(own.aggregator)) in box.value + box.options[0]
    assert not {naming.short(name) for name in learned_aggregators()} & set(box.options[1:])
    names: dict = {}
    exec(compile(code(app, "rule ="), "explore", "exec"), names)  # noqa: S102 - our own text, shown on the page
    assert names["rule"].network is names["model"].pooling
    torch.testing.assert_close(names["q"].mean, own.eval().encode(names["x"]).mean, rtol=1e-2, atol=1e-2)
    box.set_value("wasserstein").run()
    assert_clean(app)
    assert all(c.value != READ_BY_A_NETWORK for c in app.caption)
    other = open_page("pages/explore.py", data=DATA, model="mwb-vae")
    assert all(c.value != READ_BY_A_NETWORK for c in other.caption)
    assert not {naming.short(name) for name in learned_aggregators()} & set(other.selectbox(key="agg").options)


def test_compare_says_for_whom_its_experts_are_meant(own):
    for model, said in (("mine", 1), ("mwb-vae", 0)):
        app = open_page("pages/compare.py", data=DATA, model=model)
        assert sum(c.value == FOR_A_NETWORK for c in app.caption) == said


@pytest.mark.parametrize("page", ["generate", "latent_space"])
def test_other_pages_open_and_their_scripts_do_not_make_it_anew(own, page):
    app = open_page(f"pages/{page}.py", data=DATA, model="mine")
    assert_clean(app)
    script = next((c.value for c in unfold(app).code if "import bvae" in c.value), "")
    assert f'aggregator("{name_of(own.aggregator)}")' not in script
