"""Networks for images, made for small machines.

Resolution changes by strided convolutions down and by pixel shuffle up: transposed convolutions with even kernels and
GroupNorm are several times slower on CPUs in channels_last; see `bvae.models.acceleration` for layers made for it.
There is no normalisation layer: over the batch, what is missing in one item would leak into others.

Any size will do: inside the networks pictures are widened on all sides, by repeating their edges, to the next multiples
of 4 (`padded`), and what is drawn beyond their own size is cut off.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from bvae.models.acceleration import CellConv2d, Conv2d, FlattenedLinear, FoldPixels, UnflattenedLinear
from bvae.models.networks.base import NETWORKS, NetworkPair


class Residual(nn.Module):
    """x + Conv3x3(silu(x)): keeps shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(F.silu(x))


def fold_factor(height: int, width: int) -> int:
    """Side of the cells of pixels that become channels: 4 for large images, whose time full resolution would take."""
    return 4 if min(height, width) >= 48 and height % 8 == width % 8 == 0 else 2


def padded(height: int, width: int) -> tuple[int, int]:
    """The size inside the networks: multiples of 4, or of 8 where large pictures have to be widened anyway."""
    if height % 4 == width % 4 == 0:
        return height, width
    step = 8 if min(height, width) >= 48 else 4
    return math.ceil(height / step) * step, math.ceil(width / step) * step


def margins(height: int, width: int) -> tuple[int, int, int, int]:
    """What is added on the left, right, top and bottom, see :func:`padded`; half of it on each side."""
    down, across = (inside - own for inside, own in zip(padded(height, width), (height, width), strict=True))
    return across // 2, across - across // 2, down // 2, down - down // 2


class ImageEncoder(nn.Module):
    """(B, C, H, W) floats in [0, 1] -> (B, 2 D).

    The first step folds f x f pixels into channels, so that no convolution runs on few channels at full resolution;
    f is 2, or 4 from 48 x 48 on if H and W are multiples of 8.
    """

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        if len(shape) != 3:
            raise ValueError(f"image shape: expected (channels, height, width), got {shape}")
        channels, (height, width_px) = shape[0], padded(*shape[1:])
        self.margins = margins(*shape[1:])
        f = fold_factor(height, width_px)
        cells = (height // (2 * f) + 1) // 2, (width_px // (2 * f) + 1) // 2
        self.net = nn.Sequential(
            FoldPixels(f, channels),
            Conv2d(f * f * channels, width, 3, stride=2, padding=1),
            Residual(width),
            nn.SiLU(),
            Conv2d(width, width, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Identity(),
            FlattenedLinear((width, *cells), 2 * latent_dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(F.pad(x, self.margins, mode="replicate") if any(self.margins) else x)


def _means(values: Tensor) -> Tensor:
    return values.float().sigmoid()


class ImageDecoder(nn.Module):
    """(B, D) -> (B, C, H, W) means in (0, 1). It unfolds what `ImageEncoder` folds."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        channels, (height, width_px) = shape[0], padded(*shape[1:])
        self.margins, self.size = margins(*shape[1:]), shape[1:]
        f = fold_factor(height, width_px)
        first, last = max(1, 3 * width // 4), max(1, width * f // 8)
        self.expand = UnflattenedLinear(latent_dim, (first, height // (2 * f), width_px // (2 * f)))
        self.net = nn.Sequential(
            nn.SiLU(),
            Conv2d(first, width, 3, padding=1),
            Residual(width),
            nn.SiLU(),
            CellConv2d(width, 4 * last, 3, factor=2, padding=1),
            nn.Identity(),
            nn.SiLU(),
            CellConv2d(last, f * f * channels, 3, factor=f, padding=1),
        )

    def forward(self, z: Tensor) -> Tensor:
        *hidden, last = self.net
        values = self.expand(z)
        for layer in hidden:
            values = layer(values)
        means = last(values, _means)
        if any(self.margins):
            left, _, top, _ = self.margins
            means = means[..., top : top + self.size[0], left : left + self.size[1]]
        return means


NETWORKS.register("image")(NetworkPair(ImageEncoder, ImageDecoder, accelerate=True))
