"""An ``.npz`` file from a stranger: a ZIP of NumPy arrays, read by `zipfile` and NumPy once its sizes are known.

Nothing here unpickles or writes to disk. What the directory and the headers promise is compared with what there is, and
refused if it is too large, before anything is decompressed: no more than the first bytes of a member.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib

import numpy as np
from numpy.lib import format as npy

from bvae.data.uploads.format import (
    FIELDS,
    MAX_HEADER,
    MAX_MEMBERS,
    MAX_RATIO,
    MAX_UNPACKED,
    MIB,
    RATIO_FROM,
    UploadError,
    check_dtype,
    check_extent,
    check_name,
    field_of,
)

BEGINNING, DIRECTORY_ENTRY, END_OF_DIRECTORY, END_LENGTH = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", 22
HEADER_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
FLAT = re.compile(r"\{(?: *'\w{1,20}': *(?:'[^'\\\n]{1,40}'|True|False|\([\d, ]{0,3900}\)) *(?:,|(?=\})))* *\} *\n?")
"""A header in which Python's parser, which NumPy gives it to, finds nothing to nest or to compute."""
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError, OSError, RuntimeError,
          ValueError, TypeError, IndexError, KeyError, OverflowError)
"""What `zipfile` and NumPy raise for what they cannot read."""


def arrays_of(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of the archive by name, each of a dtype that holds no objects."""
    archive = _open(content)
    entries = {e.filename.removesuffix(".npy"): e for e in _check_directory(archive, len(content))}
    name = ""
    try:
        for name, entry in entries.items():
            with archive.open(entry) as file:
                _check_header(name, file.read(min(entry.file_size, MAX_HEADER)), entry.file_size)
        arrays = {}
        for name, entry in entries.items():
            with archive.open(entry) as file:
                arrays[name] = npy.read_array(file, allow_pickle=False, max_header_size=MAX_HEADER)
                file.read(1)  # its end, at which the checksum is compared
        return arrays
    except UploadError:
        raise
    except DAMAGE as error:
        raise UploadError(
            f"{name}.npy: expected data that can be unpacked and whose checksum is right, got a damaged member; "
            "write the file again with np.savez or np.savez_compressed and upload it whole."
        ) from error


def _open(content: bytes) -> zipfile.ZipFile:
    """The archive, if its directory is at the end and so short that reading it costs nothing."""
    if content[:6] == npy.MAGIC_PREFIX:
        raise UploadError("The file: expected an .npz archive, got a single .npy array; write it with np.savez, "
                          "which takes several arrays by name.")
    if content[:4] != BEGINNING:
        raise UploadError(f"The file: expected an .npz archive that begins with {BEGINNING!r}, or a .safetensors file, "
                          f"got {content[:4]!r}; write it with np.savez, or with save_file of safetensors.")
    end = content[-END_LENGTH:]
    if not end.startswith(END_OF_DIRECTORY) or not end.endswith(b"\0\0"):
        raise UploadError("The file: expected an archive that ends with its directory and has no comment, got other "
                          "bytes at the end; it was cut off or changed, so write or upload it again.")
    # zipfile makes an object of every entry that it finds: a file of 50 MB may hold a million.
    if (count := content.count(DIRECTORY_ENTRY)) > MAX_MEMBERS:
        raise UploadError(f"The archive: expected at most {MAX_MEMBERS} members, got {count:,}; leave out "
                          "what the format does not name.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except DAMAGE as error:
        raise UploadError("The archive: expected a readable directory, got a damaged one; write the file again with "
                          "np.savez and upload it whole.") from error
    front = min((e.header_offset for e in archive.infolist()), default=archive.start_dir)
    if front:
        raise UploadError("The archive: expected its members from the first byte on and the directory right before "
                          f"the end, got {front:,} bytes in front of them; write the file again with np.savez.")
    return archive


def _check_directory(archive: zipfile.ZipFile, packed: int) -> list[zipfile.ZipInfo]:
    """The members, if their names, number and sizes are allowed. Nothing has been decompressed yet."""
    entries = archive.infolist()
    seen: set[str] = set()
    for e in entries:
        shown = f"Member {e.filename[:60]!r}"
        is_array = e.filename.endswith(".npy") and e.filename == e.orig_filename
        check_name(shown, e.filename.removesuffix(".npy") if is_array else "", seen)
        if e.flag_bits & 0x1:
            raise UploadError(f"{shown}: expected no encryption, got an encrypted one; write it without.")
        if e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UploadError(f"{shown}: expected to be stored or deflated, got compression method "
                              f"{e.compress_type}; write it with np.savez or np.savez_compressed.")
    total = sum(e.file_size for e in entries)
    if total > MAX_UNPACKED:
        raise UploadError(f"The archive: expected at most {MAX_UNPACKED // MIB} MB unpacked, got {total / MIB:,.0f} "
                          "MB; store float32, or fewer items.")
    if total > RATIO_FROM and total > MAX_RATIO * packed:
        raise UploadError(f"The archive: expected to unpack to at most {MAX_RATIO} times its size, got "
                          f"{total / packed:,.0f} times; write it with np.savez, without compression.")
    return entries


def _check_header(name: str, first: bytes, size: int) -> None:
    """Raise UploadError unless a member of `size` bytes begins with the header of an array that belongs there."""
    where, field = f"{name}.npy", FIELDS[field_of(name)]
    if first[:6] != npy.MAGIC_PREFIX or len(first) < 12:
        raise UploadError(f"{where}: expected an array in NumPy's format, got bytes that begin with {first[:6]!r}; "
                          "write the file with np.savez.")
    file = io.BytesIO(first)
    version = npy.read_magic(file)
    if version not in HEADER_READERS:
        raise UploadError(f"{where}: expected version 1 or 2 of NumPy's format, got {version[0]}.{version[1]}; save a "
                          "plain array, without named fields.")
    begin = 10 if version == (1, 0) else 12
    end = begin + int.from_bytes(first[8:begin], "little")
    if end > len(first):
        raise UploadError(f"{where}: expected a header of at most {MAX_HEADER} bytes that lies inside the member, got "
                          f"one of {end - begin:,} bytes; write the file with np.savez.")
    another_form = UploadError(
        f"{where}: expected a plain array of numbers or short texts, got a header of another form (an object array, "
        "or one with named fields); convert it to a plain array before saving.")
    if not FLAT.fullmatch(first[begin:end].decode("latin-1")):
        raise another_form
    try:
        shape, _, dtype = HEADER_READERS[version](file, max_header_size=MAX_HEADER)
    except (*DAMAGE, SyntaxError) as error:
        if isinstance(error.__cause__, TypeError):  # of the type, which NumPy writes at the end
            check_dtype(where, field, None, str(error).rpartition(": ")[2])
        raise another_form from error
    check_dtype(where, field, dtype, repr(dtype.str))
    check_extent(where, field, shape, dtype.itemsize, size - end)
