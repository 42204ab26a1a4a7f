"""The Latent space page: every control at its extremes on all data sets, t-SNE beside the page, code and files."""

import base64
import io
import json
import os
import re
import shutil
import signal
import time

import numpy as np
import pandas as pd
import pytest
import streamlit as st
import torch

from bvae.app.beliefs.selection import in_proportion
from bvae.app.latent_space import mapping
from bvae.app.latent_space.coloring import colored
from bvae.app.latent_space.state import colorings
from bvae.app.loaders import ModelKey
from bvae.cli import main
from bvae.maps import map_files, map_tables, maps
from bvae.maps.projections import tsne
from bvae.runs import isolated
from bvae.runs.isolated import watched_tsne
from bvae.runs.supervisor import Pool
from bvae.training import load_checkpoint
from bvae.training.checkpoint import checkpoints_root
from tests.support.pages import assert_clean, open_page, unfold

PAGE = "pages/latent_space.py"


def shown(app):
    """Figures of the page: the map, and one item's posteriors."""
    return [json.loads(c.proto.spec) for c in app.get("plotly_chart")]


def points_in(figure):
    return sum(len(t["customdata"]) for t in figure["data"] if t.get("customdata"))


def wait_for_map(app):
    """Run the page until its t-SNE is there."""
    for _ in range(600):
        if not any(b.key == "tsne_stop" for b in app.button):
            return
        time.sleep(1)
        app.run()
    pytest.fail("the t-SNE was not ready after ten minutes")


@pytest.fixture
def small_tsne(monkeypatch):
    """Every computed t-SNE is one of the first 40 points, so that it takes a second."""
    whole = mapping.maps.clouds

    def few(model, experts, which, items=None):
        return whole(model, experts, which, np.arange(0, 1000, 25) if items is None else items)

    monkeypatch.setattr(mapping.maps, "clouds", few)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()


def test_polymnist_with_all_controls_at_their_extremes():
    app = open_page(PAGE)
    assert app.segmented_control(key="map").value == "pca"
    for which in ("m2", "everything"):
        app.segmented_control(key="which").set_value(which).run()
        assert_clean(app)
        for color in app.segmented_control(key="color").options:
            app.segmented_control(key="color").set_value(color).run()
            assert_clean(app)
            assert points_in(shown(app)[0]) == (1000 if which == "m2" else 6 * 300)
    assert [m.label for m in app.metric] == ["Distance of the clouds' centres", "A linear classifier tells the view",
                                             "Neighbours of the same view"]
    table = app.dataframe[0].value
    assert list(table["centres apart"]) == ["m0", "m1", "m2", "m3", "m4", "joint"]
    app.radio(key="distance").set_value("W2")
    app.text_input(key="picked").set_value("3, 999, 0-500, <b>, 99999999999").run()
    assert_clean(app)
    assert len(app.selectbox(key="focus").options) == 200
    app.selectbox(key="focus").set_value(999).run()
    assert_clean(app)
    first = next(t for t in shown(app)[0]["data"] if t["name"] == "m0")
    assert next(first["customdata"][i][0] for i in first["selectedpoints"]) == 0
    next(b for b in app.button if b.label == "Clear the selection").click().run()
    assert app.text_input(key="picked").value == ""
    next(b for b in app.button if "Reset" in b.label).click().run()
    assert_clean(app)
    assert app.segmented_control(key="which").value == "joint"


def test_a_model_of_two_dimensions_opens_on_its_plane_with_the_decoded_manifold():
    app = open_page(PAGE, data="mnist-svhn-text", model="mwb-vae-2d")
    assert app.segmented_control(key="map").value == "plane"
    plane = shown(app)[0]
    assert plane["layout"]["images"][0]["source"].startswith("data:image/jpeg;base64,")
    assert plane["layout"]["yaxis"]["scaleanchor"] == "x"
    circles = [t for t in plane["data"] if t["name"].startswith("prior")]
    assert [np.frombuffer(base64.b64decode(c["x"]["bdata"])).max() for c in circles] == pytest.approx([1, 2])
    app.selectbox(key="background").set_value("text").run()
    assert_clean(app)
    words = next(t for t in shown(app)[0]["data"] if t["mode"] == "text")
    assert len(words["text"]) == mapping.WORDS**2
    assert any(word in ("one", "two", "six") for word in words["text"])
    for which, map_name in (("everything", "plane"), ("svhn", "pca")):
        app.segmented_control(key="which").set_value(which)
        app.segmented_control(key="map").set_value(map_name).run()
        assert_clean(app)
    app.segmented_control(key="map").set_value("plane").run()
    app.selectbox(key="background").set_value("off").run()
    assert not shown(app)[0]["layout"].get("images")
    app.selectbox(key="model").set_value("mmvae").run()  # it has more dimensions: no plane
    assert_clean(app)
    assert app.segmented_control(key="map").value == "pca"
    app.selectbox(key="model").set_value("mwb-vae-2d").run()
    assert_clean(app)
    assert app.segmented_control(key="map").value == "plane"


def test_avatars_by_attribute_and_private_latents_and_bad_links():
    app = open_page(PAGE, data="celeba", color="attribute", attribute="wearing hat", which="everything")
    assert app.selectbox(key="attribute").value == "Wearing_Hat"
    assert {t["name"] for t in shown(app)[0]["data"]} == {"without wearing hat", "with wearing hat"}
    app = open_page(PAGE, model="MMVAE+")
    assert app.selectbox(key="model").value == "mmvae-plus"
    assert points_in(shown(app)[0]) == 1000
    app = open_page(PAGE, model="../x", map="plane", which="<b>", color="attribute", focus="-1", picked="-5 x 1e9",
                    perplexity="3", distance="no", map_seed="-3", background="m0")
    assert app.segmented_control(key="map").value == "pca"
    assert app.segmented_control(key="color").value == "class"


@pytest.mark.slow
def test_a_tsne_is_computed_beside_the_page_can_be_stopped_and_is_shared(small_tsne):
    wanted = (ModelKey.on_disk("polymnist", "mwb-vae"), "m1", 5, 7)
    app = open_page(PAGE, map="t-SNE", which="m1", perplexity="5", map_seed="7")
    this = mapping.slot(*wanted)
    assert this.computation.state == "running"
    assert "principal component" in shown(app)[0]["layout"]["xaxis"]["title"]["text"]  # until then, PCA
    process = this.computation
    app.button(key="tsne_stop").click().run()
    assert_clean(app)
    assert process.state == "stopped"
    assert process._child.code is not None
    app.run()  # stays stopped
    assert this.computation is None
    app.button(key="tsne_start").click().run()
    other = open_page(PAGE, map="t-SNE", which="m1", perplexity="5", map_seed="7")
    assert other.button(key="tsne_stop")
    process = this.computation
    app.segmented_control(key="map").set_value("pca").run()
    app.segmented_control(key="map").set_value("tsne").run()
    wait_for_map(app)
    assert this.computation is process  # the second session did not start it anew
    other.run()
    assert shown(other)[0]["data"][0]["x"] == shown(app)[0]["data"][0]["x"]
    # The page's own code gives these points.
    code = next(c.value for c in unfold(app).code if "maps.coordinates" in c.value)
    names: dict = {}
    code = code.replace('"m1")  #', '"m1", range(0, 1000, 25))  #')
    exec(compile(code, "reproduce", "exec"), names)  # noqa: S102 - our own text, shown on the page
    np.testing.assert_allclose(names["points"], process.result, atol=1e-3)


def test_too_many_at_once_wait_and_a_failure_is_said(small_tsne, monkeypatch):
    pool = Pool(most=1, warm=False, for_tests=True)
    monkeypatch.setattr(isolated, "watched_tsne", lambda *_: pool.begin("never", limit=60, steps=10))
    points = np.zeros((9, 2))
    first, second = mapping.Slot(), mapping.Slot()
    assert first.look("a", points, 5, 0) == "running"
    assert second.look("b", points, 5, 0) == "waiting"
    first.look("c", points, 5, 0)
    first.leave("a")
    assert first.computation.state == "running"  # "c" still wants it
    first.asked["c"] -= mapping.SILENT + 1
    first.leave("b")
    assert first.computation is None
    assert second.look("b", points, 5, 0) == "running"
    os.kill(second.computation.pid, signal.SIGKILL)
    assert second.computation.wait(60) == "failed"
    assert second.look("b", points, 5, 0) == "failed"
    monkeypatch.setattr(isolated, "watched_tsne", lambda *_: pool.begin("exit", 3, limit=60, steps=10))
    app = open_page(PAGE, map="t-SNE", which="m3")
    this = mapping.slot(ModelKey.on_disk("polymnist", "mwb-vae"), "m3", 30, 0)
    assert this.computation.wait(60) == "failed"
    app.run()
    assert app.button(key="tsne_start").label == "Try again"
    assert any("ended before it was done (exit status 3)" in m.value for m in app.markdown)
    assert points_in(shown(app)[0]) == 40
    pool.close()


def test_code_command_and_files_hold_what_the_page_shows(tmp_path):
    app = open_page(PAGE, data="mnist-svhn-text", model="mwb-vae-2d", which="everything", map="Plane", picked="17",
                    distance="W2")
    key = ModelKey.on_disk("mnist-svhn-text", "mwb-vae-2d")
    found = mapping.clouds(key, "everything")
    python, shell = (c.value for c in unfold(app).code)
    names: dict = {}
    exec(compile(python, "reproduce", "exec"), names)  # noqa: S102 - our own text, shown on the page
    np.testing.assert_allclose(names["points"], found.loc, atol=1e-4)
    assert [i for i, _ in names["near"]] == [i for i, _ in maps.nearest(mapping.clouds(key, "joint"), 17, 6, True)]
    assert names["gap"].distance == pytest.approx(mapping.gap(key)[0].distance, abs=1e-4)
    arguments = shell.split()[3:]
    arguments[-1] = str(tmp_path / "map.csv")
    assert main(arguments) == 0
    written = pd.read_csv(tmp_path / "map.csv")
    labels = app_labels(key.data_name)
    pd.testing.assert_frame_equal(written, pd.read_csv(io.StringIO(map_tables.as_csv(found.loc, found, labels))),
                                  atol=1e-4)
    assert list(written["view"].unique()) == ["mnist", "svhn", "text", "joint"]
    np.testing.assert_allclose(written[["x", "y"]], written[["z1", "z2"]], atol=1e-6)
    content = map_tables.as_npz(found.loc, found, labels, {"weights": key.weights_hash})
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        assert str(file["weights"]) == key.weights_hash
        np.testing.assert_array_equal(file["scale"], found.scale)
        assert set(file["label"]) == set(range(10))


def app_labels(name):
    from bvae.app import loaders

    return loaders.test_data(name).y.numpy()


# -- ready-made maps -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["polymnist", "mnist-svhn-text", "celeba"])
def test_the_maps_that_ship_are_those_of_the_weights_that_ship(data):
    import bvae

    states = {name: map_files.state(load_checkpoint(data, name)) for name in bvae.checkpoints(data)}
    assert len(states) > 6
    assert {name for name, state in states.items() if state != "ready"} == set()


def test_a_ready_made_map_is_a_fresh_one_and_a_stale_file_is_ignored(tmp_path, monkeypatch, capsys):
    import bvae

    source = checkpoints_root() / "mnist-svhn-text" / "wb-vae-2d"
    folder = tmp_path / "mnist-svhn-text" / "wb-vae-2d"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(map_files.MAPS))
    monkeypatch.setattr(map_files, "READY", (("joint", 5),))
    checkpoint = load_checkpoint("mnist-svhn-text", "wb-vae-2d", tmp_path)
    assert map_files.state(checkpoint) == "missing"
    data = bvae.dataset("mnist-svhn-text", split="test")
    few = type("Few", (), {})()
    few.x = {k: v[:60] for k, v in data.x.items()}
    few.__class__.__len__ = lambda self: 60
    few.subset = lambda index: {k: v[index] for k, v in few.x.items()}
    map_files.make(checkpoint, few, map_files.READY)
    assert map_files.state(checkpoint) == "ready"
    stored = map_files.read(checkpoint, "joint", 5, 0, 60)
    fresh = tsne(maps.posteriors(bvae.load("mnist-svhn-text", "wb-vae-2d"), few, "joint").loc, 5, 0)
    assert np.abs(stored - fresh).max() <= 2**-10 * np.abs(fresh).max()  # half precision
    assert map_files.read(checkpoint, "joint", 5, 0, 61) is None
    assert map_files.read(checkpoint, "joint", 30, 0, 60) is None
    assert map_files.read(checkpoint, "joint", 5, 1, 60) is None
    assert main(["maps", "mnist-svhn-text", "--out", str(tmp_path)]) == 0
    assert "wb-vae-2d: up to date" in capsys.readouterr().out
    # Other weights: the file is theirs no more, and the list of checkpoints says so.
    with monkeypatch.context() as other:
        other.setattr(type(checkpoint), "hash", property(lambda self: "0" * 64))
        assert map_files.state(checkpoint) == "stale"
        assert map_files.read(checkpoint, "joint", 5, 0, 60) is None
    monkeypatch.setattr(map_files, "SEED", 1)
    assert map_files.state(checkpoint) == "stale"
    assert main(["checkpoints", "--out", str(tmp_path)]) == 0
    assert "stale maps: make them again with python -m bvae maps mnist-svhn-text wb-vae-2d" in capsys.readouterr().out
    (folder / map_files.MAPS).write_bytes(b"no")
    assert map_files.state(checkpoint) == "damaged"


@pytest.mark.parametrize(("arguments", "message"), [
    (["maps", "polymnist", "mwb-vae", "--to", "x.pkl"], "ends with .csv or .npz"),
    (["maps", "polymnist", "--to", "x.csv"], "needs DATASET and NAME"),
    (["maps", "polymnist", "mwb-vae", "--to", "x.csv", "--of", "m9"], "expected one of joint, m0"),
    (["maps", "polymnist", "nobody"], "no checkpoint 'nobody'"),
])
def test_the_command_says_what_is_wrong(arguments, message, capsys):
    assert main(arguments) == 1
    assert message in capsys.readouterr().err


# -- the process -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_process_gives_the_same_map_reports_its_steps_and_leaves_nothing():
    points = np.random.default_rng(0).normal(size=(300, 4)).astype("f")
    computation = watched_tsne(points, 10, 3)
    shares = {computation.share}
    while computation.state == "running" and computation.seconds < 600:
        shares.add(computation.share)
    assert computation.state == "done"
    np.testing.assert_array_equal(computation.result, tsne(points, 10, 3))
    assert computation.share == 1.0
    assert len(shares) > 3
    assert shares <= {k / 20 for k in range(21)}  # of 1000 steps, every 50
    assert computation._child.code is not None
    assert isolated.MAPS.processes() == []


def test_the_process_ends_when_its_time_is_over_or_when_nobody_is_left():
    points = np.random.default_rng(0).normal(size=(4000, 20)).astype("f")
    late = watched_tsne(points, 30, 0, limit=0.2)
    assert late.wait(600) == "failed"
    assert late.result is None
    assert "took longer than the 0.2 seconds" in late.why
    alone = watched_tsne(points, 30, 0)
    while not alone.share:
        time.sleep(0.05)
    alone._child._process.stdin.close()  # as the death of this process would
    assert alone.wait(600) == "failed"
    assert alone._child.code == 3


def test_neighbours_by_both_distances_against_a_plain_count():
    rng = np.random.default_rng(1)
    loc, scale = rng.normal(size=(30, 3)), rng.random((30, 3)) * 3
    found = maps.Clouds(("joint",), np.zeros(30, int), np.arange(100, 130), loc, scale, np.zeros(30))
    a, b = (torch.distributions.Normal(torch.tensor(loc), torch.tensor(scale)) for _ in range(2))
    w2 = ((a.mean[4] - b.mean) ** 2 + (a.stddev[4] - b.stddev) ** 2).sum(1).sqrt()
    euclid = torch.cdist(a.mean[4:5], b.mean)[0]
    for wasserstein, distances in ((True, w2), (False, euclid)):
        expected = [(100 + i, distances[i].item()) for i in distances.argsort().tolist() if i != 4][:5]
        near = maps.nearest(found, 104, 5, wasserstein)
        assert [i for i, _ in near] == [i for i, _ in expected]
        np.testing.assert_allclose([d for _, d in near], [d for _, d in expected])
    assert maps.nearest(found, 3, 5) == []


def test_the_decoded_plane_lies_as_the_axes_do(tiny_model):
    import bvae

    model, _ = tiny_model
    with pytest.raises(ValueError, match="two shared latent dimensions"):
        maps.decoded_plane(model, "a", ((-1, 1), (-1, 1)), 3)
    flat = bvae.MultimodalVAE(model.modalities.values(), model.aggregator,
                              bvae.ModelConfig(latent_dim=2, width=4, private_dim=1)).eval()
    grid = maps.decoded_plane(flat, "b", ((-3, 3), (0, 6)), 3)
    z = torch.zeros(1, flat.latent_dim)
    z[0, :2] = torch.tensor([2.0, 5.0])  # right, top: the cell in the first row and the last column
    torch.testing.assert_close(grid[0, 2], flat.decode(z, ["b"])["b"][0], atol=1e-5, rtol=1e-4)


def test_every_coloring_tells_clouds_apart_by_markers():
    from bvae.app import loaders

    loaded = loaders.load_model("mnist-svhn-text", "wb-vae-2d")
    data = loaders.test_data("mnist-svhn-text")
    found = maps.clouds(loaded.model, loaded.experts, "everything")
    for name in colorings("everything", data):
        coloring = colored(name, found, data, None, (), np.zeros(len(data)))
        symbols = coloring.point_symbols if coloring.point_symbols is not None else np.array(coloring.symbols)[
            coloring.group]
        assert len({(c, s) for c, s in zip(found.cloud, symbols, strict=True)}) == len(found.names)


# -- the selection ---------------------------------------------------------------------------------------------------


def test_the_first_pictures_of_a_selection_are_in_proportion_to_its_classes():
    app = open_page(PAGE, picked="400-419, 900-919, 100-103")  # 20 of class 4, 20 of class 9, 4 of class 1
    assert any("**44 items**: 20 of class 4, 20 of class 9, 4 of class 1." in m.value for m in app.markdown)
    said = next(h.proto.body for h in app.get("html") if "item 402, class 4" in h.proto.body)
    shown = re.findall(r'alt="item \d+, class (\d), m0"', said)
    assert sorted(shown) == ["1"] + ["4"] * 4 + ["9"] * 3
    app.text_input(key="picked").set_value("400, 401").run()
    assert any("**2 items** of class 4." in m.value for m in app.markdown)


def test_seats_go_to_the_largest_remainders_and_are_spread_within_a_class():
    items, labels = list(range(100)), [0] * 50 + [1] * 50
    shown = in_proportion(items, labels, 8)
    assert [labels[i] for i in shown] == [0] * 4 + [1] * 4
    assert shown[0] < 10
    assert shown[3] > 40
    assert in_proportion(items[:5], labels[:5], 8) == items[:5]
    assert in_proportion(items, [0] * 97 + [1, 2, 3], 8) == in_proportion(items[:97], [0] * 97, 8)
    assert len(in_proportion(items, items, 8)) == 8


def test_every_data_set_keeps_its_selection():
    app = open_page(PAGE, picked="3, 17")
    app.selectbox(key="data").set_value("mnist-svhn-text").run()
    assert_clean(app)
    assert app.text_input(key="picked").value == ""
    assert any("what you selected of polymnist is kept there" in c.value for c in app.caption)
    app.text_input(key="picked").set_value("5").run()
    assert not any("is kept there" in c.value for c in app.caption)  # said once
    app.selectbox(key="model").set_value("mvae").run()  # the same items in another model
    assert app.text_input(key="picked").value == "5"
    app.selectbox(key="data").set_value("polymnist").run()
    assert app.text_input(key="picked").value == "3, 17"
    assert any("**2 items**" in m.value for m in app.markdown)
    app.selectbox(key="data").set_value("mnist-svhn-text").run()
    assert app.text_input(key="picked").value == "5"


def test_items_that_there_are_not_are_said_to_be_left_out():
    app = open_page(PAGE, picked="3, 5000")
    assert any("Left out, as there are 1,000 items, 0 to 999: 5000." in c.value for c in app.caption)
    assert any("**1 item** of class 0." in m.value for m in app.markdown)
