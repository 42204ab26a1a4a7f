"""Networks for texts: one-hot characters, convolutions along them.

Any length will do: inside the networks a text goes on, without any character, to the next length that can be halved
(`TextGrid`), and what is written beyond its own length is cut off.
"""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from bvae.models.networks.base import NETWORKS, NetworkPair


class TextGrid(NamedTuple):
    """How a text comes down to a few places: `fold` characters side by side become one place, then `halvings`."""

    fold: int
    halvings: int
    places: int

    @classmethod
    def of(cls, length: int) -> TextGrid:
        """Short texts are halved twice; those of more than 32 characters are folded in pairs, then halved down to 8.

        A length in between counts as the next one that can be.
        """
        fold = 1 if length <= 32 else 2
        halvings = 2
        while length // fold >> halvings > 8:
            halvings += 1
        step = fold << halvings
        return cls(fold, halvings, -(-length // step))

    @property
    def length(self) -> int:
        """Characters inside the networks."""
        return self.places * (self.fold << self.halvings)


class TextEncoder(nn.Module):
    """(B, L, A) one-hot characters -> (B, 2 D)."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        if len(shape) != 2:
            raise ValueError(f"text shape: expected (characters, alphabet), got {shape}")
        length, letters = shape
        self.grid = TextGrid.of(length)
        self.beyond = self.grid.length - length
        self.net = nn.Sequential(
            nn.Conv1d(self.grid.fold * letters, width, 3, padding=1),
            nn.SiLU(),
            *(layer for _ in range(self.grid.halvings)
              for layer in (nn.Conv1d(width, width, 4, stride=2, padding=1), nn.SiLU())),
            nn.Flatten(),
            nn.Linear(width * self.grid.places, 2 * latent_dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.beyond:
            x = F.pad(x, (0, 0, 0, self.beyond))
        folded = x.unflatten(1, (-1, self.grid.fold)).flatten(2)  # (B, L/f, f A)
        return self.net(folded.transpose(1, 2))


class TextDecoder(nn.Module):
    """(B, D) -> (B, L, A) probabilities of characters. It unfolds what `TextEncoder` folds."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int, width: int) -> None:
        super().__init__()
        self.length, self.letters = shape
        fold, doublings, places = TextGrid.of(self.length)
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
        return logits.softmax(2).permute(0, 3, 1, 2).flatten(1, 2)[:, : self.length]  # (B, f, A, L/f) -> (B, L, A)


NETWORKS.register("text")(NetworkPair(TextEncoder, TextDecoder))
