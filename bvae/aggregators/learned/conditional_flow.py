"""A normalising flow given a set of experts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from bvae.aggregators.base import with_prior
from bvae.aggregators.experts import Experts
from bvae.aggregators.learned.base import LEARNED, MIN_SCALE, LearnedAggregator, require_units, to_gaussian
from bvae.aggregators.learned.splines import spline_flow
from bvae.aggregators.learned.sum_pooling import perceptron
from bvae.gaussians.posterior import Posterior
from bvae.registry import require_number

HIDDEN, BINS = (64, 64), 8


@LEARNED.register("conditional-flow")
@dataclass(frozen=True)
class ConditionalFlow(LearnedAggregator):
    """z = f_c(e), e ~ N(0, I): a neural spline flow f, steered by c = rho(sum_m chi(mu_m, log s_m)).

    What a part of the views leaves open need not be a Gaussian: where one view fits two kinds of items, the flow may
    have a mode for each. Every other part of this package takes mixtures of Gaussians, so the posterior is handed on as
    K Gaussians around K draws of the flow, by the same K numbers e for every item, so that nothing is left to chance:
    kernels of `width` times the standard deviation of the draws, which are pulled towards their mean so that mean and
    variance stay those of the draws (West, JRSS B 1993). :meth:`log_density` is the flow's own.

    The network has a second head, (mu, s) = rho'(sum_m chi'(mu_m, log s_m)), the Gaussian of all views that an item
    has, see :meth:`whole`; `bvae.models.objectives.joint_then_flow` trains both.

    Parameters
    ----------
    units : int
        Of the hidden layers of chi and rho, and of the context c.
    transforms : int
        Couplings of the flow, each over half of the dimensions in turn.
    kernels : int
        K, even: draws come in pairs e and -e.
    width : float
        Of a kernel, in (0, 1).

    References
    ----------
    Durkan, Bekasov, Murray, Papamakarios: *Neural Spline Flows*, NeurIPS 2019; its implementation is zuko's. Deep sets:
    see `SumPooling`.
    """

    units: int = 128
    transforms: int = 3
    kernels: int = 16
    width: float = 0.25

    title: ClassVar[str] = "Learned conditional flow"
    short: ClassVar[str] = "Flow"
    order: ClassVar[float] = 140
    formula: ClassVar[str] = (
        r"z = f_c(\varepsilon), \quad \varepsilon \sim \mathcal N(0, I), \qquad "
        r"c = \rho\Big(\sum_m \chi(\mu_m, \log\sigma_m)\Big)"
    )

    def __post_init__(self) -> None:
        require_units("units", self.units)
        require_units("transforms", self.transforms)
        require_units("kernels", self.kernels, 2)
        require_number("width", self.width, lambda v: 0 < v < 1, "a number in (0, 1)")

    def build(self, latent_dim: int) -> nn.Module:
        """See `LearnedAggregator.build`. Raises MissingPackage without zuko, which is an extra."""
        return _Network(latent_dim, self)

    def aggregate(self, experts: Experts) -> Posterior:
        """See `Aggregator.aggregate`: K Gaussians around draws of the flow."""
        network, features, weights = self.read(experts)
        draws = network.flow(network.context(features, weights)).transform.inv(network.noise.unsqueeze(1))
        draws = draws.to(experts.loc)  # (K, B, D)
        mean, deviation = draws.mean(0), draws.std(0, correction=0).clamp_min(MIN_SCALE)
        loc = mean + (1 - self.width**2) ** 0.5 * (draws - mean)
        scale = (self.width * deviation).expand_as(loc)
        there = experts.present.any(0).expand(len(loc), -1)
        return with_prior(torch.ones_like(loc[..., 0]), loc, scale, there, experts.everyone)

    def whole(self, experts: Experts) -> tuple[Tensor, Tensor]:
        """Mean and standard deviations (B, D) of the Gaussian that the second head makes of the experts."""
        network, features, weights = self.read(experts)
        return to_gaussian(network.whole(features, weights).to(experts.loc))

    def log_density(self, experts: Experts, z: Tensor) -> Tensor:
        """Log density of z (B, D) under the flow given the experts, (B,), nats."""
        network, features, weights = self.read(experts)
        density: Tensor = network.flow(network.context(features, weights)).log_prob(z.to(features))
        return density.to(z)


class _Network(nn.Module):
    """See `ConditionalFlow`."""

    def __init__(self, dim: int, of: ConditionalFlow) -> None:
        super().__init__()
        self.each, self.of_all = perceptron(2 * dim, of.units, of.units), perceptron(of.units, of.units, 2 * dim)
        self.told, self.of_told = perceptron(2 * dim, of.units, of.units), perceptron(of.units, of.units, of.units)
        self.flow = spline_flow("conditional-flow", dim, of.units, transforms=of.transforms, hidden=HIDDEN, bins=BINS)
        half = torch.randn(of.kernels // 2, dim, generator=torch.Generator().manual_seed(0))
        self.register_buffer("noise", torch.cat([half, -half]))  # (K, D)

    def whole(self, features: Tensor, weights: Tensor) -> Tensor:
        """(M, B, 2 D), (M, B) -> (B, 2 D)."""
        out: Tensor = self.of_all(torch.einsum("mb,mbu->bu", weights, self.each(features)))
        return out

    def context(self, features: Tensor, weights: Tensor) -> Tensor:
        """(M, B, 2 D), (M, B) -> (B, U)."""
        out: Tensor = self.of_told(torch.einsum("mb,mbu->bu", weights, self.told(features)))
        return out
