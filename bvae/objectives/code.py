"""The objective of CoDE-VAE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.model import MultimodalVAE
from bvae.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.objectives.elbo import score
from bvae.posterior import Posterior


@OBJECTIVES.register("code")
@dataclass(frozen=True)
class WeightedSubsetELBOs(Objective):
    """sum_S pi_S ELBO_S with learned weights pi of the subsets, minus beta KL(pi || uniform).

    The choice of a subset is one more latent variable: the bound is that of (S, z) with a uniform prior on S, so that
    pi has an entropy bonus. One subset is drawn for each item; its gradient to pi is that of `score`.

    References
    ----------
    Mancisidor et al., ICML 2025 (CoDE-VAE).
    """

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`."""
        q = model.encode(x, present=present, generator=generator)
        index = q.draw(generator)
        z = q.component(index).rsample(generator=generator)
        reconstruction = model.reconstruction_error(x, z, present)
        kl = q.kl_to_prior() + kl_to_uniform(q)
        loss = reconstruction + self.beta * kl + score(q.weights, index, reconstruction, generator)
        return LossOutput(loss, reconstruction, kl)


def kl_to_uniform(q: Posterior) -> Tensor:
    """KL of a mixture's weights to the uniform ones over the components that are there, nats, (B,)."""
    alive = q.weights > 0
    safe = torch.where(alive, q.weights, torch.ones_like(q.weights))
    return (safe.log() * q.weights).sum(0) + alive.sum(0).to(q.weights).log()
