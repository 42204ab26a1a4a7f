"""Files: written whole or not at all, checked when they are read, and never unpickled."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from bvae.io import system

ABANDONED = 3600.0  # seconds

DIGEST = "digest"
"""The key under which our files hold the SHA-256 of what else they hold."""

REASONS = {
    errno.ENOSPC: "the disk is full",
    getattr(errno, "EDQUOT", -1): "the quota of this user is used up",
    errno.EFBIG: "files may not become that large here",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
    errno.EIO: "the disk reports a fault",
}


class StorageError(ValueError):
    """A file of ours is missing, damaged or from elsewhere; the text names it."""


class WriteError(OSError):
    """A file could not be written; the text says why, and what is there now.

    Parameters
    ----------
    path : Path
    error : OSError
    further : str
        What else is to be said.
    """

    def __init__(self, path: Path, error: OSError, further: str = "") -> None:
        super().__init__(error.errno, error.strerror)
        self.path, self.further = path, further
        self.reason = getattr(error, "reason", None) or REASONS.get(error.errno, error.strerror or str(error))

    def __str__(self) -> str:
        kept = ""
        with contextlib.suppress(OSError):
            kept = "; the file that was there is kept as it was" if self.path.is_file() else ""
        return f"{self.path}: cannot be written, {self.reason}{kept}" + (f"; {self.further}" if self.further else "")


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Replace `path` by what `write` puts into a temporary file beside it.

    A kill at any moment leaves the old file or the new one, complete. The data reach the disk before the name does.
    What a killed writer leaves is a file ``.NAME.*.tmp``; :func:`sweep` removes it.

    Raises
    ------
    WriteError
        If the disk is full, the folder read-only, and so on: the old file is as it was, and no other one is left.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path) as temporary:
            write(temporary)
            with open(temporary, "r+b") as file:  # Windows flushes only what may be written
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            system.replace(temporary, path)
    except OSError as error:
        raise WriteError(path, error) from error
    with contextlib.suppress(OSError):  # not every system can: then the name reaches the disk a little later
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A new file beside `path`, deleted in the end if it is still there; locked, so that nobody sweeps it away."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        if system.WINDOWS:  # a locked file could not be written, an open one not be given its name; see `sweep`
            os.close(handle)
            handle = -1
        try:
            if handle < 0 or _is_ours(handle):
                yield temporary
                return
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            if handle >= 0:
                os.close(handle)


def _is_ours(handle: int) -> bool:
    """Lock a new temporary file, unless it was swept away before."""
    with contextlib.suppress(OSError):  # a file system without locks
        system.try_lock(handle)
    return bool(os.fstat(handle).st_nlink)


def sweep(folder: Path) -> list[str]:
    """Delete what killed writers left in a folder; returns the names.

    A writer holds a lock on its temporary file, which ends with the process: those under way stay. On Windows, where
    that cannot be, those of the last hour stay.
    """
    gone: list[str] = []
    for path in sorted(folder.glob(".*.tmp")):
        with contextlib.suppress(OSError):
            if _abandoned(path):
                path.unlink()
                gone.append(path.name)
    return gone


def _abandoned(path: Path) -> bool:
    """Whether nobody writes a temporary file any more."""
    if system.WINDOWS:
        return time.time() - path.stat().st_mtime > ABANDONED
    with open(path, "r+b") as file:
        return system.try_lock(file.fileno()) == "taken"


# -- JSON and text ---------------------------------------------------------------------------------------------------


def write_text(path: Path, text: str) -> None:
    """UTF-8 with the line ends of Unix everywhere, written atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline="\n"))


def write_json(path: Path, content: Any) -> None:
    """JSON, sorted as given, indented, with a final newline, written atomically."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Raises StorageError if the file is missing or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError(f"{path}: expected a JSON file ({error})") from error


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of what a JSON object holds beside its own digest, hexadecimal; spaces and order do not matter."""
    rest = {key: value for key, value in content.items() if key != DIGEST}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def write_stated(path: Path, content: Mapping[str, Any]) -> None:
    """:func:`write_json` of an object that states its own digest, see :func:`check_digest`."""
    write_json(path, {**content, DIGEST: digest_of(content)})


def check_digest(content: Mapping[str, Any]) -> None:
    """Raises ValueError if a JSON object has a digest, and it is of other contents."""
    if DIGEST in content and content[DIGEST] != digest_of(content):
        raise ValueError("it was changed after it was written: its digest is of other contents")


# -- tensors ---------------------------------------------------------------------------------------------------------


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """safetensors, written atomically, with the SHA-256 of all of it in its metadata."""
    packed, places = {}, set()
    for name, value in tensors.items():
        packed[name] = value.detach().cpu().contiguous()
        place = packed[name].untyped_storage().data_ptr()
        if place in places:  # a weight that two networks share: safetensors takes no tensor twice
            packed[name] = packed[name].clone()
        places.add(place)
    facts = dict(metadata or {})
    # In memory first: a file that is written through a memory map kills the process where the disk is full.
    content = safetensors.torch.save(packed, {**facts, DIGEST: tensors_digest(packed, facts)})
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def tensors_digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """SHA-256 of names, types, shapes, values and metadata, hexadecimal."""
    of = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(tensors):
        value = tensors[name]
        of.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        of.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return of.hexdigest()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Raises StorageError if the file is missing or not safetensors."""
    return read_tensors_and_metadata(path)[0]


def read_tensors_and_metadata(
    path: Path, sha256_of_file: str | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and the metadata that :func:`write_tensors` got.

    The file is read once: what was checked is what is returned, even if somebody replaces it meanwhile.

    Parameters
    ----------
    path : Path
    sha256_of_file : str, optional
        What the SHA-256 of its bytes has to be.

    Raises
    ------
    StorageError
        If the file is missing, not safetensors, or its contents are not those of its hash or its digest.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: expected a safetensors file ({error})") from error
    if sha256_of_file is not None and hashlib.sha256(content).hexdigest() != sha256_of_file:
        raise StorageError(f"{path}: its SHA-256 is not {sha256_of_file[:12]}...")
    try:
        tensors = safetensors.torch.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = dict(header.get("__metadata__") or {})
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError, RuntimeError, AssertionError) as error:
        raise StorageError(f"{path}: expected a safetensors file ({error})") from error
    stated = metadata.pop(DIGEST, None)
    if stated is not None and stated != tensors_digest(tensors, metadata):
        raise StorageError(f"{path}: damaged, its digest is of other contents")
    if stated is not None:
        metadata[DIGEST] = stated
    return tensors, metadata


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
