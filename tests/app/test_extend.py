"""The code that "Your data" shows under "How to add ...": run as it stands, then used everywhere."""

import json
import os
import re
import subprocess
import sys

import pytest
import streamlit

import bvae
from bvae.aggregators import AGGREGATORS
from bvae.aggregators.worked import normal, number
from bvae.app import loaders
from bvae.app.components.playground import scenes
from bvae.data import DATASETS
from bvae.models.methods import METHODS
from tests.support import ROOT
from tests.support.extended import REGISTERING, run, shown
from tests.support.pages import all_numbers, assert_clean, drawings, html_table, open_page, unfold


@pytest.fixture
def extended(tmp_path, monkeypatch):
    """All three files run, in an app with a folder of checkpoints of its own; everything is taken back afterwards."""
    registries = (AGGREGATORS, DATASETS, METHODS)
    before = [dict(r._entries) for r in registries]
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    streamlit.cache_resource.clear()
    for file in REGISTERING:
        run(file)
    yield tmp_path
    for registry, entries in zip(registries, before, strict=True):
        registry._entries.clear()
        registry._entries.update(entries)
    streamlit.cache_resource.clear()


def test_the_pages_show_these_files():
    app = open_page("pages/your_data.py", bring="Beliefs of a model of yours")
    codes = [c.value for c in unfold(app).code]
    for file in ("aggregator.py", "dataset.py", "method.py", "posteriors.py", "posteriors_safetensors.py"):
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


RULE, TITLE, SHORT = "average-variance", "Average variance", "Average"


@pytest.mark.parametrize(("page", "key"), [
    ("pages/explore.py", "agg"), ("pages/generate.py", "agg"), ("pages/your_data.py", "my_rule")])
def test_a_link_chooses_the_rule_by_its_short_name(extended, page, key):
    app = open_page(page, **{key: SHORT})
    assert app.selectbox(key=key).value == RULE
    assert app.selectbox(key=key).options[-1] == SHORT  # it has no place of its own
    assert page == "pages/generate.py" or any(TITLE in text for text in said(app))
    assert app.query_params[key] in (SHORT, [SHORT])


def test_the_walk_writes_its_formula_and_its_numbers(extended):
    app = open_page("pages/explore.py", agg=SHORT, step="3 Barycenter", dim="3")
    formula, filled = (element.value for element in app.latex)
    assert bvae.aggregator(RULE).formula.split(",")[0] in formula
    experts = loaders.load_model("two-halves", "average-vae").experts
    loc, scale = (v[:, app.session_state["item"], 3].double() for v in (experts.loc, experts.scale))
    for m in range(2):
        assert normal(loc[m].item(), scale[m].item()) in filled
    assert rf"\operatorname{{mean}} &= {number(loc.mean().item())}" in filled
    assert rf"\operatorname{{sd}} &= {number(scale.square().mean().sqrt().item())}" in filled


def test_compare_draws_it_beside_the_others(extended):
    app = open_page("pages/compare.py")
    assert app.pills(key="compared").options[-1] == SHORT
    app.pills(key="compared").set_value([RULE, "wasserstein"]).run()
    assert_clean(app)
    assert any(TITLE in text for text in said(app))
    app.segmented_control(key="part").set_value("numbers").run()
    assert SHORT in all_numbers(app).columns


def said(app):
    """Texts of a page: what is written, and what its pictures say."""
    return [*(e.value for e in (*app.markdown, *app.subheader, *app.caption)),
            *(h.proto.body for h in app.get("html")), *drawings(app)]


def test_the_aggregator_is_offered_and_computed_in_the_playground(extended):
    scene = {**scenes.preset("orthogonal"), "rules": ["wasserstein", "average-variance"], "fill": "average-variance"}
    app = open_page("pages/playground.py", scene=scenes.encode(scene))
    data = json.loads(app.get("bidi_component")[0].proto.json)
    assert list(data["styles"]["rules"])[-1] == "average-variance"
    assert data["scene"]["rules"] == ["wasserstein", "average-variance"]
    answer = data["answers"]["rules"]
    assert list(answer) == ["average-variance"]  # the browser computes the other itself
    x, y = 2.2**2 / 2 + 0.3**2 / 2, 2.2**2 / 2 + 0.3**2 / 2
    assert answer["average-variance"]["means"] == [pytest.approx([0.25, 0.2])]
    assert answer["average-variance"]["covs"] == [pytest.approx([x, 0, y])]
    assert answer["average-variance"]["note"] == ""  # nobody is correlated
    beliefs = html_table(app, "Joint beliefs")
    assert list(beliefs["joint belief"])[-1] == TITLE
    assert list(html_table(app, "Divergences between aggregates and experts").columns)[-1] == SHORT
    app.selectbox(key="playground_formula").set_value("average-variance").run()
    assert_clean(app)
    assert any(AGGREGATORS["average-variance"].formula in found.value for found in app.latex)


def test_a_newcomer_keeps_every_contract(tmp_path):
    """pytest, started with the three files as a plugin, finds them in the registries and tests them as it does ours."""
    ours = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/contracts", "-p", "tests.support.extended", "-p", "no:xdist", "-v",
         "-k", "average-variance or two-halves or average-vae"],
        cwd=ROOT, env={**os.environ, "BVAE_CHECKPOINTS": str(tmp_path), "OMP_NUM_THREADS": "1"}, capture_output=True,
        text=True, encoding="utf-8")
    assert ours.returncode == 0, ours.stdout[-3000:]
    for name, least in (("average-variance", 5), ("two-halves", 3), ("average-vae", 5)):
        passed = [line for line in ours.stdout.splitlines() if re.search(rf"\[.*{name}.*\] PASSED", line)]
        assert len(passed) >= least, ours.stdout[-3000:]
