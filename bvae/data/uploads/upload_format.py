"""The file format of posteriors: its arrays, its limits, and the error for a file that is not of it."""

from __future__ import annotations

import re
from typing import NamedTuple

MIB = 1024 * 1024
MAX_FILE = 50 * MIB
MAX_UNPACKED = 200 * MIB
MAX_RATIO, RATIO_FROM = 100, 10 * MIB  # small files may be as regular as they like
MAX_MEMBERS, MAX_DIRECTORY, MAX_HEADER = 64, 64 * 1024, 4096
MAX_ITEMS, MAX_DIMENSIONS, MAX_MODALITIES = 50_000, 1024, 8
MAX_SIDE, MAX_LETTERS = 64, 200
LARGEST_MEAN, SMALLEST_SCALE, LARGEST_SCALE = 1e6, 1e-6, 1e6  # so that squares and ratios stay within float32

# No spaces: what the pages call their own choices ("all modalities") is never the name of a modality.
MODALITY = r"[A-Za-z0-9][A-Za-z0-9.-]{0,31}(?:_[A-Za-z0-9.-]{1,16}){0,3}"
MODALITY_WORDS = "letters, digits, '-', '.' and '_'"
MEMBER = re.compile(rf"(?:(mu|sigma|present|thumbnails)_({MODALITY})|(labels|name))\.npy")
DESCR = r"[<>|=]?[a-zA-Z]\d*(?:\[\d{0,9}[a-zA-Z]{1,2}\])?"  # dates have a unit
HEADER = re.compile(  # the three entries that NumPy writes, in its order or any other
    rf"\{{(?=.*'descr': *'({DESCR})')(?=.*'fortran_order': *(True|False))(?=.*'shape': *\(([\d, ]*)\))"
    rf"(?: *'(?:descr|fortran_order|shape)': *(?:'{DESCR}'|True|False|\([\d, ]*\)) *,?){{3}} *\}} *\n?"
)
END_OF_DIRECTORY, ZIP64_LOCATOR = b"PK\x05\x06", b"PK\x06\x07"


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


def mend(field: Field, kind: str) -> str:
    """How to make of an array of some kind what the format wants."""
    return field.mend.get(kind, field.mend[""])
