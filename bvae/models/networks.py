"""Encoders and decoders per kind of modality, made for small machines.

Resolution changes by strided convolutions down and by pixel shuffle up: transposed convolutions with even kernels and
GroupNorm are several times slower on CPUs in channels_last; see `bvae.models.layers` for layers made for it.
There is no normalisation layer: over the batch, what is missing in one item would leak into others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.models.layers import CellConv2d, FlattenedLinear, UnflattenedLinear
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


def fold_factor(height: int, width: int) -> int:
    """Side of the cells of pixels that become channels: 4 for large images, whose time full resolution would take."""
    return 4 if min(height, width) >= 48 and height % 8 == width % 8 == 0 else 2


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
        if kind == "cpu":  # elsewhere a convolution in float32 may round its input
            picks = self.picks.to(x)
            folded = F.conv2d(x, picks, picks.new_full((len(picks),), -1.0), stride=self.factor)
            return folded.contiguous(memory_format=torch.channels_last)
        if torch.is_autocast_enabled(kind):
            x = x.to(torch.get_autocast_dtype(kind))
        (b, c, h, w), f = x.shape, self.factor
        cells = x.view(b, c, h // f, f, w // f, f).permute(0, 2, 4, 1, 3, 5)  # (B, H/f, W/f, C, f, f)
        return (2 * cells.reshape(b, h // f, w // f, f * f * c) - 1).permute(0, 3, 1, 2)


class ImageEncoder(nn.Module):
    """(B, C, H, W) floats in [0, 1] -> (B, 2 D). H and W are multiples of 4.

    The first step folds f x f pixels into channels, so that no convolution runs on few channels at full resolution;
    f is 2, or 4 from 48 x 48 on if H and W are multiples of 8.
    """

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        if len(shape) != 3:
            raise ValueError(f"image shape: expected (channels, height, width), got {shape}")
        channels, height, width_px = shape
        if height % 4 or width_px % 4:
            raise ValueError(f"image shape: expected height and width in multiples of 4, got {shape}")
        f = fold_factor(height, width_px)
        cells = (height // (2 * f) + 1) // 2, (width_px // (2 * f) + 1) // 2
        self.net = nn.Sequential(
            FoldPixels(f, channels),
            nn.Conv2d(f * f * channels, width, 3, stride=2, padding=1),
            Residual(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Identity(),
            FlattenedLinear((width, *cells), 2 * latent_dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class ImageDecoder(nn.Module):
    """(B, D) -> (B, C, H, W) means in (0, 1). H and W are multiples of 4. It unfolds what `ImageEncoder` folds."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        channels, height, width_px = shape
        f = fold_factor(height, width_px)
        first, last = max(1, 3 * width // 4), max(1, width * f // 8)
        self.expand = UnflattenedLinear(latent_dim, (first, height // (2 * f), width_px // (2 * f)))
        self.net = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(first, width, 3, padding=1),
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
        return last.shuffle(last.cells(values).float().sigmoid())


NETWORKS.register("image")(NetworkPair(ImageEncoder, ImageDecoder))


class TextGrid(NamedTuple):
    """How a text comes down to a few places: `fold` characters side by side become one place, then `halvings`."""

    fold: int
    halvings: int
    places: int

    @classmethod
    def of(cls, length: int) -> TextGrid:
        """Short texts are halved twice; those of more than 32 characters are folded in pairs, then halved down to 8."""
        fold = 1 if length <= 32 else 2
        halvings = 2
        while length // fold >> halvings > 8:
            halvings += 1
        step = fold << halvings
        if length % step:
            raise ValueError(f"text shape: expected a length in multiples of {step}, got {length}")
        return cls(fold, halvings, length // step)


class TextEncoder(nn.Module):
    """(B, L, A) one-hot characters -> (B, 2 D). L is a multiple of 4 (more for long texts, see `TextGrid`)."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        if len(shape) != 2:
            raise ValueError(f"text shape: expected (characters, alphabet), got {shape}")
        length, letters = shape
        self.grid = TextGrid.of(length)
        self.net = nn.Sequential(
            nn.Conv1d(self.grid.fold * letters, width, 3, padding=1),
            nn.SiLU(),
            *(layer for _ in range(self.grid.halvings)
              for layer in (nn.Conv1d(width, width, 4, stride=2, padding=1), nn.SiLU())),
            nn.Flatten(),
            nn.Linear(width * self.grid.places, 2 * latent_dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        folded = x.reshape(len(x), x.shape[1] // self.grid.fold, -1)  # (B, L/f, f A)
        return self.net(folded.transpose(1, 2))


class TextDecoder(nn.Module):
    """(B, D) -> (B, L, A) probabilities of characters. It unfolds what `TextEncoder` folds."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        length, self.letters = shape
        fold, doublings, places = TextGrid.of(length)
        self.grid = (width, places)
        self.expand = nn.Linear(latent_dim, width * places)
        self.net = nn.Sequential(
            nn.SiLU(),
            *(layer for _ in range(doublings)
              for layer in (nn.ConvTranspose1d(width, width, 4, stride=2, padding=1), nn.SiLU())),
            nn.Conv1d(width, fold * self.letters, 3, padding=1),
        )

    def forward(self, z: Tensor) -> Tensor:
        logits = self.net(self.expand(z).unflatten(1, self.grid)).float().unflatten(1, (-1, self.letters))
        return logits.softmax(2).permute(0, 3, 1, 2).flatten(1, 2)  # (B, f, A, L/f) -> (B, L, A)


NETWORKS.register("text")(NetworkPair(TextEncoder, TextDecoder))
