"""AnnData and MuData: with stand-ins that have the same attributes, and with the packages where they are installed."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import bvae
from bvae.data import DataError
from bvae.data.own.readers.annotated import from_anndata, from_mudata
from tests.support import ROOT

G = np.random.default_rng(0)


@dataclasses.dataclass
class StandIn:
    """What of an AnnData is read."""

    X: object
    obs: pd.DataFrame
    var_names: list
    obsm: dict = dataclasses.field(default_factory=dict)

    @property
    def obs_names(self):
        return self.obs.index


@dataclasses.dataclass
class StandInOfSeveral:
    """What of a MuData is read."""

    mod: dict
    obs: pd.DataFrame

    @property
    def obs_names(self):
        return self.obs.index


def cells(names, genes=25, sparse=True):
    counts = G.poisson(0.7, (len(names), genes)).astype(np.float32)
    obs = pd.DataFrame({"type": ["t", "b"] * (len(names) // 2), "size": np.arange(len(names))}, index=names)
    return StandIn(scipy.sparse.csr_matrix(counts) if sparse else counts, obs, [f"g{k}" for k in range(genes)])


NAMES = [f"cell-{k}" for k in range(30)]


def test_an_anndata_with_a_further_matrix():
    given = cells(NAMES)
    given.obsm = {"protein": pd.DataFrame(G.normal(size=(30, 3)), columns=["CD3", "CD4", "CD8"]),
                  "X_umap": G.normal(size=(30, 2)), "spatial": G.normal(size=(30, 2))}
    data = bvae.from_arrays(given)
    assert {name: m.kind for name, m in data.modalities.items()} == {
        "x": "counts", "protein": "vector", "spatial": "vector"}
    assert data.ids == tuple(NAMES)
    assert [c.name for c in data.modalities["protein"].columns] == ["CD3", "CD4", "CD8"]
    assert data.class_names == ("b", "t")
    np.testing.assert_array_equal(data.x["x"], given.X.toarray())


def test_a_mudata_whose_modalities_have_other_cells():
    rna, atac = cells(NAMES[:20]), cells(NAMES[10:][::-1], 21, sparse=False)
    both = StandInOfSeveral({"rna": rna, "atac": atac}, pd.DataFrame({"batch": ["x"] * 30}, index=NAMES))
    parts, ids, labels = from_mudata(both)
    assert ids == NAMES
    assert list(labels) == ["batch"]
    data = bvae.from_arrays(both)
    assert data.present.sum(1).tolist() == [20, 20]
    np.testing.assert_array_equal(data.x["rna"][5], rna.X.toarray()[5])
    np.testing.assert_array_equal(data.x["atac"][29], atac.X[0])
    assert set(parts) == {"rna", "atac"}


def test_the_estimator_takes_them():
    est = bvae.BarycentricVAE(latent_dim=2, steps=10, width=8, random_state=0).fit(cells(NAMES))
    assert est.transform(cells(NAMES[:8])).shape == (8, 2)


@pytest.mark.parametrize(("change", "said"), [
    ({"var_names": ["g0"] * 25}, "expected every name once, got 'g0'"),
    ({"X": np.full((30, 25), "a", object)}, "expected numbers, got object"),
    ({"X": np.full((30, 25), np.inf)}, "row 0, column 'g0': expected a number below 3e38"),
    ({"obs": pd.DataFrame(index=["a"] * 30)}, "expected every id once"),
])
def test_what_cannot_be_is_said(change, said):
    with pytest.raises(DataError, match=said):
        bvae.from_arrays(dataclasses.replace(cells(NAMES), **change))


def test_a_sparse_matrix_that_points_outside_of_itself_is_refused():
    """SciPy would write its cells somewhere in the memory."""
    given = cells(NAMES)
    given.X.indices[3] = 2_000_000
    with pytest.raises(DataError, match="x: expected a sparse matrix, got a damaged one"):
        bvae.from_arrays(given)
    with pytest.raises(DataError, match=r"x\['rna'\]: expected a sparse matrix, got a damaged one"):
        bvae.from_arrays({"rna": given.X})


def test_without_a_matrix_there_are_only_those_beside_it():
    given = dataclasses.replace(cells(NAMES), X=None, obsm={"protein": G.normal(size=(30, 2))})
    assert list(from_anndata(given)[0]) == ["protein"]


FILES = """
import sys
import anndata, mudata, h5py, numpy as np, pandas as pd, scipy.sparse
from bvae.cli import main
from bvae.data import DataError
from bvae.data.own import Folder
import bvae
place = __import__("pathlib").Path(sys.argv[1])
g = np.random.default_rng(0)
names = [f"cell-{k}" for k in range(60)]
z = g.normal(size=(60, 2))
rna = anndata.AnnData(scipy.sparse.csr_matrix(g.poisson(np.exp(0.5 * z @ g.normal(size=(2, 30)))).astype("float32")),
                      obs=pd.DataFrame({"type": np.where(z[:, 0] > 0, "t", "b")}, index=names))
rna.obsm["protein"] = pd.DataFrame(z @ g.normal(size=(2, 4)), index=names, columns=["a", "b", "c", "d"])
rna.write_h5ad(place / "cells.h5ad")
assert main(["data", "init", str(place)]) == 0
data = Folder(place).data()
assert {n: m.kind for n, m in data.modalities.items()} == {"cells": "counts", "protein": "vector"}, data.modalities
assert data.ids == tuple(names) and data.class_names == ("b", "t")
assert main(["train", str(place), "mwb-vae", "--steps", "20", "--no-evaluate"]) == 0
assert main(["embed", str(place), "mwb-vae", "--to", str(place / "cells.h5ad")]) == 0
again = anndata.read_h5ad(place / "cells.h5ad")
assert again.obsm["X_bvae"].shape[0] == 60 and np.isfinite(again.obsm["X_bvae"]).all()
assert (again.X != rna.X).nnz == 0
assert list(Folder(place).data().modalities) == ["cells", "protein"]  # the positions are no modality
assert main(["impute", str(place), "mwb-vae", "--to", str(place / "out")]) == 0
assert (place / "out" / "protein.csv").is_file()
protein = anndata.AnnData(z[10:].astype("float32"), obs=pd.DataFrame(index=names[10:]))
both = mudata.MuData({"rna": rna, "protein": protein})
both.write_h5mu(place / "both.h5mu")
from bvae.data.own.tables import READERS
views = READERS[".h5mu"](place / "both.h5mu")
assert set(views.tables) == {"rna", "protein", ""}
from bvae.data.own.readers.annotated import embedded
assert embedded(place / "both.h5mu", tuple(names), np.zeros((60, 2))) == 60
assert mudata.read_h5mu(place / "both.h5mu").obsm["X_bvae"].shape == (60, 2)
assert list(bvae.from_arrays(both).modalities) == ["rna", "protein"]
def refused(change, said):
    rna.write_h5ad(place / "bad.h5ad")
    with h5py.File(place / "bad.h5ad", "a") as file:
        change(file)
    try:
        READERS[".h5ad"](place / "bad.h5ad")
    except DataError as error:
        assert said in str(error) and "bad.h5ad" in str(error), error
    else:
        raise AssertionError(said)
def linked(file):
    file["uns/link"] = h5py.ExternalLink("/etc/passwd", "/")
refused(linked, "got a link to another one at 'link'")
def kept_outside(file):
    file.create_dataset("uns/far", (10,), "u1", external=[("/etc/passwd", 0, 10)])
refused(kept_outside, "got data kept outside at 'far'")
def virtual(file):
    layout = h5py.VirtualLayout((1,), "f8")
    layout[0:1] = h5py.VirtualSource("/elsewhere/secret.h5", "x", (1,))
    file.create_virtual_dataset("uns/virtual", layout)
refused(virtual, "got data kept outside at 'virtual'")
def cut(file):
    del file["X"]
    file["X"] = "text"
refused(cut, "expected")
content = (place / "cells.h5ad").read_bytes()
for k in range(300):
    damaged = bytearray(content[: int(g.integers(1, len(content)))] if k % 3 == 0 else content)
    for _ in range(int(g.integers(1, 40))):
        damaged[int(g.integers(len(damaged)))] = int(g.integers(256))
    (place / "bad.h5ad").write_bytes(damaged)
    try:
        READERS[".h5ad"](place / "bad.h5ad")
    except DataError as error:
        assert "bad.h5ad" in str(error) and "\\n" not in str(error)
print("all fine")
"""


def test_files_with_the_packages_themselves(tmp_path):
    """In a process of its own: HDF5's library is written in C, and the files are damaged on purpose."""
    pytest.importorskip("anndata", reason="anndata is not installed: pip install 'bvae[cells]'")
    pytest.importorskip("mudata", reason="mudata is not installed: pip install 'bvae[cells]'")
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", FILES, str(tmp_path)], capture_output=True,
                         encoding="utf-8", cwd=ROOT, timeout=300)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-3000:]
    assert "all fine" in ran.stdout
