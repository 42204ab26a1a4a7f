"""Importance-weighted bounds for mixtures of experts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from bvae.gaussians import diagonal
from bvae.gaussians.randomness import normal
from bvae.models.objectives.base import OBJECTIVES, LossOutput, Objective
from bvae.models.vae import MultimodalVAE

Estimator = Literal["iwae", "dreg"]


@OBJECTIVES.register("iwae")
@dataclass(frozen=True)
class ImportanceWeighted(Objective):
    """-sum_k w_k log mean_i p(x, z_ki) / q(z_ki), z_ki ~ q_k: stratified over the mixture's components.

    Every component k is sampled `num_samples` times, every sample decodes all modalities, and q is the density of the
    whole mixture. With beta, log p(z) - log q(z) is multiplied by it.

    Parameters
    ----------
    beta : float
        See `Objective`.
    num_samples : int
        i = 1 ... num_samples for each component.
    estimator : {"dreg", "iwae"}
        The gradient of the encoders: that of the bound, or the doubly reparameterised one, which has less variance
        where q is near the true posterior. As published, it takes the mixture's density for the one that was sampled:
        for one sample the expectation is the same, for more it is slightly another one, because a sample of component
        k is weighted among its own kind.

    References
    ----------
    Burda, Grosse, Salakhutdinov, ICLR 2016 (IWAE); Tucker et al., ICLR 2019 (DReG); Shi et al., NeurIPS 2019 (MMVAE).
    """

    num_samples: int = 5
    estimator: Estimator = "dreg"

    decomposes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.num_samples, int) or self.num_samples < 1:
            raise ValueError(f"num_samples: expected a positive integer, got {self.num_samples!r}")
        if self.estimator not in get_args(Estimator):
            raise ValueError(f"estimator: expected one of {get_args(Estimator)}, got {self.estimator!r}")

    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """See `Objective.__call__`. `reconstruction` and `kl` are plain means over the samples."""
        q = model.apart(model.encode(x, present=present, generator=generator))
        s, (k, b) = self.num_samples, q.weights.shape
        noise = normal((s, k, b, q.loc.shape[-1]), 2, generator, q.loc.dtype, q.loc.device)
        z = q.loc + q.scale * noise  # (S, K, B, D)
        flat = z.flatten(0, 2)  # (S*K*B, D), items innermost
        repeated = {name: values.repeat(s * k, *[1] * (values.ndim - 1)) for name, values in x.items()}
        log_likelihood = -model.reconstruction_error(repeated, flat, present.repeat(1, s * k)).view(s, k, b)
        log_prior = diagonal.log_prob(z, torch.zeros_like(z), torch.ones_like(z))
        density = q.detach() if self.estimator == "dreg" else q
        ratio = log_prior - density.log_prob(z.flatten(0, 1)).view(s, k, b)
        value = log_mean(log_likelihood + self.beta * ratio, z, self.estimator)  # (K, B)
        loss = -(q.weights * value).sum(0)
        reconstruction = -(q.weights * log_likelihood.mean(0)).sum(0)
        return LossOutput(loss, reconstruction, -(q.weights * ratio.mean(0)).sum(0))


def log_mean(log_weight: Tensor, z: Tensor, estimator: Estimator) -> Tensor:
    """log mean_s w_s, (S, K, B) -> (K, B), with the gradient of an estimator through the draws z (S, K, B, D)."""
    s = len(log_weight)
    if estimator != "dreg" or not z.requires_grad:
        return log_weight.logsumexp(0) - math.log(s)
    # The gradient through z counts twice-normalised weights; that of the decoders once, see `ImportanceWeighted`.
    own = log_weight.detach().softmax(0)
    z.register_hook(lambda gradient: gradient * own.unsqueeze(-1))
    bound = (own * log_weight).sum(0)
    return (log_weight.detach().logsumexp(0) - math.log(s)) - bound.detach() + bound
