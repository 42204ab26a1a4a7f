"""The objective of CoDE-VAE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.gaussians.posterior import Posterior
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.objectives.elbo import score
from bvae.models.vae import MultimodalVAE
from bvae.registry import require_number


@OBJECTIVES.register("code")
@dataclass(frozen=True)
class WeightedSubsetELBOs(Objective):
    """sum_S pi_S ELBO_S with learned weights pi of the subsets, minus `entropy` times the entropy of pi.

    ELBO_S = sum_m -log p(x_m | z) + beta KL(q_S || p), z ~ q_S. As the published code does it, the entropy bonus has a
    weight of its own, which is of the size of an ELBO: with the bound's own weight (beta, or 1) pi follows differences
    of hundreds of nats between the subsets and leaves out those of one view, which then are not learned. What is
    added is `entropy` x KL(pi || uniform), which differs from the bonus by a constant and is 0 for uniform pi.
    The published code computes every subset's ELBO for every item; here one subset is drawn for each item, with the
    gradient to pi of `score`: the same expectation at 1 / (2^M - 1) of the decodings.

    Parameters
    ----------
    beta : float
        See `Objective`.
    entropy : float
        Nats of loss for a nat of the entropy of pi, not negative. The published code has 1000 on all its data sets.

    References
    ----------
    Mancisidor et al., ICML 2025 (CoDE-VAE), and its code, github.com/rogelioamancisidor/codevae.
    """

    entropy: float = 1000.0

    decomposes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("entropy", self.entropy, lambda e: e >= 0, "a non-negative number")

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`. `kl` is that of the posteriors alone."""
        q = model.apart(model.encode(x, present=present, generator=generator))
        index = q.draw(generator)
        z = q.component(index).rsample(generator=generator)
        reconstruction = model.reconstruction_error(x, z, present)
        kl = q.kl_to_prior()
        loss = reconstruction + self.beta * kl + self.entropy * kl_to_uniform(q)
        return LossOutput(loss + score(q.weights, index, reconstruction, generator), reconstruction, kl)


def kl_to_uniform(q: Posterior) -> Tensor:
    """KL of a mixture's weights to the uniform ones over the components that are there, nats, (B,)."""
    alive = q.weights > 0
    safe = torch.where(alive, q.weights, torch.ones_like(q.weights))
    return (safe.log() * q.weights).sum(0) + alive.sum(0).to(q.weights).log()
