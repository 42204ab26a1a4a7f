"""Latent space, who says what: shares, what dimensions explain, and items whose views fit least, on every data set."""

import json
import re

import numpy as np
import pytest

from bvae.app import loaders
from bvae.app.latent_space import who
from bvae.app.loaders import ModelKey
from bvae.cli import main
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.metrics.contributions import contributions
from bvae.metrics.misfit import misfit
from tests.support.pages import assert_clean, open_page, unfold

PAGE = "pages/latent_space.py"


@pytest.fixture(autouse=True)
def few_are_decoded(monkeypatch):
    monkeypatch.setattr(who, "DECODED", 20)


def figures(app):
    return [json.loads(c.proto.spec) for c in app.get("plotly_chart")]


def text(app):
    return " ".join([*(m.value for m in app.markdown), *(c.value for c in app.caption)])


def rows(app):
    """Numbers of the items that are shown, in their order."""
    bodies = [h.proto.body for h in app.get("html") if "· misfit" in h.proto.body]
    return [int(re.search(r"item (\d+)", body).group(1)) for body in bodies]


@pytest.mark.parametrize(("data", "model"), [
    ("polymnist", "mwb-vae"), ("mnist-svhn-text", "mwb-vae-2d"), ("celeba", "mmvae-plus")])
def test_every_data_set_says_what_the_model_says(data, model):
    app = open_page(PAGE, data=data, model=model, look="Who says what")
    assert app.segmented_control(key="look").value == "who"
    loaded, items = loaders.load_model(data, model), loaders.test_data(data)
    found, fits = contributions(loaded.model, items, 20), misfit(loaded.experts, loaded.model.shared_dim)
    bars, heat = (f["data"][0] for f in figures(app))
    assert bars["y"] == list(loaded.model.modalities)
    order = np.argsort(-found.explained.sum(1).numpy(), kind="stable")[:16]
    assert heat["y"] == [f"z{k + 1}" for k in order]
    assert rows(app) == fits.worst(8)
    links = [e.proto for e in app.get("page_link")]
    assert [p.label for p in links if p.label.startswith("Explore item")] == [f"Explore item {i}" for i in rows(app)]
    first = next(p for p in links if p.label.startswith("Explore item"))
    assert f"item={rows(app)[0]}" in first.query_string
    largest = list(loaded.model.modalities)[int(found.shares.argmax())]
    assert f"{largest} has the largest share" in text(app) or "All views have the same share" in text(app)
    assert f"In **{int((fits.of_item > 0).sum()):,} of {len(items):,} items**" in text(app)


def test_code_and_command_say_the_same_and_the_table_has_all(tmp_path, capsys):
    app = open_page(PAGE, data="mnist-svhn-text", model="mwb-vae-2d", look="Who says what")
    app.session_state["who_items_twin"] = True
    app.session_state["who_explained_twin"] = True
    python, shell = (c.value for c in unfold(app).code)
    items = next(d.value for d in app.dataframe if "fits least" in d.value)
    assert len(items) == 1000
    assert items["misfit"].is_monotonic_decreasing
    whole = next(d.value for d in app.dataframe if "active" in d.value)
    assert whole["latent dimension"].iloc[0] == "all"
    names: dict = {}
    exec(compile(python, "reproduce", "exec"), names)  # noqa: S102 - our own text, shown on the page
    said = capsys.readouterr().out
    assert [int(n) for n in re.findall(r"item (\d+)", said)] == rows(app)
    np.testing.assert_allclose(whole["explained of svhn"][0], float(names["found"].total[1]), atol=1e-4)
    arguments = shell.split("python -m bvae ")[1].split("  #")[0].split()
    arguments[-1] = str(tmp_path / "who.csv")
    assert main(arguments) == 0
    assert (tmp_path / "who-items.csv").is_file()


def test_the_items_go_to_the_map_and_reset_stays_here():
    app = open_page(PAGE, data="mnist-svhn-text", model="MWB-VAE, 2-D", look="Who says what")
    next(b for b in app.button if "Reset" in b.label).click().run()
    assert_clean(app)
    assert app.segmented_control(key="look").value == "who"
    worst = rows(app)
    app.button(key="who_to_map").click().run()
    assert_clean(app)
    assert app.segmented_control(key="look").value == "map"
    assert app.text_input(key="picked").value == ", ".join(map(str, worst))
    app = open_page(PAGE, look="Who says what")
    assert not [t for t in app.get("text_input") if t.key == "picked"]


def test_where_nothing_is_shared_no_item_is_accused(monkeypatch):
    key = ModelKey.on_disk("mnist-svhn-text", "mwb-vae-2d")
    loaded = loaders.loaded(key)
    alone = UnimodalPosteriors(loaded.experts.loc, loaded.experts.scale, loaded.experts.present.clone())
    alone.present[1:] = False
    monkeypatch.setattr(who.loaders, "loaded", lambda key: type(loaded)(key, loaded.checkpoint, loaded.model, alone))
    for cached in (who.shares, who.misfits, who.explained):
        cached.clear()
    app = open_page(PAGE, data="mnist-svhn-text", model="mwb-vae-2d", look="Who says what")
    assert "no item stands out" in text(app)
    assert "nobody can be left out" in text(app)
    for cached in (who.shares, who.misfits, who.explained):
        cached.clear()


def test_the_map_is_as_it_was_when_one_comes_back():
    app = open_page(PAGE, which="m2", color="uncertainty", distance="W2", picked="3, 17")
    app.segmented_control(key="look").set_value("who").run()
    assert_clean(app)
    app.run()
    app.segmented_control(key="look").set_value("map").run()
    assert_clean(app)
    assert app.segmented_control(key="which").value == "m2"
    assert app.segmented_control(key="color").value == "uncertainty"
    assert app.radio(key="distance").value == "W2"
    assert app.text_input(key="picked").value == "3, 17"
