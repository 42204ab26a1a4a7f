"""Types of columns from their cells, and cells as numbers; hypothesis tries the way there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bvae
from bvae.data import Column, DataError
from bvae.data.own.encoding import columns_of, encoded, why_counts
from bvae.data.own.tables import Table


def words(*values):
    return np.array(values, dtype=object)


def test_types_are_found():
    table = Table("t.csv", {
        "height": np.array([1.5, np.nan, 2.0]), "ill": np.array([0.0, 1.0, np.nan]), "sex": words("m", "f", None),
        "colour": words("red", "blue", "green"), "empty": words(None, None, None),
        "year": np.array([2000.0, 2000, 2000]),
    })
    table = Table("t.csv", {k: np.concatenate([v, v, v]) for k, v in table.columns.items()})
    columns, notes = columns_of(table)
    assert {c.name: (c.type, c.categories) for c in columns} == {
        "height": ("number", ()), "ill": ("binary", ()), "sex": ("binary", ("f", "m")),
        "colour": ("category", ("blue", "green", "red")), "year": ("number", ())}
    assert any("'empty' holds nothing but gaps" in note for note in notes)
    assert any("'year' has one value in all rows" in note for note in notes)


def test_free_words_are_left_out_and_nearly_numbers_are_said():
    many = Table("t.csv", {"comment": words(*(f"text {k}" for k in range(100)))})
    assert "left out" in columns_of(many)[1][0]
    nearly = Table("t.csv", {"age": words(*map(str, range(19)), "unknown")})
    with pytest.raises(DataError, match=r"t\.csv, row 21, column 'age': expected a number .* got 'unknown'.*declare"):
        columns_of(nearly)


def test_declared_types_are_obeyed_or_refused():
    table = Table("t.csv", {"grade": np.array([1.0, 2.0, 10.0, np.nan]), "a": words("x", "y", "x", "x")})
    (grade, _), _ = columns_of(table, {"grade": "category"})
    assert grade == Column("grade", "category", ("1", "2", "10"))
    assert [c.name for c in columns_of(table, {"grade": "skip"})[0]] == ["a"]
    with pytest.raises(DataError, match="column 'grade': expected two different values"):
        columns_of(table, {"grade": "binary"})
    with pytest.raises(DataError, match="expected types of columns that are there, got 'b'"):
        columns_of(table, {"b": "number"})
    with pytest.raises(DataError, match="expected one of number, count, binary, category, skip, got 'text'"):
        columns_of(table, {"a": "text"})


def test_counts_are_recognised():
    g = np.random.default_rng(0)
    counts = {f"g{k}": g.poisson(1.0, 50).astype(float) for k in range(30)}
    assert why_counts(Table("t", counts))
    assert not why_counts(Table("t", dict(list(counts.items())[:5])))
    assert not why_counts(Table("t", {k: v + 0.5 for k, v in counts.items()}))
    assert not why_counts(Table("t", {k: v - 1 for k, v in counts.items()}))


def test_few_columns_of_counts_are_recognised_by_what_they_hold():
    g = np.random.default_rng(0)
    counts = {name: g.negative_binomial(1, 0.1 / (k + 1), 300).astype(float) for k, name in enumerate("abc")}
    assert "whole numbers from 0 to" in why_counts(Table("t", counts))
    assert "of them 0" in why_counts(Table("t", counts))
    gaps = {name: np.where(g.random(300) < 0.2, np.nan, v) for name, v in counts.items()}
    assert why_counts(Table("t", gaps))
    others = {
        "ratings": {f"q{k}": g.integers(0, 11, 300).astype(float) for k in range(6)},
        "ages": {"mother": g.integers(0, 90, 300).astype(float), "father": g.integers(0, 90, 300).astype(float)},
        "grams": {"body": g.normal(4200, 800, 300).round(), "flipper": g.normal(200, 14, 300).round()},
        "codes": {"cluster": counts["a"], "b": counts["b"]},
        "clusters": {"a": g.integers(0, 8, 300).astype(float)},
        "halves": {"a": counts["a"] + 0.5, "b": counts["b"]},
        "words": {**counts, "w": np.array(["x"] * 300, dtype=object)},
    }
    birds = bvae.dataset("penguins", "train")
    others["penguins"] = {c.name: birds.x["body"][:, k].double().numpy() for k, c in enumerate(
        birds.modalities["body"].columns)}
    assert [name for name, columns in others.items() if why_counts(Table("t", columns))] == []


@pytest.mark.parametrize(("values", "column", "said"), [
    (np.array([1.0, 2.5]), Column("a", "count"), r"row 3, column 'a': expected a count .* got 2\.5"),
    (np.array([1.0, -1.0]), Column("a", "count"), "row 3, column 'a': expected a count"),
    (np.array([1.0, 3.0]), Column("a", "binary"), "row 3, column 'a': expected 0 or 1, got 3"),
    (words("1", "two"), Column("a", "number"), "row 3, column 'a': expected a number, got 'two'"),
    (np.array([1.0, 1e39]), Column("a", "number"), "row 3, column 'a': expected a number below 3e38"),
])
def test_cells_that_do_not_fit_are_named(values, column, said):
    with pytest.raises(DataError, match=said):
        encoded(Table("t.csv", {"a": values}), [column])


def test_columns_in_another_order_missing_or_with_new_words():
    columns = (Column("a", "number"), Column("c", "category", ("u", "v")), Column("b", "binary", ("no", "yes")))
    table = Table("t.csv", {"b": words("yes", "no", None), "new": np.ones(3), "c": words("v", "w", None)})
    with pytest.raises(DataError, match="expected the columns a, got a table without them"):
        encoded(table, columns)
    values, notes = encoded(table, columns, missing_columns=True)
    np.testing.assert_array_equal(values, np.array([
        [np.nan, 0, 1, 1], [np.nan, np.nan, np.nan, 0], [np.nan, np.nan, np.nan, np.nan]], np.float32))
    assert "1 columns are not there" in notes[0]
    assert "words that are not known (w)" in notes[1]


@given(st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c", "ä ö", "1"])), min_size=1, max_size=30))
def test_one_hot_comes_back(cells):
    column = Column("c", "category", ("a", "b", "c", "ä ö", "1"))
    values, notes = encoded(Table("t", {"c": words(*cells)}), [column])
    assert not notes
    back = [None if np.isnan(row).any() else column.categories[int(row.argmax())] for row in values]
    assert back == cells
    np.testing.assert_array_equal(values[~np.isnan(values).any(1)].sum(1), 1)
