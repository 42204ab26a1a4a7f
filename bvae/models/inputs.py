"""What goes into a model: looked at once, where it comes in."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bvae.data import DataError, Modality
from bvae.data.checks import as_mask, as_values
from bvae.validation import Checks

OTHER_UNIT = 10.0
"""Noise may bring pictures out of [0, 1]; numbers that are this far outside are in another unit (0..16, 0..255)."""


def check_names(names: Iterable[str], modalities: Mapping[str, Modality]) -> None:
    """Raise ValueError unless a model has all of these modalities."""
    for name in names:
        if name not in modalities:
            raise ValueError(f"unknown modality {name!r}; the model has {', '.join(modalities)}")


def taken(
    x: Mapping[str, Any], present: Any, modalities: Mapping[str, Modality], cells: bool
) -> tuple[dict[str, Tensor], Tensor | None, int]:
    """`x` and `present` of `MultimodalVAE.experts` as tensors, and the batch size.

    Parameters
    ----------
    x, present
        See `MultimodalVAE.experts`.
    modalities : mapping of str to Modality
        Of the model.
    cells : bool
        Whether single numbers are looked at too, unless :func:`bvae.set_validate_args` has switched such checks off.

    Raises
    ------
    ValueError
        If they are not as wanted there.
    """
    if not isinstance(x, Mapping):
        raise ValueError(f"x: expected a dictionary, name of a modality -> (B, ...), got {type(x).__name__}")
    if not x:
        raise ValueError("x: expected at least one modality, got none")
    check_names(x, modalities)
    found: dict[str, Tensor] = {}
    for name, given in x.items():
        found[name] = values = numbers(given, f"x[{name!r}]")
        batch = len(next(iter(found.values()))) if values.ndim else 0
        check_shape(given, values, batch, modalities[name])
    checks = Checks()
    if present is not None:
        try:
            present = as_mask(present, (len(modalities), batch), "present")
        except DataError as error:
            raise ValueError(str(error)) from error
        present = present.to(values.device)
        for m, name in enumerate(modalities):
            if name not in found:
                checks.require(functools.partial(_asked_for_nothing, present[m]), functools.partial(
                    ValueError, f"present: row {m} asks for {name!r}, which is not in x"))
        checks.look()
    for m, name in enumerate(modalities):
        if name in found and cells and checks.on:
            check_cells(found[name], modalities[name], None if present is None else present[m])
    return found, present, batch


def check_shape(given: Any, values: Tensor, batch: int, modality: Modality) -> None:
    """Raise ValueError unless the values of a modality, as given and as a tensor, are (B, *shape) and no uint8."""
    name, wanted = modality.name, (batch, *modality.shape)
    dtype = getattr(given, "dtype", values.dtype)
    if values.shape != wanted:
        raise ValueError(f"x[{name!r}]: expected floats of shape {wanted}, got {dtype} of {tuple(values.shape)}")
    if str(dtype).endswith("uint8") and modality.kind == "image":
        raise ValueError(f"x[{name!r}]: expected floats of shape {wanted} in [0, 1], got {dtype} of "
                         f"{tuple(values.shape)}; divide by 255")


def numbers(given: Any, what: str) -> Tensor:
    """Numbers of any common form as a dense float32 tensor (half precision stays); raises ValueError for others."""
    if isinstance(given, Tensor) and given.layout == torch.strided and given.dtype in (
            torch.float32, torch.bfloat16, torch.float16):
        return given
    try:
        return as_values(given, what)
    except DataError as error:
        raise ValueError(str(error)) from error


def check_cells(values: Tensor, modality: Modality, present: Tensor | None) -> None:
    """Raise ValueError that names the first item, of those present, with a number that cannot be one of its kind.

    NaN is a gap in a modality with columns.
    """
    if values.device.type != "cpu" or not values.numel():  # elsewhere the question would wait for the device
        return
    most = OTHER_UNIT if modality.kind == "image" else torch.finfo(values.dtype).max
    low, high = (float(v) for v in values.aminmax())  # one pass without a copy; NaN stays in it
    if -most <= low and high <= most:
        return
    fine = values.flatten(1).abs() <= most  # False for NaN
    if modality.takes_gaps:
        fine |= values.isnan()
    good = fine.all(1)
    bad = ~good if present is None else ~good & present
    if bool(bad.any()):
        item = int(bad.nonzero()[0])
        cells = values[item].flatten()
        cells = cells[cells.isinf() if modality.takes_gaps else ~(cells.abs() <= most)]
        unit = bool(cells.isfinite().all()) and modality.kind == "image"
        wanted = "floats in [0, 1]" if unit else "finite numbers"
        advice = "an item that lacks a modality is False in present" if bool(cells.isnan().any()) else (
            "divide pictures by their largest value, such as 255")
        raise ValueError(f"x[{modality.name!r}], item {item}: expected {wanted}, got {float(cells[0]):g} in "
                         f"{len(cells):,} of {values[item].numel():,} cells; {advice}")


def rows_of(present: Tensor | None, count: int) -> list[Tensor | None]:
    """Which items have each of M modalities, (M, B) bool -> M rows (B,); None where it is known that all have it.

    Elsewhere than on a CPU the question would wait for the device.
    """
    if present is None:
        return [None] * count
    if present.device.type != "cpu":
        return list(present.unbind())
    return [None if whole else row for whole, row in zip(present.all(1).tolist(), present.unbind(), strict=True)]


def some_gaps(x: Tensor) -> bool:
    """Whether some cells may be NaN; elsewhere than on a CPU the question would wait for the device.

    What is exported has to be ready for some.
    """
    if torch.compiler.is_exporting():
        return True
    return x.device.type != "cpu" or bool(x.sum().isnan())  # a sum may be NaN without: that costs time only


def with_cells(values: Tensor, present: Tensor | None) -> Tensor | None:
    """Which of the items that have a table have a cell of it that is no gap: (B, P), (B,) -> (B,); None for all."""
    if not some_gaps(values):
        return present
    empty = values.isnan().all(1)
    if values.device.type == "cpu" and not bool(empty.any()):  # elsewhere the question would wait for the device
        return present
    return ~empty if present is None else present & ~empty


def _asked_for_nothing(row: Tensor) -> Tensor:
    return ~row.any()


def check_count(num_samples: Any, name: str = "num_samples") -> None:
    """Raises ValueError, which names the argument, unless this is a number of samples."""
    if isinstance(num_samples, bool) or not isinstance(num_samples, (int, np.integer)) or num_samples < 1:
        raise ValueError(f"{name}: expected a positive integer, got {num_samples!r}")
