"""Latent space: colours by any column, by presence and by misfit; items found by an id, a word or a value."""

import json

import numpy as np
import pytest
import streamlit as st
import torch

import bvae
from bvae.app import loaders
from bvae.app.latent_space import columns
from bvae.app.latent_space.coloring import classes, colored
from bvae.app.latent_space.finding import find
from bvae.app.latent_space.state import CELL, COUNT, LABEL, MISFIT, VIEWS, colorings
from bvae.data.base import Modality
from bvae.data.columns import Column
from bvae.data.own.own_data import OwnData
from bvae.maps import maps
from bvae.metrics.base import all_experts
from bvae.plots import style
from bvae.plots.latent import MOST_COLORS, grouped
from bvae.training import Settings
from bvae.training.loop import train
from tests.support.pages import assert_clean, open_page

PAGE = "pages/latent_space.py"
N = 60


def people():
    """60 people with two tables: gaps, words, many towns, a year; every third lacks the second table."""
    g = np.random.default_rng(0)
    body = np.column_stack([60 + 9 * g.normal(size=N), np.eye(2)[np.arange(N) % 2]]).astype("f")
    body[0, 0] = np.nan
    blood = g.normal(size=(N, 1)).astype("f")
    blood[::3] = np.nan
    sex = Column("sex", "category", ("female", "male"))
    modalities = [Modality("body", "table", (3,), columns=(Column("weight", "number"), sex)),
                  Modality("blood", "vector", (1,), columns=(Column("iron", "number"),))]
    labels = {"sick": ["yes", "no"] * (N // 2), "town": [f"town {k % 20:02d}" for k in range(N)],
              "year": [2000.0 + k % 30 for k in range(N)]}
    return OwnData("people", modalities, {"body": torch.tensor(body), "blood": torch.tensor(blood)}, None,
                   [f"P{k:03d}" for k in range(N)], labels)


@pytest.fixture(scope="module")
def seen():
    """These people, and their joint beliefs in an untrained model."""
    data = people()
    model = bvae.MultimodalVAE(data.modalities.values(), bvae.aggregator("wasserstein"),
                               bvae.ModelConfig(latent_dim=3, width=4)).eval()
    model.observe(data)
    with torch.no_grad():
        return data, maps.clouds(model, all_experts(model, data), maps.JOINT)


def test_what_there_is_to_colour_by(seen):
    data, _ = seen
    assert {LABEL, CELL, VIEWS, COUNT, MISFIT} <= set(colorings("joint", data))
    assert not {LABEL, CELL, VIEWS, COUNT} & set(colorings("joint", loaders.test_data("polymnist")))
    assert columns.cells(data) == ["body: weight", "body: sex", "blood: iron"]
    assert [type(v) for v in columns.values(data, "body: weight")[:2]] == [type(None), float]
    assert columns.values(data, "body: sex")[:3].tolist() == ["female", "male", "female"]
    assert columns.values(data, "blood: iron")[3] is None
    assert columns.values(data, "nothing").tolist() == [None] * N


def test_numbers_are_a_scale_and_words_are_groups(seen):
    data, found = seen
    weight = colored(CELL, found, data, "body: weight")
    assert np.isnan(weight.values[0])
    np.testing.assert_allclose(weight.values[1:], data.x["body"][1:, 0])
    assert classes(CELL, data, "body: weight") == []
    sex = colored(CELL, found, data, "body: sex")
    assert sex.names == ["female", "male"]
    assert sex.group.tolist() == [0, 1] * (N // 2)
    misfit = np.arange(float(N))
    np.testing.assert_array_equal(colored(MISFIT, found, data, None, (), misfit).values, misfit)


def test_presence_is_told_by_which_views_and_by_how_many(seen):
    data, found = seen
    which, many = colored(VIEWS, found, data, None), colored(COUNT, found, data, None)
    assert sorted(which.names) == ["all", "body"]
    assert [which.names[k] for k in which.group[:3]] == ["body", "all", "all"]
    assert many.names == ["1", "2"]
    assert many.group[:4].tolist() == [0, 1, 1, 0]


def test_of_many_classes_the_chosen_ones_have_colours_and_all_others_are_grey(seen):
    data, found = seen
    towns = classes(LABEL, data, "town")
    assert len(towns) == 20
    whole = colored(LABEL, found, data, "town")
    assert len(whole.names) == MOST_COLORS
    assert whole.names[-1] == "11 others"
    some = colored(LABEL, found, data, "town", ("town 17", "town 03"))
    assert some.names == ["town 03", "town 17", "18 others"]
    assert some.colors == [*style.CLASS_COLORS[:2], style.CLASS_COLORS[-1]]
    assert [some.names[some.group[k]] for k in (3, 17, 37, 4)] == ["town 03", "town 17", "town 17", "18 others"]
    group, names, _ = grouped(["a", "b"], np.array([0, 1, 0]), chosen=["b"])
    assert names == ["b", "1 others"]
    assert group.tolist() == [1, 0, 1]


@pytest.mark.parametrize(("text", "items"), [
    ("p007", [7]), (" P007 ", [7]), ("female", range(0, N, 2)), ("town 03", [3, 23, 43]), ("town=town 03", [3, 23, 43]),
    ("year = 2003", [3, 33]), ("year>=2028", [28, 29, 58, 59]), ("YEAR < 2001", [0, 30]), ("body: sex = male",
    range(1, N, 2)), ("p00", range(10)), ("sex = nobody", []), ("nobody", []), ("", []), ("weight = nan", []),
    ("((", []), ("= 3", []), ("year > ", [])])
def test_items_are_found_by_id_word_and_value(text, items):
    assert find(people(), text) == list(items)


def test_numbers_in_cells_are_found_by_size():
    data = people()
    weights = data.x["body"][:, 0]
    assert find(data, "weight > 70") == torch.nonzero(weights > 70)[:, 0].tolist()
    low = (data.x["blood"][:, 0] <= 0) & data.present[1]  # who lacks the view has no iron, whatever stands there
    assert find(data, "blood: iron <= 0") == torch.nonzero(low)[:, 0].tolist()
    assert find(data, f"weight = {float(weights[5]):.9g}") == [5]


def test_pictures_are_found_by_number_class_text_and_attribute():
    digits = loaders.test_data("mnist-svhn-text")
    assert find(digits, "760") == [760]
    assert find(digits, "class = 3") == torch.nonzero(digits.y == 3)[:, 0].tolist()
    assert find(digits, "seven") == torch.nonzero(digits.y == 7)[:, 0].tolist()
    faces = loaders.test_data("celeba")
    hats = faces.attributes[:, faces.attribute_names.index("Wearing_Hat")]
    assert find(faces, "wearing hat") == torch.nonzero(hats)[:, 0].tolist()


def test_what_is_found_is_selected_marked_and_in_the_link():
    app = open_page(PAGE, data="mnist-svhn-text", model="mwb-vae-2d")
    app.text_input(key="find").set_value("760").run()
    assert_clean(app)
    assert app.text_input(key="picked").value == "760"
    assert "760" in app.query_params["picked"]
    assert any("1 item found." in c.value for c in app.caption)
    traces = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    marked = [t["customdata"][k][0] for t in traces for k in t.get("selectedpoints") or []]
    assert marked == [760]
    app.text_input(key="find").set_value("seven").run()
    assert len(app.text_input(key="picked").value.split(", ")) == min(200, len(find(loaders.test_data(
        "mnist-svhn-text"), "seven")))
    app.text_input(key="find").set_value("*nobody*").run()
    assert_clean(app)
    assert any("None of the items kept to test is called" in c.value and "nobody" in c.value for c in app.caption)
    assert app.text_input(key="picked").value != ""  # what was selected stays
    next(b for b in app.button if "Reset" in b.label).click().run()
    assert app.text_input(key="find").value == ""


def test_a_table_is_coloured_by_its_columns_and_by_misfit(tmp_path, monkeypatch):
    settings = Settings.for_method("penguins", "mwb-vae", steps=2, batch_size=8, width=4, latent_dim=3)
    train(settings, tmp_path / "penguins" / "mwb-vae", progress=False)
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    st.cache_resource.clear()
    st.cache_data.clear()
    app = open_page(PAGE, data="penguins", color="column of a view")
    options = app.selectbox(key="cell_column").options
    assert options == columns.cells(loaders.test_data("penguins"))
    for name in options:
        app.selectbox(key="cell_column").set_value(name).run()
        assert_clean(app)
    for color in app.segmented_control(key="color").options:
        app.segmented_control(key="color").set_value(color).run()
        assert_clean(app)
    st.cache_resource.clear()
    st.cache_data.clear()


def test_a_link_says_which_classes_have_colours(monkeypatch):
    """Where there are more classes than colours: here there are few colours."""
    monkeypatch.setattr("bvae.plots.latent.MOST_COLORS", 5)
    app = open_page(PAGE, coloured=["3", "7"])
    assert app.multiselect(key="coloured").value == ["3", "7"]
    assert app.multiselect(key="coloured").options == [str(k) for k in range(10)]
    traces = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    assert [t["name"] for t in traces] == ["3", "7", "8 others"]
    next(b for b in app.button if "Reset" in b.label).click().run()
    assert_clean(app)
    assert app.multiselect(key="coloured").value == []
    assert len(json.loads(app.get("plotly_chart")[0].proto.spec)["data"]) == 10


def test_numbers_are_read_on_a_scale_that_the_browser_knows():
    """Plotly takes a list of colours without their places for no scale at all, and draws its own."""
    app = open_page(PAGE, color="misfit")
    scale = json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["coloraxis"]["colorscale"]
    assert [place for place, _ in scale] == [k / 8 for k in range(9)]
    assert scale[0][1].startswith("rgb(")
    assert any(c.value.endswith("See Who says what.") for c in app.caption)
