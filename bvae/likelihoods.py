"""log p(x | z) per kind of likelihood, summed over the axes of one item."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bvae.registry import Registry

LIKELIHOODS: Registry[Callable[[Tensor, Tensor, float], Tensor]] = Registry("likelihood")


@LIKELIHOODS.register("laplace")
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
    return (-(x - mean).abs() / scale - math.log(2 * scale)).flatten(1).sum(1)


@LIKELIHOODS.register("normal")
def normal(x: Tensor, mean: Tensor, scale: float) -> Tensor:
    """Normal density with a fixed standard deviation. See :func:`laplace`."""
    constant = x[0].numel() * (math.log(scale) + 0.5 * math.log(2 * math.pi))
    return -0.5 / scale**2 * squared_distance(x, mean) - constant


class _SquaredDistance(torch.autograd.Function):
    """sum (x - mean)^2 with one pass forward and one backward: memory traffic is what such sums cost."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mean: Tensor) -> Tensor:
        difference = mean - x
        ctx.save_for_backward(difference)
        last = difference.ndim == 4 and difference.is_contiguous(memory_format=torch.channels_last)
        flat = (difference.permute(0, 2, 3, 1) if last else difference).flatten(1)  # a view in either layout
        return torch.linalg.vecdot(flat, flat)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (difference,) = ctx.saved_tensors
        by_mean = difference * (2 * gradient).view(-1, *[1] * (difference.ndim - 1))
        by_x = -by_mean if ctx.needs_input_grad[0] else None
        return by_x, by_mean if ctx.needs_input_grad[1] else None


def squared_distance(x: Tensor, mean: Tensor) -> Tensor:
    """sum (x - mean)^2 over the axes of one item: (B, ...), (B, ...) -> (B,). Differentiable once."""
    if x.shape != mean.shape:
        x, mean = torch.broadcast_tensors(x, mean)
    return _SquaredDistance.apply(x, mean)


@LIKELIHOODS.register("bernoulli")
def bernoulli(x: Tensor, mean: Tensor, scale: float) -> Tensor:
    """Bernoulli log-probability of x in [0, 1]; `scale` is not used. See :func:`laplace`."""
    mean = mean.clamp(1e-6, 1 - 1e-6)
    return (torch.xlogy(x, mean) + torch.xlogy(1 - x, 1 - mean)).flatten(1).sum(1)


@LIKELIHOODS.register("categorical")
def categorical(x: Tensor, mean: Tensor, scale: float) -> Tensor:
    """Categorical log-probability of one-hot x along the last axis, where `mean` sums to 1; `scale` is not used.

    See :func:`laplace`.
    """
    return torch.xlogy(x, mean.clamp_min(1e-6)).flatten(1).sum(1)


OF_KIND = {"text": "categorical"}
"""Likelihoods of kinds of modalities that allow one only; images take their own, or that of the model's settings."""
