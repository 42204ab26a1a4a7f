"""The objective of MVTCAE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.gaussians import diagonal
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.vae import MultimodalVAE
from bvae.registry import require_number


@OBJECTIVES.register("mvtcae")
@dataclass(frozen=True)
class TotalCorrelation(Objective):
    """(n - a)/n sum_m -log p(x_m | z) + beta [ a/n sum_m KL(q || q_m) + (1 - a) KL(q || p) ], z ~ q.

    A lower bound of the total correlation of the modalities; n is the number of those present. The conditional terms
    KL(q || q_m) ask every unimodal posterior to hold what the joint one holds: reverse KL, like the product itself.
    q_m has the prior in private latents of other views: each of them is charged for in n - 1 of the n terms.

    Parameters
    ----------
    beta : float
        See `Objective`.
    a : float
        Between the conditional terms (1) and the prior (0), in [0, 1].

    References
    ----------
    Hwang et al., *Multi-View Representation Learning via Total Correlation Objective*, NeurIPS 2021.
    """

    a: float = 5 / 6

    asks_to_agree: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("a", self.a, lambda a: 0 <= a <= 1, "a number in [0, 1]")

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`. Raises ValueError if the joint posterior is a mixture."""
        experts = model.experts(x, present)
        q = model.aggregate(experts, generator=generator)
        if q.num_components > 1:
            raise ValueError("mvtcae: expected an aggregator that gives one Gaussian, got a mixture of "
                             f"{q.num_components}")
        z = q.rsample(generator=generator)
        count = experts.present.sum(0).clamp_min(1)  # (B,)
        reconstruction = model.reconstruction_error(x, z, present) * (count - self.a) / count
        # float32 also under autocast: a KL is a difference of large numbers.
        to_experts = diagonal.kl(q.loc, q.scale, experts.loc.to(q.loc), experts.scale.to(q.loc))  # (M, B)
        conditional = (to_experts * experts.present).sum(0) / count
        kl = self.a * conditional + (1 - self.a) * q.kl_to_prior()
        return LossOutput(reconstruction + self.beta * kl, reconstruction, kl)
