"""What Reproduce shows on Benchmarks and Your data, run as it stands, gives the numbers of the page."""

import base64
import json
import re

import numpy as np
import pytest

import bvae
from bvae.app import loaders
from bvae.app.your_data import uploading
from bvae.metrics import written
from tests.support.pages import all_numbers, assert_clean, drawings, html_table, open_page, unfold


def run_code(app, mark):
    """The script of the page that contains `mark`."""
    code = next(c.value for c in unfold(app).code
                if mark in c.value and re.search("^(import|from) bvae", c.value, re.M))
    names: dict = {}
    exec(compile(code, "reproduce", "exec"), names)  # noqa: S102 - our own text, shown on the page
    return names


def example():
    """The file that the page's download button gives."""
    key = loaders.ModelKey.on_disk("polymnist", uploading.EXAMPLE_MODEL)
    return loaders.example_file(key, uploading.EXAMPLE_ITEMS)


def test_benchmarks():
    app = open_page("pages/benchmarks.py")
    app.pills(key="methods").set_value(["mvae", "mwb-vae"]).run()
    assert_clean(app)
    figures = run_code(app, "metrics.get")["figures"]
    table = html_table(app, "All figures")
    row = table[(table["figure"] == "Conditional coherence ↑") & (table["of"] == "4 views")]
    for title, name in (("MVAE", "mvae"), ("MWB-VAE", "mwb-vae")):
        figure = figures[name]["4"]
        assert row[title].item() == written(figure)
        assert any(bvae.training.load_checkpoint("polymnist", name).hash[:12] in m.value for m in app.markdown)
    assert any("python -m bvae evaluate polymnist all" in c.value for c in app.code)


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_your_data(weight, tmp_path, monkeypatch):
    app = open_page("pages/your_data.py", bring="Beliefs of a model of yours")
    views = ["m0", "m2", "m3"]
    app.pills(key="my_views").set_value(views)
    app.number_input(key="my_item").set_value(5)
    app.slider(key="my_w_m2").set_value(weight).run()
    assert_clean(app)
    (tmp_path / "example.npz").write_bytes(example())
    monkeypatch.chdir(tmp_path)
    q = run_code(app, "uploads.read")["joint"]["wasserstein"]
    assert f"{float(q.variance.sqrt().mean()):.2f} on average" in drawings(app)[0]


def test_your_data_in_comparison(tmp_path, monkeypatch):
    app = open_page("pages/your_data.py", show="Compare aggregators")
    (tmp_path / "example.npz").write_bytes(example())
    monkeypatch.chdir(tmp_path)
    joint = run_code(app, "uploads.read")["joint"]
    table = all_numbers(app)
    shown = table[table["number"] == "width: mean standard deviation"].iloc[0]
    for name, column in (("poe", "PoE"), ("moe", "MoE"), ("wasserstein", "Wasserstein")):
        np.testing.assert_allclose(float(joint[name].variance.sqrt().mean()), shown[column], rtol=6e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("which", "projection"), [
    (uploading.JOINT, "pca"), (uploading.JOINT, "tsne"), ("m2", "pca"), (uploading.CLOUDS, "pca")])
def test_your_datas_map(which, projection, tmp_path, monkeypatch):
    app = open_page("pages/your_data.py", show="Latent space")
    app.segmented_control(key="my_which").set_value(which)
    app.segmented_control(key="my_map").set_value(projection).run()
    if which == uploading.JOINT:
        app.selectbox(key="my_rule").set_value("poe").run()
    assert_clean(app)
    (tmp_path / "example.npz").write_bytes(example())
    monkeypatch.chdir(tmp_path)
    points = run_code(app, "uploads.read")["points"]
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    drawn = sorted(tuple(np.round(p, 3)) for trace in figure["data"] if trace.get("customdata") is not None
                   for p in zip(numbers_in(trace["x"]), numbers_in(trace["y"]), strict=True))
    assert len(drawn) == len(points) > 100
    np.testing.assert_allclose(drawn, sorted(tuple(np.round(p.astype(float), 3)) for p in points), atol=2e-3)


def numbers_in(values):
    """Plotly writes arrays as base64."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).astype(float)
    return values
