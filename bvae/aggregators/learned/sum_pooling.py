"""Deep sets: a network of the sum of what another network makes of every expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from bvae.aggregators.learned.base import LEARNED, LearnedGaussian, require_units


@LEARNED.register("sum-pooling")
@dataclass(frozen=True)
class SumPooling(LearnedGaussian):
    """(mu, s) = rho(sum_m chi(mu_m, log s_m)), the sum over the experts that are there: chi and rho are perceptrons.

    Whatever does not depend on the order of experts has this form (Zaheer et al., NeurIPS 2017), the product of experts
    too: there chi gives the precision and the precision times the mean, and rho divides them. With weights, expert m
    counts n w_m times, n the number of those present.

    Parameters
    ----------
    units : int
        Of each of the two hidden layers of chi and of rho, and of the sum.

    References
    ----------
    Hirt, Campolo, Leong, Ortega: *Learning multi-modal generative models with permutation-invariant encoders and
    tighter variational objectives*, TMLR 2024, arXiv 2309.00380, and its code, github.com/marcelah/MaskedMultimodalVAE.
    """

    units: int = 128

    title: ClassVar[str] = "Learned sum pooling"
    short: ClassVar[str] = "Sum pooling"
    order: ClassVar[float] = 120
    formula: ClassVar[str] = r"(\mu, \sigma) = \rho\Big(\sum_m \chi(\mu_m, \log\sigma_m)\Big)"

    def __post_init__(self) -> None:
        require_units("units", self.units)

    def build(self, latent_dim: int) -> nn.Module:
        """See `LearnedAggregator.build`."""
        return _Network(2 * latent_dim, self.units)


class _Network(nn.Module):
    """See `LearnedAggregator`."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.each = perceptron(features, units, units)
        self.whole = perceptron(units, units, features)

    def forward(self, features: Tensor, weights: Tensor) -> Tensor:
        pooled = torch.einsum("mb,mbu->bu", weights, self.each(features))
        out: Tensor = self.whole(pooled)
        return out


def perceptron(before: int, units: int, after: int) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(nn.Linear(before, units), nn.SiLU(), nn.Linear(units, units), nn.SiLU(),
                         nn.Linear(units, after))
