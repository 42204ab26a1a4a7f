"""The objective of MVAE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.vae import MultimodalVAE


@OBJECTIVES.register("mvae")
@dataclass(frozen=True)
class JointAndUnimodalELBOs(Objective):
    """ELBO of all modalities present plus the ELBO of each one alone.

    In ELBO(x_m alone) modality m is encoded, aggregated with nothing else (with the prior expert, if the aggregator
    has one) and decoded; the other decoders take no part. We leave out the random subsets that the original adds for
    many modalities.

    References
    ----------
    Wu & Goodman, NeurIPS 2018.
    """

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`."""
        experts = model.experts(x, present)
        joint = model.apart(model.aggregate(experts, generator=generator))
        z = joint.component(joint.stratified(generator)).rsample(generator=generator)
        reconstruction = model.reconstruction_error(x, z, present)
        kl = joint.kl_to_prior()
        m, b, d = experts.loc.shape
        # Every modality alone, as M x B items in one call: expert m of item (m, b) is the only one present.
        alone = torch.eye(m, dtype=torch.bool, device=present.device).unsqueeze(2) & experts.present  # (M, M, B)
        alone = alone.flatten(1)  # (M, M*B)
        single = model.aggregate(UnimodalPosteriors(experts.loc.repeat(1, m, 1), experts.scale.repeat(1, m, 1), alone))
        z_single = single.component(single.stratified(generator)).rsample(generator=generator).view(m, b, d)
        kl = kl + (single.kl_to_prior().view(m, b) * experts.present).sum(0)
        for i, name in enumerate(model.modalities):
            if name in x:
                own = model.reconstruction_error({name: x[name]}, z_single[i], self._only(present, i))
                reconstruction = reconstruction + own
        return LossOutput(reconstruction + self.beta * kl, reconstruction, kl)

    @staticmethod
    def _only(present: Tensor, m: int) -> Tensor:
        """`present` (M, B) with every row but m False."""
        rows = torch.zeros_like(present)
        rows[m] = present[m]
        return rows
