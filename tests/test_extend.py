"""The code that "Your data" shows under "How to add ...": run as it stands, then used everywhere."""

import inspect
from pathlib import Path

import pytest
import streamlit
import torch

import bvae
from bvae.aggregators import AGGREGATORS
from bvae.data import DATASETS
from bvae.models.methods import METHODS
from tests.contracts import test_aggregators, test_datasets
from tests.test_pages import assert_clean, drawings, open_page, unfold

FOLDER = Path(__file__).parents[1] / "docs" / "extend"


def shown(file):
    """The code that the page shows."""
    return (FOLDER / file).read_text(encoding="utf-8")


def run(file):
    names: dict = {"__name__": file}
    exec(compile(shown(file), file, "exec"), names)  # noqa: S102 - our own text
    return names


@pytest.fixture
def extended(tmp_path, monkeypatch):
    """All three files run, in an app with a folder of checkpoints of its own; everything is taken back afterwards."""
    registries = (AGGREGATORS, DATASETS, METHODS)
    before = [dict(r._entries) for r in registries]
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    streamlit.cache_resource.clear()
    for file in ("aggregator.py", "dataset.py", "method.py"):
        run(file)
    yield tmp_path
    for registry, entries in zip(registries, before, strict=True):
        registry._entries.clear()
        registry._entries.update(entries)
    streamlit.cache_resource.clear()


def test_the_pages_show_these_files():
    app = open_page("pages/your_data.py")
    codes = [c.value for c in unfold(app).code]
    for file in ("aggregator.py", "dataset.py", "method.py", "posteriors.py"):
        assert shown(file).rstrip() in [c.rstrip() for c in codes]


def test_they_are_listed_trained_and_on_every_page(extended):
    assert "average-variance" in bvae.aggregators()
    assert "two-halves" in bvae.datasets()
    assert "average-vae" in bvae.methods()
    assert bvae.checkpoints("two-halves") == ["average-vae"]
    model, data = bvae.load("two-halves", "average-vae"), bvae.dataset("two-halves")
    q = model.encode(data.subset(slice(0, 5)))
    assert q.mean.shape == (5, 8)
    for page in ("pages/explore.py", "pages/latent_space.py", "pages/compare.py"):
        app = open_page(page)
        assert app.selectbox(key="data").value == "two-halves"
        assert app.get("plotly_chart") or drawings(app)
    app.pills(key="compared").set_value(["average-variance", "wasserstein"]).run()
    assert_clean(app)
    app.segmented_control(key="mode").set_value("models").run()
    assert not app.exception


def kept(module, **arguments):
    """Call every contract of a module that asks for no other arguments; how many there were."""
    contracts = [f for name, f in inspect.getmembers(module, inspect.isfunction) if name.startswith("test_")]
    wanted = {f: list(inspect.signature(f).parameters) for f in contracts}
    mine = [f for f in contracts if "name" in wanted[f] and set(wanted[f]) <= set(arguments)]
    for contract in mine:
        contract(**{argument: arguments[argument] for argument in wanted[contract]})
    return len(mine)


def test_the_aggregator_keeps_every_contract(extended, experts):
    generator = torch.Generator().manual_seed(0)
    assert kept(test_aggregators, name="average-variance", experts=experts, generator=generator) >= 5


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_data_set_keeps_every_contract(extended, split):
    assert kept(test_datasets, name="two-halves", split=split) >= 2
