"""The objective of mmJSD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.aggregators import aggregator
from bvae.gaussians import diagonal
from bvae.gaussians.posterior import Posterior, UnimodalPosteriors
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.objectives.elbo import score
from bvae.models.vae import MultimodalVAE


@OBJECTIVES.register("mmjsd")
@dataclass(frozen=True)
class JensenShannonToDynamicPrior(Objective):
    """-sum_m log p(x_m | z) + beta sum_k pi_k KL(q_k || f), k = 0 ... n: n posteriors and the prior against their mean.

    z is drawn from the mixture of the n unimodal posteriors present, stratified over the batch, and decodes all
    modalities. f is the *dynamic prior*, an abstract mean of q_1 ... q_n and of q_0 = N(0, I), with weights pi that sum
    to 1: pi_0 = 1 / (n + 1), and the rest is shared as the aggregator's weights say, so that all are 1 / (n + 1) by
    default. The sum over k is their Jensen-Shannon divergence for that mean, and no smaller than n / (n + 1) of the
    divergence of the mixture to f (convexity of KL): from beta = (n + 1) / n on the loss is a bound, for a model whose
    prior is f.

    With the geometric mean f is a barycenter itself: precision = sum_k pi_k / s_k^2 is what makes sum_k pi_k KL(f ||
    q_k) smallest. The divergence summed in the loss has its arguments the other way round; what would make that
    smallest is the mixture (f = sum_k pi_k q_k, the Jensen-Shannon divergence of the textbooks, without a closed form),
    or among Gaussians the rule "moment".

    Parameters
    ----------
    beta : float
        See `Objective`.
    mean : str
        The rule that makes f, one of `bvae.aggregators` that gives one Gaussian; "geometric" in the paper.

    References
    ----------
    Sutter, Daunhawer, Vogt: *Multimodal Generative Learning Utilizing Jensen-Shannon-Divergence*, NeurIPS 2020, arXiv
    2006.08242, and its code, github.com/thomassutter/mmjsd; abstract means: Nielsen, Entropy 2019.
    """

    mean: str = "geometric"

    asks_to_agree: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        rule = aggregator(self.mean)
        one = torch.ones(2, 1, 1)
        if (components := rule(0 * one, one).num_components) > 1:
            raise ValueError(f"mean: expected a rule that gives one Gaussian, got {self.mean!r}, which gives a mixture "
                             f"of {components}")

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`. Raises ValueError unless the joint posterior has one component a modality."""
        experts = model.experts(x, present)
        q = model.aggregate(experts, generator=generator)
        if q.num_components != len(model.modalities):
            raise ValueError(f"mmjsd: expected one component for each of {len(model.modalities)} modalities "
                             f"(aggregator 'moe'), got {q.num_components}")
        learned = q.weights.requires_grad
        index = q.draw(generator) if learned else q.stratified(generator)
        z = q.component(index).rsample(generator=generator)
        reconstruction = model.reconstruction_error(x, z, present)
        kl = self.divergence(model, experts, q) + private_kl(model, q)
        loss = reconstruction + self.beta * kl
        return LossOutput(loss + score(q.weights, index, reconstruction, generator) if learned else loss,
                          reconstruction, kl)

    def divergence(self, model: MultimodalVAE, experts: UnimodalPosteriors, q: Posterior) -> Tensor:
        """sum_k pi_k KL(q_k || f) of the shared dimensions, (B,), nats."""
        d = model.shared_dim
        loc = torch.cat([torch.zeros_like(experts.loc[:1, :, :d]), experts.loc[..., :d]])  # (1 + M, B, D)
        scale = torch.cat([torch.ones_like(loc[:1]), experts.scale[..., :d]])
        there = torch.cat([torch.ones_like(experts.present[:1]), experts.present])  # (1 + M, B)
        prior = 1.0 / (1 + experts.present.sum(0, keepdim=True))  # (1, B)
        pi = torch.cat([prior, (1 - prior) * q.weights * experts.present])
        f = aggregator(self.mean)(loc, scale, there, pi)
        return (pi * diagonal.kl(loc, scale, f.loc, f.scale)).sum(0)


def private_kl(model: MultimodalVAE, q: Posterior) -> Tensor:
    """KL of the private parts of a joint posterior to their prior, (B,): 0 of a model without private latents."""
    d = model.shared_dim
    return (q.weights * diagonal.kl_to_standard(q.loc[..., d:], q.scale[..., d:])).sum(0)
