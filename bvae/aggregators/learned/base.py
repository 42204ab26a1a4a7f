"""What rules share that are networks."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.aggregators.base import Aggregator, GaussianAggregator
from bvae.aggregators.experts import Experts
from bvae.registry import Registry, require_number

LEARNED: Registry[type[LearnedAggregator]] = Registry("learned aggregator")

MIN_SCALE = 1e-4
RAW_OFFSET = -2.0  # an untrained network gives scales around 0.13, as untrained encoders do


class UntrainedError(ValueError):
    """A rule that is a network was asked for a posterior without one."""


class LearnedAggregator(Aggregator):
    """A rule that is a network which reads the experts as a set. Subclasses write :meth:`build` and :meth:`aggregate`.

    By itself it is a recipe with options and cannot be called. A `MultimodalVAE` lets it build a network for its
    latent space, which is trained, moved and saved with the model, and :attr:`MultimodalVAE.aggregator` is the rule
    with that network.

    What it cannot do, other than every rule without a network: it minimises no divergence, it does not give one expert
    alone back as it is, and its result belongs to the encoders that it was trained with. So `bvae.aggregators` does not
    list it among the rules that may be compared on any experts; :func:`bvae.aggregator` knows its name.

    The network gets features (M, B, 2 D), means and logarithms of the standard deviations, and weights (M, B), the
    number of experts present times their weights and 0 for those that are missing, see :meth:`read`.
    """

    counts_experts: ClassVar[bool] = True
    extrapolates: ClassVar[bool] = True
    keeps_one: ClassVar[bool] = False

    network = None  # Module | None; without an annotation, so that it is no option of a rule's dataclass

    @abstractmethod
    def build(self, latent_dim: int) -> nn.Module:
        """A network with weights at random for D = `latent_dim` dimensions; see the class."""

    def with_network(self, network: nn.Module) -> Self:
        """The same rule with a network of its :meth:`build`."""
        rule = copy.copy(self)
        object.__setattr__(rule, "network", network)  # rules are frozen
        return rule

    def read(self, experts: Experts) -> tuple[Any, Tensor, Tensor]:
        """The network, and what it gets of the experts: features (M, B, 2 D) and weights (M, B).

        Raises UntrainedError without a network.
        """
        if self.network is None:
            raise UntrainedError(f"{type(self).__name__}: expected the rule of a trained model (model.aggregator), got "
                                 "one without a network")
        weights = experts.item_weights * experts.present.sum(0)  # (M, B)
        kind = next(self.network.parameters()).dtype
        features = torch.cat([experts.loc, experts.scale.log()], -1)  # (M, B, 2 D)
        return self.network, features.to(kind), weights.to(kind)


class LearnedGaussian(LearnedAggregator, GaussianAggregator):
    """A network that gives one Gaussian: it maps what :meth:`LearnedAggregator.read` gives to (B, 2 D)."""

    def barycenter(self, experts: Experts) -> tuple[Tensor, Tensor]:
        """See `GaussianAggregator.barycenter`. Raises UntrainedError without a network."""
        network, features, weights = self.read(experts)
        return to_gaussian(network(features, weights).to(experts.loc))


def to_gaussian(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and scale (B, D) of what a network gives, (B, 2 D), made as of an encoder's."""
    mean, scale = raw.chunk(2, -1)
    return mean, F.softplus(scale + RAW_OFFSET) + MIN_SCALE


def require_units(name: str, value: int, multiple: int = 1) -> None:
    """Raise ValueError that names the option unless `value` is a positive whole multiple of another number."""
    if not isinstance(value, int):
        raise ValueError(f"{name}: expected a positive integer, got {value!r}")
    wanted = "a positive integer" if multiple == 1 else f"a positive multiple of {multiple}"
    require_number(name, value, lambda v: v > 0 and v % multiple == 0, wanted)
