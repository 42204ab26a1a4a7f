"""The archive of an uploaded file: a ZIP of NumPy arrays from a stranger, read without trusting anything in it.

Nothing here unpickles, evaluates or writes to disk. Every size is known, and refused if it is too large, before
anything is decompressed.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import NamedTuple

import numpy as np

from bvae.data.uploads.upload_format import (
    END_OF_DIRECTORY,
    FIELDS,
    HEADER,
    KIND_NAMES,
    MAX_DIRECTORY,
    MAX_FILE,
    MAX_HEADER,
    MAX_LETTERS,
    MAX_MEMBERS,
    MAX_RATIO,
    MAX_UNPACKED,
    MEMBER,
    MIB,
    MODALITY_WORDS,
    RATIO_FROM,
    ZIP64_LOCATOR,
    UploadError,
    mend,
)


def arrays_of(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of the archive by name, each of a dtype that holds no objects."""
    archive = _open(content)
    entries = {e.filename.removesuffix(".npy"): e for e in _check_directory(archive, len(content))}
    heads = {}
    try:
        for name, entry in entries.items():
            with archive.open(entry) as file:
                heads[name] = _header(name, file.read(min(entry.file_size, MAX_HEADER)), entry.file_size)
        return {name: _array(archive.read(entries[name]), *heads[name]) for name in entries}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError, ValueError,
            struct.error, IndexError) as error:
        if isinstance(error, UploadError):
            raise
        raise UploadError(
            f"{name}.npy: expected data that can be unpacked and whose checksum is right, got a damaged member; "
            "write the file again with np.savez or np.savez_compressed and upload it whole."
        ) from error


def _open(content: bytes) -> zipfile.ZipFile:
    """The archive, after its last record has been found to promise a small directory."""
    if len(content) > MAX_FILE:
        raise UploadError(f"The file: expected at most {MAX_FILE // MIB} MB, got {len(content) / MIB:.1f} MB; leave "
                          "items or thumbnails out, or store float32 with np.savez_compressed.")
    if content[:6] == b"\x93NUMPY":
        raise UploadError("The file: expected an .npz archive, got a single .npy array; write it with np.savez, "
                          "which takes several arrays by name.")
    if content[:4] != b"PK\x03\x04":
        raise UploadError(f"The file: expected an .npz archive that begins with b'PK\\x03\\x04', got "
                          f"{content[:4]!r}; write it with np.savez or np.savez_compressed.")
    # zipfile reads exactly this record if the archive has no comment, and NumPy writes none.
    end = content[-22:]
    if len(content) < 22 or end[:4] != END_OF_DIRECTORY or end[-2:] != b"\0\0":
        raise UploadError("The file: expected an archive that ends with its directory and has no comment, got other "
                          "bytes at the end; it was cut off or changed, so write or upload it again.")
    if content[-42:-38] == ZIP64_LOCATOR:
        raise UploadError(f"The file: expected a plain ZIP directory, got a ZIP64 one, which files below "
                          f"{MAX_FILE // MIB} MB do not need; write it with np.savez.")
    _, _, here, count, size, offset = struct.unpack("<4H2L", end[4:20])
    if count > MAX_MEMBERS or here != count:
        raise UploadError(f"The archive: expected at most {MAX_MEMBERS} members, got {max(count, here):,}; leave out "
                          "what the format does not name.")
    if size > MAX_DIRECTORY or offset + size + 22 != len(content):
        raise UploadError(f"The archive: expected a directory of at most {MAX_DIRECTORY:,} bytes right before the end, "
                          f"got {size:,} bytes at {offset:,} of {len(content):,}; write the file again with np.savez.")
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, IndexError, OSError) as error:
        raise UploadError("The archive: expected a readable directory, got a damaged one; write the file again with "
                          "np.savez and upload it whole.") from error


def _check_directory(archive: zipfile.ZipFile, packed: int) -> list[zipfile.ZipInfo]:
    """The members, if their names, number and sizes are allowed. Nothing has been decompressed yet."""
    entries = archive.infolist()
    if not 1 <= len(entries) <= MAX_MEMBERS:
        raise UploadError(f"The archive: expected 1 to {MAX_MEMBERS} members, got {len(entries)}; write at least "
                          "mu_NAME and sigma_NAME.")
    seen: set[str] = set()
    for e in entries:
        shown = repr(e.filename[:60])
        if not MEMBER.fullmatch(e.filename) or e.orig_filename != e.filename:
            raise UploadError(
                f"Member {shown}: expected mu_NAME, sigma_NAME, present_NAME, thumbnails_NAME, labels or name, NAME "
                f"being {MODALITY_WORDS}, got another name; rename it or leave it out.")
        if e.filename.lower() in seen:
            raise UploadError(f"Member {shown}: expected every name once, got it twice (capitals aside); rename one.")
        seen.add(e.filename.lower())
        if e.flag_bits & 0x1:
            raise UploadError(f"Member {shown}: expected no encryption, got an encrypted one; write it without.")
        if e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UploadError(f"Member {shown}: expected to be stored or deflated, got compression method "
                              f"{e.compress_type}; write it with np.savez or np.savez_compressed.")
    total = sum(e.file_size for e in entries)
    if total > MAX_UNPACKED:
        raise UploadError(f"The archive: expected at most {MAX_UNPACKED // MIB} MB unpacked, got {total / MIB:,.0f} "
                          "MB; store float32, or fewer items.")
    if total > RATIO_FROM and total > MAX_RATIO * packed:
        raise UploadError(f"The archive: expected to unpack to at most {MAX_RATIO} times its size, got "
                          f"{total / packed:,.0f} times; write it with np.savez, without compression.")
    return entries


class Head(NamedTuple):
    """What a .npy header says."""

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    start: int


def _header(name: str, first: bytes, size: int) -> Head:
    """Read a .npy header by pattern, not by evaluating it; refuse dtypes and shapes that do not belong there."""
    where = f"{name}.npy"
    if first[:6] != b"\x93NUMPY" or len(first) < 12:
        raise UploadError(f"{where}: expected an array in NumPy's format, got bytes that begin with {first[:6]!r}; "
                          "write the file with np.savez.")
    if first[6] not in (1, 2):
        raise UploadError(f"{where}: expected version 1 or 2 of NumPy's format, got {first[6]}; save a plain array, "
                          "without named fields.")
    begin = 10 if first[6] == 1 else 12
    length = int.from_bytes(first[8:begin], "little")
    if begin + length > len(first):
        raise UploadError(f"{where}: expected a header of at most {MAX_HEADER} bytes that lies inside the member, got "
                          f"one of {length:,} bytes; write the file with np.savez.")
    found = HEADER.fullmatch(first[begin : begin + length].decode("latin-1"))
    if not found:
        raise UploadError(f"{where}: expected a plain array of numbers or short texts, got a header of another form "
                          "(an object array, or one with named fields); convert it to a plain array before saving.")
    field, descr = FIELDS[name.split("_", 1)[0]], found[1]
    try:
        dtype = np.dtype(descr)
    except (TypeError, ValueError):
        dtype = None
    kinds = field.kinds
    allowed = dtype is not None and (dtype.kind + str(dtype.itemsize) == kinds if len(kinds) == 2 and kinds[1].isdigit()
                                     else dtype.kind in kinds)
    if not allowed or (dtype.kind == "f" and dtype.itemsize > 8):
        got = "objects" if descr.endswith("O") else f"dtype {descr!r}"
        raise UploadError(f"{where}: expected {KIND_NAMES[kinds]}, got {got}; convert it with "
                          f"{mend(field, dtype.kind if dtype is not None else '')}.")
    if dtype.kind == "U" and dtype.itemsize > 4 * MAX_LETTERS:
        raise UploadError(f"{where}: expected texts of at most {MAX_LETTERS} characters, got room for "
                          f"{dtype.itemsize // 4}; save np.array(x.tolist()), which takes no more than it needs, and "
                          "give what is still longer a shorter name of its own.")
    parts = [p.strip() for p in found[3].split(",") if p.strip()]
    if len(parts) > 4 or any(not re.fullmatch(r"\d{1,9}", p) for p in parts):
        raise UploadError(f"{where}: expected shape {field.shape}, got ({found[3][:60]}); reshape it.")
    shape = tuple(map(int, parts))
    count = 1
    for side in shape:
        count *= side
    if count * dtype.itemsize != size - begin - length:
        raise UploadError(f"{where}: expected {size - begin - length:,} bytes of data, as the archive holds, got a "
                          f"header that promises {count * dtype.itemsize:,} (shape {shape}, {dtype}); write it again.")
    return Head(dtype, shape, found[2] == "True", begin + length)


def _array(raw: bytes, dtype: np.dtype, shape: tuple[int, ...], fortran: bool, start: int) -> np.ndarray:
    """The array behind a header that has been checked: a read-only view of `raw`."""
    return np.frombuffer(raw, dtype, offset=start).reshape(shape, order="F" if fortran else "C")
