"""The evidence lower bound with a prior for every set of views, an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.gaussians import diagonal
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.objectives.elbo import score
from bvae.models.objectives.mmjsd import private_kl
from bvae.models.vae import MultimodalVAE


@OBJECTIVES.register("hierarchical-prior")
@dataclass(frozen=True)
class HierarchicalPrior(Objective):
    """-sum_m log p(x_m | z) + beta sum_k pi_k KL(q_k || p_k), z drawn from one component for each item as in `ELBO`.

    p_k is the 2-Wasserstein barycenter of the priors of those views that component k is made of and the item has, see
    `bvae.models.priors.ModalityPriors`: a view may have its own place in the latent space and pays nothing for it, and
    the barycenter of all views' priors stays N(0, I), from which inventions are drawn.

    It is our reading of "generalized Wasserstein barycenters with hierarchical modality specific priors": of that work
    only the abstract could be read, so nothing is claimed of what it does.

    Parameters
    ----------
    beta : float
        See `Objective`.

    References
    ----------
    Qiu et al.: *Hierarchical Barycentric Multimodal Representation Learning for Medical Image Analysis*, medRxiv
    2026.04.05.26350202 (abstract).
    """

    asks_to_agree: ClassVar[bool] = False

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`. Raises ValueError for a model without priors of modalities."""
        if model.priors is None:
            raise ValueError("hierarchical-prior: expected a model with priors of its modalities (modality_priors), "
                             "got one without")
        experts = model.experts(x, present)
        q = model.apart(model.aggregate(experts, generator=generator))
        learned = q.num_components > 1 and q.weights.requires_grad
        index = q.draw(generator) if learned else q.stratified(generator)
        z = q.component(index).rsample(generator=generator)
        reconstruction = model.reconstruction_error(x, z, present)
        held = model.aggregator.held(len(model.modalities)).to(z.device)  # (K, M)
        loc, scale = model.priors.of(held.unsqueeze(1) & experts.present.T)  # (K, B, D)
        d = model.shared_dim
        away = diagonal.kl(q.loc[..., :d], q.scale[..., :d], loc, scale)  # (K, B)
        kl = (q.weights * away).sum(0) + private_kl(model, q)
        loss = reconstruction + self.beta * kl
        return LossOutput(loss + score(q.weights, index, reconstruction, generator) if learned else loss,
                          reconstruction, kl)
