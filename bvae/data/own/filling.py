"""Imputed views in the form of the tables that came in: what stood there stays as it was, gaps are filled."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from bvae.data.base import Modality
from bvae.data.own.folder import Folder
from bvae.data.own.manifest import Source
from bvae.data.own.tables import Table
from bvae.data.own.tags import written
from bvae.data.own.words import is_gap
from bvae.data.own.writing import SUFFIXES, TableWriter, as_spread, as_words

ID = "id"
"""Name of the column of ids where the input has none."""
AT_ONCE = 2**20
"""Cells that are imputed and written together."""
Imputing = Callable[[list[int], list[str]], "Mapping[str, Imputed]"]


class Imputed(Protocol):
    """See `bvae.models.imputation.Imputed`."""

    @property
    def mean(self) -> Tensor:
        """(n, P)."""

    @property
    def scale(self) -> Tensor:
        """(n, P)."""


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
    views : dict
        Names of the modalities that it holds -> the column that their tags are written to together, "" for others.
    """

    table: Table | None = None
    ids: Sequence[str] = ()
    id_column: str = ID
    views: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path, items: Sequence[str], modalities: Mapping[str, Modality], impute: Imputing) -> Path:
        """Write the table, and beside it what is uncertain, some rows after the other; the path of the latter.

        Parameters
        ----------
        path : Path
        items : sequence of str
            N ids.
        modalities : mapping of str to Modality
        impute : callable
            (positions of items, names of modalities) -> what is imputed of them.
        """
        beside = path.with_name(f"{path.stem}-uncertainty{path.suffix}")
        width = sum(math.prod(modalities[name].shape) for name in self.views)
        with TableWriter(path) as cells, TableWriter(beside) as spread:
            for columns, uncertain in self.pieces(items, modalities, impute, max(1, AT_ONCE // width)):
                cells.write(columns)
                spread.write(uncertain)
        return beside

    def pieces(
        self, items: Sequence[str], modalities: Mapping[str, Modality], impute: Imputing, size: int
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """The table, and what is uncertain of it, as columns of `size` rows each: its own in their order, then the
        items that have none."""
        places, row_of = ({i: k for k, i in enumerate(ids)} for ids in (items, self.ids))
        rows = [i for i in self.ids if i in places] + [i for i in items if i not in row_of]
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            found = impute([places[i] for i in some], list(self.views))
            cells: dict[str, Any] = {}
            spread: dict[str, Any] = {}
            for name, column in self.views.items():
                mean, columns = found[name].mean.numpy(), modalities[name].columns
                cells |= {column: written(mean, columns)} if column else as_words(mean, columns)
                spread |= as_spread(found[name].scale.numpy(), mean, columns)
            yield (filled(self.table, [row_of.get(i) for i in some], self.id_column, some, cells),
                   {self.id_column: some, **spread})


def begun(folder: Folder | None, name: str, source: Source | None, columns: Sequence[str]) -> tuple[str, FilledFile]:
    """The file that a modality of these columns goes to, without views yet: the one that it came from, if it can be
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


def files_of(folder: Folder | None, modalities: Mapping[str, Modality]) -> dict[str, FilledFile]:
    """Name of a file -> what is to be written there, for all modalities with columns.

    Parameters
    ----------
    folder : Folder or None
        Where the items come from.
    modalities : mapping of str to Modality
    """
    out: dict[str, FilledFile] = {}
    for name, modality in modalities.items():
        if not modality.columns:
            continue
        source = None if folder is None else folder.manifest.modalities.get(name)
        file, empty = begun(folder, name, source, [c.name for c in modality.columns])
        target = out.setdefault(file, empty)
        together = source is not None and source.kind == "tags" and not (
            target.table is not None and modality.columns[0].name in target.table.columns)
        target.views[name] = (source.columns[0] if source.columns else name) if source and together else ""
    return out


def filled(
    table: Table | None, rows: Sequence[int | None], id_column: str, ids: Sequence[str], imputed: Mapping[str, Any]
) -> dict[str, Any]:
    """Some rows of a table with their gaps filled.

    Parameters
    ----------
    table : Table or None
    rows : sequence of int or None
        Where these items' rows are in the table; None for those that have none.
    id_column : str
        Name of the column that holds the ids, in the table or to be.
    ids : sequence of str
    imputed : mapping
        Name of a column -> cells of these items.

    Returns
    -------
    dict
        Name of a column -> cells: those of the table, in its order, and further ones of `imputed`.
    """
    given = {} if table is None else {name: v for name, v in table.columns.items() if name != id_column}
    out: dict[str, Any] = {id_column: list(ids)}
    for name in [*given, *(n for n in imputed if n not in given)]:
        old, new = given.get(name), imputed.get(name)
        cells: list[Any] = []
        for k, row in enumerate(rows):
            value = old[row] if old is not None and row is not None else None
            if is_gap(value) and new is not None:
                value = new[k]
            cells.append(None if is_gap(value) else value)
        out[name] = cells
    return out
