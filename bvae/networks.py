"""Encoders and decoders per kind of modality, made for small machines.

Resolution changes by strided convolutions down and by pixel shuffle up: transposed convolutions with even kernels and
GroupNorm are several times slower on CPUs in channels_last. There is no normalisation layer: over the batch,
what is missing in one item would leak into others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.registry import Registry


class NetworkPair(NamedTuple):
    """How to build both networks of a kind of modality: (shape of one item, latent dimension, width) -> module."""

    encoder: Callable[[tuple[int, ...], int, int], nn.Module]
    decoder: Callable[[tuple[int, ...], int, int], nn.Module]


NETWORKS: Registry[NetworkPair] = Registry("kind of modality")

MIN_SCALE = 1e-4
RAW_OFFSET = -2.0  # an untrained encoder starts at scale 0.13, so that its noise does not drown its signal


def to_gaussian(parameters: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 2 D) outputs of an encoder -> loc, scale (B, D) float32; scale = softplus(raw - 2) + 1e-4."""
    loc, raw = parameters.float().chunk(2, dim=-1)
    return loc, F.softplus(raw + RAW_OFFSET) + MIN_SCALE


class Residual(nn.Module):
    """x + Conv3x3(silu(x)): keeps shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(F.silu(x))


class FoldPixels(nn.Module):
    """(B, C, H, W) in [0, 1] -> (B, 4 C, H/2, W/2) in [-1, 1], channels last, in autocast's precision.

    One copy, in the type and the order in which the first convolution reads: on CPUs these passes over full images
    cost as much as the convolutions.
    """

    def forward(self, x: Tensor) -> Tensor:
        kind = x.device.type
        if torch.is_autocast_enabled(kind):
            x = x.to(torch.get_autocast_dtype(kind))
        b, c, h, w = x.shape
        cells = x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5)  # (B, H/2, W/2, C, 2, 2)
        return (2 * cells.reshape(b, h // 2, w // 2, 4 * c) - 1).permute(0, 3, 1, 2)


class ImageEncoder(nn.Module):
    """(B, C, H, W) floats in [0, 1] -> (B, 2 D). H and W are multiples of 4.

    The first step folds 2 x 2 pixels into channels, so that no convolution runs on few channels at full resolution.
    """

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        channels, height, width_px = shape
        if height % 4 or width_px % 4:
            raise ValueError(f"image shape: expected height and width in multiples of 4, got {shape}")
        cells = ((height // 4 + 1) // 2) * ((width_px // 4 + 1) // 2)
        self.net = nn.Sequential(
            FoldPixels(),
            nn.Conv2d(4 * channels, width, 3, stride=2, padding=1),
            Residual(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(width * cells, 2 * latent_dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class ImageDecoder(nn.Module):
    """(B, D) -> (B, C, H, W) means in (0, 1). H and W are multiples of 4."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        channels, height, width_px = shape
        first, last = max(1, 3 * width // 4), max(1, width // 4)
        self.grid = (first, height // 4, width_px // 4)
        self.expand = nn.Linear(latent_dim, first * self.grid[1] * self.grid[2])
        self.net = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(first, width, 3, padding=1),
            Residual(width),
            nn.SiLU(),
            nn.Conv2d(width, 4 * last, 3, padding=1),
            nn.PixelShuffle(2),
            nn.SiLU(),
            nn.Conv2d(last, 4 * channels, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, z: Tensor) -> Tensor:
        grid = self.expand(z).unflatten(1, self.grid).contiguous(memory_format=torch.channels_last)
        return self.net(grid).float().sigmoid()


NETWORKS.register("image")(NetworkPair(ImageEncoder, ImageDecoder))


class TextEncoder(nn.Module):
    """(B, L, A) one-hot characters -> (B, 2 D). L is a multiple of 4."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        length, letters = shape
        if length % 4:
            raise ValueError(f"text shape: expected a length in multiples of 4, got {shape}")
        self.net = nn.Sequential(
            nn.Conv1d(letters, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv1d(width, width, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv1d(width, width, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(width * (length // 4), 2 * latent_dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.transpose(1, 2))  # (B, A, L)


class TextDecoder(nn.Module):
    """(B, D) -> (B, L, A) probabilities of characters. L is a multiple of 4."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        length, letters = shape
        self.grid = (width, length // 4)
        self.expand = nn.Linear(latent_dim, width * (length // 4))
        self.net = nn.Sequential(
            nn.SiLU(),
            nn.ConvTranspose1d(width, width, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.ConvTranspose1d(width, width, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv1d(width, letters, 3, padding=1),
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.net(self.expand(z).unflatten(1, self.grid)).float().softmax(1).transpose(1, 2)


NETWORKS.register("text")(NetworkPair(TextEncoder, TextDecoder))
