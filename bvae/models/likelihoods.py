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
    return -absolute_distance(x, mean) / scale - x[0].numel() * math.log(2 * scale)


@LIKELIHOODS.register("normal")
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


SUPPORT = {"bernoulli": (0.0, 1.0), "categorical": (0.0, 1.0)}
"""Likelihood -> where the values lie of which it is a likelihood; other values have no meaning under it."""

OF_KIND = {"text": "categorical"}
"""Likelihoods of kinds of modalities that allow one only; images take their own, or that of the model's settings."""
