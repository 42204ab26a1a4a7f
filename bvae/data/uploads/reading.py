"""What a file of posteriors says, once its arrays are there: that they belong together, and every number and text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bvae.data.uploads import archive, tensors
from bvae.data.uploads.format import (
    LARGEST_MEAN,
    LARGEST_SCALE,
    MAX_DIMENSIONS,
    MAX_FILE,
    MAX_ITEMS,
    MAX_MODALITIES,
    MAX_SIDE,
    MIB,
    SMALLEST_SCALE,
    UploadError,
)
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.io.texts import in_order, unprintable, visible


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
        Names of the labels in their natural order ("2" before "10"); empty without labels.
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


def read(content: bytes) -> PosteriorSet:
    """Read and check a file.

    Parameters
    ----------
    content : bytes
        The whole file, ``.npz`` or ``.safetensors``: what it holds is looked at, not how it is called. See
        :data:`~bvae.data.uploads.format.FIELDS`.

    Raises
    ------
    UploadError
        If it is not of the format; says what, where, what was expected, what came, and how to mend it.
    """
    if len(content) > MAX_FILE:
        raise UploadError(f"The file: expected at most {MAX_FILE // MIB} MB, got {len(content) / MIB:.1f} MB; leave "
                          "items or thumbnails out, or store float32 with np.savez_compressed.")
    arrays = tensors.arrays_of(content) if tensors.begins(content) else archive.arrays_of(content)
    names = [n.removeprefix("mu_") for n in arrays if n.startswith("mu_")]
    _check_members(arrays, names)
    n, d = arrays[f"mu_{names[0]}"].shape
    loc, scale = torch.zeros(len(names), n, d), torch.ones(len(names), n, d)
    present = torch.ones(len(names), n, dtype=torch.bool)
    for m, name in enumerate(names):
        there = arrays.get(f"present_{name}", np.ones(n, dtype=bool)).view(np.uint8) != 0  # any byte may be in a file
        present[m] = torch.from_numpy(there)
        mu, sigma = (_in_range(f"{part}_{name}", arrays[f"{part}_{name}"], there) for part in ("mu", "sigma"))
        loc[m], scale[m] = torch.from_numpy(mu), torch.from_numpy(sigma)
    classes, y = _labels(arrays, n)
    title = visible(_text("name", arrays["name"].reshape(1))[0]) if "name" in arrays else ""
    pictures = {name: arrays[f"thumbnails_{name}"] for name in names if f"thumbnails_{name}" in arrays}
    return PosteriorSet(title or "unnamed", tuple(names), UnimodalPosteriors(loc, scale, present), classes, y, pictures)


# -- the content -----------------------------------------------------------------------------------------------------


def _check_members(arrays: Mapping[str, np.ndarray], names: list[str]) -> None:
    """Raise UploadError unless the arrays belong together."""
    if not names:
        raise UploadError("The file: expected at least one modality, mu_NAME with sigma_NAME, got none; name the "
                          "array of means mu_NAME.")
    if len(names) > MAX_MODALITIES:
        raise UploadError(f"The file: expected at most {MAX_MODALITIES} modalities, got {len(names)}; leave some "
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
    out: Any = np.array(values, dtype=np.float64 if values.dtype.itemsize > 4 else np.float32)
    out[~there] = float(is_scale)
    low, high = (SMALLEST_SCALE, LARGEST_SCALE) if is_scale else (-LARGEST_MEAN, LARGEST_MEAN)
    bad = ~((out >= low) & (out <= high))  # NaN is neither
    if bad.any():
        item, dimension = map(int, np.unravel_index(bad.argmax(), bad.shape))
        value = float(values[item, dimension])
        wanted = f"standard deviations from {low:g} to {high:g}" if is_scale else f"means from {low:g} to {high:g}"
        mend = _mend(key, value)
        raise UploadError(f"{key}: expected {wanted}, got {value:g} at item {item}, dimension {dimension} "
                          f"({int(bad.sum()):,} such numbers); {mend}.")
    return out.astype(np.float32)


def _mend(key: str, value: float) -> str:
    """What to do about a number outside the range: what is meant, and no other number that is taken without a word."""
    part, _, modality = key.partition("_")
    if part == "sigma" and value < 0:
        return ("if these are logarithms of variances write np.exp(0.5 * x), if logarithms of standard deviations "
                "np.exp(x)")
    if part == "sigma" and value < SMALLEST_SCALE:
        return (f"if these are standard deviations write np.maximum(x, {SMALLEST_SCALE:g}), if variances take the "
                f"square root first, np.maximum(np.sqrt(x), {SMALLEST_SCALE:g})")
    if np.isfinite(value):
        return "divide the means and standard deviations of all modalities by one number"
    return f"mend the item, or mark it as missing with present_{modality}"


def _labels(arrays: Mapping[str, np.ndarray], n: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the classes and the class of every item."""
    if "labels" not in arrays:
        return (), np.zeros(n, dtype=int)
    values = arrays["labels"]
    if values.dtype.kind != "U":
        numbers, y = np.unique(values, return_inverse=True)
        return tuple(str(c) for c in numbers.tolist()), y.reshape(n)
    texts = _text("labels", values)
    seen = [visible(t) for t in texts]
    before: dict[str, str] = {}
    for item, (text, shown) in enumerate(zip(texts, seen, strict=True)):
        if before.setdefault(shown, text) != text:
            raise UploadError(f"labels: expected classes that differ in characters that one sees, got {shown!r} at "
                              f"item {item} written in two ways; give each class one spelling.")
    classes = in_order(seen)
    place = {c: k for k, c in enumerate(classes)}
    return tuple(classes), np.array([place[t] for t in seen], dtype=int)


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
        if unprintable(text):
            raise UploadError(f"{key}: expected printable characters, got {text!r} at item {item}; remove the control "
                              "characters.")
    return texts
