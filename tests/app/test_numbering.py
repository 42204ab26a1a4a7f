"""Latent dimensions are z1, z2, ... wherever a person reads of them: pages, pictures, files, what commands write."""

import re

import numpy as np
import pytest

import bvae
from bvae.app import loaders
from bvae.data.own.registering import FOLDERS
from bvae.evaluation import own_items
from bvae.gaussians.dimensions import axis_title, z_name
from bvae.maps import map_tables, maps
from bvae.plots import posterior, style
from tests.support import ROOT
from tests.support.pages import assert_clean, open_page

FROM_0 = re.compile(r"latent dimension [0{]|[\"']dim \{|f\"z\{|dimension \{[a-z]\}|mean_\{|z_\{\{\{d\}")
"""How a number that counts from 0 would reach a person."""


def test_the_first_is_1():
    assert (z_name(0), z_name(np.int64(4)), axis_title(1)) == ("z1", "z5", "latent dimension z2")


def test_no_source_counts_from_0_in_words():
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / "bvae").rglob("*.py")
             if FROM_0.search(path.read_text())}
    assert found == {"bvae/gaussians/dimensions.py"}


def test_files_name_them_alike():
    model = bvae.load("penguins", "mwb-vae")
    assert "penguins" not in FOLDERS
    names = [k for k in own_items.embedding(own_items.items_of("penguins", model)) if k.startswith("z")]
    d = model.shared_dim
    assert names == [*(f"z{k + 1}" for k in range(d)), *(f"z{k + 1}_sd" for k in range(d))]
    key = loaders.load_model("penguins", "mwb-vae").key
    from bvae.app.latent_space import mapping

    clouds = mapping.clouds(key, maps.JOINT)
    head = map_tables.as_csv(clouds.loc[:, :2], clouds, np.zeros(10_000, dtype=int)).split("\n")[0].split(",")
    assert head[-2 * d:] == names


def test_pictures_name_them_alike():
    loc, scale = np.array([[0.0, 5.0, 1.0], [0.0, -5.0, 2.0]]), np.ones((2, 3))
    assert posterior.dimension_plane(loc, scale).names == ("latent dimension z2", "latent dimension z3")
    figure = posterior.interval_figure(["a", "b"], loc, scale, [True, True], [], style.LIGHT)
    assert list(figure.layout.yaxis.ticktext) == ["z2", "z3", "z1"]


@pytest.mark.parametrize("link", ["5", "z6"])  # as links held it before, and as they do now
def test_the_walk_names_them_alike(link):
    app = open_page("pages/explore.py", step="2 Weights", dim=link)
    assert app.selectbox(key="dim").value == "5"
    assert app.query_params["dim"] in ("z6", ["z6"])
    assert "z1" in app.selectbox(key="dim").options
    assert not any(option.isdigit() for option in app.selectbox(key="dim").options)
    assert_clean(app)
