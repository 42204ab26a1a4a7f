"""A folder with a ``bvae.toml``: its files read, its views joined by id, its items split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import torch

from bvae.data.base import DataError, Modality
from bvae.data.own import readers  # noqa: F401  # they register themselves
from bvae.data.own.joining import View, check_matches, joined
from bvae.data.own.manifest import Manifest, Source, read_manifest
from bvae.data.own.naming import columns_that_name
from bvae.data.own.own_data import SPLITS, OwnData
from bvae.data.own.readers import pictures, sounds
from bvae.data.own.tables import READERS, UNNAMED, Table, Views, suffix_of
from bvae.data.own.texts import alphabet_of
from bvae.data.own.viewing import chosen_columns, texts_of, view_of
from bvae.data.own.weights import balanced
from bvae.data.own.words import check_ids, is_gap, word

OF_FILES = (*pictures.SUFFIXES, *sounds.SUFFIXES)
TEST_WORDS = {"test": "test", "held out": "test", "holdout": "test", "validation": "test", "train": "train",
              "training": "train"}


class Folder:
    """What a folder holds, read once.

    Parameters
    ----------
    path : Path
    manifest : Manifest, optional
        By default its ``bvae.toml``.
    known : mapping of str to Modality, optional
        What a model that was trained before knows: then columns may stand in another order or lack, words that it does
        not know are gaps, and files may lack.
    alphabet : str
        Characters that such a model knows.

    Attributes
    ----------
    notes : list of str
        What was left out or changed, in sentences.
    """

    def __init__(
        self, path: Path, manifest: Manifest | None = None, known: Mapping[str, Modality] | None = None,
        alphabet: str = "",
    ) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise DataError(f"{path}: expected a folder, got none of this name")
        self.manifest = manifest or read_manifest(self.path)
        self.notes: list[str] = []
        self.alphabet, self.known = alphabet, known
        self._read: dict[tuple[str, tuple[str, ...]], Views] = {}
        self._asides: dict[str, dict[str, Any]] = {}

    def inside(self, name: str, folder: bool = False) -> Path:
        """A file or folder by its name: looked up among those that are there, never joined; links are not followed."""
        for path in self.path.iterdir():
            if path.name == name and not path.is_symlink() and (path.is_dir() if folder else path.is_file()):
                return path
        what = "folder" if folder else "file"
        there = sorted(p.name for p in self.path.iterdir() if p.is_dir() == folder and not p.is_symlink())[:12]
        raise DataError(f"{self.path}: expected the {what} {name!r} that the manifest names, got "
                        f"{', '.join(there) or 'none'}")

    def views_in(self, name: str, gaps: Sequence[str] = ()) -> Views:
        """What a file holds, read once."""
        every = (*self.manifest.gaps, *gaps)
        if (name, every) not in self._read:
            path = self.inside(name)
            if (suffix := suffix_of(path)) not in READERS:
                raise DataError(f"{name}: expected one of {', '.join(READERS)}, got {suffix or 'no suffix'!r}")
            views = READERS[suffix](path, every)
            self.notes += views.notes
            self._read[name, every] = views
        return self._read[name, every]

    def forget(self) -> None:
        """Let go of what the files hold, when the items have been made of it; asked again, they are read again."""
        self._read.clear()

    def data(self) -> OwnData:
        """All items, joined by id, in the order in which they are first met."""
        man = self.manifest
        sources = {name: s for name, s in man.modalities.items() if self._there(name, s)}
        if not sources:
            raise DataError(f"{self.path}: expected at least one of the files that the manifest names, got none")
        self.alphabet = self.alphabet or self._letters(sources)
        views = self._as_known([view_of(self, name, source) for name, source in sources.items()])
        for name in man.tables:
            if self.known is None or self._is_there(name):
                found = self.views_in(name)
                for part, table in found.tables.items():
                    if part and part not in found.ids and self.id_column_of(table) not in table.columns:
                        continue  # a sheet beside those of the items
                    if man.id and self.id_column_of(table) not in table.columns:
                        known = columns_that_name(table, {i for view in views for i in view.ids})
                        self.take_asides(table, found.ids.get(part) or self.ids_of(table, next(iter(known), "")))
                        continue
                    self.take_asides(table, found.ids.get(part) or self.ids_of(table, ""))
        if not man.id and len({len(v.ids) for v in views if v.ids}) > 1:
            raise DataError(f"{self.path}: expected as many rows in every view, because no id column is named, got "
                            + ", ".join(f"{len(v.ids):,} in {v.modality.name!r}" for v in views)
                            + "; no column of one holds the names of another: give every table a column that names "
                              "the items")
        if self.known is None:
            self.notes += check_matches(views)
        ids, values, mask, notes = joined(views)
        self.notes += notes
        labels = self._labels(ids)
        modalities = [v.modality for v in views]
        if self.known is None:
            even = {m.name: m for m in balanced(modalities)}
            said = {name for name, source in man.modalities.items() if source.weight is not None}
            modalities = [m if m.name in said else even[m.name] for m in modalities]
        return OwnData(man.name, modalities, values, mask, ids, labels, story=man.story, alphabet=self.alphabet,
                       notes=self.notes)

    def splits(self, data: OwnData | None = None) -> dict[str, OwnData]:
        """"train" and "test" -> items."""
        data = data or self.data()
        if not self.manifest.split:
            return data.splits(self.manifest.test)
        words = [self._asides[self.manifest.split].get(i) for i in data.ids]
        for item, given in zip(data.ids, words, strict=True):
            if TEST_WORDS.get(str(given).lower()) is None:
                raise DataError(f"column {self.manifest.split!r}: expected {' or '.join(SPLITS)} for every item, got "
                                f"{'nothing' if given is None else repr(given)} for {item!r}")
        return data.splits(assigned=[TEST_WORDS[str(w).lower()] for w in words])

    def _letters(self, sources: Mapping[str, Source]) -> str:
        """The characters of all views that are texts."""
        texts: list[str | None] = []
        for name, source in sources.items():
            if source.kind == "text" and source.file:
                table = self.views_in(source.file, source.gaps).tables.get(source.part)
                texts += [] if table is None else texts_of(chosen_columns(self, name, source, table, strict=True))
        return alphabet_of(texts) if any(texts) else ""

    def _as_known(self, views: list[View]) -> list[View]:
        """With views that a model knows and nobody has, in the model's order."""
        if self.known is None:
            return views
        found = {v.modality.name: v for v in views}
        return [found.get(name) or View(m, [], torch.empty(0, *m.shape), "") for name, m in self.known.items()]

    def _labels(self, ids: list[str]) -> dict[str, list[Any]]:
        """Label columns of the items; notes about those that have no view."""
        man = self.manifest
        wanted = () if self.known is not None else (*man.labels, *filter(None, [man.split]))
        missing = [key for key in wanted if key not in self._asides]
        if missing:
            raise DataError(f"{self.path}: expected a column {missing[0]!r} (labels, split) in one of the tables, got "
                            "none")
        there = set(ids)
        for key, found in self._asides.items():
            if self.known is None and not there & set(found):
                raise DataError(f"column {key!r}: expected the ids of the views, such as {ids[0]!r}, got others, such "
                                f"as {next(iter(found))!r}; write them in the same way")
        strangers = sorted({i for column in self._asides.values() for i in column} - there)
        if strangers:
            self.notes.append(f"{len(strangers):,} ids have labels but no view and are left out, such as "
                              f"{strangers[0]!r}")
        return {key: [self._asides[key].get(i) for i in ids] for key in man.labels if key in self._asides}

    def _is_there(self, name: str) -> bool:
        return any(p.name == name and not p.is_symlink() for p in self.path.iterdir())

    def _there(self, name: str, source: Source) -> bool:
        """Whether a view can be read; only a model that is trained already may do without its file."""
        if self.known is None:
            return True
        if name not in self.known:
            self.notes.append(f"[modalities.{name}] is new to the model, which cannot use it")
            return False
        if not self._is_there(source.file or source.folder):
            self.notes.append(f"{source.file or source.folder} is not there: no item has {name!r}")
            return False
        return True

    def ids_of(self, table: Table, other: str) -> list[str]:
        """The id of every row; its number where no id column is named."""
        if not other and not self.manifest.id:
            return list(map(str, range(table.num_rows)))
        column = self.id_column_of(table, other)
        if column not in table.columns:
            raise DataError(f"{table.where}: expected the id column {column!r}, got "
                            f"{', '.join(list(table.columns)[:8])}; rename the column that names the items, or name it "
                            "for this file with id = \"...\" in its bvae.toml")
        values = table.columns[column]
        for k, value in enumerate(values):
            if is_gap(value):
                raise DataError(f"{table.row(k)}, column {column!r}: expected an id, got an empty cell; give the row "
                                "one, or delete it")
        ids = [word(v) for v in values]
        if any(s.folder for s in self.manifest.modalities.values()) and all(i.lower().endswith(OF_FILES) for i in ids):
            return [PurePosixPath(i).stem for i in ids]  # names of pictures or sounds, whose ids have no ending
        return ids

    def table_of(self, source: Source) -> Table | None:
        """The table of a view whose rows a column of it names; None if it is not there, or names them elsewhere."""
        if not source.file or not self._is_there(source.file):
            return None
        views = self.views_in(source.file, source.gaps)
        return None if source.part in views.ids else views.tables.get(source.part)

    def id_column_of(self, table: Table, other: str = "") -> str:
        """What holds the ids in a table, in capitals or not; "" where no column is named."""
        column = other or self.manifest.id
        if column and column not in table.columns:
            column = next((c for c in table.columns if c.casefold() == column.casefold()), column)
        return UNNAMED if column and column not in table.columns and UNNAMED in table.columns else column

    def check_ids(self, table: Table, ids: Sequence[str]) -> None:
        """Raise DataError that names the rows of ids that cannot be, or stand twice."""
        check_ids(table.where, ids, table.first_row)

    def take_asides(self, table: Table, ids: list[str]) -> None:
        """Remember the label and split columns of a table, by id."""
        for column in (*self.manifest.labels, *filter(None, [self.manifest.split])):
            if column in table.columns and column not in self._asides:
                self.check_ids(table, ids)
                self._asides[column] = {i: None if is_gap(v) else v for i, v in zip(
                    ids, table.columns[column], strict=True)}
