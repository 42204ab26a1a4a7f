"""Single cells through the page: an .h5mu is understood, kept, trained on, looked at, and gets its positions."""

import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from bvae.cli import main
from bvae.data.own.registering import FOLDERS
from bvae.training import Settings
from bvae.training.loop import train
from tests.app.test_page_bring import PAGE, bodies, give, runs, said  # noqa: F401  # a fixture
from tests.support.brought import TINY
from tests.support.pages import assert_clean, open_page

CELLS = [f"cell-{k}" for k in range(60)]


def both(path):
    """RNA as sparse counts, and proteins of some of the cells, with the cells' types."""
    anndata = pytest.importorskip("anndata", reason="anndata is not installed: pip install 'bvae[cells]'")
    mudata = pytest.importorskip("mudata", reason="mudata is not installed: pip install 'bvae[cells]'")
    noise = np.random.default_rng(0)
    place = noise.normal(size=(60, 2))
    counts = noise.poisson(np.exp(0.5 * place @ noise.normal(size=(2, 30)) - 1)).astype("float32")
    types = pd.DataFrame({"type": np.where(place[:, 0] > 0, "T cell", "B cell")}, index=CELLS)
    rna = anndata.AnnData(scipy.sparse.csr_matrix(counts), obs=pd.DataFrame(index=CELLS),
                          var=pd.DataFrame(index=[f"gene{k}" for k in range(30)]))
    prot = anndata.AnnData((place @ noise.normal(size=(2, 4)))[10:].astype("float32"),
                           obs=pd.DataFrame(index=CELLS[10:]), var=pd.DataFrame(index=["CD3", "CD4", "CD8", "CD19"]))
    held = mudata.MuData({"rna": rna, "prot": prot})
    held.obs["type"] = types["type"].reindex(held.obs_names)
    held.write_h5mu(path)
    return path.read_bytes()


@pytest.mark.slow
def test_cells_of_two_views_go_the_whole_way(tmp_path, runs, capsys):  # noqa: F811  # the fixture
    app = give(open_page(PAGE), {"cells.h5mu": both(tmp_path / "cells.h5mu")})
    assert_clean(app)
    assert "**60 items**, seen through **2 views**" in said(app)
    assert "Label **type**" in said(app)
    assert "30 columns: gene0, gene1" in bodies(app)
    assert "prot is there for 50" in bodies(app)
    app.text_input(key="bring_name").set_value("my-cells").run()
    app.button(key="bring_keep").click().run()
    assert_clean(app)
    folder = FOLDERS["my-cells"]
    train(Settings.for_method("my-cells", "mwb-vae", **TINY), folder / "models" / "my-cells" / "mwb-vae",
          progress=False)
    explore = open_page("pages/explore.py", data="my-cells")
    assert_clean(explore)
    assert explore.selectbox(key="data").value == "my-cells"
    assert main(["embed", str(folder), "mwb-vae", "--to", str(tmp_path / "cells.h5mu")]) == 0
    assert "obsm['X_bvae'] of 60 observations" in capsys.readouterr().out
    import mudata

    assert np.isfinite(mudata.read_h5mu(tmp_path / "cells.h5mu").obsm["X_bvae"]).all()


def test_without_the_extra_the_page_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    app = give(open_page(PAGE), {"cells.h5ad": b"\x89HDF\r\n\x1a\n" + bytes(200)})
    assert not app.exception
    assert "cells.h5ad: reading it needs h5py: pip install 'bvae[cells]'" in app.error[0].value.replace("\\", "")
