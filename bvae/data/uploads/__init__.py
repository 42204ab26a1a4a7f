"""Posteriors of any model as one file: how it is written, and how a file from a stranger is read.

The format is in `format`. An ``.npz`` is read by `archive`, a ``.safetensors`` file by `tensors`; what is in it is
checked by `reading`. What is written can be read: anything else is converted if that is safe (`conversion`), and
refused if not.
"""

from bvae.data.uploads.format import (
    FIELDS,
    KIND_NAMES,
    LARGEST_MEAN,
    LARGEST_SCALE,
    MAX_DIMENSIONS,
    MAX_FILE,
    MAX_ITEMS,
    MAX_LETTERS,
    MAX_MODALITIES,
    MAX_SIDE,
    MAX_UNPACKED,
    MIB,
    SMALLEST_SCALE,
    UploadError,
)
from bvae.data.uploads.reading import PosteriorSet, read
from bvae.data.uploads.writing import FILE_TYPES, write

__all__ = [
    "PosteriorSet", "UploadError", "read", "write", "FIELDS", "FILE_TYPES", "KIND_NAMES", "LARGEST_MEAN",
    "LARGEST_SCALE", "MAX_DIMENSIONS", "MAX_FILE", "MAX_ITEMS", "MAX_LETTERS", "MAX_MODALITIES", "MAX_SIDE",
    "MAX_UNPACKED", "MIB", "SMALLEST_SCALE",
]
