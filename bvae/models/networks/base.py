"""How networks of a kind of modality are registered and built."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from bvae.data.columns import Column
from bvae.models.acceleration import accelerate
from bvae.registry import Registry

Make = Callable[[Any, int, int], nn.Module]


@dataclass(frozen=True)
class NetworkPair:
    """How to build both networks of a kind of modality: (shape of one item, latent dimension, width) -> module.

    Parameters
    ----------
    encoder, decoder : callable
        The encoder maps items to (B, 2 D), see :func:`to_gaussian`; the decoder (B, D) to means of items.
    accelerate : bool
        Ask for both networks to be made fast on CPUs, see `bvae.models.acceleration.accelerate`. Without it they stay
        what they are.
    of_columns : bool
        Whether both are built of the modality's columns instead of its shape. What has a method ``observe(values,
        present)`` is shown the training split before the training, see `bvae.models.vae.MultimodalVAE.observe`.
    """

    encoder: Make
    decoder: Make
    accelerate: bool = False
    of_columns: bool = False

    def __iter__(self) -> Iterator[Make]:
        """``encoder, decoder = NETWORKS[kind]``."""
        return iter((self.encoder, self.decoder))

    def build(
        self, shape: tuple[int, ...], latent_dim: int, width: int, columns: Sequence[Column] = ()
    ) -> tuple[nn.Module, nn.Module]:
        """Both networks, as a model has them."""
        encoder, decoder = (make(columns if self.of_columns else shape, latent_dim, width) for make in self)
        return (accelerate(encoder), accelerate(decoder)) if self.accelerate else (encoder, decoder)


NETWORKS: Registry[NetworkPair] = Registry("kind of modality")

MIN_SCALE = 1e-4
RAW_OFFSET = -2.0  # an untrained encoder starts at scale 0.13, so that its noise does not drown its signal


def to_gaussian(parameters: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 2 D) outputs of an encoder -> loc, scale (B, D) float32; scale = softplus(raw - 2) + 1e-4."""
    loc, raw = parameters.float().chunk(2, dim=-1)
    return loc, F.softplus(raw + RAW_OFFSET) + MIN_SCALE
