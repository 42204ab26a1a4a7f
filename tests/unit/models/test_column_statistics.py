"""Statistics of columns from a sparse matrix are those of the dense one."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch

import bvae
from bvae.data.columns import Column
from bvae.data.sparse import SparseRows
from bvae.models.blocks import Sparse
from bvae.models.statistics import described


def cells(type_, share, seed=0, n=83, p=17):
    """(n, p) cells of which a share is not 0, gaps among them, a column of gaps only and one of zeros; whole rows."""
    g = np.random.default_rng(seed)
    x = {"count": g.negative_binomial(1, 0.05, (n, p)) + 1.0, "number": g.normal(1, 3, (n, p)),
         "binary": np.ones((n, p))}[type_]
    x[g.random((n, p)) >= share] = 0.0
    x[g.random((n, p)) < 0.05] = np.nan
    x[:, 3], x[:, 5] = np.nan, 0.0
    x[7, 1] = 1e6 if type_ == "number" else x[7, 1]
    rows = g.random(n) < 0.1
    return x.astype(np.float32), rows


@pytest.mark.parametrize("share", [0.05, 0.4, 0.8])  # of zeros: nearly all, most, few
@pytest.mark.parametrize("type_", ["count", "number", "binary"])
@pytest.mark.parametrize("sized", [False, True])
def test_sparse_statistics_are_those_of_the_dense_matrix(type_, share, sized):
    x, gaps = cells(type_, share)
    columns = [Column(f"c{k}", type_) for k in range(x.shape[1])]
    dense = np.where(gaps[:, None], np.nan, x)
    one = described(columns, torch.from_numpy(dense), sized)
    two = described(columns, SparseRows(sp.csr_array(x), gaps), sized)
    for name, a, b in zip(one._fields, one, two, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6, msg=lambda text, name=name: f"{name}: {text}")


def test_a_model_takes_the_statistics_of_a_sparse_view_without_making_it_dense(monkeypatch):
    matrix = sp.random_array((60, 40), density=0.1, rng=np.random.default_rng(0), format="csr")
    matrix.data = np.ceil(9 * matrix.data)
    given = {"rna": matrix, "levels": np.random.default_rng(1).normal(size=(60, 3))}
    sparse = bvae.from_arrays(given, kinds={"rna": "counts"})
    full = bvae.from_arrays({**given, "rna": matrix.toarray()}, kinds={"rna": "counts"})
    models = [bvae.MultimodalVAE(d.modalities.values(), bvae.aggregator("poe"), bvae.ModelConfig(2, 4))
              for d in (sparse, full)]
    models[1].observe(full)

    def dense(*_):
        raise AssertionError("the sparse view was made dense")

    monkeypatch.setattr(SparseRows, "__getitem__", dense)
    looked, of = [], Sparse.of
    monkeypatch.setattr(Sparse, "of", lambda rows, at: (looked.append(len(at)), of(rows, at))[1])
    models[0].observe(sparse)
    assert looked == [40, 40]  # twice through all columns, once for the encoder, the decoder and the likelihood
    for part in ("encoders", "decoders", "likelihoods"):
        one, two = (dict(getattr(m, part)["rna"].statistics.named_buffers()) for m in models)
        assert one.keys() == two.keys()
        for name, values in one.items():
            torch.testing.assert_close(values, two[name], rtol=1e-5, atol=1e-6)
