"""Likelihoods of counts, which know how large an item is as a whole."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from bvae.data.base import Modality
from bvae.data.sparse import SparseRows
from bvae.models.likelihoods.base import LIKELIHOODS, Likelihood
from bvae.models.likelihoods.learned import SPEED
from bvae.models.statistics import Statistics, is_sized, sizes

LEAST_MEAN = 1e-8
DISPERSIONS = (1e-2, 1e4)
"""Between them lies theta: below, a column says nothing; above, it is Poisson's."""
WIDEST = 2.0
"""The width of a size's density, in logarithms, is below this, and begins at half of it."""


class Counts(Likelihood):
    """Counts around a mean, times the size of the item where items have one. See `Likelihood`.

    The size of an item is the observed total of its cells over what those cells are together at the reference size (see
    `bvae.models.statistics`). The likelihood is that of the cells given the size, times that of the size given z: a
    normal density of its logarithm, with a learned width, around the size of the decoder's means. Items of less than
    ten columns have none, nor have the counts of a table of mixed columns: a total says something there. Counts beyond
    what the training split lets expect (`Described.top`) count as that many.
    """

    def __init__(self, modality: Modality, scale: float) -> None:
        super().__init__(modality, scale)
        self.sized = is_sized(modality.kind, modality.columns)
        self.statistics = Statistics(modality.columns, "rate", "top", "dispersion", sized=self.sized)
        self.raw_width = nn.Parameter(torch.zeros(1)) if self.sized else None

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        """Weights without `raw_width` are of a model that says nothing of sizes."""
        if f"{prefix}raw_width" not in state_dict:
            self.raw_width = None
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def observe(self, values: Tensor | SparseRows, present: Tensor | None = None) -> None:
        """See `Likelihood.observe`."""
        self.statistics.observe(values, present)

    @property
    def width(self) -> Tensor:
        """Standard deviation of the logarithm of a size around the one that z lets expect, (1,)."""
        assert self.raw_width is not None
        return WIDEST * (SPEED * self.raw_width.float()).sigmoid()

    def size(self, x: Tensor) -> Tensor:
        """Sizes of items against the reference, (B, P) -> (B, 1); 1 where items have none."""
        if not self.sized:
            return torch.ones_like(x[:, :1])
        return sizes(x.minimum(self.statistics.top), self.statistics.rate)

    def at_size_of(self, x: Tensor, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.at_size_of`."""
        if not self.sized:
            return mean
        known = ~x.isnan().all(1, keepdim=True)
        if self.raw_width is None:
            return mean * torch.where(known, self.size(x), 1.0)
        level = (torch.randperm(len(mean), generator=generator) + 0.5) / len(mean)  # stratified: the mean stays
        apart = self.width * torch.special.ndtri(level.to(mean)).view(-1, 1, 1)
        drawn = (apart - apart.exp().mean().log()).exp()  # (S, 1, 1)
        return mean * torch.where(known, self.size(x) / self.size_of(mean, x), drawn)

    def size_of(self, mean: Tensor, x: Tensor) -> Tensor:
        """Sizes that expected counts have in the cells that are there, (..., B, P), (B, P) -> (..., B, 1)."""
        gaps = x.isnan()
        rate = self.statistics.rate.expand_as(x).masked_fill(gaps, 0.0).sum(1, keepdim=True)
        return mean.masked_fill(gaps, 0.0).sum(-1, keepdim=True).clamp_min(LEAST_MEAN) / rate.clamp_min(LEAST_MEAN)

    def log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Likelihood.log_prob`."""
        x = x.float().minimum(self.statistics.top)  # NaN stays
        gaps, of_size = x.isnan(), torch.zeros(())
        if self.sized:
            size = self.size(x)
            if self.raw_width is not None:
                expected, width = self.size_of(mean, x), self.width
                mean = mean / expected
                off = (size.log() - expected.log()).squeeze(1) + 0.5 * width.square()  # `expected` is the mean
                of_size = -0.5 * (off / width).square() - width.log() - 0.5 * math.log(2 * math.pi)
                of_size = of_size.masked_fill(gaps.all(1), 0.0)
            mean = mean * size
        mean = mean.clamp_min(LEAST_MEAN)
        return self.of_cells(x.masked_fill(gaps, 0.0), mean).masked_fill(gaps, 0.0).sum(1) + of_size

    def of_cells(self, x: Tensor, mean: Tensor) -> Tensor:
        """Log-probabilities of single cells, (B, P)."""
        raise NotImplementedError

    def error_scale(self) -> Tensor | float:
        """Standard deviations of the columns at the reference size. See `Likelihood.error_scale`."""
        held = self.statistics
        return (held.rate + held.rate.square() / held.dispersion).sqrt()


@LIKELIHOODS.register("poisson")
class Poisson(Counts):
    """P(x) = mean^x e^-mean / x!. See `Counts`."""

    def of_cells(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Counts.of_cells`."""
        return x * mean.log() - mean - torch.lgamma(x + 1)

    def variance(self, mean: Tensor) -> Tensor:
        """See `Likelihood.variance`."""
        return mean

    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.sample`."""
        return torch.poisson(mean, generator=generator)


@LIKELIHOODS.register("negative-binomial")
class NegativeBinomial(Counts):
    """Gamma-distributed rates of mean m and shape theta: variance m + m^2 / theta, theta learned for every column.

    It begins at the theta of the column's own variance in the training split.
    """

    def __init__(self, modality: Modality, scale: float) -> None:
        super().__init__(modality, scale)
        self.raw = nn.Parameter(torch.zeros(len(modality.columns)))

    @property
    def dispersion(self) -> Tensor:
        """theta, (P,)."""
        return (self.statistics.dispersion * (SPEED * self.raw.float()).clamp(-20, 20).exp()).clamp(*DISPERSIONS)

    def of_cells(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Counts.of_cells`."""
        theta = self.dispersion
        # In double precision: a difference of large numbers.
        ways = (torch.lgamma(x.double() + theta.double()) - torch.lgamma(theta.double())
                - torch.lgamma(x.double() + 1)).float()
        return ways - theta * torch.log1p(mean / theta) - x * torch.log1p(theta / mean)

    def variance(self, mean: Tensor) -> Tensor:
        """See `Likelihood.variance`."""
        return mean + mean.square() / self.dispersion

    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.sample`."""
        theta = self.dispersion.expand_as(mean)
        return torch.poisson(torch._standard_gamma(theta, generator=generator) * mean / theta, generator=generator)


@LIKELIHOODS.register("zero-inflated")
class ZeroInflated(NegativeBinomial):
    """A count of 0 with a learned probability pi of the column, else of a negative binomial; `mean` is that of both."""

    def __init__(self, modality: Modality, scale: float) -> None:
        super().__init__(modality, scale)
        self.log_odds = nn.Parameter(torch.full((len(modality.columns),), -2.0 / SPEED))

    @property
    def inflation(self) -> Tensor:
        """pi, (P,), at most 0.95."""
        return 0.95 * (SPEED * self.log_odds.float()).sigmoid()

    def of_cells(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Counts.of_cells`."""
        pi = self.inflation
        others = super().of_cells(x, mean / (1 - pi)) + torch.log1p(-pi)
        return torch.where(x == 0, torch.logaddexp(others, pi.clamp_min(1e-30).log().expand_as(others)), others)

    def variance(self, mean: Tensor) -> Tensor:
        """See `Likelihood.variance`."""
        pi = self.inflation
        inner = mean / (1 - pi)
        return (1 - pi) * (super().variance(inner) + inner.square()) - mean.square()

    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.sample`."""
        pi = self.inflation
        there = torch.rand(mean.shape, generator=generator, device=mean.device) >= pi
        return super().sample(mean / (1 - pi), generator) * there
