"""How z comes about where nothing is observed, and its private parts where their views are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from bvae.models.inputs import check_count

PRIOR = "prior"
ZERO = "zero"
CANDIDATES = 4
"""Private parts that are drawn for each view of an invention. More agree more often and are less sharp
(`benchmarks/inventions.py`)."""


class DrawsLatents(Protocol):
    """What draws the D shared dimensions, see `bvae.samplers`."""

    name: ClassVar[str]

    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """(count, D)."""


class DrawsPrivate(Protocol):
    """What draws private parts given the shared one, see `bvae.samplers.private`."""

    name: ClassVar[str]

    def placed(self, modality: str, z: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """Shared (N, D), normal noise (N, P), uniform levels (N,) -> private (N, P), all on the CPU."""


def private_part(
    asked: str | DrawsPrivate, modality: str, shared: Tensor, dim: int, generator: torch.Generator | None,
    common: bool = False,
) -> Tensor:
    """The private part of one modality, (..., P), for shared parts (..., D). See `MultimodalVAE.complete`."""
    if asked == ZERO:
        return shared.new_zeros(*shared.shape[:-1], dim)
    if isinstance(asked, str) and asked != PRIOR:
        raise ValueError(f"private: expected {PRIOR!r}, {ZERO!r} or a sampler, got {asked!r}")
    chance = (*shared.shape[:-2], 1 if common else shared.shape[-2])
    place = None if generator is None else generator.device
    noise = torch.randn(*chance, dim, generator=generator, device=place).to(shared).expand(*shared.shape[:-1], dim)
    if isinstance(asked, str):
        return noise
    level = torch.rand(chance, generator=generator, device=place).to(shared).expand(shared.shape[:-1])
    drawn = asked.placed(modality, shared.flatten(0, -2).cpu(), noise.flatten(0, -2).cpu(), level.flatten().cpu())
    if drawn.shape != (level.numel(), dim):
        raise ValueError(f"private sampler: expected draws of shape {(level.numel(), dim)} for {modality!r}, got "
                         f"{tuple(drawn.shape)}")
    return drawn.to(shared).view_as(noise)


def best_of(candidates: int, draw: Callable[[], Tensor], score: Callable[[Tensor], Tensor]) -> Tensor:
    """Of some draws (..., P) the one of the highest score (...,), for each item by itself; the first of equal ones."""
    best = draw()
    if candidates == 1:
        return best
    highest = score(best).nan_to_num(nan=-torch.inf)
    for _ in range(candidates - 1):
        other = draw()
        found = score(other).nan_to_num(nan=-torch.inf)
        best = torch.where((found > highest).unsqueeze(-1), other, best)
        highest = torch.maximum(found, highest)
    return best


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
