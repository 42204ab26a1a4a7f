"""Every page in Streamlit's AppTest: it opens, and no control can raise."""


import numpy as np
import pytest

import bvae
from bvae.app import loaders
from bvae.metrics import CATALOG
from tests.support.pages import assert_clean, drawings, html_table, open_page, opened, unfold


@pytest.mark.parametrize("page", ["pages/explore.py", "pages/latent_space.py", "pages/benchmarks.py"])
def test_every_page_opens_on_a_finished_answer(page):
    app = open_page(page)
    assert len(app.title) == 1
    assert app.get("plotly_chart") or drawings(app)


@pytest.mark.parametrize("page", ["pages/explore.py", "pages/compare.py", "pages/your_data.py", "pages/train.py"])
def test_what_is_folded_is_not_made(page):
    app = open_page(page, **({"bring": "Beliefs of a model of yours"} if "your_data" in page else {}))
    assert not app.code
    assert unfold(app).code


@pytest.mark.slow
def test_every_aggregator_on_every_method():
    app = open_page("pages/explore.py")
    for model in loaders.trained("polymnist"):
        app.selectbox(key="model").set_value(model).run()
        assert_clean(app)
    for rule in bvae.aggregators():
        app.selectbox(key="agg").set_value(rule).run()
        assert_clean(app)
        assert len(drawings(app)) == 1
    assert len(drawings(unfold(app))) == 2


def test_explore_at_its_extremes():
    app = open_page("pages/explore.py")
    for views in ([], ["m3"], ["m0", "m4"]):
        app.pills(key="views").set_value(views).run()
        assert_clean(app)
    app.pills(key="views").set_value(["m0", "m1", "m2", "m3", "m4"]).run()
    for item in (0, 999):
        app.number_input(key="item").set_value(item).run()
        assert_clean(app)
    for weight in (0.0, 4.0):
        for m in range(5):
            app.slider(key=f"w_m{m}").set_value(weight)
        app.run()
        assert_clean(app)
    app.slider(key="n").set_value(8)
    app.pills(key="also").set_value(bvae.aggregators())
    app.segmented_control(key="plane").set_value("pca")
    app.run()
    assert_clean(app)


def test_reset_brings_the_defaults_back():
    app = open_page("pages/explore.py")
    app.number_input(key="item").set_value(3)
    app.pills(key="views").set_value(["m1"]).run()
    assert app.number_input(key="item").value == 3
    next(b for b in app.button if "Reset" in b.label).click().run()
    assert_clean(app)
    assert app.number_input(key="item").value == 342
    assert app.pills(key="views").value == ["m0", "m1", "m2", "m3", "m4"]


def test_the_reproduce_code_gives_the_numbers_of_the_page():
    """Explore's own code, run as it stands, ends at the joint posterior and the images that the page shows."""
    app = open_page("pages/explore.py")
    app.selectbox(key="agg").set_value("mopoe")
    app.pills(key="views").set_value(["m1", "m3"])
    app.slider(key="w_m3").set_value(2.5).run()
    assert_clean(app)
    code = next(c.value for c in unfold(app).code if "bvae.load" in c.value)
    names: dict = {}
    exec(compile(code, "reproduce", "exec"), names)  # noqa: S102 - our own text, shown on the page
    from bvae.app.beliefs import item_beliefs

    loaded = loaders.load_model("polymnist", "mwb-vae")
    shown = item_beliefs.build(loaded, 342, [False, True, False, True, False], [1.0, 1.0, 1.0, 2.5, 1.0], "mopoe")
    np.testing.assert_allclose(names["q"].mean.detach(), shown.posterior.mean, atol=1e-4)
    _, images, _ = item_beliefs.imagine(loaded, shown, 4, 0, None)
    np.testing.assert_allclose(names["images"]["m2"][:, 0], images["m2"], atol=1e-3)


@pytest.mark.slow
def test_pages_show_a_model_of_images_and_words(tmp_path, monkeypatch):
    """A model of MNIST-SVHN-TEXT that a person has trained, here for two steps."""
    import streamlit as st

    from bvae.training import Settings
    from bvae.training.loop import train

    settings = Settings.for_method("mnist-svhn-text", "mwb-vae", steps=2, batch_size=8, width=4, latent_dim=3)
    train(settings, tmp_path / "mnist-svhn-text" / "mine", progress=False)
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    st.cache_resource.clear()
    for page in ("pages/explore.py", "pages/latent_space.py"):
        app = open_page(page)
        assert app.selectbox(key="data").value == "mnist-svhn-text"
        assert app.selectbox(key="model").value == "mine"
        assert app.get("plotly_chart") or drawings(app)
    app = open_page("pages/explore.py")
    app.pills(key="views").set_value(["text"]).run()
    assert_clean(app)
    st.cache_resource.clear()


def test_benchmarks_show_what_the_files_hold():
    from bvae.metrics import CATALOG
    from bvae.training import load_checkpoint

    app = open_page("pages/benchmarks.py")
    table = html_table(app, "All figures")
    for name in loaders.trained("polymnist"):
        metrics = load_checkpoint("polymnist", name).metrics
        assert set(metrics) - {"evaluation"} <= set(CATALOG)
        title = label_of(name)
        row = table[(table["figure"].str.rstrip(" ↑↓") == CATALOG["coherence"].title) & (table["of"] == "4 views")]
        figure = metrics["coherence"]["4"]
        assert row[title].item() == f"{figure['mean']:.3f} ± {figure['se']:.3f}"
    curves = ("latent_accuracy", "coverage_90_decoded", "latent_accuracy_one_probe_drawn")
    for key in [k for k in CATALOG if k in curves]:
        app.selectbox(key="curve").set_value(key).run()
        assert_clean(app)
    app.pills(key="methods").set_value(["mwb-vae"]).run()
    assert_clean(app)
    assert list(html_table(app, "All figures").columns) == ["figure", "of", "MWB-VAE"]
    app.pills(key="methods").set_value([]).run()
    assert_clean(app)


def test_benchmarks_show_models_of_which_figures_alone_ship():
    from bvae.evaluation.records import results
    from bvae.runs.shipped import FIGURES_ONLY

    app = open_page("pages/benchmarks.py", data="celeba")
    assert_clean(app)
    table, known = html_table(app, "All figures"), results("celeba")
    assert list(table.columns) == ["figure", "of", *map(label_of, known)]
    alone = [name for name in FIGURES_ONLY["celeba"] if name in known]
    assert {"helvae", "hoelder-vae", "code-vae"} <= set(alone)
    for name in alone:
        assert name not in loaders.trained("celeba")
        figure = known[name].metrics["coherence"]["1"]
        row = table[(table["figure"].str.rstrip(" ↑↓") == CATALOG["coherence"].title) & (table["of"] == "1 view")]
        assert row[label_of(name)].item() == f"{figure['mean']:.3f} ± {figure['se']:.3f}"
    app.selectbox(key="first").set_value("helvae").run()
    app.pills(key="methods").set_value(["helvae"]).run()
    assert_clean(app)


@pytest.mark.parametrize(("data", "curve", "says"), [
    ("polymnist", "coherence", "one observed view with four:"),
    ("polymnist", "latent_accuracy", "one observed view with five:"),
    ("mnist-svhn-text", "latent_accuracy", "one observed view with three:"), ("celeba", "coherence", "the methods:")])
def test_benchmarks_first_words_count_the_views_of_its_curve(data, curve, says):
    app = open_page("pages/benchmarks.py", data=data)
    app.selectbox(key="curve").set_value(curve).run()
    assert_clean(app)
    assert any(m.value.startswith(f"**Compare {says}**") for m in app.markdown)


def test_benchmarks_without_records_say_how_to_make_them(tmp_path, monkeypatch):
    from tests.support.records import put_checkpoint

    put_checkpoint(tmp_path)
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    app = open_page("pages/benchmarks.py")
    assert any("checkpoints --rebuild --only" in i.value for i in app.info)
    assert "bars" not in [c.key for c in app.segmented_control]
    assert len(drawings(app)) == 3  # the curves after training on complete items are there


def test_benchmarks_compares_two_methods_as_the_command_does():
    from bvae.evaluation.differences import differences

    app = open_page("pages/benchmarks.py")
    assert [app.selectbox(key=k).value for k in ("first", "second")] == ["mwb-vae", "mopoe-vae"]
    app.selectbox(key="second").set_value("mvtcae").run()
    assert_clean(app)
    found = [d for d in differences("polymnist", "mwb-vae", "mvtcae") if d.metric in CATALOG]
    table = html_table(app, "Two methods compared")
    assert len(table) == len(found)
    (row,) = table[(table["figure"] == "Conditional coherence") & (table["of"] == "4 views")].to_dict("records")
    (d,) = [d for d in found if (d.metric, d.key) == ("coherence", "4")]
    assert float(row["first less second"]) == pytest.approx(d.mean, abs=0.0005)
    assert row["paired over"] == "3 seeds"
    assert set(table["paired over"]) == {"3 seeds", "200 items", "–"}
    app.selectbox(key="first").set_value("mvtcae").run()
    assert_clean(app)
    assert any("two different" in i.value for i in app.info)


def test_benchmarks_with_other_seeds_and_missing_modalities(tmp_path, monkeypatch):
    from tests.support.records import put_checkpoint, put_family

    put_family(tmp_path)
    put_checkpoint(tmp_path, "mvae", 0.4)
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    app = open_page("pages/benchmarks.py")
    assert not app.info
    missing = html_table(app, "Missing views")
    assert list(missing["method"]) == ["MVAE", *["WB-VAE (full set)"] * 3]
    assert list(missing["missing in training"]) == ["0 %", "0 %", "20 %", "50 %"]
    assert missing["latent accuracy, 50 % missing"].iloc[-1] == "0.600 ± 0.010"
    for share in (0, 20, 50):
        app.segmented_control(key="missing").set_value(share).run()
        assert_clean(app)
    app.segmented_control(key="bars").set_value("seeds").run()
    assert_clean(app)
    table = html_table(app, "All figures")
    row = table[table["figure"].str.startswith("Joint coherence")]
    assert row["WB-VAE (full set)"].item() == "0.300 ± 0.029"
    assert row["seeds"].item() == "3"
    app.pills(key="methods").set_value(["mvae"]).run()  # no other seeds, no missing modalities in training
    assert_clean(app)
    app = open_page("pages/benchmarks.py", bars="seeds", missing="50 percent")
    assert app.segmented_control(key="bars").value == "seeds"
    assert app.segmented_control(key="missing").value == 50


def test_benchmarks_name_a_damaged_record(tmp_path, monkeypatch):
    from tests.support.records import put_family

    put_family(tmp_path)
    (tmp_path / "polymnist" / "records" / "wb-vae-seed-1.json").write_text("{")
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    app = opened("pages/benchmarks.py")
    assert not app.exception
    assert "wb-vae-seed-1.json" in app.error[0].value
    assert len(html_table(app, "All figures"))


def label_of(name):
    from bvae.app.widgets.choose import label

    return label(name)


@pytest.mark.parametrize(("page", "changes", "firsts"), [
    ("pages/benchmarks.py", {"methods": ["MVAE"]}, {"pills:methods": None}),
    ("pages/your_data.py", {"my_item": "7", "my_views": ["m1"], "my_rule": "PoE"},
     {"number_input:my_item": 0, "pills:my_views": ["m0", "m1", "m2", "m3", "m4"], "selectbox:my_rule": "wasserstein"}),
])
def test_reset_brings_back_what_a_page_opened_on_also_from_a_link(page, changes, firsts):
    app = open_page(page, **changes)
    fresh = open_page(page, **({"bring": "Beliefs of a model of yours"} if "your_data" in page else {}))
    for place, value in firsts.items():
        kind, key = place.split(":")
        assert getattr(app, kind)(key=key).value != getattr(fresh, kind)(key=key).value
        assert value in (None, getattr(fresh, kind)(key=key).value)
    app.button(key="reset_everything").click().run()
    assert_clean(app)
    for place in firsts:
        kind, key = place.split(":")
        assert getattr(app, kind)(key=key).value == getattr(fresh, kind)(key=key).value
