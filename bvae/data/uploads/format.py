"""The file format of posteriors: its arrays, its limits, and the error for a file that is not of it.

Both kinds of file hold the same arrays, and the same is asked of each: a name, a type, and as many bytes as they say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MIB = 1024 * 1024
MAX_FILE = 50 * MIB
MAX_UNPACKED = 200 * MIB
MAX_RATIO, RATIO_FROM = 100, 10 * MIB  # small files may be as regular as they like
MAX_MEMBERS, MAX_HEADER = 64, 4096
MAX_TENSOR_HEADER = 2 * MIB  # of a .safetensors file: it holds the names of the classes
MAX_ITEMS, MAX_DIMENSIONS, MAX_MODALITIES = 50_000, 1024, 8
MAX_SIDE, MAX_LETTERS = 64, 200
LARGEST_MEAN, SMALLEST_SCALE, LARGEST_SCALE = 1e6, 1e-6, 1e6  # so that squares and ratios stay within float32

# No spaces: what the pages call their own choices ("all modalities") is never the name of a modality.
MODALITY = r"[A-Za-z0-9][A-Za-z0-9.-]{0,31}(?:_[A-Za-z0-9.-]{1,16}){0,3}"
MODALITY_WORDS = "letters, digits, '-', '.' and '_'"
NAME = re.compile(rf"(?:(?:mu|sigma|present|thumbnails)_{MODALITY}|labels|name)")


class UploadError(ValueError):
    """A file that is not of this format; one sentence: what, where, expected, got, and how to mend it."""


class Field(NamedTuple):
    """One kind of array in the file, for the documentation and for the checks.

    Attributes
    ----------
    shape, says : str
    kinds : str
        Of dtypes: the letters of `numpy.dtype.kind`, or one with its size.
    mend : dict
        Kind of what came, or "" for all others -> how to make the right thing of it. What is advised fails, or gives
        what was meant: never numbers that are taken for something else.
    """

    shape: str
    kinds: str
    says: str
    mend: dict[str, str]


NUMBERS = {"": ".astype(np.float32)", "c": ".real.astype(np.float32), if all imaginary parts are 0"}
FIELDS: dict[str, Field] = {
    "mu": Field("(N, D)", "f", "Means of the posteriors of modality NAME. Required.", NUMBERS),
    "sigma": Field("(N, D)", "f", "Their standard deviations (not variances, not logarithms). Required.", NUMBERS),
    "present": Field("(N,)", "b", "Which items have modality NAME; all by default. What mu and sigma hold for the "
                     "others is not read.",
                     {"": "np.array([...], dtype=bool)", "i": "x != 0", "u": "x != 0",
                      "f": "np.nan_to_num(x) != 0",  # NaN as bool is True
                      "U": "x == 'yes', with your own word", "S": "x == b'yes', with your own word"}),
    "thumbnails": Field("(N, h, w) or (N, h, w, 3)", "u1", f"Small pictures, h and w at most {MAX_SIDE}.",
                        {"": "np.clip(x, 0, 255).astype(np.uint8)", "b": "255 * x.astype(np.uint8)",
                         "f": "np.clip(x, 0, 255).astype(np.uint8), of 255 * x if x goes from 0 to 1"}),
    "labels": Field("(N,)", "iuU", f"Integers, or texts of at most {MAX_LETTERS} characters.",
                    {"": ".astype(str)", "S": "np.char.decode(x, 'utf-8')"}),  # .astype(int) of NaN is a number
    "name": Field("()", "U", f"What to call it, at most {MAX_LETTERS} characters.", {"": "np.array('my model')"}),
}
KIND_NAMES = {"f": "floating-point numbers", "b": "bool", "u1": "uint8", "iuU": "integers or text", "U": "text"}


def field_of(name: str) -> str:
    """The key in :data:`FIELDS` of an array."""
    return name.split("_", 1)[0]


def check_name(shown: str, name: str, seen: set[str]) -> None:
    """Raise UploadError unless the format has an array of this name, and none before it had; `seen` learns it."""
    if not NAME.fullmatch(name):
        raise UploadError(f"{shown}: expected mu_NAME, sigma_NAME, present_NAME, thumbnails_NAME, labels or name, NAME "
                          f"being {MODALITY_WORDS}, got another name; rename it or leave it out.")
    if name.lower() in seen:
        raise UploadError(f"{shown}: expected every name once, got it twice (capitals aside); rename one.")
    seen.add(name.lower())


def check_dtype(where: str, field: Field, dtype: np.dtype | None, written: str) -> None:
    """Raise UploadError unless an array may be of this type, which the file calls `written`; None: of no such type."""
    kinds, kind, size = field.kinds, *(("", 0) if dtype is None else (dtype.kind, dtype.itemsize))
    exact = len(kinds) == 2 and kinds[1].isdigit()
    allowed = dtype is not None and (f"{kind}{size}" == kinds if exact else kind in kinds)
    if not allowed or (kind == "f" and size > 8):
        got = "objects" if kind == "O" else f"dtype {written}"
        raise UploadError(f"{where}: expected {KIND_NAMES[kinds]}, got {got}; convert it with "
                          f"{field.mend.get(kind, field.mend[''])}.")
    if kind == "U" and not 0 < size <= 4 * MAX_LETTERS:
        raise UploadError(f"{where}: expected texts of at most {MAX_LETTERS} characters, got room for "
                          f"{size // 4}; save np.array(x.tolist()), which takes no more than it needs, and "
                          "give what is still longer a shorter name of its own.")


def check_extent(where: str, field: Field, shape: Sequence[int], itemsize: int, held: int) -> None:
    """Raise UploadError unless an array of this shape takes the `held` bytes that the file has for it."""
    if len(shape) > 4 or not all(0 <= side < 10**9 for side in shape):
        raise UploadError(f"{where}: expected shape {field.shape}, got {str(tuple(shape))[:60]}; reshape it.")
    promised = itemsize * math.prod(shape)
    if promised != held:
        raise UploadError(f"{where}: expected {held:,} bytes of data, as the file holds, got a header that promises "
                          f"{promised:,} (shape {tuple(shape)}, {itemsize} bytes each); write it again.")
