"""The evidence lower bound, for every aggregator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from bvae.model import MultimodalVAE
from bvae.objectives.base import OBJECTIVES, LossOutput, Objective

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
        q = model.encode(x, present=present)
        z = q.component(q.stratified(generator)).rsample(generator=generator)
        reconstruction = -sum(model.log_likelihood(x, z, present).values())
        sampled = self.kl == "sampled" and q.num_components > 1
        kl = q.sampled_kl_to_prior(z) if sampled else q.kl_to_prior()
        return LossOutput(reconstruction + self.beta * kl, reconstruction, kl)
