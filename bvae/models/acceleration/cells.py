"""Cells of f x f pixels that become channels, and channels that become cells: pixel shuffle along the memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.models.acceleration.convolution import convolved
from bvae.models.acceleration.layout import rows_first
from bvae.models.acceleration.switch import is_enabled


class Unfold(torch.autograd.Function):
    """(B, H, W, f, n) -> (B, H, f, W, n). The way back in one copy for each row of the cells, in long runs."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.transpose(2, 3).contiguous()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        return tangent.transpose(2, 3).contiguous()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return torch.stack(gradient.unbind(2), 3)


def _as_it_is(values: Tensor) -> Tensor:
    return values


class CellConv2d(nn.Conv2d):
    """(B, C, H, W) -> (B, out_channels / f^2, f H, f W): `nn.Conv2d`, then `nn.PixelShuffle`; channels last.

    The convolution writes the channels in another order, (row of the cell, column, channel), in which a cell's row is
    one piece of memory.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, **options
        Of the convolution.
    factor : int
        f.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, factor: int, **options: Any) -> None:
        super().__init__(in_channels, out_channels, kernel_size, **options)
        self.factor = factor

    def forward(self, x: Tensor, activation: Callable[[Tensor], Tensor] = _as_it_is) -> Tensor:
        """Convolution, an elementwise `activation` if there is one, shuffle: the middle is quickest there."""
        if not is_enabled():
            return F.pixel_shuffle(activation(super().forward(x)), self.factor)
        return self.shuffle(activation(self.cells(x)))

    def cells(self, x: Tensor) -> Tensor:
        """The convolution alone: (B, H, W, out_channels)."""
        channels = self.out_channels // self.factor**2
        weight = rows_first(self.weight.permute(0, 2, 3, 1), channels).permute(0, 3, 1, 2)
        bias = None if self.bias is None else rows_first(self.bias, channels)
        return convolved(self, x, weight, bias).permute(0, 2, 3, 1)

    def shuffle(self, cells: Tensor) -> Tensor:
        """(B, H, W, out_channels) -> (B, out_channels / f^2, f H, f W)."""
        (b, h, w, _), f = cells.shape, self.factor
        rows = Unfold.apply(cells.unflatten(3, (f, -1)))
        return rows.reshape(b, h * f, w * f, -1).permute(0, 3, 1, 2)


class FoldPixels(nn.Module):
    """(B, C, H, W) in [0, 1] -> (B, f f C, H/f, W/f) in [-1, 1], channels last, in autocast's precision.

    One copy, in the type and the order in which the first convolution reads: on CPUs these passes over full images
    cost as much as the convolutions. There it is done by a convolution of its own, whose weights are 2 at one pixel
    each: the same numbers, to the last bit, in a quarter of the time that a copy of single pixels takes.
    """

    picks: Tensor

    def __init__(self, factor: int = 2, channels: int = 3) -> None:
        super().__init__()
        self.factor = factor
        pixels = channels * factor**2
        picks = 2 * torch.eye(pixels).view(pixels, channels, factor, factor)
        self.register_buffer("picks", picks, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        kind = x.device.type
        if is_enabled() and kind == "cpu":  # elsewhere a convolution in float32 may round its input
            picks = self.picks.to(x)
            folded = F.conv2d(x, picks, picks.new_full((len(picks),), -1.0), stride=self.factor)
            return folded.contiguous(memory_format=torch.channels_last)
        if torch.is_autocast_enabled(kind):
            x = x.to(torch.get_autocast_dtype(kind))
        (b, c, h, w), f = x.shape, self.factor
        cells = x.view(b, c, h // f, f, w // f, f).permute(0, 2, 4, 1, 3, 5)  # (B, H/f, W/f, C, f, f)
        return (2 * cells.reshape(b, h // f, w // f, f * f * c) - 1).permute(0, 3, 1, 2)
