"""Which columns name the items: by what the tables of a folder share, where they call it by different names."""

from __future__ import annotations

from collections.abc import Sequence

from bvae.data.own.tables import Table
from bvae.data.own.words import can_name, word

MOST = 300
"""Columns of a table that are looked at, the first ones."""
SHARED = 0.5
"""Of the smaller of two columns, what the other has too, if both name the same items."""


def namers(table: Table) -> dict[str, set[str]]:
    """Columns whose cells can name items -> the names: words, or whole numbers of the first column, all different."""
    out = {}
    for k, name in enumerate(list(table.columns)[:MOST]):
        values = table.columns[name]  # one at a time: of a sparse table it is made for this
        if (values.dtype.kind != "f" or (k == 0 and bool((values == values.round()).all()))) and can_name(values):
            out[name] = {word(v) for v in values}
    return out


def same(one: set[str], other: set[str]) -> bool:
    """Whether two columns name the same items, or most of those of the smaller one."""
    return bool(one) and bool(other) and len(one & other) >= SHARED * min(len(one), len(other))


def shared_id(tables: Sequence[Table]) -> str:
    """The column whose names are in most tables, whatever it is called there; "" if none is in two of them."""
    found = [namers(table) for table in tables]
    best, most = "", 1
    for name in dict.fromkeys(name for columns in found for name in columns):
        own = set().union(*(columns[name] for columns in found if name in columns))
        count = sum(name in columns or any(same(own, values) for values in columns.values()) for columns in found)
        often = sum(name in columns for columns in found)
        if count > 1 and (count, often) > (most, sum(best in columns for columns in found)):
            best, most = name, count
    return best


def columns_that_name(table: Table, named: set[str]) -> list[str]:
    """Columns that hold the names of known items, the one with the most of them first."""
    found = {name: len(values & named) for name, values in namers(table).items() if same(values, named)}
    return sorted(found, key=lambda name: -found[name])
