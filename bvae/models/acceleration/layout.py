"""Parameters of `torch.nn`, as images in channels_last want to read them."""

from __future__ import annotations

from torch import Tensor


def rows_first(parameter: Tensor, channels: int) -> Tensor:
    """A parameter whose first axis counts (C, H, W) -> the same with (H, W, C)."""
    return parameter.unflatten(0, (channels, -1)).transpose(0, 1).flatten(0, 1)
