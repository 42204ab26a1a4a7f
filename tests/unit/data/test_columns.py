"""Columns of tables, and the gaps that the checks let through."""

import json

import pytest
import torch

from bvae.data import Column, DataError, Modality, MultimodalDataset
from bvae.data.checks import checked

NAN = float("nan")
MIXED = (Column("age", "number"), Column("visits", "count"), Column("smokes", "binary", ("no", "yes")),
         Column("island", "category", ("Biscoe", "Dream", "Torgersen")))


def opened(x, **modality):
    class Own(MultimodalDataset):
        name, split, source = "own", "train", "embedded"

    data = Own()
    data.modalities = {"t": Modality("t", **modality), "v": Modality("v", "vector", (1,))}
    data.x = {"t": torch.tensor(x), "v": torch.zeros(len(x), 1)}
    return checked(data)


def test_width_is_that_of_the_cells():
    assert [c.width for c in MIXED] == [1, 1, 1, 3]


@pytest.mark.parametrize(("kind", "type_"), [("vector", "number"), ("counts", "count"), ("binary", "binary")])
def test_columns_that_go_without_saying_have_names(kind, type_):
    m = Modality("m", kind, (3,))
    assert m.columns == tuple(Column(f"c{k}", type_) for k in range(3))
    assert "columns" not in m.as_plain()


@pytest.mark.parametrize(("kind", "shape", "columns"), [
    ("table", (6,), MIXED), ("vector", (2,), (Column("a", "number"), Column("b", "number"))), ("vector", (2,), ()),
    ("image", (1, 4, 4), ()), ("categorical", (3,), MIXED[3:])])
def test_a_modality_comes_back_from_json(kind, shape, columns):
    m = Modality("m", kind, shape, "label", 0.5, columns=columns)
    assert Modality.from_plain(json.loads(json.dumps(m.as_plain()))) == m


@pytest.mark.parametrize(("given", "said"), [
    (("", "number"), "expected a name of 1 to 200"), (("a\x00", "number"), "expected a name"),
    (("a", "date"), "one of the types number, count, binary, category, got 'date'"),
    (("a", "category"), "at least one category"), (("a", "category", ("x", "x")), "at least one category"),
    (("a", "number", ("x",)), "expected no categories"), (("a", "binary", ("x",)), "two different words"),
    (("a", "category", "xy"), "expected a tuple")])
def test_a_wrong_column_is_said(given, said):
    with pytest.raises(ValueError, match=said):
        Column(*given)


@pytest.mark.parametrize(("given", "said"), [
    (("m", "table", (2,)), "expected its columns, got none"),
    (("m", "vector", (2, 2)), "expected a shape of one number"),
    (("m", "table", (5,), "", 1.0, "", MIXED), r"expected the shape \(6,\) of its columns' cells, got \(5,\)"),
    (("m", "vector", (6,), "", 1.0, "", MIXED), "column 'visits': expected the type 'number'"),
    (("m", "vector", (2,), "", 1.0, "", (Column("a", "number"),) * 2), "expected different names, got 'a' twice"),
    (("m", "image", (1, 4, 4), "", 1.0, "", MIXED), "expected the shape"),
    (("m", "table", (1,), "", 1.0, "", ("age",)), "expected Column, got str")])
def test_columns_that_do_not_fit_are_said(given, said):
    with pytest.raises(ValueError, match=f"modality 'm': .*{said}"):
        Modality(*given)


def test_gaps_stay_and_a_row_of_gaps_is_a_missing_view():
    data = opened([[40.5, NAN, 1, 0, 1, 0], [NAN] * 6, [1e30, 3, 0, NAN, NAN, NAN]], kind="table", shape=(6,),
                  columns=MIXED)
    assert data.mask.tolist() == [[True, False, True], [True, True, True]]
    assert data.x["t"].isnan().tolist() == [[False, True] + [False] * 4, [False] * 6, [False] * 3 + [True] * 3]
    assert data.x["t"][2, 0] == torch.tensor(1e30)


@pytest.mark.parametrize(("row", "said"), [
    ([float("inf"), 0, 0, 1, 0, 0], "item 1, column 'age': expected finite numbers, got inf"),
    ([0, -1, 0, 1, 0, 0], "column 'visits': expected whole numbers from 0 .*, got -1"),
    ([0, 1.5, 0, 1, 0, 0], "column 'visits': expected whole numbers"),
    ([0, 1, 2, 1, 0, 0], r"column 'smokes': expected 0 or 1 \(binary\), got 2"),
    ([0, 1, 1, 1, 1, 0], "column 'island': expected one-hot cells.*got 1.0, 1.0, 0.0"),
    ([0, 1, 1, 0, 0, 0], "column 'island': expected one-hot"),
    ([0, 1, 1, 1, NAN, 0], "column 'island': expected one-hot"),
    ([0, 1, 1, 0.5, 0.5, 0], "column 'island': expected one-hot")])
def test_a_cell_that_its_column_cannot_hold_is_said(row, said):
    with pytest.raises(DataError, match=f"item 1, .*{said.removeprefix('item 1, ')}"):
        opened([[1.0, 1, 1, 1, 0, 0], row], kind="table", shape=(6,), columns=MIXED)


def test_other_kinds_refuse_gaps_as_before():
    with pytest.raises(DataError, match="expected numbers in|expected finite numbers"):
        opened([[[[NAN, 0.5]]], [[[0.1, 0.2]]]], kind="image", shape=(1, 1, 2))
