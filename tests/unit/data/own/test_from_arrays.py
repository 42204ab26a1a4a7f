"""Own data from arrays, DataFrames, sparse matrices and texts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
import torch

import bvae
from bvae.data import DataError
from bvae.data.own.weights import balanced, cells


def test_all_that_people_have(tmp_path):
    g = np.random.default_rng(0)
    frame = pd.DataFrame({"age": g.normal(50, 9, 40), "sex": ["f", "m"] * 20, "stage": ["I", "II", None, "III"] * 10},
                         index=[f"p{k}" for k in range(40)])
    data = bvae.from_arrays({
        "clinic": frame, "rna": scipy.sparse.csr_matrix(g.poisson(0.3, (40, 30))), "protein": torch.randn(40, 5),
        "photo": g.integers(0, 255, (40, 9, 7), dtype=np.uint8), "note": [f"note {k}" for k in range(39)] + [None],
        "genes": g.integers(0, 2, (40, 6)),
    }, y=["a", "b"] * 20, kinds={"rna": "counts"})
    kinds = {name: m.kind for name, m in data.modalities.items()}
    assert kinds == {"clinic": "table", "rna": "counts", "protein": "vector", "photo": "image", "note": "text",
                     "genes": "binary"}
    assert data.ids[3] == "p3"
    assert data.modalities["photo"].shape == (1, 9, 7)
    assert data.read_text(data.x["note"][:1])[0].strip() == "note 0"
    assert not data.has("note", 39)
    assert data.class_names == ("a", "b")
    assert [c.type for c in data.modalities["clinic"].columns] == ["number", "binary", "category"]
    assert data.x["clinic"][2].isnan().tolist() == [False, False, True, True, True]


@pytest.mark.parametrize("transposed", [False, True])
def test_presence_in_each_form(transposed):
    present = np.random.default_rng(0).random((2, 30)) > 0.4
    present[0] |= ~present.any(0)
    given = present.T if transposed else present
    data = bvae.from_arrays({"a": np.ones((30, 2)) * np.arange(30)[:, None], "b": np.random.rand(30, 3)}, present=given)
    np.testing.assert_array_equal(data.present, present)
    by_name = bvae.from_arrays({"a": np.random.rand(30, 2), "b": np.random.rand(30, 3)},
                               present={"a": present[0], "b": present[1]})
    np.testing.assert_array_equal(by_name.present, present)


@pytest.mark.parametrize(("x", "more", "said"), [
    ({}, {}, "at least one modality"),
    ({"a": np.ones((3, 2)), "b": np.ones((4, 2))}, {}, "as many rows in every modality, got 3 in 'a', 4 in 'b'"),
    ({"a": np.array([[1.0, np.inf]])}, {}, "row 0, column 1: expected a finite number"),
    ({"a": np.ones(3)}, {}, r"expected shape \(N, columns\)"),
    ({"a": np.ones((3, 2), complex)}, {}, "expected numbers"),
    ({"a": np.full((3, 2), np.nan)}, {}, "at least one column with values"),
    ({"a": np.ones((3, 2))}, {"kinds": {"b": "vector"}}, "expected names of modalities"),
    ({"a": np.ones((3, 2))}, {"kinds": {"a": "sounds"}}, "expected a kind of table"),
    ({"a": np.ones((3, 2))}, {"ids": ["x", "x", "y"]}, "item 1: expected every id once, got 'x', which item 0 has"),
    ({"a": np.ones((3, 2)) * 1.5}, {"kinds": {"a": "counts"}}, "expected a count"),
    ({"joint": np.ones((3, 2))}, {}, "name of a modality"),
    ("text", {}, "expected a dictionary"),
])
def test_what_cannot_be_is_refused(x, more, said):
    with pytest.raises(DataError, match=said):
        bvae.from_arrays(x, **more)


def test_weights_are_balanced():
    data = bvae.from_arrays({"big": np.random.rand(20, 400), "small": np.random.rand(20, 4)})
    counts = [cells(m) for m in data.modalities.values()]
    assert counts == [400, 4]
    big, small = balanced(list(data.modalities.values()))
    assert big.weight * 400 + small.weight * 4 == pytest.approx(404, rel=1e-3)
    assert (small.weight * 4) / (big.weight * 400) == pytest.approx((4 / 400) ** 0.5, rel=1e-3)
    even = balanced(list(data.modalities.values()), evenness=1.0)
    assert even[0].weight * 400 == pytest.approx(even[1].weight * 4, rel=1e-3)


def test_splits_follow_from_ids():
    x = np.random.rand(500, 3)
    data = bvae.from_arrays({"a": x}, ids=[f"i{k}" for k in range(500)])
    parts = data.splits(0.2)
    assert 60 < len(parts["test"]) < 140
    half = bvae.from_arrays({"a": x[:250]}, ids=[f"i{k}" for k in range(250)]).splits(0.2)
    assert set(half["test"].ids) == {i for i in parts["test"].ids if int(i[1:]) < 250}
    with pytest.raises(DataError, match="expected a share between 0 and 1"):
        data.splits(1.0)
    with pytest.raises(DataError, match="at least one each"):
        bvae.from_arrays({"a": x[:1]}).splits()


class Frame:
    """What polars and others offer of a DataFrame: a stream of Arrow batches, and nothing else that is used."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def test_frames_by_their_arrow_interface():
    table = pa.table({"n": [1.5, None, 3.0] * 4, "word": pa.array(["u", "v", None] * 4), "yes": [True, False, None] * 4,
                      "text view": pa.array(["a", "b", "a"] * 4, pa.string_view()), "nothing": pa.nulls(12)})
    for given in (table, Frame(table)):
        data = bvae.from_arrays({"t": given})
        assert [(c.name, c.type) for c in data.modalities["t"].columns] == [
            ("n", "number"), ("word", "binary"), ("yes", "binary"), ("text view", "binary")]
        assert data.x["t"][1].isnan().tolist() == [True, False, False, False]
        assert any("'nothing' holds nothing but gaps" in note for note in data.notes)


def test_columns_that_hold_no_cells_are_named():
    with pytest.raises(DataError, match=r"x\['t'\], column 'lists': expected numbers or words"):
        bvae.from_arrays({"t": pa.table({"lists": [[1], [2]]})})
    mixed = pd.DataFrame({"a": [1, "x", object()]})
    with pytest.raises(DataError, match=r"x\['t'\]: expected columns of numbers or words"):
        bvae.from_arrays({"t": mixed})


def test_a_part_of_one_class_knows_all_classes_and_a_split_says_so():
    g = np.random.default_rng(0)
    x = {"a": g.normal(size=(40, 3)), "b": g.normal(size=(40, 2))}
    data = bvae.from_arrays(x, y=["u"] * 20 + ["v"] * 20)
    one = data.rows(range(20))
    assert (one.class_names, one.num_classes, one.y.unique().tolist()) == (("u", "v"), 2, [0])
    assert one.label_columns["y"].tolist() == ["u"] * 20
    parts = data.splits(assigned=["train"] * 20 + ["test"] * 20)
    for part in parts.values():
        assert any("no item to train on has y 'v': with one class only" in note for note in part.notes)
    assert parts["test"].y.unique().tolist() == [1]
    assert data.notes == ()
    rare = bvae.from_arrays(x, y=["u"] * 20 + ["v"] * 19 + ["w"]).splits(assigned=["train"] * 39 + ["test"])
    assert any("y 'w': a probe cannot learn" in note for note in rare["train"].notes)
    whole = bvae.from_arrays(x, y=["u", "v"] * 20).splits()
    assert not any("class" in note or "probe" in note for note in whole["train"].notes)


def test_one_class_is_no_classes():
    g = np.random.default_rng(0)
    data = bvae.from_arrays({"a": g.normal(size=(40, 3))}, y=["u"] * 40)
    for part in (data, *data.splits().values(), data.rows([3, 5])):
        assert not part.labelled
        assert part.y.unique().tolist() == [0]
        assert set(part.label_columns["y"]) == {"u"}


@pytest.mark.parametrize(("index", "said"), [
    ([], "at least one of 40 items, got none"), (np.zeros(40, bool), "at least one of 40 items, got none"),
    ([3, 40], "from 0 to 39, got 40"), ([-41], "from 0 to 39, got -41"), (np.ones(39, bool), r"got shape \(39,\)"),
])
def test_rows_that_are_not_there_are_refused(index, said):
    data = bvae.from_arrays({"a": np.random.default_rng(0).normal(size=(40, 3))})
    with pytest.raises(DataError, match=said):
        data.rows(index)
    assert data.rows([-1]).ids == ("39",)
