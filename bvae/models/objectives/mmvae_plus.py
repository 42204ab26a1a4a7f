"""The objective of MMVAE+."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.gaussians import diagonal
from bvae.gaussians.posterior import Posterior
from bvae.gaussians.randomness import normal
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.objectives.elbo import score
from bvae.models.vae import MultimodalVAE


@OBJECTIVES.register("mmvae-plus")
@dataclass(frozen=True)
class SharedAndPrivate(Objective):
    """Mixture of experts on shared latents z, private latents w that take no part in cross-reconstruction.

    For the expert m that an item was given: z ~ q(z | x_m), w_m ~ q(w_m | x_m), and for the others w_n ~ r_n, an
    auxiliary prior N(0, diag s_n^2), see `ModelConfig.auxiliary`. Loss: -log p(x_m | z, w_m) - sum_n log p(x_n | z,
    w_n) + beta [ log q(z | x) - log p(z) + KL(q(w_m | x_m) || p(w_m)) ], with the mixture's density in log q(z | x).
    What a decoder needs from x_n in order to serve the others has to be in z, because it never sees w_n of x_n then.

    This is the bound for one sample, with one expert an item, stratified over the batch: the same expectation at 1/M
    of the decodings; `bvae.models.objectives.mmvae_plus_iwae` is the original's. There posteriors and priors are
    Laplace; here they are Gaussian.

    References
    ----------
    Palumbo, Daunhawer, Vogt: *MMVAE+: Enhancing the Generative Quality of Multimodal VAEs without Compromises*,
    ICLR 2023.
    """

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`. Raises ValueError for a model without an auxiliary prior or of another rule."""
        scale = auxiliary_of(model)
        experts = model.experts(x, present)
        q = model.aggregate(experts, generator=generator)
        check_components(model, q)
        learned = q.num_components > 1 and q.weights.requires_grad
        index = q.draw(generator) if learned else q.stratified(generator)  # (B,): m
        u = q.component(index).rsample(generator=generator)  # (B, L)
        auxiliary = normal((len(u), *scale.shape), 0, generator, torch.float32, u.device) * scale  # (B, M, P)
        d, private_kl = model.shared_dim, torch.zeros_like(u[:, 0])
        parts = [u[:, :d]]
        for m in range(len(model.modalities)):
            part, mine = model.private_part(m), index == m
            parts.append(torch.where(mine.unsqueeze(1), u[:, part], auxiliary[:, m]))
            own = diagonal.kl_to_standard(experts.loc[m, :, part], experts.scale[m, :, part])  # (B,)
            private_kl = private_kl + torch.where(mine, own, 0.0)
        reconstruction = model.reconstruction_error(x, torch.cat(parts, 1), present)
        kl = model.shared(q).sampled_kl_to_prior(u[:, :d]) + private_kl
        loss = cost = reconstruction + self.beta * kl
        if learned:
            loss = loss + score(q.weights, index, cost, generator)
        return LossOutput(loss, reconstruction, kl)


def auxiliary_of(model: MultimodalVAE) -> Tensor:
    """Scales of the auxiliary prior, (M, P). Raises ValueError for a model without one."""
    scale = model.auxiliary_scales()
    if scale is None:
        raise ValueError("mmvae-plus: expected a model with private latents and an auxiliary prior "
                         "(private_dim > 0, auxiliary_prior), got one without")
    return scale


def check_components(model: MultimodalVAE, q: Posterior) -> None:
    """Raise ValueError unless there is one component for each modality."""
    if q.num_components != len(model.modalities):
        raise ValueError(f"mmvae-plus: expected one component for each of {len(model.modalities)} modalities "
                         f"(aggregator 'moe'), got {q.num_components}")
