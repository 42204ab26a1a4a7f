"""What somebody's files seem to hold, as the page shows it: a few numbers and words, without the data themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bvae.app.your_data.corrected import Held, changed
from bvae.data.base import DATASETS, DataError, Modality
from bvae.data.columns import Column, places
from bvae.data.own.described import told
from bvae.data.own.folder import Folder
from bvae.data.own.initialise import look, written
from bvae.data.own.manifest import FILE, Manifest, Source, parse_manifest, read_manifest
from bvae.data.own.own_data import OwnData
from bvae.data.own.shipped import TableData
from bvae.data.own.sounds import RATE, samples_of
from bvae.data.own.viewing import of_table
from bvae.data.own.words import can_name, is_gap, word
from bvae.runs import isolated, reading

KINDS = {"vector": "numbers", "counts": "counts", "binary": "yes or no", "categorical": "words", "table": "mixed",
         "tags": "tags", "text": "text", "image": "pictures", "sound": "sounds"}
"""Kind of a view -> in words for a person."""
TRIED = 4_000_000
"""Cells of a table up to which it is tried out which kinds fit."""
MOST_CATEGORIES, MOST_CODES = 50, 12
"""Different words, and different numbers that may be codes, of a column that may be one of categories."""
FIRST, FIRST_COLUMNS, TOLD = 6, 6, 12
"""Items and columns of them that are shown, and columns of a view that are described."""
COLOURS = {1: "grey", 3: "in colour", 4: "in colour, with transparency"}
MOST_COLUMNS = 300
"""Columns of a table among which the labels and the column that names the items are chosen."""
NAMED = 5
"""Columns of a view that are named beside it."""
FEW_ITEMS, FEW_SHARED = 100, 0.1


@dataclass(frozen=True)
class View:
    """One view.

    Attributes
    ----------
    name, kind : str
    fits : tuple of str
        Kinds that it could be, its own among them.
    size : str
        How much of it there is in an item, in words.
    where : str
        The file or folder that it comes from; "" where it comes from none.
    items : int
        That have it.
    """

    name: str
    kind: str
    fits: tuple[str, ...]
    size: str
    where: str
    items: int


@dataclass(frozen=True)
class Gaps:
    """A column and what of it is missing: the share of the items that have its view and no value here."""

    view: str
    column: str
    type: str
    share: float
    told: str


@dataclass(frozen=True)
class First:
    """One of the first items: its id, words for its columns, and what can be looked at (view -> picture or text)."""

    id: str
    cells: tuple[str, ...]
    looks: Mapping[str, Any]


@dataclass(frozen=True)
class Understood:
    """What is known of a data set.

    Attributes
    ----------
    manifest : Manifest or None
        None where it comes from no folder.
    said : tuple of str
        What was found odd when the files were looked at for the first time.
    items, train, test : int
    views : tuple of View
    patterns : tuple of (tuple of str, int)
        Which views items have together, and how many items: the commonest first.
    columns : tuple of Gaps
    labels : tuple of (str, str)
        Label column -> its words.
    heads : tuple of str
        Of the columns that `first` shows.
    first : tuple of First
    notes : tuple of str
        What to look at, in sentences.
    tables : tuple of Held
        What the files of a folder hold.
    """

    manifest: Manifest | None
    said: tuple[str, ...]
    items: int
    train: int
    test: int
    views: tuple[View, ...]
    patterns: tuple[tuple[tuple[str, ...], int], ...]
    columns: tuple[Gaps, ...]
    labels: tuple[tuple[str, str], ...]
    heads: tuple[str, ...]
    first: tuple[First, ...]
    notes: tuple[str, ...]
    tables: tuple[Held, ...] = ()

    @property
    def item_column(self) -> str:
        """Name of the column that names the items; "" if rows belong together by their order, or nobody knows."""
        return self.manifest.id if self.manifest else ""

    @property
    def item_columns(self) -> tuple[str, ...]:
        """Columns that can name the items: in every table, but for those that have one of their own."""
        if self.manifest is None:
            return ()
        own = {(s.file, s.part) for s in self.manifest.modalities.values() if s.id}
        shared = [table.naming for table in self.tables
                  if not table.aside and (table.file, table.part) not in own]
        return tuple(name for name in (shared[0] if shared else ()) if all(name in others for others in shared))


def of_folder(path: Path, manifest: Manifest | None = None, said: Sequence[str] = ()) -> Understood:
    """Look at the files of a folder, as its own manifest says, or the one given, or else as they seem to be.

    `said`: what was found odd before, where the manifest is given.

    Raises
    ------
    DataError
        If they cannot be read; names file, row and column where it can.
    """
    names = reading.needed(path) if manifest is None else []  # once: with a manifest they were looked at before
    if names:
        try:
            isolated.read_all(path)
        except isolated.ComputationError as error:
            raise DataError(f"{', '.join(names)[:80]}: expected files that can be read, got one at which its reader "
                            f"ended ({str(error).split(':')[0]}); save it again, or as CSV, or with fewer rows"
                            ) from error
    if manifest is None and (path / FILE).is_file():
        manifest = read_manifest(path)
    if manifest is None:
        found = look(path)
        if not found.sections:
            raise DataError("; ".join(found.faults or found.notes)
                            or "expected tables, or folders of pictures or sounds, got none")
        said = [note for note in found.notes if note not in found.unread]
        manifest = parse_manifest(written(path, found).encode(), path / FILE)
    folder = Folder(path, manifest)
    data = folder.data()
    parts = folder.splits(data)
    fits = {name: fitting(folder, name, source, data.modalities[name]) for name, source in manifest.modalities.items()}
    where = {name: s.file or s.folder for name, s in manifest.modalities.items()}
    known = of_data(data, {k: len(v) for k, v in parts.items()}, parts["train"].notes, manifest, said, fits, where)
    return replace(known, tables=held_by(folder))


def of_name(name: str) -> Understood:
    """A data set of ours that is made of tables. Raises DataError, which says how to get it, if it is not there."""
    kind = DATASETS[name]
    if not issubclass(kind, TableData):
        raise DataError(f"{name}: expected a data set of tables, got another one")
    whole = kind.whole()
    return of_data(whole, {k: len(kind(k)) for k in ("train", "test")})


def of_data(
    data: OwnData, counts: Mapping[str, int], notes: Sequence[str] = (), manifest: Manifest | None = None,
    said: Sequence[str] = (), fits: Mapping[str, tuple[str, ...]] | None = None, where: Mapping[str, str] | None = None,
) -> Understood:
    """Counts, gaps and the first items of a data set.

    Parameters
    ----------
    data : OwnData
        All items.
    counts : mapping
        "train" and "test" -> number of items.
    notes, said : sequences of str
        What reading them said, and what looking at the files for the first time said.
    manifest, fits, where
        See :class:`Understood` and :class:`View`; the latter two by view.
    """
    views, columns = [], []
    for m, (name, modality) in enumerate(data.modalities.items()):
        have = data.present[m]
        kinds = (fits or {}).get(name, (modality.kind,))
        views.append(View(name, modality.kind, kinds, _extent(modality), (where or {}).get(name, ""), int(have.sum())))
        columns += _gaps(name, modality, data.x[name], have)
    labels = tuple((key, _words(values)) for key, values in data.label_columns.items())
    heads, first = _first(data)
    patterns = tuple(data.patterns())
    every = list(dict.fromkeys((*said, *notes, *_worries(data, patterns))))
    return Understood(manifest, tuple(said), len(data), counts["train"], counts["test"], tuple(views), patterns,
                      tuple(columns), labels, heads, first, tuple(every))


def held_by(folder: Folder) -> tuple[Held, ...]:
    """The tables of the files that a manifest names, but for those whose rows a file names itself."""
    man = folder.manifest
    gaps = {s.file: s.gaps for s in man.modalities.values() if s.file}
    out = []
    for file in dict.fromkeys((*gaps, *man.tables)):
        views = folder.views_in(file, gaps.get(file, ()))
        for part, table in views.tables.items():
            if part in views.ids:
                continue
            columns, aside = tuple(table.columns), not part and bool(views.ids)
            naming = () if aside else tuple(c for c in columns[:MOST_COLUMNS] if whole(table.columns[c])
                                            and can_name(table.columns[c]))
            out.append(Held(file, part, columns if len(columns) <= MOST_COLUMNS else (), naming, aside))
    return tuple(out)


def whole(values: np.ndarray) -> bool:
    """Whether cells are words, or whole numbers."""
    return values.dtype.kind != "f" or bool((values == np.round(values)).all())


def fitting(folder: Folder, name: str, source: Source, modality: Modality) -> tuple[str, ...]:
    """Kinds that a view of a folder could be: its own, and those that its cells allow without losing any."""
    table = None if source.folder else folder.views_in(source.file, source.gaps).tables.get(
        source.part or (name if name in folder.views_in(source.file, source.gaps).tables else ""))
    if table is None or modality.kind in ("image", "sound"):
        return (modality.kind,)
    if table.num_rows * len(modality.columns) > TRIED:
        return tuple(dict.fromkeys((modality.kind, "table"))) if modality.kind != "text" else ("text",)
    wanted = source.columns or tuple(c.name for c in modality.columns)
    worded = [table.columns[c].dtype.kind != "f" for c in wanted]
    few = all(len({v for v in table.columns[c].tolist() if not is_gap(v)}) <= (MOST_CATEGORIES if words else MOST_CODES)
              for c, words in zip(wanted, worded, strict=True))
    allowed = {"table": len(wanted) > 1, "vector": not any(worded), "counts": not any(worded), "binary": True,
               "categorical": few, "tags": all(worded) and len(wanted) == 1, "text": all(worded) and len(wanted) == 1}
    out = [modality.kind]
    for kind in allowed:
        if allowed[kind] and kind not in out:
            try:
                made = of_table(folder, name, changed(source, kind), table, None)
            except DataError:
                continue
            if kind in ("tags", "text") or len(made.modality.columns) >= len(modality.columns):
                out.append(kind)
    return tuple(kind for kind in KINDS if kind in out)


def _extent(modality: Modality) -> str:
    """How much of a view there is in an item, with the names of its first columns."""
    count = len(modality.columns)
    if modality.kind == "image":
        channels, height, width = modality.shape
        return f"{height} x {width} pixels, {COLOURS[channels]}"
    if modality.kind == "sound":
        return f"up to {samples_of(modality.shape[-1]) / RATE:.2g} seconds"
    if modality.kind == "text":
        return f"up to {modality.shape[0]:,} characters, {modality.shape[1]:,} different ones"
    names = ", ".join(c.name for c in modality.columns[:NAMED]) + (", …" if count > NAMED else "")
    return f"{count:,} {'column' if count == 1 else 'columns'}: {names}"


def _gaps(view: str, modality: Modality, x: torch.Tensor, have: torch.Tensor) -> list[Gaps]:
    if not modality.columns:
        return []
    where, there = places(modality.columns), x[have]
    shares = there[:, [place.start for place in where]].isnan().float().mean(0).nan_to_num(1.0).tolist()
    return [Gaps(view, column.name, column.type, share, told(column, there[:, place]) if k < TOLD else "")
            for k, (column, place, share) in enumerate(zip(modality.columns, where, shares, strict=True))]


def _words(values: Iterable[Any]) -> str:
    counted = Counter("none" if is_gap(v) else word(v) for v in values)
    return ", ".join(f"{w} ({c:,})" for w, c in counted.most_common(TOLD)) + (", ..." if len(counted) > TOLD else "")


def _first(data: OwnData) -> tuple[tuple[str, ...], tuple[First, ...]]:
    """Heads and cells of the first items."""
    shown = [(name, column, place) for name, modality in data.modalities.items()
             for column, place in list(zip(modality.columns, places(modality.columns), strict=True))][:FIRST_COLUMNS]
    looked = [name for name, modality in data.modalities.items() if modality.kind in ("image", "sound", "text")]
    out = []
    for k in range(min(FIRST, len(data))):
        there = {name: bool(row[k]) for name, row in zip(data.modalities, data.present, strict=True)}
        looks = {name: _look(data, name, k) if there[name] else None for name in looked}
        labels = tuple("–" if is_gap(v[k]) else word(v[k]) for v in data.label_columns.values())
        cells = (_cell(c, data.x[n][k, place]) if there[n] else "–" for n, c, place in shown)
        out.append(First(data.ids[k], (*cells, *labels), looks))
    return (*(column.name for _, column, _ in shown), *data.label_columns), tuple(out)


def _look(data: OwnData, view: str, item: int) -> Any:
    """What can be looked at of an item that has a view: its text, or its picture (C, H, W)."""
    value = data.x[view][item]
    return data.read_text(value[None])[0].strip() if data.modalities[view].kind == "text" else value.clone()


def _cell(column: Column, values: torch.Tensor) -> str:
    """A cell as a person wrote it; – for a gap."""
    if bool(values.isnan().any()):
        return "–"
    if column.type == "category":
        return column.categories[int(values.argmax())]
    if column.type == "binary" and column.categories:
        return column.categories[int(values[0])]
    return f"{float(values[0]):.6g}"


def _worries(data: OwnData, patterns: Sequence[tuple[tuple[str, ...], int]]) -> list[str]:
    """What would make a model of these data a poor one, in sentences."""
    out = []
    if len(data) < FEW_ITEMS:
        out.append(f"{len(data):,} items are few: a model will hardly find more than the means of the columns")
    if len(data.modalities) == 1:
        out.append("There is one view only, so that there is nothing to combine; give a second table of the same "
                   "items, or let the names of the columns begin with their view, such as beak_length and body_mass")
    else:
        shared = sum(count for names, count in patterns if len(names) > 1) / max(1, len(data))
        if shared < FEW_SHARED:
            out.append(f"Only {shared:.0%} of the items have more than one view: look whether the ids are written in "
                       "the same way in all files")
    if not data.label_columns:
        out.append("No column of labels was found, so that maps will have no colours; a column called label, class, "
                   "group or species is taken for one")
    return out
