"""Transposed convolutions: the gradient of their bias, and those that write few channels."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.models.acceleration.cells import Unfold
from bvae.models.acceleration.convolution import OfImageAndWeight
from bvae.models.acceleration.switch import is_enabled

FEW_CHANNELS = 8
"""Transposed convolutions to fewer channels are computed as convolutions, see `transposed_as_convolution`."""


class _Transposed(OfImageAndWeight):
    """Transposed convolution whose bias has its gradient from a sum of its own; differentiable twice."""

    @staticmethod
    def forward(
        x: Tensor, weight: Tensor, bias: Tensor, stride: tuple[int, int], padding: tuple[int, int],
        output_padding: tuple[int, int],
    ) -> Tensor:
        if writes_few(weight, stride):
            return transposed_as_convolution(x, weight, bias, stride, padding, output_padding)
        y = F.conv_transpose2d(x, weight, None, stride, padding, output_padding)
        return y.add_(bias.view(-1, 1, 1))  # which oneDNN takes longer for

    @staticmethod
    def jvp(ctx: Any, by_x: Tensor, by_weight: Tensor, by_bias: Tensor, *_: None) -> Tensor:
        x, weight = ctx.saved_tensors
        return (F.conv_transpose2d(by_x, weight, by_bias, *ctx.options)
                + F.conv_transpose2d(x, by_weight, None, *ctx.options))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        stride, padding, output_padding = ctx.options
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        by_x, by_weight, _ = torch.ops.aten.convolution_backward(
            gradient, x, weight, None, stride, padding, (1, 1), True, output_padding, 1,
            [*ctx.needs_input_grad[:2], False])
        return by_x, by_weight, gradient.sum((0, 2, 3)), None, None, None


class TransposedConv2d(nn.ConvTranspose2d):
    """`nn.ConvTranspose2d`: the same function, faster on CPUs in channels_last.

    Its own gradient of the bias takes as long there as all of the rest. With few channels to write, the transposed
    convolution is computed as a convolution, see :func:`transposed_as_convolution`.
    """

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        bias = self.bias
        plain = (self.groups == 1 and self.dilation == (1, 1) and output_size is None
                 and input.ndim == 4 and input.device.type == "cpu")
        if bias is None or not is_enabled() or not plain or not (
                torch.is_grad_enabled() or writes_few(self.weight, self.stride)):
            return super().forward(input, output_size)
        tensors = [input.contiguous(memory_format=torch.channels_last), self.weight, bias]
        if torch.is_autocast_enabled("cpu"):
            tensors = [value.to(torch.get_autocast_dtype("cpu")) for value in tensors]
        return _Transposed.apply(*tensors, self.stride, self.padding, self.output_padding)


def writes_few(weight: Tensor, stride: tuple[int, ...]) -> bool:
    """Whether a transposed convolution with weights (C, N, k, l) is quicker as a convolution."""
    return weight.shape[1] < FEW_CHANNELS and max(stride) > 1


def transposed_as_convolution(
    x: Tensor, weight: Tensor, bias: Tensor, stride: tuple[int, int], padding: tuple[int, int],
    output_padding: tuple[int, int],
) -> Tensor:
    """A transposed convolution of stride s as a convolution to s^2 times the channels, and a shuffle of its pixels.

    Output pixel s q + a of an axis reads the inputs q + t with tap a + p - s t of the kernel, where there is such a
    tap: all pixels with the same a are one convolution over t.

    Parameters
    ----------
    x : Tensor
        (B, C, H, W).
    weight : Tensor
        (C, N, k, l).
    bias : Tensor
        (N,).
    stride, padding, output_padding
        Of both axes, see `torch.nn.ConvTranspose2d`.

    Returns
    -------
    Tensor
        (B, N, s (H - 1) - 2 p + k + o, ...), channels last.
    """
    taps, pad, starts, sizes, cells = weight, [], [], [], []
    for axis in (0, 1):
        s, p, k, n = stride[axis], padding[axis], weight.shape[2 + axis], x.shape[2 + axis]
        first, last = -((k - 1 - p) // s), (s - 1 + p) // s  # of the t that any a reads
        sizes.append(s * (n - 1) - 2 * p + k + output_padding[axis])
        cells.append(-(-sizes[axis] // s))
        pad.append(max(-first, last + cells[axis] - n, 0))  # convolutions pad both sides alike: some are left out then
        starts.append(pad[axis] + first)
        a, t = torch.arange(s).unsqueeze(1), torch.arange(first, last + 1)
        place = a + p - s * t  # (s, T)
        place = torch.where((place >= 0) & (place < k), place, k)
        none = torch.zeros_like(taps.narrow(2 + axis, 0, 1))
        taps = torch.cat([taps, none], 2 + axis).index_select(2 + axis, place.flatten())  # (C, N, s T, ...)
    s, z = stride
    taps = taps.unflatten(3, (z, -1)).unflatten(2, (s, -1))  # (C, N, s, T, z, U)
    kernel = taps.permute(2, 4, 1, 3, 5, 0).flatten(0, 2)  # (s z N, T, U, C)
    y = F.conv2d(x, kernel.permute(0, 3, 1, 2), bias.repeat(s * z), padding=tuple(pad)).permute(0, 2, 3, 1)
    y = y[:, starts[0] : starts[0] + cells[0], starts[1] : starts[1] + cells[1]]
    rows = Unfold.apply(y.unflatten(3, (s, -1))).reshape(len(x), cells[0] * s, cells[1] * z, -1)
    return rows.permute(0, 3, 1, 2)[:, :, : sizes[0], : sizes[1]]
