"""Weights on disk: in half precision where that holds what was trained, as they are where it does not."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from bvae.io.storage import StorageError, read_tensors, write_tensors

HALF_EPS = torch.finfo(torch.float16).eps
"""Largest share by which rounding to half precision may change a number: twice what it does to one in its range."""


class WeightsError(FloatingPointError):
    """Weights that cannot be saved as they were trained; the text names the tensor and what is wrong with it."""


def write_weights(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None,
    buffers: Container[str] = (), exact: Container[str] = (),
) -> dict[str, str]:
    """Write weights such that what is read back is what was trained; safetensors, whole or not at all.

    Parameters
    ----------
    path : Path
    tensors : mapping
        Name -> tensor of any type, as ``Module.state_dict()`` has them.
    metadata : mapping, optional
        See :func:`bvae.io.storage.write_tensors`.
    buffers : container of str
        Names of those that are no weights but statistics, counts, tables: each number counts by itself, and may be
        infinite. See :func:`buffers_of`.
    exact : container of str
        Names of those that half precision does not do for, whatever they hold. See :func:`exact_of`.

    Returns
    -------
    dict
        Name -> why, for each floating-point tensor that half precision cannot hold.

    Raises
    ------
    WeightsError
        If a weight is NaN or infinite, or beyond the range of float32, in which models are loaded.
    StorageError
        If the file does not hold what was written to it.
    WriteError
        If the disk is full, and so on.
    """
    packed, kept = {}, {}
    for name, value in tensors.items():
        if not isinstance(value, Tensor):
            raise WeightsError(f"{name}: expected a tensor in the state of the networks, got {type(value).__name__}")
        trained = value.detach().cpu()
        if name not in buffers and not bool(trained.isfinite().all()):
            raise WeightsError(f"{name}: expected finite weights, got "
                               f"{int((~trained.isfinite()).sum()):,} of {trained.numel():,} that are not")
        try:
            packed[name], why = (trained, "") if name in exact else shrink(trained, each=name in buffers)
        except OverflowError as error:
            raise WeightsError(f"{name}: {error}") from error
        if why:
            kept[name] = why
    write_tensors(path, packed, metadata)
    stored = read_tensors(path)
    for name, value in packed.items():
        if name not in stored or not same(stored[name], value):
            raise StorageError(f"{path}: {name} is not what was written; the disk or its driver is at fault")
    return kept


def shrink(trained: Tensor, each: bool = False) -> tuple[Tensor, str]:
    """A tensor in the smallest type that holds it, and why that is not half precision.

    A number holds if rounding changes it by at most 2^-10 of itself. In a weight with several rows (the slices along
    its first axis, each of which makes one output) that of the row's largest number will do: what is added to it
    is rounded alike.

    Parameters
    ----------
    trained : Tensor
        Integers, booleans and complex numbers stay as they are.
    each : bool
        Whether each number counts by itself, also in rows: variances, counts, tables.

    Returns
    -------
    Tensor
        float16, else float32.
    str
        "" for float16 and for what is no floating-point number.

    Raises
    ------
    OverflowError
        If float32, in which models are loaded, cannot hold it either. What is below its range becomes 0.
    """
    if not trained.is_floating_point():
        return trained, ""
    exact = trained.double()
    half = trained.half()
    why = misfit(exact, half.double(), each)
    if not why:
        return half, ""
    single = trained.float()
    if bool((exact.isfinite() & ~single.isfinite()).any()):
        raise OverflowError(f"expected numbers in the range of float32, got {exact.abs().max():.4g} in {trained.dtype}")
    return single, why


def misfit(trained: Tensor, back: Tensor, each: bool = False) -> str:
    """What is wrong with numbers that were read back, (...) float64 both; "" if they hold. See :func:`shrink`."""
    finite = trained.isfinite()
    special = ~finite & ~((back == trained) | (back.isnan() & trained.isnan()))
    if bool((finite & ~back.isfinite()).any()):
        return f"{trained[finite].abs().max():.4g} is too large"
    if bool(special.any()):
        return "infinite numbers change"
    size = trained.abs().nan_to_num(0.0, 0.0, 0.0)
    rows = trained.dim() > 1 and sum(n > 1 for n in trained.shape) > 1
    if rows and not each:
        size = size.flatten(1).amax(1).view(-1, *[1] * (trained.dim() - 1)).expand_as(size)
    off = ((back - trained).abs() > HALF_EPS * size) & finite
    if not bool(off.any()):
        return ""
    worst = trained[off].abs()
    return f"{worst.min():.4g} becomes {back[off].abs()[worst.argmin()]:.4g}"


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one type, one shape and the same bits in each number."""
    return one.dtype == other.dtype and one.shape == other.shape and torch.equal(
        one.contiguous().view(-1).view(torch.uint8), other.contiguous().view(-1).view(torch.uint8))


def buffers_of(module: nn.Module) -> set[str]:
    """Names in ``module.state_dict()`` that are no parameters: statistics of batch norm, counts, tables."""
    parameters = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    return set(module.state_dict()) - parameters


def exact_of(module: nn.Module) -> set[str]:
    """Names in ``module.state_dict()`` of the tensors of those parts that say ``exact = True``."""
    return {f"{prefix}{dot}{name}" for prefix, part in module.named_modules() if getattr(part, "exact", False) is True
            for dot in ["." if prefix else ""] for name in part.state_dict()}


def widened(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What :func:`write_weights` wrote, as a model takes it: floating-point numbers in float32, others as they are."""
    return {name: value.float() if value.is_floating_point() else value for name, value in stored.items()}
