"""Files that a person gave, as names and bytes, into a folder that `initialise` can look at.

Names become plain ones, a ZIP of pictures, sounds or tables is unpacked after its own list of contents has been held
against limits, and a file of a type that is not read is refused before anything is written.
"""

from __future__ import annotations

import io
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from bvae.data.base import DataError
from bvae.data.own import readers  # noqa: F401  # they register themselves
from bvae.data.own.manifest import FILE, MODELS
from bvae.data.own.readers import pictures, sounds
from bvae.data.own.tables import MIB, READERS

ZIP = ".zip"
PACKED = (ZIP, ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".zst")
LONGEST_NAME = 100
RATIO_FROM = 10 * MIB
"""Bytes from which a file in a ZIP has to be of a plausible size; smaller ones may be as regular as they like."""
END, END_64 = b"PK\x05\x06", b"PK\x06\x07"
TAIL, ENTRY, END_SIZE = 65_557, 512, 22
"""Bytes: of a ZIP's end with the longest comment, of an entry in its list of contents, of its end without a comment."""
LISTED = 4
"""Times as many entries may be listed as files are taken: folders, and what systems put beside files, count there."""
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names that Windows keeps for devices."""
CLUTTER = re.compile(r"(^|/)(__MACOSX|\.(?!\.(/|$))[^/]*|~\$[^/]*|thumbs\.db|desktop\.ini)(/|$)", re.IGNORECASE)
"""What systems put beside a person's files."""


@dataclass(frozen=True)
class Limits:
    """What is taken at once.

    Parameters
    ----------
    bytes : int
        Of all files as they come.
    files : int
        In all, those in a ZIP included.
    unpacked : int
        Bytes of what ZIPs hold.
    ratio : int
        How many times larger than packed a file in a ZIP may be.
    """

    bytes: int = 50 * MIB
    files: int = 5_000
    unpacked: int = 200 * MIB
    ratio: int = 200


LIMITS = Limits()


class File(NamedTuple):
    """A file to be written.

    Attributes
    ----------
    folder : str
        The one that it lay in, as a ZIP calls it; "" for none.
    name : str
        Its plain name.
    content : bytes
    given : str
        What the person calls it.
    """

    folder: str
    name: str
    content: bytes
    given: str


def types() -> list[str]:
    """Endings of the files that are taken, without the dot."""
    return [suffix.removeprefix(".") for suffix in (*READERS, *pictures.SUFFIXES, *sounds.SUFFIXES, ZIP)]


def receive(files: Sequence[tuple[str, bytes]], folder: Path, limits: Limits = LIMITS) -> list[str]:
    """Write files into a folder: tables right in it, pictures and sounds in folders of their own.

    Parameters
    ----------
    files : sequence of (name, bytes)
        As they came; pictures or sounds that came one by one get the folder "pictures" or "sounds".
    folder : Path
        An empty one.
    limits : Limits

    Returns
    -------
    list of str
        What was renamed or left out, in sentences.

    Raises
    ------
    DataError
        In a sentence: which file, what was expected, what came, how to mend it. Nothing has been written then.
    """
    if (total := sum(len(content) for _, content in files)) > limits.bytes:
        raise DataError(f"expected at most {limits.bytes // MIB:,} MB in all, got {total / MIB:,.0f} MB; give fewer "
                        "files, or write tables as Parquet")
    notes: list[str] = []
    taken: list[File] = []
    for given, content in files:
        name = plain_name(given)
        if name.lower().endswith(ZIP):
            taken += unpacked(name, content, limits, notes)
        else:
            check_type(name, given)
            if not content:
                raise DataError(f"{name}: expected a file with something in it, got an empty one; save it again")
            taken.append(File("", name, content, given))
    if len(taken) > limits.files:
        raise DataError(f"expected at most {limits.files:,} files, got {len(taken):,}; give fewer, or put what belongs "
                        "together into one table")
    for place, file in placed(taken, notes).items():
        path = folder.joinpath(*place)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(file.content)
    return notes


def plain_name(given: str) -> str:
    """A file's name without folders, hidden marks and what a file system may not take; its ending stays."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    clean = re.sub(r'[<>:"|?*]', "-", "".join(c if c.isprintable() else "-" for c in last)).strip(" .")
    stem, dot, ending = clean.rpartition(".")
    stem, ending = (stem.rstrip(" ."), dot + ending) if dot else (ending, "")
    stem = f"file-{stem}" if RESERVED.match(stem) or stem.lower() == MODELS else stem
    return (stem[: LONGEST_NAME - len(ending)] or "file") + ending[:LONGEST_NAME]


def check_type(name: str, given: str) -> None:
    """Raise DataError for a file of a type that is not read."""
    ending = Path(name).suffix.lower()
    if name == FILE or ending in READERS or kind_of(name):
        return
    if ending in PACKED:
        raise DataError(f"{given[:80]}: expected files that are not packed twice, or a ZIP, got {ending!r}; unpack it "
                        "and give what is in it")
    if ending in (".xls", ".xlsm", ".xlsb", ".ods", ".numbers", ".gsheet"):
        raise DataError(f"{given[:80]}: expected a spreadsheet as .xlsx, got {ending!r}; open it and save it as .xlsx, "
                        "or its sheets as CSV")
    if ending in (".pkl", ".pickle", ".pt", ".pth", ".npy", ".rds", ".rda", ".mat", ".joblib"):
        raise DataError(f"{given[:80]}: expected tables, pictures or sounds, got {ending!r}, which is not read because "
                        "such files may hold programs, or no names; save it as CSV, Parquet or NPZ")
    raise DataError(f"{given[:80]}: expected one of {', '.join(types())}, got {ending or 'no ending'!r}; save it as "
                    "one of them")


def kind_of(name: str) -> str:
    """"pictures" or "sounds" for a file that is one, else ""."""
    ending = Path(name).suffix.lower()
    return "pictures" if ending in pictures.SUFFIXES else "sounds" if ending in sounds.SUFFIXES else ""


def placed(taken: Sequence[File], notes: list[str]) -> dict[tuple[str, ...], File]:
    """Where each file goes, relative to the folder: every place once, whatever system compares the names.

    A file that came twice is taken once; of two different ones of the same name, the later gets a number.
    """
    folders: dict[tuple[str, str], str] = {}
    out: dict[tuple[str, ...], File] = {}
    folded: dict[tuple[str, ...], tuple[str, ...]] = {}
    for file in taken:
        kind = kind_of(file.name)
        if kind and (file.folder, kind) not in folders:
            wanted = plain_name(PurePosixPath(file.folder).name) if file.folder else kind
            used = {name.casefold() for name in folders.values()}
            folders[file.folder, kind] = next(n for n in _numbered(wanted) if n.casefold() not in used)
        above = (folders[file.folder, kind],) if kind else ()
        same = folded.get((*above, file.name.casefold()))
        if same is not None and out[same].content == file.content:
            notes.append(f"{file.given[:80]} came twice and is taken once")
            continue
        if same is not None and (kind or file.name == FILE):
            raise DataError(f"{file.given[:80]}: expected every name once, got two different files that are called so; "
                            "rename one")
        name = next(n for n in _numbered(file.name) if (*above, n.casefold()) not in folded)
        if name != re.split(r"[/\\]", file.given)[-1]:
            notes.append(f"{file.given[:80]} is called {name} here")
        out[*above, name] = file
        folded[*above, name.casefold()] = (*above, name)
    return out


def _numbered(name: str) -> Iterator[str]:
    """The name, then the name with 2, 3, ... before its ending."""
    yield name
    path, k = Path(name), 1
    while True:
        k += 1
        yield f"{path.stem}-{k}{path.suffix}"


# -- ZIP -------------------------------------------------------------------------------------------------------------


def unpacked(name: str, content: bytes, limits: Limits, notes: list[str]) -> list[File]:
    """What a ZIP holds, once its list of contents is within the limits.

    Raises DataError for one that is none, is damaged, holds links, other packed files, encrypted files or names that
    lead out of it, or would become too large.
    """
    check_list(name, content, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            inside = [m for m in packed.infolist() if not m.is_dir()]
            members = [m for m in inside if not CLUTTER.search(m.filename.replace("\\", "/"))]
            check_members(name, members, limits)
            out = []
            for m in members:
                given = PurePosixPath(m.filename.replace("\\", "/"))
                folder = str(given.parent) if len(given.parts) > 1 else Path(name).stem
                out.append(File(folder, plain_name(given.name), packed.read(m), f"{name}/{m.filename}"))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{name}: expected a whole ZIP, got a damaged one ({' '.join(str(error).split())[:80]}); pack "
                        "it again") from error
    if not out:
        raise DataError(f"{name}: expected pictures, sounds or tables in it, got an empty ZIP; pack it again")
    if left := len(inside) - len(members):
        notes.append(f"{name}: {left:,} hidden {'file' if left == 1 else 'files'} of the system that packed it "
                     f"{'is' if left == 1 else 'are'} left out")
    return out


def check_list(name: str, content: bytes, limits: Limits) -> None:
    """Raise DataError for a ZIP whose list of contents is longer than could be, before it is read."""
    end = content.rfind(END, max(0, len(content) - TAIL))
    if end < 0 or len(content) < end + END_SIZE:
        raise DataError(f"{name}: expected a ZIP, got a file that is none or has been cut off; pack it again")
    if END_64 in content[max(0, end - 20) : end]:
        raise DataError(f"{name}: expected a ZIP of less than 4 GB and 65,536 files, got one of the kind for more "
                        "(ZIP64); pack fewer files")
    count, size = (int.from_bytes(content[end + at : end + at + n], "little") for at, n in ((10, 2), (12, 4)))
    if count > LISTED * limits.files or size > LISTED * limits.files * ENTRY:
        raise DataError(f"{name}: expected at most {limits.files:,} files in it, got {count:,} in a list of "
                        f"{size / MIB:,.1f} MB; pack fewer")


def check_members(name: str, members: Sequence[zipfile.ZipInfo], limits: Limits) -> None:
    """Raise DataError for files in a ZIP that are not unpacked; it names the first."""
    total = sum(m.file_size for m in members)
    if len(members) > limits.files:
        raise DataError(f"{name}: expected at most {limits.files:,} files in it, got {len(members):,}; pack fewer")
    if total > limits.unpacked:
        raise DataError(f"{name}: expected at most {limits.unpacked // MIB:,} MB unpacked, got {total / MIB:,.0f} MB; "
                        "make the pictures smaller, or give fewer files")
    seen: set[str] = set()
    for m in members:
        where, path = f"{name}/{m.filename[:80]}", m.filename.replace("\\", "/")
        if path.startswith("/") or re.match(r"[A-Za-z]:", path) or ".." in path.split("/") or "\0" in m.orig_filename:
            raise DataError(f"{where}: expected a name inside of the ZIP, got one that leads out of it; pack the files "
                            "again")
        if stat.S_ISLNK(m.external_attr >> 16):
            raise DataError(f"{where}: expected a file, got a link; pack the file itself")
        if m.flag_bits & 1:
            raise DataError(f"{where}: expected a file that can be read, got one behind a password; pack it without")
        if m.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{where}: expected the usual packing (deflate), got another one; pack it again")
        if m.file_size > RATIO_FROM and m.file_size > limits.ratio * max(1, m.compress_size):
            raise DataError(f"{where}: expected a file that becomes at most {limits.ratio:,} times larger, got "
                            f"{m.file_size / max(1, m.compress_size):,.0f} times; give it unpacked")
        check_type(plain_name(path), where)
        if path in seen:
            raise DataError(f"{where}: expected every name once in a ZIP, got it twice; pack the files again")
        if not m.file_size:
            raise DataError(f"{where}: expected a file with something in it, got an empty one; leave it out")
        seen.add(path)

