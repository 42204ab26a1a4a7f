"""Layers for images in channels_last on CPUs: what `torch.nn` computes, along the memory instead of across it.

Every one has the parameters of the layer of `torch.nn` that it stands for, so that weights fit both. Five things are
slow there: flattening, whose gradient comes back in the other layout; pixel shuffle, which copies single numbers; the
gradient of a transposed convolution's bias; transposed convolutions to a few channels; and in bfloat16 the gradient of
a convolution's weights where images are small.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEW_CHANNELS = 8
"""Transposed convolutions to fewer channels are computed as convolutions, see `transposed_as_convolution`."""


def rows_first(parameter: Tensor, channels: int) -> Tensor:
    """A parameter whose first axis counts (C, H, W) -> the same with (H, W, C)."""
    return parameter.unflatten(0, (channels, -1)).transpose(0, 1).flatten(0, 1)


def for_channels_last(network: nn.Module) -> None:
    """Make the layers of any network, in place, those of this module, where that is faster. No parameter changes."""
    for layer in network.modules():
        if type(layer) is nn.ConvTranspose2d:
            layer.__class__ = TransposedConv2d
        elif type(layer) is nn.Conv2d:
            layer.__class__ = Conv2d
        elif type(layer) is nn.Flatten:
            layer.__class__ = Flatten


class Flatten(nn.Flatten):
    """`nn.Flatten`, whose gradient has the layout of its input."""

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim == 4 and input.requires_grad and input.is_contiguous(memory_format=torch.channels_last):
            input = _SameLayout.apply(input)
        return super().forward(input)


class _SameLayout(torch.autograd.Function):
    """Identity, with a gradient in channels_last."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        return tangent.view_as(tangent)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.contiguous(memory_format=torch.channels_last)


class FlattenedLinear(nn.Linear):
    """(B, C, H, W) -> (B, out_features): `nn.Flatten`, then `nn.Linear`.

    Parameters
    ----------
    shape : tuple of int
        (C, H, W).
    out_features : int
    """

    def __init__(self, shape: tuple[int, int, int], out_features: int) -> None:
        super().__init__(shape[0] * shape[1] * shape[2], out_features)

    def forward(self, x: Tensor) -> Tensor:
        weight = rows_first(self.weight.T, x.shape[1]).T
        return F.linear(x.permute(0, 2, 3, 1).flatten(1), weight, self.bias)


class UnflattenedLinear(nn.Linear):
    """(B, in_features) -> (B, C, H, W), channels last: `nn.Linear`, then `nn.Unflatten`.

    Parameters
    ----------
    in_features : int
    shape : tuple of int
        (C, H, W).
    """

    def __init__(self, in_features: int, shape: tuple[int, int, int]) -> None:
        super().__init__(in_features, shape[0] * shape[1] * shape[2])
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        c, h, w = self.shape
        out = F.linear(x, rows_first(self.weight, c), rows_first(self.bias, c))
        return out.unflatten(1, (h, w, c)).permute(0, 3, 1, 2)


class _Unfold(torch.autograd.Function):
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

    def forward(self, x: Tensor) -> Tensor:
        return self.shuffle(self.cells(x))

    def cells(self, x: Tensor) -> Tensor:
        """The convolution alone: (B, H, W, out_channels)."""
        channels = self.out_channels // self.factor**2
        weight = rows_first(self.weight.permute(0, 2, 3, 1), channels).permute(0, 3, 1, 2)
        return convolved(self, x, weight, rows_first(self.bias, channels)).permute(0, 2, 3, 1)

    def shuffle(self, cells: Tensor) -> Tensor:
        """(B, H, W, out_channels) -> (B, out_channels / f^2, f H, f W)."""
        (b, h, w, _), f = cells.shape, self.factor
        rows = _Unfold.apply(cells.unflatten(3, (f, -1)))
        return rows.reshape(b, h * f, w * f, -1).permute(0, 3, 1, 2)


# -- convolutions ------------------------------------------------------------------------------------------------------

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
        return convolved(self, input, self.weight, self.bias)


def convolved(layer: nn.Conv2d, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """What `layer` does, with these parameters."""
    autocast = x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu") if autocast else x.dtype
    plain = (layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros" and bias is not None
             and isinstance(layer.padding, tuple) and weight.shape[3] == 2 * layer.padding[1] + 1)
    narrow = x.ndim == 4 and x.shape[3] <= NARROW
    if (not plain or not narrow or dtype != torch.bfloat16 or x.device.type != "cpu" or not torch.is_grad_enabled()
            or not has_tiles()):
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


class _OfImageAndWeight(torch.autograd.Function):
    """What both directions of convolutions remember of (x, weight, bias, *options)."""

    generate_vmap_rule = True

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])
        ctx.save_for_forward(*inputs[:2])
        ctx.options = inputs[3:]


class _Convolution(_OfImageAndWeight):
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


# -- transposed convolutions -------------------------------------------------------------------------------------------


class _Transposed(_OfImageAndWeight):
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
        plain = (self.groups == 1 and self.dilation == (1, 1) and self.bias is not None and output_size is None
                 and input.ndim == 4 and input.device.type == "cpu")
        if not plain or not (torch.is_grad_enabled() or writes_few(self.weight, self.stride)):
            return super().forward(input, output_size)
        tensors = input.contiguous(memory_format=torch.channels_last), self.weight, self.bias
        if torch.is_autocast_enabled("cpu"):
            tensors = tuple(value.to(torch.get_autocast_dtype("cpu")) for value in tensors)
        return _Transposed.apply(*tensors, self.stride, self.padding, self.output_padding)


def writes_few(weight: Tensor, stride: tuple[int, int]) -> bool:
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
    rows = _Unfold.apply(y.unflatten(3, (s, -1))).reshape(len(x), cells[0] * s, cells[1] * z, -1)
    return rows.permute(0, 3, 1, 2)[:, :, : sizes[0], : sizes[1]]
