"""``bvae.toml``: what the files of a folder are. Read strictly, written with comments."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bvae.data.base import KEPT_NAMES, NAME, DataError
from bvae.data.own.tables import told
from bvae.io.storage import write_text

FILE = "bvae.toml"
MODELS = "models"
"""Where the models of a folder are, in the folder."""
LARGEST = 16 * 1024 * 1024
KINDS = ("", "table", "vector", "counts", "binary", "categorical", "tags", "text", "image", "sound")
DATASET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
"""Names of data sets: in addresses and as folders."""


@dataclass(frozen=True)
class Source:
    """Where a modality comes from, and what is said of it.

    Parameters
    ----------
    file, folder : str
        One of both: a file of the folder, or a folder of pictures or sounds in it.
    part : str
        Which array of an ``.npz`` or ``.safetensors`` file, or which modality of an ``.h5mu`` one.
    kind : str
        See :mod:`bvae.models.networks`; "" to find it by the values.
    id : str
        Another name of the id column in this file; "" for that of the manifest.
    columns : tuple of str
        Those that belong to the modality; () for all that are neither id, label, split nor another's.
    skip : tuple of str
        Columns to leave out.
    types : mapping
        Name of a column -> "number", "count", "binary", "category" or "skip".
    gaps : tuple of str
        Words that stand for a gap here, beside those of the manifest.
    label : str
        A few words for a person.
    weight : float or None
        Of its log-likelihood in training; by default the balanced one.
    likelihood : str
        "" for that of its kind.
    size : tuple of int
        Height and width of pictures; () to find it.
    channels : int
        1, 3 or 4; 0 to find it.
    fit : str
        "pad" or "stretch".
    seconds : float
        What is kept of each sound; 0 to find it.
    """

    file: str = ""
    folder: str = ""
    part: str = ""
    kind: str = ""
    id: str = ""
    columns: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    label: str = ""
    weight: float | None = None
    likelihood: str = ""
    size: tuple[int, ...] = ()
    channels: int = 0
    fit: str = "pad"
    seconds: float = 0.0


@dataclass(frozen=True)
class Manifest:
    """All of ``bvae.toml``.

    Parameters
    ----------
    name : str
        Of the data set: small letters, digits and hyphens.
    story : str
        In a sentence, what the views of an item have in common.
    id : str
        Column that names an item, in every table; "" where rows belong together by their order.
    labels : tuple of str
        Columns of any of the tables that are not views: classes, notes, dates.
    tables : tuple of str
        Files that hold labels or the split only.
    gaps : tuple of str
        Words that stand for a gap, beside the usual ones.
    test : float
        Share of the test items, where there is no split column.
    split : str
        A column whose words are "train" and "test".
    modalities : mapping of str to Source
    """

    name: str
    story: str = ""
    id: str = ""
    labels: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    test: float = 0.2
    split: str = ""
    modalities: Mapping[str, Source] = field(default_factory=dict)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder.

    Raises
    ------
    DataError
        If there is none, or it is not as :class:`Manifest` says; names the key.
    """
    path = folder / FILE
    if not path.is_file():
        raise DataError(f"{folder}: expected a {FILE}, got none; write one with: bvae data init {folder}")
    if path.stat().st_size > LARGEST:
        raise DataError(f"{path}: expected at most {LARGEST // 2**20} MB, got {path.stat().st_size / 2**20:,.0f}")
    return parse_manifest(path.read_bytes(), path)


def parse_manifest(content: bytes, path: Path) -> Manifest:
    """The manifest that a file holds; `path` is what errors call it. Raises DataError, see :func:`read_manifest`."""
    try:
        values = tomllib.loads(content.removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path}: expected TOML, got a text that is not ({told(error)})") from error
    given = values.pop("modalities", {})
    if not isinstance(given, dict) or not given:
        raise DataError(f"{path}: expected a section [modalities.NAME] for each view, got none")
    sources = {}
    for name, said in given.items():
        if not NAME.fullmatch(name) or name.lower() in KEPT_NAMES:
            raise DataError(f"{path}, [modalities.{name[:40]}]: expected a name of at most 60 letters, digits, blanks "
                            f"or . : + - _, none of {', '.join(KEPT_NAMES)}")
        sources[name] = _built(Source, said, f"{path}, [modalities.{name}]")
        if bool(sources[name].file) == bool(sources[name].folder):
            raise DataError(f"{path}, [modalities.{name}]: expected file = \"...\" or folder = \"...\", one of both")
        if sources[name].kind not in KINDS:
            near = difflib.get_close_matches(sources[name].kind, KINDS, n=1)
            raise DataError(f"{path}, [modalities.{name}]: kind: expected one of {', '.join(KINDS[1:])}, got "
                            f"{sources[name].kind[:40]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    manifest = _built(Manifest, values, str(path), modalities=sources)
    if not DATASET_NAME.fullmatch(manifest.name):
        raise DataError(f"{path}: name: expected small letters, digits and hyphens, got {manifest.name[:60]!r}")
    if not 0 < manifest.test < 1:
        raise DataError(f"{path}: test: expected a share between 0 and 1, got {manifest.test}")
    return manifest


def _built(kind: Any, values: Any, where: str, **more: Any) -> Any:
    """A record of a TOML table; raises DataError for an unknown key or a value of another type."""
    if not isinstance(values, dict):
        raise DataError(f"{where}: expected keys with values, got {str(values)[:40]!r}")
    fields = {f.name: str(f.type) for f in dataclasses.fields(kind) if f.name not in more}
    out = {}
    for key, value in values.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise DataError(f"{where}: unknown key {key[:40]!r}; there are {', '.join(fields)}{hint}")
        out[key] = _typed(f"{where}: {key}", fields[key], value)
    if "name" in fields and "name" not in out:
        raise DataError(f"{where}: expected name = \"...\", got none")
    return kind(**out, **more)


def _typed(where: str, wanted: str, value: Any) -> Any:
    """A value of TOML as the type of a field."""
    wrong = DataError(f"{where}: expected {WORDS.get(wanted, wanted)}, got {str(value)[:60]!r}")
    if wanted.startswith("tuple"):
        inner = int if "int" in wanted else str
        if not isinstance(value, list):
            raise wrong
        if inner is str:  # a code such as -999 may be written without quotation marks
            value = [f"{v:g}" if isinstance(v, (int, float)) and not isinstance(v, bool) else v for v in value]
        if not all(type(v) is inner for v in value):
            raise wrong
        return tuple(value)
    if wanted.startswith("Mapping"):
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise wrong
        return dict(value)
    if "float" in wanted:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise wrong
        return float(value)
    if type(value) is not {"str": str, "int": int}[wanted]:
        raise wrong
    return value


WORDS = {"tuple[str, ...]": 'a list of texts, such as ["a", "b"]', "tuple[int, ...]": "a list of whole numbers",
         "str": 'a text in quotation marks', "float": "a number", "float | None": "a number", "int": "a whole number",
         "Mapping[str, str]": 'texts by name, such as {sex = "category"}'}


def manifest_text(manifest: Manifest) -> str:
    """TOML that :func:`parse_manifest` reads as this manifest; what is as by default is left out."""
    lines = ["# What the files in this folder are; see: bvae data ."]
    lines += _written(manifest, always=("name", "story", "id", "labels"))
    for name, source in manifest.modalities.items():
        lines += ["", f"[modalities.{key(name)}]", *_written(source)]
    return "\n".join(lines) + "\n"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the ``bvae.toml`` of a folder, in the place of one that is there."""
    write_text(folder / FILE, manifest_text(manifest))


def _written(record: Manifest | Source, always: Sequence[str] = ()) -> list[str]:
    """A line of TOML for each field of a record that is not as by default; its modalities are none of them."""
    default = Manifest("") if isinstance(record, Manifest) else Source()
    return [f"{f.name} = {_literal(value)}" for f in dataclasses.fields(record) if f.name != "modalities"
            and ((value := getattr(record, f.name)) != getattr(default, f.name) or f.name in always)]


def _literal(value: Any) -> str:
    """A value of a field as TOML writes it."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key(k)} = {quoted(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)


def quoted(value: str | Sequence[str]) -> str:
    """A text, or a list of texts, as TOML writes it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "[" + ", ".join(quoted(v) for v in value) + "]"


def key(name: str) -> str:
    """A key as TOML writes it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)
