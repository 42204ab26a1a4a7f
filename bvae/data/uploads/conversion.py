"""What `write` makes of what it is given: conversions that need no guess; all others are refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from bvae.data.uploads.format import MAX_LETTERS, MAX_MODALITIES, MODALITY, MODALITY_WORDS, UploadError


def plain(key: str, values: Any) -> np.ndarray:
    """An array of tensors of any kind, arrays, and lists. Objects stay objects here."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = values.to_dense() if values.layout != torch.strided else values
        values = values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
        return values.resolve_conj().resolve_neg().numpy()
    if isinstance(values, (list, tuple)) and any(isinstance(v, torch.Tensor) for v in values):
        values = [plain(key, v) for v in values]
    try:
        return np.asarray(values)
    except ValueError as error:
        raise UploadError(f"{key}: expected one array, got rows of different lengths; give every modality the same "
                          "items.") from error


def modalities(names: Sequence[str]) -> list[str]:
    """Names that can stand in the file, each once."""
    out = [str(name) for name in names]
    if not 1 <= len(out) <= MAX_MODALITIES:
        raise UploadError(f"modalities: expected at least one modality and at most {MAX_MODALITIES}, got {len(out)}; "
                          "name those of the first dimension.")
    for name in out:
        if not re.fullmatch(MODALITY, name):
            raise UploadError(f"modalities: expected names of {MODALITY_WORDS} that begin with a letter or digit, at "
                              f"most 32 characters between two '_', got {name[:60]!r}; rename it.")
    if len({name.lower() for name in out}) < len(out):
        raise UploadError(f"modalities: expected every name once, capitals aside, got {', '.join(out)[:200]}; rename "
                          "one.")
    return out


def floats(key: str, values: Any, count: int) -> np.ndarray:
    """(M, N, D) float32; what has no float32 becomes infinite, which is refused later with its place."""
    array = plain(key, values)
    if array.ndim != 3 or len(array) != count:
        raise UploadError(f"{key}: expected shape (M, N, D) with M = {count} modalities, got {array.shape}; put "
                          "modalities first, then items, then latent dimensions.")
    if array.dtype.kind not in "fiubO":
        raise UploadError(f"{key}: expected real numbers, got dtype {array.dtype}; convert them first.")
    try:
        with np.errstate(over="ignore", under="ignore"):
            return array.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise UploadError(f"{key}: expected real numbers, got objects that are none ({error}); convert them "
                          "first.") from error


def present(values: Any, shape: tuple[int, int]) -> np.ndarray:
    """(M, N) bool; of numbers only 0 and 1 are taken."""
    if values is None:
        return np.ones(shape, dtype=bool)
    array = plain("present", values)
    if array.shape != tuple(shape):
        raise UploadError(f"present: expected shape {tuple(shape)}, (M, N), got {array.shape}; give one value for each "
                          "modality of each item.")
    if array.dtype.kind in "iuf" and np.isin(array, (0, 1)).all():
        array = array.astype(bool)
    if array.dtype.kind != "b":
        raise UploadError(f"present: expected bool, or 0 and 1, got others of dtype {array.dtype}; convert it with "
                          "np.array([...], dtype=bool).")
    return array


def pixels(key: str, values: Any) -> np.ndarray:
    """(N, h, w) or (N, h, w, 3) uint8."""
    array = plain(key, values)
    if array.dtype.kind in "fiub" and array.size:
        low, high = float(array.min()), float(array.max())
        top = 1.0 if array.dtype.kind in "fb" else 255.0
        if not 0 <= low <= high <= top:  # NaN is neither
            raise UploadError(f"{key}: expected {'floats from 0 to 1' if top == 1 else 'integers from 0 to 255'}, got "
                              f"{low:g} to {high:g}; scale them first.")
        if array.dtype != np.uint8:
            array = np.round(array.astype(np.float64) * (255.0 / top)).astype(np.uint8)
    elif array.dtype.kind not in "fiub":
        raise UploadError(f"{key}: expected pictures, got dtype {array.dtype}; convert them to uint8.")
    if isinstance(values, torch.Tensor) and array.ndim == 4 and array.shape[3] == 3 and array.shape[1] in (1, 3):
        raise UploadError(f"{key}: expected channels first or last, got {array.shape}, which may be either; give an "
                          "array with channels last.")
    if array.ndim == 4 and array.shape[3] != 3 and array.shape[1] in (1, 3):
        array = np.moveaxis(array, 1, 3)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    return np.ascontiguousarray(array, dtype=np.uint8)


def labels(values: Any) -> np.ndarray:
    """(N,) integers or texts. No two different labels become one."""
    if isinstance(values, (list, tuple)) and not any(np.ndim(v) for v in values):
        array = np.empty(len(values), dtype=object)  # as they are: NumPy would make texts of numbers beside texts
        array[:] = [v.item() if isinstance(v, torch.Tensor) else v for v in values]
    else:
        array = plain("labels", values)
    array = array.reshape(-1) if array.ndim == 2 and array.shape[-1] == 1 else array
    if array.ndim != 1:
        raise UploadError(f"labels: expected shape (N,), got {array.shape}; if these are one-hot write "
                          "x.argmax(axis=1).")
    if array.dtype.kind == "O":
        kinds = {type(v) for v in array.tolist()}
        if kinds and all(issubclass(k, (int, np.integer)) and k is not bool for k in kinds) and all(
                -(2**63) <= int(v) < 2**63 for v in array):
            array = array.astype(np.int64)
        elif kinds and all(issubclass(k, (float, np.floating)) for k in kinds):
            array = array.astype(np.float64)
    if array.dtype.kind in "iu":
        return array
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            item = int(np.argmin(np.isfinite(array)))
            raise UploadError(f"labels: expected a label for every item, got {array[item]:g} at item {item}; give it a "
                              "number of its own, or write texts.")
        whole = (array == np.round(array)).all() and bool((np.abs(array) < 2**53).all())
        return array.astype(np.int64) if whole else _texts([repr(v + 0.0) for v in array.tolist()])  # -0 is 0
    if array.dtype.kind in "Mm":
        if np.isnat(array).any():
            item = int(np.isnat(array).argmax())
            raise UploadError(f"labels: expected a label for every item, got NaT at item {item}; give it a date of its "
                              "own, or write texts.")
        return _texts(array.astype(str).tolist())
    originals = array.tolist()
    texts = [_text(i, v) for i, v in enumerate(originals)]
    meant: dict[str, Any] = {}
    for item, (text, value) in enumerate(zip(texts, originals, strict=True)):
        if meant.setdefault(text, value) != value:
            raise UploadError(f"labels: expected one kind of label, got {meant[text]!r} and, at item {item}, {value!r}"
                              ", which would be the same class; write texts that differ.")
    return _texts(texts)


def _text(item: int, value: Any) -> str:
    """One label as a text."""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UploadError(f"labels: expected text in UTF-8, got {value[:30]!r} at item {item}; decode it "
                              "first.") from error
    if value is None or value != value:
        raise UploadError(f"labels: expected a label for every item, got {value} at item {item}; write '' for none.")
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, (str, bool, int, float, np.generic)):
        return str(value)
    if type(value).__module__ in ("datetime", "pandas"):
        return str(value)
    raise UploadError(f"labels: expected integers or texts, got a {type(value).__name__} at item {item}; write its "
                      "name.")


def _texts(texts: list[str]) -> np.ndarray:
    """Texts as an array that holds every letter of them."""
    longest = max(texts, key=len, default="")
    if len(longest) > MAX_LETTERS:
        raise UploadError(f"labels: expected texts of at most {MAX_LETTERS} characters, got {len(longest)} "
                          f"({longest[:40]!r}...); give it a shorter name that is not another's.")
    for item, text in enumerate(texts):
        if text.endswith("\0"):  # NumPy would drop it
            raise UploadError(f"labels: expected printable characters, got {text!r} at item {item}; remove the control "
                              "characters.")
    return np.array(texts, dtype=f"U{max(1, len(longest))}")
