"""Flattening and linear maps between images and vectors, without a change of layout."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.models.acceleration.layout import rows_first
from bvae.models.acceleration.switch import is_enabled


class Flatten(nn.Flatten):
    """`nn.Flatten`, whose gradient has the layout of its input."""

    def forward(self, input: Tensor) -> Tensor:
        images = input.ndim == 4 and input.requires_grad and is_enabled()
        if images and input.is_contiguous(memory_format=torch.channels_last):
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
        if not is_enabled():
            return super().forward(x.flatten(1))
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
        if not is_enabled():
            return super().forward(x).unflatten(1, self.shape)
        out = F.linear(x, rows_first(self.weight, c), rows_first(self.bias, c))
        return out.unflatten(1, (h, w, c)).permute(0, 3, 1, 2)
