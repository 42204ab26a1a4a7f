"""Columns of a modality that is a table: what each number of an item is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TYPES = ("number", "count", "binary", "category")
OF_COLUMNS: dict[str, str | None] = {
    "vector": "number", "counts": "count", "binary": "binary", "tags": "binary", "categorical": None, "table": None}
"""Kinds of modality that are made of columns -> the type of theirs where none are named; None: they must be named."""
LONGEST = 200
"""Characters of a name of a column or a category."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        1 to :data:`LONGEST` characters.
    type : {"number", "count", "binary", "category"}
        "number": any finite number, in its own unit. "count": whole numbers from 0. "binary": 0 or 1. "category": one
        of several words, as one-hot cells.
    categories : tuple of str
        Of a category: its words, in order, at least one. Of a binary: the words for 0 and 1, or () where they are 0 and
        1 themselves. Else ().

    Raises
    ------
    ValueError
        If one of them is not as described.
    """

    name: str
    type: str
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not is_word(self.name):
            raise ValueError(f"column: expected a name of 1 to {LONGEST} characters, got {self.name!r:.80}")
        if self.type not in TYPES:
            raise ValueError(f"column {self.name!r}: expected one of the types {', '.join(TYPES)}, got {self.type!r}")
        words = self.categories
        if isinstance(words, str) or not isinstance(words, Iterable):
            raise ValueError(f"column {self.name!r}: expected a tuple of categories, got {words!r:.80}")
        if not isinstance(words, tuple):
            words = tuple(words)
            object.__setattr__(self, "categories", words)
        if not words and self.type != "category":
            return
        allowed = {"category": f"at least one category of 1 to {LONGEST} characters, none of them twice",
                   "binary": "no categories, or two different words"}.get(self.type, "no categories")
        fits = {"category": len(words) > 0, "binary": len(words) == 2}.get(self.type, False)
        if not fits or not all(map(is_word, words)) or len(set(words)) < len(words):
            raise ValueError(f"column {self.name!r}, {self.type}: expected {allowed}, got {words!r:.80}")

    @property
    def width(self) -> int:
        """Cells of an item: as many as there are categories for a category, else 1."""
        return len(self.categories) if self.type == "category" else 1


def is_word(value: Any) -> bool:
    """Whether this is a text of 1 to :data:`LONGEST` characters that can be shown."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()


def named(kind: str, count: int) -> tuple[Column, ...]:
    """The columns "c0", "c1", ... of a kind for which none were named; () for kinds that are not made of columns.

    Raises ValueError for kinds whose columns must be named.
    """
    if kind not in OF_COLUMNS:
        return ()
    type_ = OF_COLUMNS[kind]
    if type_ is None:
        raise ValueError(f"kind {kind!r}: expected its columns, got none")
    return tuple(Column(f"c{k}", type_) for k in range(count))


def checked_columns(kind: str, shape: tuple[int, ...], columns: Iterable[Column]) -> tuple[Column, ...]:
    """The columns of a modality: those given, or those of :func:`named`.

    Raises
    ------
    ValueError
        If a name stands twice, a type is not one of the kind, or they have other widths than the shape together.
    """
    try:
        found = tuple(columns)
    except TypeError as error:
        raise ValueError(f"expected a tuple of Column, got {columns!r:.80}") from error
    if kind in OF_COLUMNS and len(shape) != 1:
        raise ValueError(f"kind {kind!r}: expected a shape of one number, the cells of all columns, got {shape}")
    if not found:
        return named(kind, shape[0])
    for column in found:
        if not isinstance(column, Column):
            raise ValueError(f"expected Column, got {type(column).__name__}")
    wanted = "category" if kind == "categorical" else OF_COLUMNS.get(kind)
    for column in found:
        if wanted is not None and column.type != wanted:
            raise ValueError(f"column {column.name!r}: expected the type {wanted!r} in a modality of the kind "
                             f"{kind!r}, got {column.type!r}; columns of several types make the kind 'table'")
    names: set[str] = set()
    for column in found:
        if column.name in names:
            raise ValueError(f"columns: expected different names, got {column.name!r} twice")
        names.add(column.name)
    cells = sum(column.width for column in found)
    if shape != (cells,):
        raise ValueError(f"expected the shape ({cells},) of its columns' cells, got {shape}")
    return found


def places(columns: Sequence[Column]) -> list[slice]:
    """Where the cells of each column are among the P of an item."""
    out, start = [], 0
    for column in columns:
        out.append(slice(start, start + column.width))
        start += column.width
    return out


def as_plain(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Columns as plain values, for JSON."""
    return [{"name": c.name, "type": c.type, **({"categories": list(c.categories)} if c.categories else {})}
            for c in columns]


def from_plain(given: Iterable[Mapping[str, Any]]) -> tuple[Column, ...]:
    """The inverse of :func:`as_plain`. Raises KeyError, TypeError or ValueError for anything else."""
    return tuple(Column(c["name"], c["type"], tuple(c.get("categories", ()))) for c in given)
