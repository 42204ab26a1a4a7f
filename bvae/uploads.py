"""Posteriors of any model, as one .npz file: how it is written, and how a file from a stranger is read.

Nothing here unpickles, evaluates or writes to disk. Every size is known, and refused if it is too large, before
anything is decompressed.
"""

from __future__ import annotations

import io
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bvae.model import UnimodalPosteriors

MIB = 1024 * 1024
MAX_FILE = 50 * MIB
MAX_UNPACKED = 200 * MIB
MAX_RATIO, RATIO_FROM = 100, 10 * MIB  # small files may be as regular as they like
MAX_MEMBERS, MAX_DIRECTORY, MAX_HEADER = 64, 64 * 1024, 4096
MAX_ITEMS, MAX_DIMENSIONS, MAX_MODALITIES = 50_000, 1024, 8
MAX_SIDE, MAX_LETTERS = 64, 40
LARGEST_MEAN, SMALLEST_SCALE, LARGEST_SCALE = 1e6, 1e-6, 1e6  # so that squares and ratios stay within float32

MODALITY = r"[A-Za-z][A-Za-z0-9-]{0,31}(?:_[A-Za-z0-9-]{1,16}){0,3}"
MEMBER = re.compile(rf"(?:(mu|sigma|present|thumbnails)_({MODALITY})|(labels|name))\.npy")
HEADER = re.compile(  # the three entries that NumPy writes, in its order or any other
    r"\{(?=.*'descr': *'([<>|=]?[a-zA-Z]\d*)')(?=.*'fortran_order': *(True|False))(?=.*'shape': *\(([\d, ]*)\))"
    r"(?: *'(?:descr|fortran_order|shape)': *(?:'[<>|=]?[a-zA-Z]\d*'|True|False|\([\d, ]*\)) *,?){3} *\} *\n?"
)
END_OF_DIRECTORY, ZIP64_LOCATOR = b"PK\x05\x06", b"PK\x06\x07"


class UploadError(ValueError):
    """A file that is not of this format; one sentence: what, where, expected, got, and how to mend it."""


@dataclass(frozen=True)
class PosteriorSet:
    """Unimodal posteriors of N items.

    Attributes
    ----------
    name : str
    modalities : tuple of str
        M names, in the order of the file.
    experts : UnimodalPosteriors
        loc, scale (M, N, D) float32 and present (M, N) bool.
    classes : tuple of str
        Names of the labels, sorted; empty without labels.
    y : ndarray
        (N,) positions in `classes`; all 0 without labels.
    thumbnails : mapping
        Modality -> (N, h, w) or (N, h, w, 3) uint8.
    """

    name: str
    modalities: tuple[str, ...]
    experts: UnimodalPosteriors
    classes: tuple[str, ...] = ()
    y: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))
    thumbnails: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.experts.loc.shape[1]

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.experts.loc.shape[2]

    def label(self, item: int) -> str:
        """Of one item; empty without labels."""
        return self.classes[self.y[item]] if self.classes else ""

    def thumbnail(self, modality: str, item: int) -> Tensor | None:
        """(C, h, w) floats in [0, 1], or None if there is none."""
        if modality not in self.thumbnails or not self.experts.present[self.modalities.index(modality), item]:
            return None
        pixels = torch.from_numpy(self.thumbnails[modality][item].copy()).float() / 255
        return pixels.unsqueeze(0) if pixels.ndim == 2 else pixels.permute(2, 0, 1)


class Field(NamedTuple):
    """One kind of array in the file, for the documentation and for the checks."""

    shape: str
    kinds: str
    says: str
    mend: str


FIELDS: dict[str, Field] = {
    "mu": Field("(N, D)", "f", "Means of the posteriors of modality NAME. Required.", ".astype(np.float32)"),
    "sigma": Field("(N, D)", "f", "Their standard deviations (not variances, not logarithms). Required.",
                   ".astype(np.float32)"),
    "present": Field("(N,)", "b", "Which items have modality NAME; all by default. What mu and sigma hold for the "
                     "others is not read.", ".astype(bool)"),
    "thumbnails": Field("(N, h, w) or (N, h, w, 3)", "u1", f"Small pictures, h and w at most {MAX_SIDE}.",
                        "(255 * x).astype(np.uint8)"),
    "labels": Field("(N,)", "iuU", f"Integers, or texts of at most {MAX_LETTERS} characters.",
                    ".astype(int), or np.array([...], dtype=str)"),
    "name": Field("()", "U", f"What to call it, at most {MAX_LETTERS} characters.", "np.array('my model')"),
}
KIND_NAMES = {"f": "floating-point numbers", "b": "bool", "u1": "uint8", "iuU": "integers or text", "U": "text"}


def read(content: bytes) -> PosteriorSet:
    """Read and check a file.

    Parameters
    ----------
    content : bytes
        The whole file, see :data:`FIELDS`.

    Raises
    ------
    UploadError
        If it is not of the format; says what, where, what was expected, what came, and how to mend it.
    """
    arrays = _arrays(content)
    names = [n.removeprefix("mu_") for n in arrays if n.startswith("mu_")]
    _check_members(arrays, names)
    n, d = arrays[f"mu_{names[0]}"].shape
    loc, scale = torch.zeros(len(names), n, d), torch.ones(len(names), n, d)
    present = torch.ones(len(names), n, dtype=torch.bool)
    for m, name in enumerate(names):
        there = arrays.get(f"present_{name}", np.ones(n, dtype=bool)).copy()
        present[m] = torch.from_numpy(there)
        mu, sigma = (_in_range(f"{part}_{name}", arrays[f"{part}_{name}"], there) for part in ("mu", "sigma"))
        loc[m], scale[m] = torch.from_numpy(mu), torch.from_numpy(sigma)
    classes, y = _labels(arrays, n)
    title = _text("name", arrays["name"].reshape(1))[0] if "name" in arrays else ""
    pictures = {name: arrays[f"thumbnails_{name}"] for name in names if f"thumbnails_{name}" in arrays}
    return PosteriorSet(title or "unnamed", tuple(names), UnimodalPosteriors(loc, scale, present), classes, y, pictures)


def write(
    loc: Tensor | np.ndarray, scale: Tensor | np.ndarray, modalities: Sequence[str], *,
    labels: np.ndarray | None = None, present: np.ndarray | None = None,
    thumbnails: Mapping[str, np.ndarray] | None = None, name: str = "",
) -> bytes:
    """A file in this format: loc, scale (M, N, D), present (M, N), the rest as in :data:`FIELDS`."""
    arrays = {}
    for m, modality in enumerate(modalities):
        arrays[f"mu_{modality}"], arrays[f"sigma_{modality}"] = (np.asarray(v[m], np.float32) for v in (loc, scale))
        if present is not None:
            arrays[f"present_{modality}"] = np.asarray(present[m], bool)
    arrays |= {f"thumbnails_{modality}": pixels for modality, pixels in (thumbnails or {}).items()}
    if labels is not None:
        arrays["labels"] = np.asarray(labels)
    if name:
        arrays["name"] = np.array(name)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


# -- the archive -----------------------------------------------------------------------------------------------------


def _arrays(content: bytes) -> dict[str, np.ndarray]:
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
                "being letters, digits, '-' and '_', got another name; rename it or leave it out.")
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
        raise UploadError(f"{where}: expected {KIND_NAMES[kinds]}, got {got}; convert it with {field.mend}.")
    if dtype.kind == "U" and dtype.itemsize > 4 * MAX_LETTERS:
        raise UploadError(f"{where}: expected texts of at most {MAX_LETTERS} characters, got up to "
                          f"{dtype.itemsize // 4}; shorten them with .astype('U{MAX_LETTERS}').")
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


# -- the content -----------------------------------------------------------------------------------------------------


def _check_members(arrays: Mapping[str, np.ndarray], names: list[str]) -> None:
    """Raise UploadError unless the arrays belong together."""
    if not names:
        raise UploadError("The archive: expected at least one modality, mu_NAME with sigma_NAME, got none; name the "
                          "array of means mu_NAME.")
    if len(names) > MAX_MODALITIES:
        raise UploadError(f"The archive: expected at most {MAX_MODALITIES} modalities, got {len(names)}; leave some "
                          "out.")
    for key in arrays:
        part, _, modality = key.partition("_")
        if modality and modality not in names:
            raise UploadError(f"{key}: expected a modality that has means, got {modality!r} without mu_{modality}; "
                              "add them or remove this array.")
        if part == "mu" and f"sigma_{modality}" not in arrays:
            raise UploadError(f"mu_{modality}: expected its standard deviations beside it, got no sigma_{modality}; "
                              "add them, of the same shape.")
    first = arrays[f"mu_{names[0]}"]
    if first.ndim != 2:
        raise UploadError(f"mu_{names[0]}: expected shape (N, D), got {first.shape}; put items in rows and latent "
                          "dimensions in columns.")
    n, d = first.shape
    if not 1 <= n <= MAX_ITEMS or not 1 <= d <= MAX_DIMENSIONS:
        raise UploadError(f"mu_{names[0]}: expected 1 to {MAX_ITEMS:,} items of 1 to {MAX_DIMENSIONS:,} dimensions, "
                          f"got {n:,} of {d:,}; save fewer of them.")
    for key, array in arrays.items():
        part = key.split("_", 1)[0]
        if part in ("mu", "sigma") and array.shape != (n, d):
            raise UploadError(f"{key}: expected shape {(n, d)}, that of mu_{names[0]}, got {array.shape}; every "
                              "modality needs all N items (use present_NAME) in one latent space.")
        if part in ("present", "labels") and array.shape != (n,):
            raise UploadError(f"{key}: expected shape {(n,)}, one value for each item of mu_{names[0]}, got "
                              f"{array.shape}; reshape it.")
        if part == "name" and array.shape not in ((), (1,)):
            raise UploadError(f"name: expected a single text, got shape {array.shape}; save np.array('my model').")
        if part == "thumbnails":
            good = (array.ndim == 3 or (array.ndim == 4 and array.shape[3] == 3)) and len(array) == n
            if not good or not all(1 <= side <= MAX_SIDE for side in array.shape[1:3]):
                raise UploadError(f"{key}: expected shape (N, h, w) or (N, h, w, 3) with N = {n:,} and h, w at most "
                                  f"{MAX_SIDE}, got {array.shape}; shrink the pictures or move their channels last.")


def _in_range(key: str, values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """float32 copies of the items that are there, 0 or 1 elsewhere; raise UploadError for what cannot be used."""
    is_scale = key.startswith("sigma_")
    out = np.array(values, dtype=np.float64 if values.dtype.itemsize > 4 else np.float32)
    out[~there] = float(is_scale)
    low, high = (SMALLEST_SCALE, LARGEST_SCALE) if is_scale else (-LARGEST_MEAN, LARGEST_MEAN)
    bad = ~((out >= low) & (out <= high))  # NaN is neither
    if bad.any():
        item, dimension = np.argwhere(bad)[0].tolist()
        value = float(values[item, dimension])
        wanted = f"standard deviations from {low:g} to {high:g}" if is_scale else f"means from {low:g} to {high:g}"
        mend = ("if these are variances take the square root, if logarithms np.exp"
                if is_scale and value <= 0 else "mend the item, or mark it as missing with present_"
                + key.split("_", 1)[1])
        raise UploadError(f"{key}: expected {wanted}, got {value:g} at item {item}, dimension {dimension} "
                          f"({int(bad.sum()):,} such numbers); {mend}.")
    return out.astype(np.float32)


def _labels(arrays: Mapping[str, np.ndarray], n: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the classes and the class of every item."""
    if "labels" not in arrays:
        return (), np.zeros(n, dtype=int)
    values = arrays["labels"]
    if values.dtype.kind == "U":
        values = np.array(_text("labels", values))
    classes, y = np.unique(values, return_inverse=True)
    return tuple(str(c) for c in classes.tolist()), y.reshape(n)


def _text(key: str, values: np.ndarray) -> list[str]:
    """Texts as Python strings; raise UploadError for code points that are no character, and for control characters."""
    native = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("="))
    points = native.view(np.uint32).reshape(len(values), -1)
    wrong = (points > 0x10FFFF) | ((points >= 0xD800) & (points <= 0xDFFF))
    if wrong.any():
        item = int(wrong.any(axis=1).argmax())
        raise UploadError(f"{key}: expected text, got the number {points[item][wrong[item]][0]:#x} at item {item}, "
                          "which is no character; write it again with np.array([...], dtype=str).")
    texts = [str(t) for t in native.tolist()]
    for item, text in enumerate(texts):
        if any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in text):
            raise UploadError(f"{key}: expected printable characters, got {text!r} at item {item}; remove the control "
                              "characters.")
    return texts
