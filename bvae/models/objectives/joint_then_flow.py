"""Two stages: the VAE of all views, and a flow that says what a part of them tells of its latents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.aggregators.base import without_autocast
from bvae.aggregators.learned.conditional_flow import ConditionalFlow
from bvae.gaussians.posterior import Posterior
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.objectives.masked import halves
from bvae.models.vae import MultimodalVAE


@OBJECTIVES.register("joint-then-flow")
@dataclass(frozen=True)
class JointThenFlow(Objective):
    """-sum_m log p(x_m | z) + beta KL(q(z | x) || p), z ~ q(z | x), and beside it -log f(z | x_S) of a part S.

    The first two terms are the ELBO of all views that an item has, with a Gaussian q, the second head of the network of
    `ConditionalFlow`. The last one fits the flow f to that posterior: its mean over z is KL(q(z | x) || f(z | x_S)) and
    the entropy of q, and over the items it is smallest where f(z | x_S) is the mixture of the posteriors of all items
    that look like this one in the views S. S has every view with probability 1/2, and all of them where it would be
    empty.

    The two stages run at once: the last term has gradients for the flow and its context alone, so that encoders,
    decoders and q become what they would become without it, and the flow follows them.

    Parameters
    ----------
    beta : float
        See `Objective`.

    References
    ----------
    The two stages, with a flow for each view by itself and their product for several: Senellart, Chadebec,
    Allassonniere: *Bridging the inference gap in multimodal variational autoencoders*, arXiv 2502.03952 (JNF), and its
    code, github.com/AgatheSenellart/MultiVae.
    """

    decomposes: ClassVar[bool] = False

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`. Raises ValueError unless the aggregator is "conditional-flow"."""
        rule = model.aggregator
        if not isinstance(rule, ConditionalFlow):
            raise ValueError(f"joint-then-flow: expected the aggregator 'conditional-flow', got {type(rule).__name__}")
        experts = model.experts(x, present)
        part = halves(experts.present, generator) & experts.present
        part = torch.where(part.any(0), part, experts.present)
        loc, scale, weights = experts.loc[..., : model.shared_dim], experts.scale[..., : model.shared_dim], None
        if (own := model.weights_for(rule)) is not None:
            weights = own.detach()
        with without_autocast(loc.device):
            mean, deviation = rule.whole(rule.prepare(loc, scale, experts.present, own))
            q = model.with_private(Posterior.gaussian(mean, deviation), experts)
            z = q.component(torch.zeros(len(mean), dtype=torch.long, device=mean.device)).rsample(generator=generator)
            told = rule.prepare(loc.detach(), scale.detach(), part, weights)
            fit = -rule.log_density(told, z[:, : model.shared_dim].detach())
        reconstruction = model.reconstruction_error(x, z, present)
        kl = q.kl_to_prior()
        return LossOutput(reconstruction + self.beta * kl + fit, reconstruction, kl)
