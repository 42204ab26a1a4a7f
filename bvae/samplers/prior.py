"""The bare prior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.gaussians import diagonal
from bvae.samplers.base import SAMPLERS, Draws, Sampler


@SAMPLERS.register("prior")
@dataclass(frozen=True)
class Prior(Sampler):
    """N(0, I): what a joint posterior is held to in training. Nothing is fitted.

    Parameters
    ----------
    size : int
        D.
    """

    name = "prior"
    size: int

    @classmethod
    def fitted(cls, draws: Draws, seed: int = 0) -> Prior:
        """See `Sampler.fitted`; only D is taken of the draws."""
        return cls(draws.z.shape[1])

    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """See `Sampler.sample`."""
        return torch.randn(count, self.size, generator=generator)

    def log_prob(self, z: Tensor) -> Tensor:
        """See `Sampler.log_prob`."""
        return diagonal.log_prob(z, torch.zeros_like(z), torch.ones_like(z))

    def state(self) -> dict[str, Tensor]:
        """See `Sampler.state`."""
        return {"size": torch.tensor(self.size)}

    @classmethod
    def of_state(cls, state: Mapping[str, Tensor]) -> Prior:
        """See `Sampler.of_state`."""
        return cls(int(state["size"]))

    @property
    def dim(self) -> int:
        """See `Sampler.dim`."""
        return self.size
