"""What was understood of somebody's files, put right: other kinds, labels, and another column that names the items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bvae.data.base import NAME, DataError
from bvae.data.own.manifest import Manifest, Source


@dataclass(frozen=True)
class Held:
    """A table of a file.

    Attributes
    ----------
    file, part : str
    columns : tuple of str
        () where there are too many to choose among.
    naming : tuple of str
        Those that can name items.
    aside : bool
        Whether it belongs to views whose rows the file names itself, as AnnData does.
    """

    file: str
    part: str
    columns: tuple[str, ...]
    naming: tuple[str, ...] = ()
    aside: bool = False


def changed(source: Source, kind: str) -> Source:
    """A view's source as one of another kind: what was said of the types of its columns is found out anew."""
    return replace(source, kind=kind, types={}, likelihood="")


def with_kind(manifest: Manifest, view: str, kind: str) -> Manifest:
    """A manifest in which a view is of another kind."""
    return replace(manifest, modalities={
        name: changed(source, kind) if name == view else source for name, source in manifest.modalities.items()})


def with_labels(manifest: Manifest, labels: Sequence[str], tables: Sequence[Held]) -> Manifest:
    """A manifest with other label columns: they are no part of a view, and a view of nothing else is none any more;
    columns that are none any more belong to the views of their table, or become one.

    Raises DataError if no view would be left.
    """
    freed = [c for c in manifest.labels if c not in labels]
    return _without(_freed(replace(manifest, labels=tuple(labels)), freed, tables), labels, tables)


def with_item_column(manifest: Manifest, column: str, tables: Sequence[Held]) -> Manifest:
    """A manifest in which another column names the items; the one that did so is a column like others.

    Raises DataError if no view would be left.
    """
    there = {(table.file, table.part) for table in tables if column in (*table.columns, *table.naming)}
    sources = {name: replace(s, id="" if (s.file, s.part) in there else s.id,
                             skip=tuple(c for c in s.skip if c != column)) for name, s in manifest.modalities.items()}
    changed = replace(manifest, id=column, labels=tuple(c for c in manifest.labels if c != column), modalities=sources)
    return _without(_freed(changed, [manifest.id] if manifest.id else [], tables), [column], tables)


def _without(manifest: Manifest, columns: Sequence[str], tables: Sequence[Held]) -> Manifest:
    """A manifest whose views lack some columns; one that would have none left is gone, its file is read all the
    same."""
    held = {(table.file, table.part): table.columns for table in tables if not table.aside}
    aside = {*columns, *manifest.labels, manifest.split, manifest.id}
    sources = {}
    for name, source in manifest.modalities.items():
        left = tuple(c for c in source.columns if c not in columns)
        every = held.get((source.file, source.part), ())
        if left or (not source.columns and (not every or set(every) - {*aside, source.id, *source.skip})):
            kinds = {c: kind for c, kind in source.types.items() if c not in columns}
            sources[name] = replace(source, columns=left, types=kinds)
    if not sources:
        raise DataError("expected at least one view, got labels only; leave some columns that are none")
    gone = sorted({s.file for name, s in manifest.modalities.items() if name not in sources} - set(manifest.tables))
    return replace(manifest, modalities=sources, tables=(*manifest.tables, *gone))


def _freed(manifest: Manifest, columns: Sequence[str], tables: Sequence[Held]) -> Manifest:
    """A manifest in which columns that had another part belong to the view of their table that takes all that it has,
    or else to a new one."""
    sources = dict(manifest.modalities)
    for table in tables:
        mine = () if table.aside else tuple(c for c in table.columns if c in columns)
        same = {name: s for name, s in sources.items() if (s.file, s.part) == (table.file, table.part)}
        whole = next((name for name, s in same.items() if not s.columns), "")
        if mine and whole:
            skip = tuple(c for c in sources[whole].skip if c not in mine)
            sources[whole] = replace(changed(sources[whole], ""), skip=skip)
        elif mine:
            wanted = table.part or Path(table.file).stem
            name = next(n for n in (wanted, *mine, *(f"{wanted}-{k}" for k in range(2, len(sources) + 3)))
                        if n not in sources and NAME.fullmatch(n))
            sources[name] = Source(table.file, part=table.part, columns=mine,
                                   id=next((s.id for s in same.values()), ""))
    return replace(manifest, modalities=sources)
