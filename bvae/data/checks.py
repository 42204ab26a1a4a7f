"""What a data set must be before anything is made of it: looked at once, when it is opened.

What is safe is converted (NumPy arrays, float64, integers, sparse tensors, bytes of pictures, labels as texts). The
rest is refused in a sentence that names the modality, the item, what was expected and what came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bvae.data.base import DataError, Modality
from bvae.data.columns import Column, places
from bvae.data.sparse import SparseRows, Values

if TYPE_CHECKING:
    from bvae.data.base import MultimodalDataset

RANGES = {"image": (0.0, 1.0), "text": (0.0, 1.0)}
"""kind of modality -> where its values lie; other kinds take any finite number."""
LARGEST = 3e38
"""Numbers of tables are below it, as float32 has them."""
TOLERANCE = 1e-3
"""Values beyond their range by no more than this were rounded; they are brought back."""
SOME = 16
"""Items that are looked at of a data set that makes its values when they are asked for."""
AT_ONCE = 4096
"""Items looked at together: what is computed beside them stays small."""
CELLS_AT_ONCE = 2**22
"""Cells of a table looked at together."""


def as_values(given: Any, what: str) -> Tensor:
    """Numbers of any common form as a dense float32 tensor; nothing is copied that is one already.

    Parameters
    ----------
    given : Tensor, ndarray, or nested sequence of numbers
        Sparse tensors and matrices too, as long as they fit into memory as dense ones.
    what : str
        What to call it in an error.

    Raises
    ------
    DataError
        If these are no real numbers.
    """
    values = given
    if hasattr(values, "toarray") and not isinstance(values, Tensor):  # scipy.sparse
        values = values.toarray()
    if not isinstance(values, Tensor):
        try:
            values = np.asarray(values)
            if values.dtype.kind not in "biuf":
                raise TypeError(f"NumPy's {values.dtype}")
            values = torch.from_numpy(np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))))
        except (TypeError, ValueError) as error:
            got = error if isinstance(error, TypeError) else f"{type(given).__name__} ({error})"
            raise DataError(f"{what}: expected numbers, a tensor or a NumPy array of them, got {got}") from error
    if values.layout != torch.strided:
        values = values.to_dense()
    if values.is_complex() or values.is_quantized:
        raise DataError(f"{what}: expected real numbers, got {values.dtype}")
    return values if values.dtype == torch.float32 else values.float()


def as_mask(given: Any, shape: tuple[int, int], what: str = "mask") -> Tensor:
    """Which modalities are there as (M, N) bool. Takes bools, or numbers that are 0 and 1 only.

    Raises
    ------
    DataError
        If it is neither, or of another shape; says so if it is that shape's transpose.
    """
    mask = given
    if not isinstance(mask, Tensor):
        try:
            mask = torch.from_numpy(np.array(mask))
        except (TypeError, ValueError) as error:
            raise DataError(f"{what}: expected bool of shape {shape}, got {type(given).__name__}") from error
    if tuple(mask.shape) != shape:
        turned = "; it is that of (items, modalities): transpose it" if tuple(mask.shape) == shape[::-1] else ""
        raise DataError(f"{what}: expected bool of shape {shape}, got {mask.dtype} of {tuple(mask.shape)}{turned}")
    if mask.dtype != torch.bool:
        if not bool(((mask == 0) | (mask == 1)).all()):
            raise DataError(f"{what}: expected bool of shape {shape}, got {mask.dtype} with other values than 0 and 1")
        mask = mask == 1
    return mask


def blank(values: Tensor, present: Tensor) -> Tensor:
    """`values` (B, ...) with 0 in the items that are missing, whatever stood there (NaN too)."""
    if present.device.type == "cpu" and bool(present.all()):  # elsewhere the question would wait for the device
        return values
    return torch.where(present.view(-1, *[1] * (values.ndim - 1)), values, 0.0)


def different(names: Sequence[str], what: str = "modalities") -> None:
    """Raise ValueError unless there is at least one name and none stands twice."""
    if not names:
        raise ValueError(f"{what}: expected at least one, got none")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what}: expected different names, got {', '.join(map(repr, twice))} more than once")


def checked(data: MultimodalDataset) -> MultimodalDataset:
    """A data set as everything here expects it, changed in place: its names, values, mask, labels and attributes.

    Raises
    ------
    DataError
        In a sentence that names the data set, and where it applies the modality and the item.
    """
    try:
        return _checked(data)
    except DataError as error:
        raise DataError(f"data set {data.name!r}, split {data.split!r}: {error}") from error


def _checked(data: MultimodalDataset) -> MultimodalDataset:
    if not isinstance(data.modalities, dict):
        data.modalities = {m.name: m for m in _listed(data.modalities)}
    try:
        different([m.name for m in data.modalities.values()])
    except ValueError as error:
        raise DataError(str(error)) from error
    for key, m in data.modalities.items():
        if key != m.name:
            raise DataError(f"modalities[{key!r}]: expected the modality of this name, got {m.name!r}")
    if is_lazy(data):
        check_some(data)
        return check_rest(data, len(data))
    if list(data.x) != list(data.modalities):
        if set(data.x) != set(data.modalities):
            raise DataError(f"x: expected the modalities {', '.join(data.modalities)}, got "
                            f"{', '.join(map(str, data.x))}")
        data.x = kept(data.x, {name: held(data.x)[name] for name in data.modalities})
    data.x = kept(data.x, {name: of_kind(held(data.x)[name], m) for name, m in data.modalities.items()})
    counts = {name: len(values) for name, values in held(data.x).items()}
    n = next(iter(counts.values()))
    if len(set(counts.values())) > 1:
        raise DataError("x: expected as many items in every modality, got "
                        + ", ".join(f"{count:,} of {name!r}" for name, count in counts.items()))
    if not n:
        raise DataError("x: expected at least one item, got none")
    data.mask = found_mask(data, n)
    for k, (name, modality) in enumerate(data.modalities.items()):
        there = None if data.mask is None else data.mask[k]
        data.x[name] = in_range(held(data.x)[name], modality, there)
    return check_rest(data, n)


def held(x: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a data set as they lie in memory, what is sparse as such."""
    return x.held if isinstance(x, Values) else x


def kept(x: Mapping[str, Any], values: dict[str, Any]) -> Any:
    """Values in the form that they had."""
    return Values(values) if isinstance(x, Values) else values


def is_lazy(data: MultimodalDataset) -> bool:
    """Whether the values of a data set are made when they are asked for, all at once: not here, then."""
    return hasattr(getattr(type(data), "x", None), "__get__")


def check_some(data: MultimodalDataset) -> None:
    """Raise DataError if some items of a data set whose values are made when asked for are not as they should be."""
    some = torch.linspace(0, len(data) - 1, min(len(data), SOME)).long()
    generator = torch.Generator().manual_seed(0)
    x = data.items(some, data.pairing(generator), generator)  # as an epoch composes them, without the whole of x
    if list(x) != list(data.modalities):
        raise DataError(f"items: expected the modalities {', '.join(data.modalities)}, got {', '.join(map(str, x))}")
    for m, (name, modality) in enumerate(data.modalities.items()):
        in_range(of_kind(x[name], modality), modality, None if data.mask is None else data.mask[m, some])


def check_rest(data: MultimodalDataset, n: int) -> MultimodalDataset:
    """Labels and attributes of n items."""
    data.y = labels(data.y, n, data.num_classes, data.class_names)
    if data.attributes is not None:
        wanted = (n, len(data.attribute_names))
        data.attributes = as_mask(data.attributes, wanted, "attributes")
    return data


def _listed(modalities: Any) -> list[Modality]:
    try:
        found = list(modalities)
    except TypeError as error:
        raise DataError(f"modalities: expected a dictionary of Modality, got {type(modalities).__name__}") from error
    for m in found:
        if not isinstance(m, Modality):
            raise DataError(f"modalities: expected Modality, got {type(m).__name__}")
    different([m.name for m in found])
    return found


def of_kind(given: Any, modality: Modality) -> Any:
    """The values of one modality as float32 of its shape; pictures in bytes (uint8) are divided by 255."""
    what = f"x[{modality.name!r}]"
    values: Any = given if isinstance(given, SparseRows) and modality.columns else as_values(given, what)
    if tuple(values.shape[1:]) != modality.shape or len(values.shape) != len(modality.shape) + 1:
        shape = ", ".join(("N", *map(str, modality.shape)))
        raise DataError(f"{what}: expected shape ({shape}), got {tuple(values.shape)}")
    as_bytes = getattr(given, "dtype", None) in (torch.uint8, np.dtype(np.uint8))
    return values / 255 if modality.kind == "image" and as_bytes else values


def found_mask(data: MultimodalDataset, n: int) -> Tensor | None:
    """The mask of a data set, completed by the views that hold nothing but NaN; None if every item has everything.

    Of a modality with columns a view without any cell is missing, whatever the mask says.
    """
    mask = torch.ones(len(data.modalities), n, dtype=torch.bool)
    if data.mask is not None:
        mask = as_mask(data.mask, (len(data.modalities), n)).clone()
    for m, (name, values) in enumerate(held(data.x).items()):
        empty = nothing_in(values)
        if data.mask is None or data.modalities[name].takes_gaps:
            mask[m] &= ~empty
        elif bool((empty & mask[m]).any()):
            item = int((empty & mask[m]).nonzero()[0])
            raise DataError(f"x[{name!r}], item {item}: expected finite numbers, because the mask says that it is "
                            "there, got nothing but NaN")
    if not bool(mask.any(0).all()):
        item = int((~mask.any(0)).nonzero()[0])
        raise DataError(f"item {item}: expected at least one modality, got none")
    return None if bool(mask.all()) else mask


def nothing_in(values: Any) -> Tensor:
    """Which items hold nothing but NaN, (N, ...) -> (N,) bool."""
    if isinstance(values, SparseRows):
        return values.empty()
    flat = values.flatten(1)
    return torch.cat([part.isnan().all(1) for part in flat.split(AT_ONCE)]) & (flat.shape[1] > 0)


def in_range(values: Any, modality: Modality, there: Tensor | None) -> Any:
    """The values of one modality, (N, ...): finite and within the range of its kind where the items have it, else 0.

    Of a modality with columns: each cell as its column's type has it, or a gap.
    """
    if modality.takes_gaps:
        if isinstance(values, SparseRows):
            if not_of_columns(values.matrix.data, values.matrix.indices, modality.columns).any():
                check_columns(values, modality, there)  # says which cell, and raises if the item is there
            return values if there is None else values.blank(there)
        check_columns(values, modality, there)
        return values if there is None else blank(values, there)
    low, high = RANGES.get(modality.kind, (-np.inf, np.inf))
    near = False
    for start in range(0, len(values), AT_ONCE):
        part = values[start : start + AT_ONCE]
        here = None if there is None else there[start : start + AT_ONCE]
        shown = part if here is None else blank(part, here)
        flat = shown.flatten(1)
        if not flat.shape[1]:
            continue
        good = flat.isfinite().all(1) & (flat >= low - TOLERANCE).all(1) & (flat <= high + TOLERANCE).all(1)
        if not bool(good.all()):
            raise DataError(complaint(flat, good, start, modality, low, high, float(values.nan_to_num().max())))
        near = near or bool((flat < low).any()) or bool((flat > high).any())
    if there is not None:
        values = blank(values, there)
    return values.clamp(low, high) if near else values


def not_of_columns(values: np.ndarray, column: np.ndarray, columns: Sequence[Column]) -> np.ndarray:
    """Which numbers cannot be in their columns, numbers, counts or binary ones; NaN can. All (n,), `column` int."""
    of_count, of_binary = (np.array([c.type == kind for c in columns])[column] for kind in ("count", "binary"))
    bad = np.isinf(values) | (np.abs(values) > LARGEST)
    bad |= of_count & ((values < 0) | (values != np.round(values)))
    bad |= of_binary & (values != 0) & (values != 1)
    return bad & ~np.isnan(values)


def check_columns(values: Tensor | SparseRows, modality: Modality, there: Tensor | None) -> None:
    """Raise DataError that names the first cell that cannot be one of its column, (N, P); NaN in all its cells can."""
    at = {kind: torch.tensor([place.start for c, place in zip(modality.columns, places(modality.columns), strict=True)
                              if c.type == kind], dtype=torch.int64) for kind in ("count", "binary")}
    categories = [(c.name, place) for c, place in zip(modality.columns, places(modality.columns), strict=True)
                  if c.type == "category"]
    names = [c.name for c in modality.columns for _ in range(c.width)]
    rows = max(1, min(AT_ONCE, CELLS_AT_ONCE // values.shape[1]))
    for start in range(0, len(values), rows):
        part = values[start : start + rows]
        shown = part if there is None else blank(part, there[start : start + rows])
        bad, wanted = shown.isinf(), "finite numbers"
        if not bool(bad.any()) and len(at["count"]):
            counts = shown[:, at["count"]]
            bad[:, at["count"]], wanted = (counts < 0) | (counts != counts.round()) & ~counts.isnan(), (
                "whole numbers from 0 (count); numbers of another kind make the kind 'vector' or the type 'number'")
        if not bool(bad.any()) and len(at["binary"]):
            cells = shown[:, at["binary"]]
            bad[:, at["binary"]], wanted = (cells != 0) & (cells != 1) & ~cells.isnan(), "0 or 1 (binary)"
        if bool(bad.any()):
            item, cell = (int(v) for v in bad.nonzero()[0])
            raise DataError(f"x[{modality.name!r}], item {start + item}, column {names[cell]!r}: expected {wanted}, "
                            f"got {float(shown[item, cell]):g}")
        for name, place in categories:
            cells = shown[:, place]
            lacking = cells.isnan()
            one_hot = ((cells == 0) | (cells == 1)).all(1) & (cells.sum(1) == 1)
            good = one_hot | lacking.all(1)
            if there is not None:
                good |= ~there[start : start + rows]
            if not bool(good.all()):
                item = int((~good).nonzero()[0])
                got = [round(float(v), 4) for v in cells[item, :6]]
                raise DataError(f"x[{modality.name!r}], item {start + item}, column {name!r}: expected one-hot cells, "
                                f"a single 1 among 0, or NaN in all of them, got {str(got)[1:-1]}"
                                f"{', ...' if cells.shape[1] > 6 else ''}")


def complaint(
    flat: Tensor, good: Tensor, start: int, modality: Modality, low: float, high: float, largest: float
) -> str:
    """What is wrong with the first item that is not good, and how to mend it."""
    row = int((~good).nonzero()[0])
    bad = flat[row][~flat[row].isfinite() | (flat[row] < low - TOLERANCE) | (flat[row] > high + TOLERANCE)]
    value, item = float(bad[0]), start + row
    wanted = "finite numbers" if not np.isfinite(low) else f"numbers in [{low:g}, {high:g}] ({modality.kind})"
    if not np.isfinite(value):
        advice = ("; an item that lacks the modality has False in the data set's mask, or NaN in all cells"
                  if np.isnan(value) else "")
        return (f"x[{modality.name!r}], item {item}: expected {wanted}, got {value} in {len(bad):,} of "
                f"{flat.shape[1]:,} cells{advice}")
    advice = f"; divide by {'255' if largest > 16 else f'{largest:g}'}" if low == 0 and 1 < largest <= 65535 else ""
    return f"x[{modality.name!r}], item {item}: expected {wanted}, got {value:g} (largest: {largest:g}){advice}"


def labels(given: Any, n: int, num_classes: int, class_names: Sequence[str]) -> Tensor:
    """Labels as (N,) int64 in 0 to num_classes - 1; all 0 where there are none (num_classes of 1).

    Parameters
    ----------
    given : Tensor, ndarray, sequence, or None
        Integers, floats that are integers, bools, or texts, which are looked up among the names of the classes; of
        shape (N,) or (N, 1).
    n, num_classes : int
    class_names : sequence of str
    """
    if given is None:
        if num_classes > 1:
            raise DataError(f"y: expected labels of {num_classes} classes, got none; a data set without labels has "
                            "num_classes = 1")
        return torch.zeros(n, dtype=torch.int64)
    values = given if isinstance(given, Tensor) else np.asarray(given)
    if not isinstance(values, Tensor):
        if values.dtype.kind in "OUS":
            values = by_name(values, class_names)
        if values.dtype.kind not in "biuf":
            raise DataError(f"y: expected integers or names of classes, got NumPy's {values.dtype}")
        values = torch.from_numpy(np.ascontiguousarray(values.astype(np.float64 if values.dtype.kind == "f" else int)))
    if tuple(values.shape) == (n, 1):
        values = values[:, 0]
    if tuple(values.shape) != (n,):
        one_hot = "; of one-hot labels take .argmax(1)" if values.ndim == 2 and len(values) == n else ""
        raise DataError(f"y: expected shape ({n},), got {tuple(values.shape)}{one_hot}")
    if values.is_floating_point() or values.is_complex():
        whole = values.isfinite() if not values.is_complex() else torch.zeros(n, dtype=torch.bool)
        whole &= values == (values.round() if not values.is_complex() else values)
        if not bool(whole.all()):
            item = int((~whole).nonzero()[0])
            raise DataError(f"y, item {item}: expected an integer, got {values[item].item()}")
    values = values.long()
    if num_classes == 1 and len(values.unique()) > 1:
        raise DataError(f"y: expected 0 everywhere, because num_classes is 1 (no labels), got {len(values.unique())} "
                        "different values; say how many classes there are in num_classes")
    if num_classes == 1:
        return torch.zeros_like(values)
    outside = (values < 0) | (values >= num_classes)
    if bool(outside.any()):
        item, low, high = int(outside.nonzero()[0]), int(values.min()), int(values.max())
        advice = ""
        if low == 1 and high == num_classes:
            advice = "; subtract 1"
        elif low == -1:
            advice = "; an item without a label has no place here: leave it out, or give it a class of its own"
        raise DataError(f"y, item {item}: expected a class in 0 to {num_classes - 1}, got {int(values[item])} "
                        f"(all: {low} to {high}){advice}")
    return values


def by_name(values: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """Labels that are texts, as positions among the names of the classes."""
    places = {name: k for k, name in enumerate(class_names)}
    texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values.reshape(len(values), -1)[:, 0]]
    for item, text in enumerate(texts):
        if not isinstance(text, str) and not isinstance(text, (int, np.integer)):
            raise DataError(f"y, item {item}: expected an integer or the name of a class, got {text!r}")
        if isinstance(text, str) and text not in places:
            some = ", ".join(list(places)[:12]) + (", ..." if len(places) > 12 else "")
            raise DataError(f"y, item {item}: expected one of the names of the classes ({some}), got {str(text)!r}; "
                            "class_names lists them")
    return np.array([places[t] if isinstance(t, str) else int(t) for t in texts]).reshape(values.shape)
