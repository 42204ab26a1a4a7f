"""``bvae data init``: look at a folder and write a ``bvae.toml`` with what was found, commented, to be corrected."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bvae.data.base import NAME, DataError
from bvae.data.columns import Column
from bvae.data.own import readers  # noqa: F401  # they register themselves
from bvae.data.own.encoding import MOST_CATEGORIES, columns_of, why_counts
from bvae.data.own.from_arrays import kind_of
from bvae.data.own.manifest import FILE, MODELS, key, quoted
from bvae.data.own.naming import columns_that_name, shared_id
from bvae.data.own.readers.pictures import pictures_in
from bvae.data.own.readers.sounds import sounds_in
from bvae.data.own.readers.spreadsheets import SUFFIX as SHEETS
from bvae.data.own.tables import READERS, UNNAMED, Table, Views, suffix_of
from bvae.data.own.tags import parted, separator_of
from bvae.data.own.words import can_name, is_gap, word
from bvae.io.storage import write_text

ID_NAMES = ("id", "ids", "sample", "sample_id", "patient", "patient_id", "subject", "subject_id", "item", "item_id",
            "cell", "cell_id", "barcode", "participant", "case", "key", "index", "name", UNNAMED)
LABEL_FILES = re.compile(r"label|class|target|annotation|meta|outcome|diagnos|phenotyp|^obs|^y$", re.IGNORECASE)
LABEL_COLUMNS = re.compile(r"^(label|labels|class|target|y|diagnosis|outcome|species|cell_?type|group)$", re.IGNORECASE)
SPLIT_COLUMNS = ("split", "set", "fold", "partition")
PREFIX = re.compile(r"^([A-Za-z][A-Za-z0-9]*)[_.:]")
MOST_GROUPS = 12
FIRST = 50
"""Columns of a file among which the ids of other files are looked for."""
WORDS = 3
"""A column holds texts if most of its cells have so many words, and hardly any stands twice."""
MARKED = 0.2
"""A column of words with marks between them in so many of its cells holds tags."""


@dataclass
class Found:
    """What a folder seems to hold.

    Attributes
    ----------
    sections : dict
        Name of a modality -> lines of its section.
    notes : list of str
        All that a person should know, and among it
    faults, unread : list of str
        what is wrong with files that could not be taken, and the notes of files of other types.
    """

    id: str = ""
    labels: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    split: str = ""
    sections: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def initialise(folder: Path, overwrite: bool = False) -> Path:
    """Write the manifest of a folder.

    Raises
    ------
    DataError
        If there is one already, or nothing in the folder can be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder, got none of this name")
    path = folder / FILE
    if path.exists() and not overwrite:
        raise DataError(f"{path}: there is one already; edit it, or write it anew with --overwrite")
    found = look(folder)
    if not found.sections:
        raise DataError(f"{folder}: expected tables ({', '.join(READERS)}) or folders of pictures, got none that "
                        "can be read" + "".join(f"; {note}" for note in found.notes[:3]))
    text = written(folder, found)
    write_text(path, text)
    return path


def look(folder: Path) -> Found:
    """What a folder seems to hold."""
    found = Found()
    files: dict[str, Views] = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name.startswith((".", "~$")) or path.name in (FILE, MODELS):
            continue
        if not path.name.isprintable():
            found.notes.append(f"left out: {path.name!r} (a name that cannot be printed; give it another)")
            continue
        if path.is_dir():
            kind = "image" if pictures_in(path) else "sound" if sounds_in(path) else ""
            if kind:
                found.sections[_name(path.name, found)] = [f"folder = {quoted(path.name)}", f"kind = {quoted(kind)}"]
            else:
                found.notes.append(f"left out: the folder {path.name} (no pictures or sounds right in it)")
        elif (suffix := suffix_of(path)) in READERS:
            try:
                files[path.name] = READERS[suffix](path, ())
            except DataError as error:
                found.faults.append(str(error))
                found.notes.append(f"left out: {error}")
        else:
            found.unread.append(f"left out: {path.name} (no type of file that is read)")
            found.notes.append(found.unread[-1])
    tables = {(name, part): t for name, v in files.items() for part, t in v.tables.items()}
    plain = [t for (name, part), t in tables.items() if part not in files[name].ids]
    found.id = id_column(plain) or shared_id(plain)
    naming = [t.columns[found.id] for t in tables.values() if found.id in t.columns]
    named = {word(v) for ids in naming if can_name(ids) for v in ids}
    for (name, part), table in tables.items():
        if (part and suffix_of(Path(name)) == SHEETS and found.id and found.id not in table.columns
                and not columns_that_name(table, named)):
            found.notes.append(f"left out: {table.where}: expected the column {found.id!r}, which names the items, got "
                               f"{', '.join(list(table.columns)[:4])}; a sheet without it is no view")
            continue
        _table(found, name, part, table, files[name], alone=len(tables) == 1, named=named)
    for name, views in files.items():
        for part in views.arrays:
            found.sections[_name(part, found)] = [f"file = {quoted(name)}", f"part = {quoted(part)}", 'kind = "image"']
    return found


def _table(found: Found, name: str, part: str, table: Table, views: Views, alone: bool, named: set[str]) -> None:
    """One table: labels, or one modality, or several that the first parts of its columns' names tell apart."""
    own, others_too = ("", []) if part in views.ids or not found.id else own_column(found.id, table, named)
    if own:
        also = f"; so could {', '.join(others_too)}" if others_too else ""
        found.notes.append(f"{table.where}: the column {own!r} names the items, as {found.id!r} does elsewhere{also}")
    same = next((c for c in table.columns if c.casefold() == found.id.casefold()), "")
    rest = [c for c in table.columns if c not in (own or same, UNNAMED, *others_too)]
    split = next((c for c in rest if c.lower() in SPLIT_COLUMNS and _splits(table.columns[c])), "")
    if split:
        found.split = found.split or split
    labels = [c for c in rest if c != split and LABEL_COLUMNS.match(c)]
    stem = part or Path(name).stem
    others = part == "" and any(p for p in (*views.tables, *views.arrays) if p)
    if (LABEL_FILES.search(stem) and len(rest) <= 10 and not alone) or others:
        labels = [c for c in rest if c != split]
    found.labels += [c for c in labels if c not in found.labels]
    rest = [c for c in rest if c not in labels and c != split]
    where = [f"file = {quoted(name)}"] + ([f"part = {quoted(part)}"] if part else [])
    where += [f"id = {quoted(own)}  # the items' name in this file"] if own else []
    tagged = [c for c in rest if holds_tags(table.columns[c])]
    for column in tagged:
        found.sections[_name(column, found)] = [*where, 'kind = "tags"', f"columns = {quoted([column])}"]
    texts = [c for c in rest if c not in tagged and holds_texts(table.columns[c])]
    for column in texts:
        found.sections[_name(column, found)] = [*where, 'kind = "text"', f"columns = {quoted([column])}"]
    rest = [c for c in rest if c not in tagged and c not in texts]
    if not rest:
        if not tagged and not texts:
            found.tables += [name] if name not in found.tables else []
        return
    chosen = table.only(rest)
    try:
        why = why_counts(chosen)
        columns, notes = columns_of(chosen, None, "count" if why else "")
    except DataError as error:
        found.faults.append(str(error))
        found.notes.append(f"to be mended: {error}")
        why, columns, notes = "", (), []
    skipped = ([c for c in rest if c not in {x.name for x in columns}] if columns else []) + others_too
    found.notes += notes
    groups = _groups([c.name for c in columns]) if alone else {}
    if groups:
        for group, names in groups.items():
            kind = _kind([c for c in columns if c.name in names], why)
            found.sections[_name(group, found)] = [*where, kind, f"columns = {quoted(names)}"]
        return
    kind = kind_of(columns) if columns else "table"
    lines = [*where, _kind(columns, why)]
    if skipped:
        lines.append(f"skip = {quoted(skipped)}  # words of all kinds, or gaps only; see above")
    words = {c.name: c.type for c in columns if c.type in ("binary", "category")}
    if kind == "table" and words and len(words) <= 40:
        lines.append("types = {" + ", ".join(f"{key(k)} = {quoted(v)}" for k, v in words.items())
                     + "}  # all others: number")
    found.sections[_name(stem, found)] = lines


def own_column(id: str, table: Table, named: set[str]) -> tuple[str, list[str]]:
    """What names the items in a table that calls them otherwise, "" where `id` does it, whatever its capitals; and
    columns that could do it as well.

    Parameters
    ----------
    id : str
        The column that names them elsewhere.
    table : Table
    named : set of str
        All items of the tables in which it does so.
    """
    same = next((c for c in table.columns if c.casefold() == id.casefold()), "")
    if not same:
        known = columns_that_name(table, named)
        return (known[0], known[1:]) if known else (id_column([table]), [])
    if can_name(table.columns[same]):
        return "", []
    other = id_column([table.without([same])]) if len(table.columns) > 1 else ""
    return other if other and named & {word(v) for v in table.columns[other]} else "", []


def _kind(columns: Sequence[Column], why: str) -> str:
    """The line that says of what kind columns are; of counts why."""
    kind = kind_of(columns) if columns else "table"
    reason = f'  # {why}; if they count nothing: kind = "vector"' if kind == "counts" and why else ""
    return f"kind = {quoted(kind)}{reason}"


def holds_tags(values: np.ndarray) -> bool:
    """Whether cells seem to hold several words each, with ; or | between them, out of not too many different ones."""
    cells = [v for v in values if v is not None] if values.dtype.kind != "f" else []
    marked = sum(";" in c or "|" in c for c in cells)
    if not cells or marked < MARKED * len(cells):
        return False
    found = Counter(t for c in cells for t in parted(c, separator_of(cells)))
    return sum(found.values()) >= 2 * len(found)


def holds_texts(values: np.ndarray) -> bool:
    """Whether cells seem to hold sentences: most of them of several words each, and too many for categories."""
    cells = [v for v in values if v is not None] if values.dtype.kind != "f" else []
    several = sum(len(c.split()) >= WORDS for c in cells)
    return several > len(cells) / 2 and len(set(cells)) > min(MOST_CATEGORIES, max(2, len(cells) // 2))


def id_column(tables: list[Table]) -> str:
    """The column that names items: unique in its tables, in as many of them as possible; "" if there is none."""
    count: Counter[str] = Counter()
    for table in tables:
        for name, values in table.columns.items():
            words = values.dtype.kind != "f"
            if not can_name(values):
                continue
            if words or name.lower() in ID_NAMES or bool((values == np.round(values)).all()):
                count[name] += 1
    intended = next((name for table in tables for name in table.columns if meant(name, table)), "")
    if not count:
        return intended

    def rank(name: str) -> tuple[int, int, bool, int]:
        named = ID_NAMES.index(name.lower()) if name.lower() in ID_NAMES else len(ID_NAMES)
        first = sum(next(iter(t.columns)) == name for t in tables)
        words = any(name in t.columns and t.columns[name].dtype.kind != "f" for t in tables)
        return count[name], -named, words, first

    best = max(count, key=rank)
    strong = best.lower() in ID_NAMES or best.lower().endswith("id") or (len(tables) > 1 and count[best] == len(tables))
    words = any(best in t.columns and t.columns[best].dtype.kind != "f" for t in tables)
    return best if strong or (words and next(iter(tables[0].columns)) == best) else intended


def meant(name: str, table: Table) -> bool:
    """Whether a column is called so and would name the items, if none of its cells were empty and none stood twice:
    reading says which."""
    if not re.search(r"(^|_)ids?$", name, re.IGNORECASE):
        return False
    values = table.columns[name]
    return len({word(v) for v in values if not is_gap(v)}) > len(values) / 2


def _splits(values: np.ndarray) -> bool:
    return {str(v).lower() for v in values if v is not None} <= {"train", "test", "training", "validation", "holdout"}


def _groups(names: list[str]) -> dict[str, list[str]]:
    """Columns of one table by the first part of their names, where every column has one: a modality each."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        match = PREFIX.match(name)
        if not match:
            return {}
        groups[match[1]].append(name)
    return dict(groups) if 2 <= len(groups) <= MOST_GROUPS and min(map(len, groups.values())) >= 2 else {}


def _name(wanted: str, found: Found) -> str:
    """A name of a modality that no other has."""
    clean = re.sub(r"[^\w .:+()'-]", "-", wanted).strip(" .:+('-")[:50] or "view"
    clean = clean if NAME.fullmatch(clean) and clean.lower() not in ("joint", "everything") else f"view-{clean}"[:50]
    name, k = clean, 2
    while name in found.sections:
        name, k = f"{clean}-{k}", k + 1
    return name


def one_line(text: str) -> str:
    """A note without line ends and what else a comment cannot hold."""
    return "".join(c if c.isprintable() else " " for c in text)


def written(folder: Path, found: Found) -> str:
    """The text of a manifest."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:50] or "own"
    lines = [
        "# What the files in this folder are. Written by `bvae data init`: correct what is wrong,",
        "# then look at it with `bvae data .` and train with `bvae train . mwb-vae`.",
        "",
        f"name = {quoted(name)}",
        'story = ""  # in a sentence: what the views of one item have in common',
    ]
    lines.append(f"id = {quoted(found.id)}  # the column that names an item, in every table" if found.id else
                 'id = ""  # no column names the items: rows belong together by their order')
    lines.append(f"labels = {quoted(found.labels)}  # columns that are no views; the first of words gives classes")
    if found.tables:
        lines.append(f"tables = {quoted(found.tables)}  # files that hold only labels")
    lines.append('gaps = []  # words for a gap, beside an empty cell, NA, NaN, null, "-", "?": such as ["-999"]')
    lines.append(f"split = {quoted(found.split)}  # a column of the words train and test" if found.split else
                 "test = 0.2  # share of the items that are kept to test; decided by the id alone")
    if found.notes:
        lines += ["", *(f"# {one_line(note)}"[:240] for note in found.notes[:30])]
    for section, body in found.sections.items():
        lines += ["", f"[modalities.{key(section)}]", *body]
    return "\n".join(lines) + "\n"
