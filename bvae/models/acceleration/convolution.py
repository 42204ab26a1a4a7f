"""Convolutions whose gradients in bfloat16 are quick where images are small, on CPUs with AMX."""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.models.acceleration.switch import is_enabled

NARROW = 8
"""Images of at most so many columns: the gradient of the weights is taken of several of them side by side."""
TILE = 32
"""Columns over which processors with AMX add products of bfloat16 up at once."""


@functools.cache
def has_tiles() -> bool:
    """Whether the processor multiplies matrices of bfloat16 in tiles (AMX)."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


class Conv2d(nn.Conv2d):
    """`nn.Conv2d`: the same function, with faster gradients in bfloat16 on CPUs with AMX."""

    def forward(self, input: Tensor) -> Tensor:
        if not is_enabled():
            return super().forward(input)
        return convolved(self, input, self.weight, self.bias)


def convolved(layer: nn.Conv2d, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """What `layer` does, with these parameters."""
    autocast = x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu") if autocast else x.dtype
    plain = (layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros" and bias is not None
             and isinstance(layer.padding, tuple) and weight.shape[3] == 2 * layer.padding[1] + 1)
    narrow = x.ndim == 4 and x.shape[3] <= NARROW
    if (not plain or not narrow or dtype != torch.bfloat16 or x.device.type != "cpu" or not torch.is_grad_enabled()
            or bias is None or not has_tiles()):
        return layer._conv_forward(x, weight, bias)
    x = x.to(dtype).contiguous(memory_format=torch.channels_last)
    return _Convolution.apply(x, weight.to(dtype), bias.to(dtype), layer.stride, layer.padding)


def side_by_side(x: Tensor, images: int, columns: int) -> Tensor:
    """(B, C, H, W) -> (B / images, C, H, images x columns), channels last, with zeros between the images."""
    b, c, h, w = x.shape
    out = x.new_empty(b // images, h, images, columns, c)
    out[:, :, :, :w] = x.permute(0, 2, 3, 1).unflatten(0, (-1, images)).transpose(1, 2)
    out[:, :, :, w:] = 0
    return out.flatten(2, 3).permute(0, 3, 1, 2)


class OfImageAndWeight(torch.autograd.Function):
    """What both directions of convolutions remember of (x, weight, bias, *options)."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])
        ctx.save_for_forward(*inputs[:2])
        ctx.options = inputs[3:]


class _Convolution(OfImageAndWeight):
    """Convolution of "same" width; the gradient of its weights is that of several images side by side.

    That gradient is a sum over columns, which AMX takes `TILE` at a time: of images of seven columns most of it is
    padding. Between two images there are as many zeros as the convolution pads, so that the sum is the same.
    """

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor, stride: tuple[int, int], padding: tuple[int, int]) -> Tensor:
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def jvp(ctx: Any, by_x: Tensor, by_weight: Tensor, by_bias: Tensor, *_: None) -> Tensor:
        x, weight = ctx.saved_tensors
        return F.conv2d(by_x, weight, by_bias, *ctx.options) + F.conv2d(x, by_weight, None, *ctx.options)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)

        def of(gradient: Tensor, x: Tensor, *wanted: bool) -> tuple[Tensor | None, ...]:
            return torch.ops.aten.convolution_backward(
                gradient, x, weight, [len(weight)], *ctx.options, (1, 1), False, (0, 0), 1, wanted)

        by_x = of(gradient, x, True, False, False)[0] if ctx.needs_input_grad[0] else None
        stride, columns = ctx.options[0][1], x.shape[3] + ctx.options[1][1]
        columns += -columns % stride
        images = 1
        while len(x) > images and len(x) % (2 * images) == 0 and 2 * images * columns <= TILE * stride:
            images *= 2
        if images > 1:
            x, gradient = side_by_side(x, images, columns), side_by_side(gradient, images, columns // stride)
        _, by_weight, by_bias = of(gradient, x, False, True, True)
        return by_x, by_weight, by_bias, None, None
