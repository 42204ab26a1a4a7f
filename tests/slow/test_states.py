"""Every page without models, with damaged ones, without judges and with links of other versions: said, never raised."""

import shutil

import pytest
import streamlit as st

from bvae.app.state import URL_VERSION
from bvae.training import checkpoints_root
from tests.support import pages

PAGES = ("home", "learn", "playground", "explore", "generate", "latent_space", "compare", "your_data", "benchmarks")
NEED_A_MODEL = ("explore", "generate", "latent_space", "compare")


def opened(page, **query):
    """A page, which must not raise."""
    app = pages.opened(None if page == "home" else f"pages/{page}.py", **query)
    assert not app.exception, [e.value for e in app.exception]
    assert len(app.title) == 1
    return app


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty folder of checkpoints, and caches that know of no other."""
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    st.cache_resource.clear()
    st.cache_data.clear()
    yield tmp_path
    st.cache_resource.clear()
    st.cache_data.clear()


def put(root, name="mwb-vae"):
    """A copy of one shipped checkpoint."""
    original = checkpoints_of_the_repository() / "polymnist" / name
    return shutil.copytree(original, root / "polymnist" / name)


def checkpoints_of_the_repository():
    """Whatever $BVAE_CHECKPOINTS says now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BVAE_CHECKPOINTS")
        return checkpoints_root()


def told(app):
    """All that the page says, as one text."""
    said = " ".join(e.value for kind in (app.info, app.warning, app.error, app.markdown, app.caption) for e in kind)
    return said.replace("\\", "")


@pytest.mark.parametrize("page", PAGES)
def test_without_any_model_every_page_says_how_to_get_one(root, page):
    app = opened(page)
    assert not app.error
    if page in (*NEED_A_MODEL, "benchmarks"):
        assert "python -m bvae" in told(app)


@pytest.mark.parametrize("damage", ["weights", "config"])
@pytest.mark.parametrize("page", PAGES)
def test_a_damaged_checkpoint_is_named(root, page, damage):
    folder = put(root)
    file = folder / ("model.safetensors" if damage == "weights" else "config.json")
    file.write_bytes(file.read_bytes()[:1000])
    app = opened(page)
    if page in NEED_A_MODEL or (page == "benchmarks" and damage == "config"):
        assert file.name in told(app)


def test_without_judges_pictures_have_no_verdicts_and_nothing_breaks(root):
    put(root)
    for page in NEED_A_MODEL:
        app = opened(page)
        assert not app.error
        assert "p=0." not in " ".join(str(e.proto) for e in app.get("html"))


def test_one_model_alone_cannot_be_compared_with_others(root):
    put(root)
    app = opened("compare", mode="Trained models")
    assert "it takes two to compare" in told(app)


@pytest.mark.parametrize("version", ["0", "99", "", "<script>"])
def test_links_of_another_version_open_with_what_they_share(version):
    app = opened("benchmarks", v=version, curve="Latent accuracy, one probe", data="no such data")
    assert not app.error
    assert app.query_params["v"] in (URL_VERSION, [URL_VERSION])
    assert app.selectbox(key="curve").value == "latent_accuracy_one_probe"
