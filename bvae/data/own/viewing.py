"""One view of a folder: what its files hold, as the manifest says, or as a model that was trained before knows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from bvae.data.base import DataError, Modality
from bvae.data.own.encoding import as_held, encoded
from bvae.data.own.from_arrays import modality_of, picture_modality, table_modality
from bvae.data.own.joining import View
from bvae.data.own.manifest import Source
from bvae.data.own.readers.pictures import read_pictures
from bvae.data.own.readers.sounds import read_sounds
from bvae.data.own.tables import UNNAMED, Table, Views
from bvae.data.own.tags import tag_table
from bvae.data.own.texts import Made, text_modality
from bvae.data.own.words import is_gap, word

if TYPE_CHECKING:
    from bvae.data.own.folder import Folder


def view_of(folder: Folder, name: str, source: Source) -> View:
    """One modality of a folder; what is to be said of it goes to the folder's notes."""
    known = None if folder.known is None else folder.known[name]
    if source.folder:
        views = of_files(folder, name, source, known)
        return _pictures(folder, name, source, views, "", known, source.folder)
    views = folder.views_in(source.file, source.gaps)
    part = source.part or (name if name in views.tables or name in views.arrays else "")
    if part in views.arrays:
        return _pictures(folder, name, source, views, part, known, source.file)
    if part not in views.tables:
        there = [p for p in (*views.tables, *views.arrays) if p] or ["one table"]
        raise DataError(f"{source.file}: expected the part {source.part or name!r}, got {', '.join(there[:8])}")
    table = views.tables[part]
    ids = views.ids.get(part) or folder.ids_of(table, source.id)
    folder.take_asides(table, ids)
    if "" in views.tables and part:  # beside the parts: what the file says of its items
        aside = views.tables[""]
        fits = part in views.ids and len(ids) == aside.num_rows
        folder.take_asides(aside, ids if fits else folder.ids_of(aside, source.id))
    made = of_table(folder, name, source, table, known)
    folder.notes += made.notes
    folder.check_ids(table, ids)
    return View(_said(made.modality, source), ids, made.values, source.file)


def of_files(folder: Folder, name: str, source: Source, known: Modality | None) -> Views:
    """The pictures or sounds of a folder in the folder."""
    path = folder.inside(source.folder, folder=True)
    if source.kind == "sound":
        views = read_sounds(path, known.shape[-1] if known else None, source.seconds or None)
    else:
        if len(source.size) not in (0, 2) or any(not 0 < side <= 4096 for side in source.size):
            raise DataError(f"[modalities.{name}], size: expected height and width, such as [32, 32], got "
                            f"{list(source.size)}")
        size = (source.size[0], source.size[1]) if source.size else None
        size = (known.shape[-2], known.shape[-1]) if known else size
        views = read_pictures(path, size, known.shape[0] if known else source.channels or None, source.fit)
    folder.notes += views.notes
    return views


def _pictures(
    folder: Folder, name: str, source: Source, views: Views, part: str, known: Modality | None, where: str
) -> View:
    modality, values, notes = picture_modality(name, views.arrays[part], f"{where}, {part!r}" if part else where)
    if known and modality.shape != known.shape:
        raise DataError(f"{where}: expected pictures of the shape {known.shape}, as the model knows them, got "
                        f"{modality.shape}")
    ids = views.ids.get(part) or list(map(str, range(len(values))))
    folder.notes += notes
    folder.check_ids(Table(where, {}, 1), ids)
    return View(_said(modality, source), ids, values, where)


def of_table(folder: Folder, name: str, source: Source, table: Table, known: Modality | None) -> Made:
    """A modality of a table's columns: numbers, words, texts or tags."""
    chosen = chosen_columns(folder, name, source, table, strict=known is None)
    if source.kind == "text":
        return text_modality(name, texts_of(chosen), folder.alphabet, known.shape[0] if known else 0, table.where)
    if source.kind == "tags" and any(chosen.columns[c].dtype.kind != "f" for c in chosen.columns):
        chosen, notes = tag_table(table.where, texts_of(chosen, "; "), known.columns if known else None)
        if known is None:
            made = table_modality(name, chosen, "tags")
            return made._replace(notes=notes + made.notes)
        return Made(known, torch.from_numpy(encoded(chosen, known.columns)[0]), notes)
    if known:
        cells, notes = encoded(chosen, known.columns, missing_columns=True)
        return Made(known, as_held(cells), notes)
    types = {k: v for k, v in source.types.items() if k in chosen.columns}
    strange = [k for k in source.types if k not in table.columns]
    if strange:
        raise DataError(f"{table.where}: expected the column {strange[0]!r} of [modalities.{name}], types, got a table "
                        "without it")
    return table_modality(name, chosen, source.kind, types)


def chosen_columns(folder: Folder, name: str, source: Source, table: Table, strict: bool) -> Table:
    """Those columns of a table that belong to a modality."""
    man = folder.manifest
    strange = [c for c in (*source.columns, *source.skip) if c not in table.columns] if strict else []
    if strange:
        raise DataError(f"{table.where}: expected the column {strange[0]!r} of [modalities.{name}], got a table "
                        "without it")
    others = {c for n, s in man.modalities.items() if n != name and (s.file, s.part) == (source.file, source.part)
              for c in s.columns}
    aside = {folder.id_column_of(table, source.id), UNNAMED, *man.labels, man.split, *source.skip, *others}
    wanted = [c for c in source.columns or table.columns if c in table.columns and (
        c in source.columns or c not in aside)]
    return table.only(wanted)


def texts_of(table: Table, between: str = " ") -> Sequence[str | None]:
    """One text a row, of all its cells that are no gaps."""
    if not table.columns:
        return []
    return [None if all(map(is_gap, row)) else between.join(word(v) for v in row if not is_gap(v))
            for row in zip(*table.columns.values(), strict=True)]


def _said(modality: Modality, source: Source) -> Modality:
    """A modality with what its manifest says of it."""
    weight = modality.weight if source.weight is None else source.weight
    return modality_of(lambda: dataclasses.replace(
        modality, label=source.label or modality.label, weight=weight,
        likelihood=source.likelihood or modality.likelihood))
