"""Densities of real numbers with a learned scale: one for every column of a table, or one for a whole modality."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from bvae.data.base import Modality
from bvae.data.sparse import SparseRows
from bvae.models.inputs import some_gaps
from bvae.models.likelihoods.base import LIKELIHOODS, Likelihood
from bvae.models.likelihoods.fixed import absolute_distance, squared_distance, standard_laplace
from bvae.models.statistics import Statistics

LEAST = 0.05
"""A learned scale is at least this share of the column's standard deviation (of where it began, without columns): a
column that can be had exactly would count more than all others together."""
SPEED = 5.0
"""Logarithms of scales are learned so many times as fast as weights: hundreds of steps must do for a factor of ten."""
RANGE = (-20.0, 5.0)
"""Of the logarithms that are learned."""
FARTHEST = 100.0
"""Numbers farther from a column's mean than so many of its standard deviations count as this far, so that a broken one
does not decide a training."""
DEGREES = 4.0
"""Degrees of freedom of Student's t."""


class LearnedScale(Likelihood):
    """A density of (x - mean) / scale. See `Likelihood`.

    With columns, scale = s (0.05 + 0.95 exp(5 raw)), s the standard deviation of the column in the training
    split, raw learned from 0 on; without, one scale for all cells, from `scale` on.
    """

    def __init__(self, modality: Modality, scale: float) -> None:
        super().__init__(modality, scale)
        self.start, self.cells = scale, math.prod(modality.shape)
        self.statistics = Statistics(modality.columns, "location", "scale") if modality.columns else None
        self.raw = nn.Parameter(torch.zeros(len(modality.columns) or 1))

    def observe(self, values: Tensor | SparseRows, present: Tensor | None = None) -> None:
        """See `Likelihood.observe`."""
        if self.statistics is not None:
            self.statistics.observe(values, present)

    @property
    def scale(self) -> Tensor:
        """The learned scale in the data's units: (P,) of every column, or (1,)."""
        return share_of(self.raw) * (self.start if self.statistics is None else self.statistics.scale)

    def error_scale(self) -> Tensor | float:
        """Standard deviations of the columns. See `Likelihood.error_scale`."""
        return 1.0 if self.statistics is None else self.statistics.scale

    def standardised(self, x: Tensor, mean: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """(x - mean) / scale, (B, P), 0 in gaps; the scale, (P,); and where there are gaps, None for nowhere."""
        held = self.statistics
        assert held is not None
        scale, reach = self.scale, FARTHEST * held.scale
        if not some_gaps(x):
            return (x.clamp(held.location - reach, held.location + reach) - mean) / scale, scale, None
        gaps = x.isnan()
        # Gaps leave before the division: its gradient of NaN would be NaN.
        near = torch.where(gaps, mean.detach(), x).clamp(held.location - reach, held.location + reach)
        return ((near - mean) / scale).masked_fill(gaps, 0.0), scale, gaps


def share_of(raw: Tensor) -> Tensor:
    """The share of its first value that a learned scale has, see `LearnedScale`."""
    return LEAST + (1 - LEAST) * (SPEED * raw.float()).clamp(*RANGE).exp()


def over_cells(values: Tensor, per_column: Tensor, gaps: Tensor | None) -> Tensor:
    """Sum of values (B, P) and of what every cell adds (P,), gaps left out: (B,)."""
    if gaps is None:
        return values.sum(1) + per_column.sum()
    return (values + per_column).masked_fill(gaps, 0.0).sum(1)


class NormalOfColumns(torch.autograd.Function):
    """Normal log-density of items with gaps in one step: on small tables a training costs little but single steps.

    x, mean (B, P), raw (P,), and location and scale of the statistics, (P,), (P,) -> (B,).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, mean: Tensor, raw: Tensor, location: Tensor, spread: Tensor) -> Tensor:
        share, reach = share_of(raw), FARTHEST * spread
        scale, low, high = share * spread, location - reach, location + reach
        inverse = scale.reciprocal()
        u = (x.clamp(low, high) - mean) * inverse
        each, there = -scale.log() - 0.5 * math.log(2 * math.pi), None
        if some_gaps(x):
            gaps = x.isnan()
            u, there = u.masked_fill_(gaps, 0.0), (~gaps).to(each)  # (B, P), 1 where a cell is no gap
            constant = there @ each
        else:
            constant = each.sum()
        ctx.save_for_backward(x, mean, raw, spread, low, high, u, share, inverse, there)
        return constant - 0.5 * torch.linalg.vecdot(u, u)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, raw, spread, low, high, u, share, inverse, there = ctx.saved_tensors
        if torch.is_grad_enabled():  # to be differentiated again: what was kept has no history
            share = share_of(raw)
            scale = share * spread
            near = x.clamp(low, high) if there is None else torch.where(x.isnan(), mean, x.clamp(low, high))
            u, inverse = (near - mean) / scale, scale.reciprocal()
        by_u = gradient.unsqueeze(1) * u
        by_mean = by_u * inverse
        by_x = by_raw = None
        if ctx.needs_input_grad[0]:
            by_x = torch.where((x >= low) & (x <= high), -by_mean, 0.0)
        if ctx.needs_input_grad[2]:
            count = gradient.sum() if there is None else gradient.to(there) @ there
            inside = (raw > RANGE[0] / SPEED) & (raw < RANGE[1] / SPEED)
            slope = SPEED * (1 - LEAST / share) * inside  # of the logarithm of the scale
            by_raw = (torch.linalg.vecdot(by_u, u, dim=0) - count) * slope
        return by_x, by_mean if ctx.needs_input_grad[1] else None, by_raw, None, None


@LIKELIHOODS.register("normal-learned")
class LearnedNormal(LearnedScale):
    """Normal density; the scale is the standard deviation. See `LearnedScale`."""

    def log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Likelihood.log_prob`."""
        if self.statistics is None:
            scale = self.scale
            constant = self.cells * (scale.log() + 0.5 * math.log(2 * math.pi))
            return -0.5 / scale.square() * squared_distance(x, mean) - constant
        return NormalOfColumns.apply(x, mean, self.raw, self.statistics.location, self.statistics.scale)

    def variance(self, mean: Tensor) -> Tensor:
        """See `Likelihood.variance`."""
        return self.scale.square().clamp_max(torch.finfo(torch.float32).max).expand_as(mean)

    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.sample`."""
        return mean + self.scale * torch.randn(mean.shape, generator=generator, device=mean.device)


@LIKELIHOODS.register("laplace-learned")
class LearnedLaplace(LearnedScale):
    """Laplace density; the scale is its b, so that the standard deviation is the root of 2 times it."""

    def log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Likelihood.log_prob`."""
        if self.statistics is None:
            scale = self.scale
            return -absolute_distance(x, mean) / scale - self.cells * (2 * scale).log()
        u, scale, gaps = self.standardised(x, mean)
        return over_cells(-u.abs(), -(2 * scale).log(), gaps)

    def variance(self, mean: Tensor) -> Tensor:
        """See `Likelihood.variance`."""
        return (2 * self.scale.square()).clamp_max(torch.finfo(torch.float32).max).expand_as(mean)

    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.sample`."""
        return mean + self.scale * standard_laplace(mean, generator)

    def smooth_log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Likelihood.smooth_log_prob`."""
        return LearnedNormal.log_prob(self, x, mean)  # type: ignore[arg-type]  # it asks for what both have


@LIKELIHOODS.register("student-t")
class StudentT(LearnedScale):
    """Student's t with 4 degrees of freedom: broken numbers cost little. Its variance is twice the squared scale."""

    def log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Likelihood.log_prob`."""
        constant = (math.lgamma((DEGREES + 1) / 2) - math.lgamma(DEGREES / 2) - 0.5 * math.log(DEGREES * math.pi))
        if self.statistics is None:
            scale = self.scale
            tails = torch.log1p(((x - mean) / scale).square() / DEGREES).flatten(1).sum(1)
            return -(DEGREES + 1) / 2 * tails + self.cells * (constant - scale.log())
        u, scale, gaps = self.standardised(x, mean)
        return over_cells(-(DEGREES + 1) / 2 * torch.log1p(u.square() / DEGREES), constant - scale.log(), gaps)

    def variance(self, mean: Tensor) -> Tensor:
        """See `Likelihood.variance`."""
        factor = DEGREES / (DEGREES - 2)
        return (factor * self.scale.square()).clamp_max(torch.finfo(torch.float32).max).expand_as(mean)

    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.sample`."""
        normal = torch.randn(mean.shape, generator=generator, device=mean.device)
        squares = torch.randn((*mean.shape, int(DEGREES)), generator=generator, device=mean.device).square().sum(-1)
        return mean + self.scale * normal * (DEGREES / squares).sqrt()
