"""Imputed views in the form of the tables that came in: what stood there stays as it was, gaps are filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bvae.data.base import Modality
from bvae.data.own.folder import Folder
from bvae.data.own.manifest import Source
from bvae.data.own.tables import Table
from bvae.data.own.tags import written
from bvae.data.own.words import is_gap
from bvae.data.own.writing import SUFFIXES, as_spread, as_words, write_table

ID = "id"
"""Name of the column of ids where the input has none."""


@dataclass
class FilledFile:
    """One table to be written.

    Attributes
    ----------
    table : Table or None
        As it was read; None where no file was there.
    ids : sequence of str
        Of its rows.
    id_column : str
    cells, spread : dict
        Name of a column -> imputed cells of the N items, and what is uncertain of them.
    """

    table: Table | None = None
    ids: Sequence[str] = ()
    id_column: str = ID
    cells: dict[str, Any] = field(default_factory=dict)
    spread: dict[str, Any] = field(default_factory=dict)

    def write(self, path: Path, items: Sequence[str]) -> Path:
        """Write the table, and beside it what is uncertain; returns the path of the latter."""
        columns = filled(self.table, self.ids, self.id_column, items, self.cells)
        write_table(path, columns)
        places = {i: k for k, i in enumerate(items)}
        rows = [places[i] for i in columns[self.id_column]]
        beside = path.with_name(f"{path.stem}-uncertainty{path.suffix}")
        write_table(beside, {self.id_column: columns[self.id_column], **{
            name: values[rows] for name, values in self.spread.items()}})
        return beside


def begun(folder: Folder | None, name: str, source: Source | None, columns: Sequence[str]) -> tuple[str, FilledFile]:
    """The file that a modality of these columns goes to, without cells yet: the one that it came from, if it can be
    written; one of its name if it came from a part of a file, such as a sheet."""
    if folder is None or source is None or not source.file:
        return f"{name}.csv", FilledFile()
    file = source.file if Path(source.file).suffix.lower() in SUFFIXES else f"{Path(source.file).stem}.csv"
    table = folder.table_of(source)
    if source.part:
        if table is None:
            return f"{name}.csv", FilledFile()
        wanted = (folder.id_column_of(table, source.id), *(source.columns or columns))
        file, table = f"{name}.csv", table.only([c for c in table.columns if c in wanted])
    if table is None:
        return file, FilledFile(None, (), source.id or folder.manifest.id or ID)
    column = folder.id_column_of(table, source.id)
    return file, FilledFile(table, folder.ids_of(table, source.id), column if column in table.columns else ID)


def files_of(
    folder: Folder | None, modalities: Mapping[str, Modality], means: Mapping[str, np.ndarray],
    scales: Mapping[str, np.ndarray],
) -> dict[str, FilledFile]:
    """Name of a file -> what is to be written there, for all modalities with columns.

    Parameters
    ----------
    folder : Folder or None
        Where the items come from.
    modalities : mapping of str to Modality
    means, scales : mapping
        Name of a modality -> (N, P), see `bvae.models.imputation.Imputed`.
    """
    out: dict[str, FilledFile] = {}
    for name, modality in modalities.items():
        if not modality.columns:
            continue
        source = None if folder is None else folder.manifest.modalities.get(name)
        file, empty = begun(folder, name, source, [c.name for c in modality.columns])
        target = out.setdefault(file, empty)
        mean, columns = means[name], modality.columns
        if source is not None and source.kind == "tags" and not (
                target.table is not None and columns[0].name in target.table.columns):
            target.cells[source.columns[0] if source.columns else name] = written(mean, columns)
        else:
            target.cells |= as_words(mean, columns)
        target.spread |= as_spread(scales[name], mean, columns)
    return out


def filled(
    table: Table | None, ids: Sequence[str], id_column: str, items: Sequence[str], imputed: Mapping[str, Any]
) -> dict[str, Any]:
    """The columns of a table with its gaps filled, its rows in their order, then the items that have no row.

    Parameters
    ----------
    table : Table or None
    ids : sequence of str
        Of its rows.
    id_column : str
        Name of the column that holds them, in the table or to be.
    items : sequence of str
        N ids of what was imputed.
    imputed : mapping
        Name of a column -> N cells.

    Returns
    -------
    dict
        Name of a column -> cells of all rows: those of the table, in its order, and further ones of `imputed`.
    """
    places = {i: k for k, i in enumerate(items)}
    row_of = {i: k for k, i in enumerate(ids)}
    rows = [i for i in ids if i in places] + [i for i in items if i not in row_of]
    given = {} if table is None else {name: v for name, v in table.columns.items() if name != id_column}
    out: dict[str, Any] = {id_column: rows}
    for name in [*given, *(n for n in imputed if n not in given)]:
        old, new = given.get(name), imputed.get(name)
        cells: list[Any] = []
        for i in rows:
            value = old[row_of[i]] if old is not None and i in row_of else None
            if is_gap(value) and new is not None:
                value = new[places[i]]
            cells.append(None if is_gap(value) else value)
        out[name] = cells
    return out
