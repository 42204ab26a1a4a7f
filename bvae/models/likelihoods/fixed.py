"""Likelihoods without anything that is learned: densities of one fixed scale for all cells, and probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bvae.data.base import Modality
from bvae.models.likelihoods.base import LIKELIHOODS, Likelihood


def laplace(x: Tensor, mean: Tensor, scale: float) -> Tensor:
    """Laplace density with a fixed scale b: sum of -|x - mean| / b - log(2 b).

    Parameters
    ----------
    x, mean : Tensor
        (B, ...), broadcast against each other.
    scale : float
        b, in the units of x. The published PolyMNIST models use 0.75.

    Returns
    -------
    Tensor
        (B,) nats.
    """
    return -absolute_distance(x, mean) / scale - x[0].numel() * math.log(2 * scale)


def normal(x: Tensor, mean: Tensor, scale: float) -> Tensor:
    """Normal density with a fixed standard deviation. See :func:`laplace`."""
    constant = x[0].numel() * (math.log(scale) + 0.5 * math.log(2 * math.pi))
    return -0.5 / scale**2 * squared_distance(x, mean) - constant


class _Distance(torch.autograd.Function):
    """sum |x - mean|^power with one pass forward and one or two backward: memory traffic is what such sums cost."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mean: Tensor, power: int) -> Tensor:
        difference = mean - x.to(mean.dtype)  # subtracting two types at once takes twice as long as both steps
        ctx.save_for_backward(difference, x, mean)
        ctx.power = power
        last = difference.ndim == 4 and difference.is_contiguous(memory_format=torch.channels_last)
        flat = (difference.permute(0, 2, 3, 1) if last else difference).flatten(1)  # a view in either layout
        return torch.linalg.vecdot(flat, flat) if power == 2 else torch.linalg.vector_norm(flat, 1, dim=1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        difference, x, mean = ctx.saved_tensors
        if torch.is_grad_enabled():  # to be differentiated again: what was kept has no history
            difference = mean - x.to(mean.dtype)
        gradient = gradient.view(-1, *[1] * (difference.ndim - 1))
        by_mean = difference * (2 * gradient) if ctx.power == 2 else difference.sign().mul_(gradient)
        by_x = -by_mean if ctx.needs_input_grad[0] else None
        return by_x, by_mean if ctx.needs_input_grad[1] else None, None


def squared_distance(x: Tensor, mean: Tensor) -> Tensor:
    """sum (x - mean)^2 over the axes of one item: (B, ...), (B, ...) -> (B,)."""
    return _Distance.apply(*torch.broadcast_tensors(x, mean), 2)


def absolute_distance(x: Tensor, mean: Tensor) -> Tensor:
    """sum |x - mean| over the axes of one item: (B, ...), (B, ...) -> (B,)."""
    return _Distance.apply(*torch.broadcast_tensors(x, mean), 1)


def bernoulli(x: Tensor, mean: Tensor, scale: float = 1.0) -> Tensor:
    """Bernoulli log-probability of x in [0, 1]; `scale` is not used. See :func:`laplace`."""
    mean = mean.clamp(1e-6, 1 - 1e-6)
    return (torch.xlogy(x, mean) + torch.xlogy(1 - x, 1 - mean)).flatten(1).sum(1)


def categorical(x: Tensor, mean: Tensor, scale: float = 1.0) -> Tensor:
    """Categorical log-probability of one-hot x along the last axis, where `mean` sums to 1; `scale` is not used.

    See :func:`laplace`.
    """
    return torch.xlogy(x, mean.clamp_min(1e-6)).flatten(1).sum(1)


class FixedScale(Likelihood):
    """A density with one fixed scale. See `Likelihood`."""

    density: Callable[[Tensor, Tensor, float], Tensor]

    def __init__(self, modality: Modality, scale: float) -> None:
        super().__init__(modality, scale)
        self.scale = scale

    def log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Likelihood.log_prob`."""
        return self.density(x, mean, self.scale)


@LIKELIHOODS.register("laplace")
class Laplace(FixedScale):
    """See :func:`laplace`."""

    density = staticmethod(laplace)

    def variance(self, mean: Tensor) -> Tensor:
        """See `Likelihood.variance`."""
        return torch.full_like(mean, 2 * self.scale**2)

    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.sample`."""
        return mean + self.scale * standard_laplace(mean, generator)

    def smooth_log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """The normal density of this scale. See `Likelihood.smooth_log_prob`."""
        return normal(x, mean, self.scale)


@LIKELIHOODS.register("normal")
class Normal(FixedScale):
    """See :func:`normal`."""

    density = staticmethod(normal)

    def variance(self, mean: Tensor) -> Tensor:
        """See `Likelihood.variance`."""
        return torch.full_like(mean, self.scale**2)

    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.sample`."""
        return mean + self.scale * torch.randn(mean.shape, generator=generator, device=mean.device)


def standard_laplace(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Laplace variates of scale 1, around 0, of the shape of a tensor."""
    u = torch.rand(like.shape, generator=generator, device=like.device) - 0.5
    return -u.sign() * torch.log1p(-2 * u.abs().clamp_max(0.4999999))


class Probabilities(Likelihood):
    """What the decoder says is a probability of every cell. See `Likelihood`."""

    def __init__(self, modality: Modality, scale: float) -> None:
        super().__init__(modality, scale)
        self.widths = [c.width for c in modality.columns]

    def variance(self, mean: Tensor) -> Tensor:
        """See `Likelihood.variance`."""
        return mean * (1 - mean)


@LIKELIHOODS.register("bernoulli")
class Bernoulli(Probabilities):
    """See :func:`bernoulli`."""

    def log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Likelihood.log_prob`."""
        if self.widths:
            gaps = x.isnan()  # 0 with a probability of 0 costs nothing
            x, mean = x.masked_fill(gaps, 0.0), mean.masked_fill(gaps, 0.0)
            return (torch.xlogy(x, mean.clamp_min(SMALLEST)) + torch.xlogy(1 - x, 1 - mean)).sum(1)
        return bernoulli(x, mean)

    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.sample`."""
        return torch.bernoulli(mean, generator=generator)


@LIKELIHOODS.register("categorical")
class Categorical(Probabilities):
    """See :func:`categorical`. Of a table: over the cells of each of its columns."""

    def log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Likelihood.log_prob`."""
        if self.widths:
            return torch.xlogy(x.nan_to_num(0.0), mean.clamp_min(SMALLEST)).sum(1)
        return categorical(x, mean)

    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.sample`."""
        groups = mean.split(self.widths, -1) if self.widths else (mean,)
        drawn = [one_of(group, generator) for group in groups]
        return torch.cat(drawn, -1) if self.widths else drawn[0]


SMALLEST = 1e-30
"""Below every probability that a decoder of tables gives."""


def one_of(probabilities: Tensor, generator: torch.Generator | None) -> Tensor:
    """One-hot draws along the last axis: (..., K) -> (..., K)."""
    index = torch.multinomial(probabilities.flatten(0, -2), 1, generator=generator).view(probabilities.shape[:-1])
    return torch.nn.functional.one_hot(index, probabilities.shape[-1]).float()
