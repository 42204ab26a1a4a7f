"""Sparse matrices stay sparse until items are asked for, and say the same as dense ones."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import torch

import bvae
from bvae.data import DataError
from bvae.data.own.described import described
from bvae.data.own.readers.annotated import spread
from bvae.data.own.tables import Table, columns_of_matrix
from bvae.data.sparse import SparseColumns, SparseRows
from bvae.models.statistics import described as statistics_of


def counts(n, p, share=0.03, seed=0):
    g = np.random.default_rng(seed)
    cells = int(share * n * p)
    at = (g.integers(0, n, cells), g.integers(0, p, cells))
    out = sp.csr_matrix((g.poisson(2, cells).astype(np.float32) + 1, at), shape=(n, p))
    out.sum_duplicates()
    return out


@pytest.fixture(scope="module")
def both():
    """The same data from a sparse matrix and from the dense one, some items without genes."""
    matrix, other = counts(90, 40), np.random.default_rng(1).normal(size=(90, 3))
    present = {"rna": np.arange(90) % 7 != 3}
    return [bvae.from_arrays({"rna": m, "levels": other}, kinds={"rna": "counts"}, present=present)
            for m in (matrix, matrix.toarray())]


def test_it_is_kept_sparse_and_what_is_full_is_not(both):
    sparse, full = both
    assert isinstance(sparse.x.held["rna"], SparseRows)
    assert isinstance(full.x.held["rna"], torch.Tensor)
    assert isinstance(sparse.x["rna"], torch.Tensor)
    data = bvae.from_arrays({"half": sp.csr_matrix(counts(30, 9, share=0.9))}, kinds={"half": "counts"})
    assert isinstance(data.x.held["half"], torch.Tensor)  # sparse would take more


@pytest.mark.parametrize("index", [
    slice(3, 20, 4), [5, 2, 2], torch.tensor([8, 1]), torch.arange(90) > 70, np.arange(90) < 4, [], slice(None),
], ids=repr)
def test_items_are_those_of_the_dense_matrix(both, index):
    sparse, full = both
    for name in ("rna", "levels"):
        torch.testing.assert_close(sparse.subset(index)[name], full.subset(index)[name])
    assert sparse.subset(index)["rna"].dtype == torch.float32


def test_everything_that_is_said_of_it_is_the_same(both):
    sparse, full = both
    torch.testing.assert_close(sparse.mask, full.mask)
    torch.testing.assert_close(sparse.x["rna"][4], full.x["rna"][4])
    torch.testing.assert_close(sparse.x.held["rna"][4], full.x["rna"][4])
    assert sparse.modalities == full.modalities
    parts, others = sparse.splits(), full.splits()
    assert isinstance(parts["train"].x.held["rna"], SparseRows)
    assert described(parts) == described(others)
    for one, other in zip(statistics_of(sparse.modalities["rna"].columns, sparse.x["rna"], True),
                          statistics_of(full.modalities["rna"].columns, full.x["rna"], True), strict=True):
        torch.testing.assert_close(one, other)
    batches = [next(iter(p["train"].epoch(0, 16, 0, torch.Generator().manual_seed(0)))) for p in (parts, others)]
    torch.testing.assert_close(batches[0].x, batches[1].x)


def test_gaps_of_a_sparse_matrix_are_gaps():
    matrix = counts(40, 30).astype(np.float64)
    matrix.data[3] = np.nan
    matrix = sp.vstack([matrix, sp.csr_matrix(np.full((1, 30), np.nan))]).tocsr()
    data = bvae.from_arrays({"rna": matrix, "z": np.ones((41, 2)) * np.arange(41)[:, None]}, kinds={"rna": "counts"})
    full = bvae.from_arrays({"rna": matrix.toarray(), "z": data.x["z"].numpy()}, kinds={"rna": "counts"})
    torch.testing.assert_close(data.mask, full.mask)
    assert not bool(data.mask[0, 40])
    torch.testing.assert_close(data.x["rna"], full.x["rna"], equal_nan=True)
    assert data.gaps("rna") == pytest.approx(full.gaps("rna"))
    assert data.gaps("rna") > 0


@pytest.mark.parametrize(("value", "said"), [(0.5, "expected a count"), (-1.0, "expected a count"),
                                             (np.inf, "expected a finite number")])
def test_a_cell_that_cannot_be_is_named(value, said):
    matrix = counts(40, 30).astype(np.float64)
    matrix.data[7] = value
    column = matrix.indices[7]
    with pytest.raises(DataError, match=f"column 'c{column}'|column {column}") as error:
        bvae.from_arrays({"rna": matrix}, kinds={"rna": "counts"})
    assert said in str(error.value)
    assert f"row {int(np.searchsorted(matrix.indptr, 7, side='right')) - 1}" in str(error.value)


def test_columns_are_looked_at_one_by_one():
    matrix = counts(50, 12)
    columns = columns_of_matrix("x", matrix, [f"g{k}" for k in range(12)])
    assert isinstance(columns, SparseColumns)
    table = Table("x", columns, 0)
    np.testing.assert_array_equal(table.columns["g5"], matrix.toarray()[:, 5])
    assert table.num_rows == 50
    assert list(table.without(["g0", "g3"]).columns) == [f"g{k}" for k in range(12) if k not in (0, 3)]
    np.testing.assert_array_equal(table.only(["g7", "g2"]).columns["g2"], matrix.toarray()[:, 2])
    wide = spread(columns, np.array([60, *range(49)]), 70)
    assert np.isnan(wide["g5"][[50, 59, 61, 69]]).all()
    np.testing.assert_array_equal(wide["g5"][60], matrix.toarray()[0, 5])
    np.testing.assert_array_equal(wide["g5"][:49], matrix.toarray()[1:, 5])


def test_a_model_learns_from_it_and_says_the_same():
    from bvae.estimator import BarycentricVAE

    matrix = counts(60, 40)
    other_view = np.random.default_rng(1).normal(size=(60, 3))
    one, other = (BarycentricVAE("mwb-vae", latent_dim=2, steps=3, kinds={"rna": "counts"}, random_state=0).fit(
        {"rna": m, "z": other_view}) for m in (matrix, matrix.toarray()))
    x = {"rna": matrix}
    np.testing.assert_allclose(one.transform(x), other.transform({"rna": matrix.toarray()}), atol=1e-6)


def test_memory_is_that_of_what_is_not_0():
    """20,000 items of 5,000 columns, 3 percent not 0: 24 MB as they are kept, 400 MB dense."""
    matrix, other = counts(20_000, 5_000), np.random.default_rng(1).normal(size=(20_000, 2))
    tracemalloc.start()  # sees NumPy's memory, in which a sparse matrix is made dense
    try:
        data = bvae.from_arrays({"rna": matrix, "levels": other}, kinds={"rna": "counts"})
        parts = data.splits()
        batch = parts["train"].subset(torch.arange(128))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert batch["rna"].shape == (128, 5000)
    held = [part.x.held["rna"] for part in (data, *parts.values())]
    assert all(isinstance(h, SparseRows) for h in held)
    kept = [h.matrix.data.nbytes + h.matrix.indices.nbytes + h.matrix.indptr.nbytes for h in held]
    assert max(kept) < 10 * matrix.nnz
    assert peak < 250e6


def test_the_estimator_reads_some_items_after_the_other_and_leaves_them_sparse(monkeypatch):
    matrix = counts(90, 40)
    est = bvae.BarycentricVAE(latent_dim=2, steps=5, batch_size=16, validation=0.0, kinds={"rna": "counts"},
                              random_state=0).fit({"rna": matrix})
    whole, score = est.transform({"rna": matrix.toarray()}), est.score_samples({"rna": matrix.toarray()}, 8)
    asked = []
    rows = SparseRows.__getitem__
    monkeypatch.setattr(SparseRows, "__getitem__", lambda self, index: (
        asked.append(len(index)), rows(self, index))[1])
    monkeypatch.setattr("bvae.estimator.READ_AT_ONCE", 40 * 25)
    np.testing.assert_allclose(est.transform({"rna": matrix}), whole, atol=1e-5)
    assert asked == [25, 25, 25, 15]
    np.testing.assert_allclose(est.score_samples({"rna": matrix}, 8), score, rtol=1e-4)
