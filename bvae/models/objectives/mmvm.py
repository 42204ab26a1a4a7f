"""The objective of MMVM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from bvae.gaussians import diagonal
from bvae.gaussians.posterior import Posterior
from bvae.gaussians.randomness import normal
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.vae import MultimodalVAE
from bvae.registry import require_number

KL = Literal["pairs", "sampled"]


@OBJECTIVES.register("mmvm")
@dataclass(frozen=True)
class MixturePrior(Objective):
    """sum_m [ -log p(x_m | z_m) + beta KL(q_m || h) ], z_m ~ q_m: one VAE a modality, and a prior that they share.

    h = (1 - a) sum_n w_n q_n + a N(0, I) is made of the posteriors of all modalities that the item has, uniformly
    weighted by default. No z decodes another modality: what brings the latent spaces together is h alone.

    h holds q_m itself, so that KL(q_m || h) is never more than -log of its weight: five posteriors may lie as far from
    each other as they like for 1.6 nats each. As the published code does it, KL(q_m || h) is therefore replaced by
    (1 - a) sum_n w_n KL(q_m || q_n) + a KL(q_m || N(0, I)), an upper bound (convexity of KL), which grows with every
    distance.

    Parameters
    ----------
    beta : float
        See `Objective`.
    kl : {"pairs", "sampled"}
        That bound, or log q_m(z_m) - log h(z_m), unbiased for the divergence to the mixture itself.
    standard : float
        a in [0, 1], the share of N(0, I) in h; 0 in the published model at the end of its training.

    References
    ----------
    Sutter et al.: *Unity by Diversity: Improved Representation Learning for Multimodal VAEs*, NeurIPS 2024, arXiv
    2403.05300, and its code, github.com/thomassutter/mmvmvae.
    """

    kl: KL = "pairs"
    standard: float = 0.0

    asks_to_agree: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kl not in get_args(KL):
            raise ValueError(f"kl: expected one of {get_args(KL)}, got {self.kl!r}")
        require_number("standard", self.standard, lambda a: 0 <= a <= 1, "a number in [0, 1]")

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`. Raises ValueError unless the joint posterior has one component a modality."""
        experts = model.experts(x, present)
        h = model.aggregate(experts, generator=generator)  # the mixture of the posteriors, with its weights
        if h.num_components != len(model.modalities):
            raise ValueError(f"mmvm: expected one component for each of {len(model.modalities)} modalities "
                             f"(aggregator 'moe'), got {h.num_components}")
        loc, scale, there = experts  # (M, B, L), (M, B)
        z = loc + scale * normal(loc.shape, 1, generator, loc.dtype, loc.device)
        reconstruction = torch.zeros_like(loc[0, :, 0])
        for m, name in enumerate(model.modalities):
            if name in x:
                only = torch.zeros_like(present)
                only[m] = present[m]
                reconstruction = reconstruction + model.reconstruction_error({name: x[name]}, z[m], only)
        d = model.shared_dim
        shared = model.shared(h)
        to_prior = (self._pairs(loc[..., :d], scale[..., :d], shared) if self.kl == "pairs" else
                    self._sampled(loc[..., :d], scale[..., :d], z[..., :d], shared))  # (M, B)
        private = diagonal.kl_to_standard(loc[..., d:], scale[..., d:])  # of their own prior; 0 without private latents
        kl = ((to_prior + private) * there).sum(0)
        return LossOutput(reconstruction + self.beta * kl, reconstruction, kl)

    def _pairs(self, loc: Tensor, scale: Tensor, h: Posterior) -> Tensor:
        """The bound, (M, B)."""
        each = diagonal.kl(loc.unsqueeze(1), scale.unsqueeze(1), h.loc, h.scale)  # (M, K, B): q_m against q_n
        return ((1 - self.standard) * (h.weights * each).sum(1)
                + self.standard * diagonal.kl_to_standard(loc, scale))

    def _sampled(self, loc: Tensor, scale: Tensor, z: Tensor, h: Posterior) -> Tensor:
        """The estimate, (M, B)."""
        weight = torch.cat([(1 - self.standard) * h.weights, torch.full_like(h.weights[:1], self.standard)])
        mixture = Posterior(weight, torch.cat([h.loc, torch.zeros_like(h.loc[:1])]),
                            torch.cat([h.scale, torch.ones_like(h.scale[:1])]))
        return diagonal.log_prob(z, loc, scale) - mixture.log_prob(z)
