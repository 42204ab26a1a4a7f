"""The evidence lower bound, for every aggregator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from bvae.gaussians.randomness import total
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.vae import MultimodalVAE

KL = Literal["components", "sampled"]


@OBJECTIVES.register("elbo")
@dataclass(frozen=True)
class ELBO(Objective):
    """-sum_m log p(x_m | z) + beta KL(q || p), z ~ q(z | x).

    If q is a mixture, every item is given one component, so that the batch follows the mixture's weights; z of that
    component decodes *all* modalities. For mixtures over subsets this is the objective of MoPoE and MWB-VAE.

    Parameters
    ----------
    beta : float
        See `Objective`.
    kl : {"components", "sampled"}
        For mixtures: the weighted mean of all components' KL, each on the whole batch (MoPoE), or log q(z) - log p(z)
        with the density of the whole mixture (MMVAE with one sample). Both are the same for one Gaussian, where the
        closed form is used.

    References
    ----------
    Sutter et al., ICLR 2021; Shi et al., NeurIPS 2019; Qiu et al., AAAI 2025.
    """

    kl: KL = "components"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kl not in get_args(KL):
            raise ValueError(f"kl: expected one of {get_args(KL)}, got {self.kl!r}")

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`."""
        q = model.apart(model.encode(x, present=present, generator=generator))
        learned = q.num_components > 1 and q.weights.requires_grad
        index = q.draw(generator) if learned else q.stratified(generator)
        z = q.component(index).rsample(generator=generator)
        reconstruction = model.reconstruction_error(x, z, present)
        sampled = self.kl == "sampled" and q.num_components > 1
        kl = q.sampled_kl_to_prior(z) if sampled else q.kl_to_prior()
        loss = reconstruction + self.beta * kl
        if learned:
            cost = reconstruction + (self.beta * kl if sampled else 0.0)
            loss = loss + score(q.weights, index, cost, generator)
        return LossOutput(loss, reconstruction, kl)


def score(weights: Tensor, index: Tensor, cost: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Zero, with the gradient of E[cost] over the choice of components: REINFORCE with the other items as baseline.

    No sample carries a gradient to the weights of a mixture, so that learned weights need it. Unbiased, because the
    items' choices are independent of each other (Kool et al., 2019).

    Parameters
    ----------
    weights : Tensor
        (K, B).
    index : Tensor
        (B,), drawn from them.
    cost : Tensor
        (B,), what the chosen component cost.
    generator : torch.Generator, optional
        The one that `index` was drawn with; it knows whether other processes have items of the batch.

    Returns
    -------
    Tensor
        (B,).
    """
    log_weight = weights.gather(0, index.unsqueeze(0)).squeeze(0).log()  # (B,)
    cost = cost.detach()
    everybody, count = total(cost, generator)
    baseline = (everybody - cost) / max(1, count - 1)
    return (cost - baseline) * (log_weight - log_weight.detach())
