"""Data sets of tables on every page: it opens, shows what there is of them, and says what there is not."""

import shutil

import numpy as np
import pytest
import streamlit as st
import torch

import bvae
from bvae.app import loaders
from bvae.app.beliefs import item_beliefs
from bvae.app.explore import of_columns
from bvae.app.generate.tasks import DRAW_OR_WRITE, TASKS
from bvae.app.latent_space import map_panels, mapping
from bvae.app.latent_space.coloring import colored
from bvae.app.latent_space.state import LABEL
from bvae.app.results import imputed
from bvae.app.widgets import images, tiles
from bvae.app.widgets.choose import data_label
from bvae.data import DataError
from bvae.evaluation.evaluation import evaluated
from bvae.io.storage import write_json
from bvae.maps import maps
from bvae.models.imputation import impute
from bvae.training import Settings, load_checkpoint
from bvae.training.loop import train
from tests.support.pages import assert_clean, html_table, open_page, opened, unfold

TABLES = ("penguins", "mfeat", "breast-cancer", "simulated-cells")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with a small model of each, trained for two steps."""
    root = tmp_path_factory.mktemp("tables")
    for data in TABLES:
        settings = Settings.for_method(data, "mwb-vae", steps=2, batch_size=8, width=4, latent_dim=3)
        train(settings, root / data / "mwb-vae", progress=False)
    return root


@pytest.fixture(autouse=True)
def these_models(models, monkeypatch):
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(models))
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


PAGES = ("home", "learn", "playground", "explore", "compare", "generate", "latent_space", "train", "benchmarks",
         "your_data")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("data", TABLES)
def test_every_page_opens(page, data):
    app = open_page(f"pages/{page}.py", data=data, train_data=data)
    assert_clean(app)
    assert_clean(unfold(app))


@pytest.mark.parametrize("data", TABLES)
def test_every_task_of_generate_opens(data):
    for task in TASKS:
        if task == DRAW_OR_WRITE:
            continue
        app = open_page("pages/generate.py", data=data, task=task)
        assert app.segmented_control(key="task").value == task
        assert DRAW_OR_WRITE not in app.segmented_control(key="task").options
        assert app.selectbox(key="data").value == data
        assert_clean(unfold(app))


# -- which data sets are offered -------------------------------------------------------------------------------------


def test_pictures_are_offered_first_and_only_what_can_be_shown(monkeypatch):
    monkeypatch.delenv("BVAE_CHECKPOINTS")
    app = open_page("pages/explore.py")
    offered = app.selectbox(key="data").options
    assert offered[0] == "PolyMNIST"
    assert set(offered) == {data_label(n) for n in bvae.datasets() if bvae.checkpoints(n)}
    everything = open_page("pages/train.py").selectbox(key="train_data").options
    assert set(everything[-len(TABLES):]) == {data_label(n) for n in TABLES}
    assert everything[0] == "PolyMNIST"


def test_data_without_a_model_say_what_to_do(monkeypatch, tmp_path, models):
    (tmp_path / "mfeat").symlink_to(models / "mfeat")
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    app = open_page("pages/explore.py", data="penguins")
    assert app.selectbox(key="data").value == "penguins"
    assert "No model of Penguins is trained yet" in app.info[0].value
    assert app.selectbox(key="data").options == ["Multiple Features", "Penguins"]


def test_data_whose_package_is_missing_say_how_to_install_it(monkeypatch):
    def gone(*_):
        raise DataError("these data come with the package palmerpenguins, which is not installed: pip install it")

    monkeypatch.setattr(loaders, "dataset", gone)
    app = opened("pages/explore.py", data="penguins")
    assert not app.exception
    assert "palmerpenguins" in app.error[0].value


# -- tiles -----------------------------------------------------------------------------------------------------------


def test_few_columns_are_words_and_many_are_squares():
    data = bvae.dataset("penguins")
    item = data.ids.index("bird 8")
    assert images.of_view(data, "beak", item) == "bill length mm 39.2, bill depth mm 19.6"
    assert images.of_view(data, "life", item) == "island Torgersen, sex male"
    data = bvae.dataset("mfeat")
    assert images.of_view(data, "pixels", 0).shape == (1, 16, 15)
    value = data.x["fourier"][0].clone()
    value[3] = torch.nan
    drawn = images.content(data, "fourier", value)
    assert drawn.shape == (3, 9, 9)  # 76 squares
    assert drawn[:, 0, 3].tolist() == pytest.approx(tiles.GAP)
    mean, _ = tiles.usual(data, "fourier")
    assert images.content(data, "fourier", mean)[:, 0, 0].tolist() == pytest.approx(tiles.MIDDLE)


def test_a_word_that_is_not_sure_says_how_sure():
    data = bvae.dataset("penguins")
    assert images.content(data, "life", torch.tensor([0.2, 0.7, 0.1, 0.001])).startswith("island Dream 70%, sex female")


# -- column by column ------------------------------------------------------------------------------------------------


def blocks(app):
    return next(h.proto.body for h in app.get("html") if 'class="bvae-columns' in h.proto.body)


def test_a_hidden_view_is_imputed_beside_the_truth():
    """What Explore says of a hidden view is what `impute` says, with the interval of 1.645 deviations."""
    app = open_page("pages/explore.py", data="penguins", item="5")
    assert "true, hidden" not in blocks(app)
    app.pills(key="views").set_value(["beak", "life"]).run()
    assert_clean(app)
    said = blocks(app)
    data, model = bvae.dataset("penguins"), bvae.load("penguins", "mwb-vae")
    assert "true, hidden" in said
    assert tiles.number(float(data.x["body"][5, 1])) in said
    loaded = loaders.load_model("penguins", "mwb-vae")
    scene = item_beliefs.build(loaded, 5, [True, False, True], [1.0] * 3, None)
    shown = {v: data.x[v][5:6] for v in ("beak", "life")}
    mass = of_columns.cells(model, data, 5, scene, shown, 0)["body"][1]
    assert mass.believed() in said
    found = impute(model, shown | {"body": data.x["body"][5:6]}, torch.tensor([[True], [False], [True]]), 4096)["body"]
    low, high = mass.interval
    assert (high - low) / 2 == pytest.approx(1.645 * float(found.scale[0, 1]), rel=0.25)
    assert float(mass.mean[0]) == pytest.approx(float(found.mean[0, 1]), abs=float(found.scale[0, 1]) / 2)


def test_a_lie_and_a_gap_are_shown_as_such():
    data = bvae.dataset("penguins")
    gap = next(i for i in range(len(data)) if data.x["life"][i].isnan().any())
    app = open_page("pages/explore.py", data="penguins", item=str(gap))
    assert "–" in blocks(app)
    app.selectbox(key="lie_beak").set_value("1").run()
    assert_clean(app)
    assert "it says" in blocks(app)


def test_wide_views_show_twelve_columns_and_the_rest_on_demand():
    app = open_page("pages/explore.py", data="mfeat")
    said = blocks(app)
    assert "fac12" in said
    assert "fac13" not in said
    assert "204 more columns" in said
    app.session_state["explore_columns"] = True
    app.run()
    assert_clean(app)
    assert "fac216" in set(html_table(app, "All columns")["column"])


def test_pictures_have_no_columns(monkeypatch):
    monkeypatch.delenv("BVAE_CHECKPOINTS")
    app = open_page("pages/explore.py", data="polymnist")
    assert not any('class="bvae-columns' in h.proto.body for h in app.get("html"))


# -- latent space ----------------------------------------------------------------------------------------------------


def test_the_map_is_coloured_by_any_label_column():
    app = open_page("pages/latent_space.py", data="penguins", color="label column")
    assert app.selectbox(key="label_column").options == ["year", "species"]
    said = [m.value for m in app.markdown if m.value.startswith("Points: ")]
    assert "with year 2007" in said[0]
    app.selectbox(key="label_column").set_value("species").run()
    assert_clean(app)
    assert any("with species Gentoo" in m.value for m in app.markdown)


def test_many_numbers_of_a_label_are_a_scale():
    data = bvae.dataset("penguins")
    some = data.rows(range(20))
    some.label_columns["age"] = np.array([None, *map(float, range(19))], dtype=object)
    found = maps.posteriors(bvae.load("penguins", "mwb-vae"), some, maps.JOINT)
    coloring = colored(LABEL, found, some, "age")
    assert np.isnan(coloring.values[0])
    assert coloring.values[1:].tolist() == list(range(19))


def test_a_point_says_its_id():
    data = bvae.dataset("penguins")
    found = maps.posteriors(bvae.load("penguins", "mwb-vae"), data, maps.JOINT)
    coloring = colored("class", found, data, None)
    placed = mapping.Map(found.loc[:, :2], maps.PCA, None, ("", ""))
    drawn = map_panels.figure(loaders.ModelKey.on_disk("penguins", "mwb-vae"), found, placed, coloring, [],
                              data, None)
    texts = [text for trace in drawn.data for text in trace.text]
    assert any(text.startswith(f"item {data.ids[0]}, species") for text in texts)


# -- benchmarks ------------------------------------------------------------------------------------------------------


FIGURES = {
    "mwb-vae": {"imputation_r2": {"beak": {"mean": 0.5, "se": 0.1}}, "imputation_r2_ridge": {"beak": {
        "mean": 0.625, "se": 0.1}}, "imputation_r2_neighbours": {"beak": {"mean": -0.25, "se": 0.1}},
        "imputation_accuracy": {"life": {"mean": 0.75, "se": 0.1}}, "imputation_accuracy_mode": {
        "life": {"mean": 0.5, "se": 0.1}}, "imputation_coverage_90": {"beak": {"mean": 0.88, "se": 0.01}}},
    "mopoe-vae": {"imputation_r2": {"beak": {"mean": 0.25, "se": 0.1}}}}


def test_imputed_views_stand_beside_simpler_methods():
    (beak,) = imputed.rows(FIGURES, ["mwb-vae", "mopoe-vae"], "imputation_r2")
    assert {name: v["mean"] for name, v in beak.values.items()} == {
        "MWB-VAE": 0.5, "MoPoE-VAE": 0.25, "ridge regression": 0.625, "nearest neighbours": -0.25}
    assert beak.leading == {"MWB-VAE", "ridge regression"}  # 0.125 apart, with standard errors of 0.1
    said = imputed.html([beak], "Numbers")
    assert "<b>0.625 ± 0.100</b>" in said
    assert "--p:0.0%" in said  # worse than the mean: no bar
    (life,) = imputed.rows(FIGURES, ["mwb-vae"], "imputation_accuracy")
    assert life.values["commonest word"]["mean"] == 0.5


def test_benchmarks_show_what_is_imputed(models, monkeypatch, tmp_path):
    shutil.copytree(models / "penguins", tmp_path / "penguins")
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    found = evaluated(load_checkpoint("penguins", "mwb-vae"), tmp_path, names=["imputation", "latent_accuracy"])
    write_json(tmp_path / "penguins" / "mwb-vae" / "metrics.json", found)
    app = open_page("pages/benchmarks.py", data="penguins")
    assert_clean(app)
    assert "What is imputed, beside simpler methods" in [s.value for s in app.subheader]
    shown = [h.proto.body for h in app.get("html") if "bvae-small bvae-imputed" in h.proto.body]
    assert any("commonest word" in body for body in shown)
    assert any("ridge regression" in body for body in shown)
    assert any("The models' 90% intervals hold: MWB-VAE" in c.value for c in app.caption)


def test_pictures_have_nothing_to_impute(monkeypatch):
    monkeypatch.delenv("BVAE_CHECKPOINTS")
    app = open_page("pages/benchmarks.py", data="polymnist")
    assert "What is imputed, beside simpler methods" not in [s.value for s in app.subheader]
