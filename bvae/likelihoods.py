"""log p(x | z) per kind of likelihood, summed over the axes of one item."""

from __future__ import annotations

import math
from collections.abc import Callable

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
    squares = ((x - mean) / scale).square()
    return (-0.5 * squares - math.log(scale) - 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)


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
"""Likelihoods of kinds of modalities that allow one only; images take the one that the model's configuration names."""
