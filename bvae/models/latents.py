"""How z comes about where nothing is observed."""

from __future__ import annotations

from typing import ClassVar, Protocol

import torch
from torch import Tensor

from bvae.models.inputs import check_count

PRIOR = "prior"


class DrawsLatents(Protocol):
    """What draws the D shared dimensions, see `bvae.samplers`."""

    name: ClassVar[str]

    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """(count, D)."""


def draw(
    count: int, latent_dim: int, shared_dim: int, own: DrawsLatents | None, asked: str | DrawsLatents | None,
    generator: torch.Generator | None,
) -> Tensor:
    """z of the sampler that is asked for, or of a model's own, (count, L). See `MultimodalVAE.sample_latents`."""
    check_count(count)
    z = torch.randn(count, latent_dim, generator=generator)
    chosen = own if asked is None else None if asked == PRIOR else asked
    if isinstance(chosen, str):
        if own is None or own.name != chosen:
            has = f"{own.name!r} or {PRIOR!r}" if own else f"{PRIOR!r}"
            raise ValueError(f"sampler: expected {has}, which this model has, or a fitted one; got {chosen!r}")
        chosen = own
    if chosen is not None:
        shared = chosen.sample(count, generator)
        if shared.shape[1] != shared_dim:
            raise ValueError(f"sampler: expected one of {shared_dim} dimensions, got {shared.shape[1]}")
        z[:, :shared_dim] = shared
    return z
