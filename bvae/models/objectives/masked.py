"""The objective of Hirt et al.: a random part of the views, and the rest given that part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.gaussians import diagonal
from bvae.gaussians.randomness import own, whole
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.vae import MultimodalVAE


@OBJECTIVES.register("masked")
@dataclass(frozen=True)
class MarginalAndConditionalBound(Objective):
    """A bound of log p(x_S) and one of log p(x_R | x_S), where S is drawn for every item and R are its other views.

    -sum_{m in S} log p(x_m | z_S) + beta KL(q(z | x_S) || p),  z_S ~ q(z | x_S), and
    -sum_{m in R} log p(x_m | z) + beta KL(q(z | x) || q(z | x_S)),  z ~ q(z | x).

    Every view that an item has is in S with probability 1/2, so that S may be empty, which gives the ELBO of all views.
    Incomplete sets are asked for what they hold, and to believe what the complete set believes as far as they can know
    it: the posterior of S is the prior of the second part.

    Parameters
    ----------
    beta : float
        See `Objective`.

    References
    ----------
    Hirt, Campolo, Leong, Ortega: *Learning multi-modal generative models with permutation-invariant encoders and
    tighter variational objectives*, TMLR 2024, arXiv 2309.00380, and its code, github.com/marcelah/MaskedMultimodalVAE.
    """

    asks_to_agree: ClassVar[bool] = True

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`. Raises ValueError if the joint posterior is a mixture."""
        experts = model.experts(x, present)
        every = model.aggregate(experts, generator=generator)
        if every.num_components > 1:
            raise ValueError("masked: expected an aggregator that gives one Gaussian, got a mixture of "
                             f"{every.num_components}")
        part = halves(experts.present, generator) & experts.present  # (M, B): S
        of_part = model.aggregate(experts._replace(present=part), generator=generator)
        z, z_part = (q.rsample(generator=generator) for q in (every, of_part))  # (B, L)
        reconstruction = torch.zeros_like(z[:, 0])
        for m, name in enumerate(model.modalities):
            if name in x:
                only = torch.zeros_like(present)
                only[m] = present[m]
                own_z = torch.where(part[m].unsqueeze(1), z_part, z)
                reconstruction = reconstruction + model.reconstruction_error({name: x[name]}, own_z, only)
        conditional = diagonal.kl(every.loc[0], every.scale[0], of_part.loc[0], of_part.scale[0])
        kl = of_part.kl_to_prior() + conditional
        return LossOutput(reconstruction + self.beta * kl, reconstruction, kl)


def halves(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """True or False with equal chances, independently, (M, B)."""
    modalities, items = like.shape
    chance = torch.rand(modalities, whole(items, generator), generator=generator, device=like.device)
    return own(chance, 1, generator) < 0.5
