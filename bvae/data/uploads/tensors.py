"""A ``.safetensors`` file from a stranger, read by `safetensors` once its header has been found to tell the truth.

The library gives no metadata of a file that is in memory, so its header, which is JSON, is read here too. Texts are in
the metadata: ``name``, and ``classes``, a JSON list of which ``labels`` then holds the positions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import safetensors.torch
import torch

from bvae.data.uploads.format import (
    FIELDS,
    MAX_ITEMS,
    MAX_LETTERS,
    MAX_MEMBERS,
    MAX_TENSOR_HEADER,
    UploadError,
    check_dtype,
    check_extent,
    check_name,
    field_of,
)
from bvae.io.texts import unprintable

LENGTH = 8  # bytes in front, which say how long the header is
METADATA = "__metadata__"
DTYPES: dict[str, np.dtype[Any]] = {
    "BF16": np.dtype("f2"), "F16": np.dtype("f2"), "F32": np.dtype("f4"), "F64": np.dtype("f8"), "BOOL": np.dtype("?"),
    **{f"{kind}{8 * size}": np.dtype(f"{kind.lower()}{size}") for kind in "IU" for size in (1, 2, 4, 8)}}
"""Types of tensors that the format may want, with what NumPy has of the same kind and size."""


def begins(content: bytes) -> bool:
    """Whether a file begins as these do: a length, and JSON."""
    return content[LENGTH : LENGTH + 1] == b"{"


def arrays_of(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of the file by name, in its order; texts of the metadata as arrays, too."""
    header, end = _header(content)
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise UploadError("The metadata: expected texts by name, got something else; write the file with save_file of "
                          "safetensors.")
    _check_tensors(header, len(content) - end)
    try:
        found = safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError, RuntimeError, AssertionError) as error:
        raise UploadError("The file: expected tensors that fill it one after the other, got a damaged file; write it "
                          "again with save_file of safetensors and upload it whole.") from error
    arrays = {name: (found[name].float() if found[name].dtype == torch.bfloat16 else found[name]).numpy()
              for name in header}
    if "name" in metadata:
        arrays["name"] = np.array(_checked("name", metadata["name"]))
    if "classes" in metadata and "labels" in arrays:
        arrays["labels"] = _named(arrays["labels"], metadata["classes"])
    return arrays


def content_of(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A file of these arrays, see :func:`arrays_of`."""
    metadata, out = {}, {}
    for name, array in arrays.items():
        if name == "name":
            metadata["name"] = _checked("name", str(array))
        elif array.dtype.kind == "U":
            classes, out[name] = np.unique(array, return_inverse=True)
            metadata["classes"] = json.dumps(classes.tolist())
        else:
            out[name] = array
    native = {name: np.ascontiguousarray(a, dtype=a.dtype.newbyteorder("=")) for name, a in out.items()}
    return safetensors.numpy.save(native, metadata)


def _header(content: bytes) -> tuple[dict[str, Any], int]:
    """What the file says of itself, and where that ends."""
    length = int.from_bytes(content[:LENGTH], "little")
    end = LENGTH + length
    if length > MAX_TENSOR_HEADER or end > len(content):
        raise UploadError(f"The file: expected a .safetensors header of at most {MAX_TENSOR_HEADER:,} bytes that lies "
                          f"inside the file, got one of {length:,} bytes; write it with save_file of safetensors, or "
                          "an .npz file if the names of the classes are so long.")
    try:
        header = json.loads(content[LENGTH:end].decode("utf-8"), object_pairs_hook=_once)
    except UploadError:
        raise
    except (ValueError, RecursionError) as error:
        raise UploadError("The file: expected a .safetensors header in JSON, got a damaged one; write it again with "
                          "save_file of safetensors and upload it whole.") from error
    return header, end


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON's objects, without names that come twice, of which each reader would take another one."""
    out = dict(pairs)
    if len(out) < len(pairs):
        raise UploadError("The header: expected every name once, got one twice; write the file with save_file of "
                          "safetensors.")
    return out


def _check_tensors(header: dict[str, Any], held: int) -> None:
    """Raise UploadError unless names, types and shapes are allowed, and each tensor lies in the `held` bytes."""
    if len(header) > MAX_MEMBERS:
        raise UploadError(f"The file: expected at most {MAX_MEMBERS} tensors, got {len(header):,}; leave out what the "
                          "format does not name.")
    seen: set[str] = set()
    for name, told in header.items():
        where = f"Tensor {name[:60]!r}"
        check_name(where, name, seen)
        if name == "name":
            raise UploadError("Tensor 'name': expected the name as a text in the metadata, got a tensor; write "
                              "save_file(tensors, path, metadata={'name': 'my model'}).")
        told = told if isinstance(told, dict) else {}
        shape: Any = told.get("shape")
        offsets: Any = told.get("data_offsets")
        if not (_whole(shape) and _whole(offsets) and len(offsets) == 2 and isinstance(told.get("dtype"), str)):
            raise UploadError(f"{where}: expected a type, a shape and two offsets in whole numbers, got something "
                              "else; write the file with save_file of safetensors.")
        check_dtype(where, FIELDS[field_of(name)], DTYPES.get(told["dtype"]), told["dtype"][:20])
        if not 0 <= offsets[0] <= offsets[1] <= held:
            raise UploadError(f"{where}: expected data within the {held:,} bytes that the file holds, got other "
                              "offsets; write it again and upload it whole.")
        check_extent(where, FIELDS[field_of(name)], shape, DTYPES[told["dtype"]].itemsize, offsets[1] - offsets[0])


def _whole(values: Any) -> bool:
    """Whether this is a list of whole numbers."""
    return isinstance(values, list) and all(type(v) is int for v in values)


def _checked(key: str, text: str) -> str:
    """A text of the metadata that can stand in an array as it is."""
    if len(text) > MAX_LETTERS:
        raise UploadError(f"{key}: expected texts of at most {MAX_LETTERS} characters, got {len(text):,}; give it a "
                          "shorter name of its own.")
    if unprintable(text):
        raise UploadError(f"{key}: expected printable characters, got {text[:60]!r}; remove the control characters.")
    return text


def _named(labels: np.ndarray, text: str) -> np.ndarray:
    """Names of the classes instead of their positions."""
    try:
        classes = json.loads(text)
    except (ValueError, RecursionError):
        classes = None
    if not isinstance(classes, list) or not 0 < len(classes) <= MAX_ITEMS or not all(
            isinstance(c, str) for c in classes):
        raise UploadError(f"classes: expected a JSON list of 1 to {MAX_ITEMS:,} texts in the metadata, got "
                          f"{text[:40]!r}; write json.dumps([...]) of the names.")
    if labels.ndim != 1 or len(labels) > MAX_ITEMS:  # refused by its shape, before it grows to texts
        return labels
    wrong = (labels < 0) | (labels >= len(classes))
    if wrong.any():
        item = int(wrong.argmax())
        raise UploadError(f"labels: expected positions in the {len(classes):,} classes, got {labels[item]} at item "
                          f"{item}; count from 0, or leave the classes out.")
    return np.array([_checked("classes", c) for c in classes])[labels.astype(np.int64)]
