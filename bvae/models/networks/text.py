"""Networks for texts: one-hot characters, convolutions along them."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from bvae.models.networks.base import NETWORKS, NetworkPair


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
