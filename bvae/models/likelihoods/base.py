"""What every likelihood can do, and which kinds of modality have which."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from bvae.data.base import Modality
from bvae.data.sparse import SparseRows
from bvae.registry import Registry


class Likelihood(nn.Module, ABC):
    """p(x | z) of one modality, given what its decoder says of z.

    A gap of a table (NaN) counts for nothing. Parameters that are learned, and statistics of the training split, are
    the module's own.

    Parameters
    ----------
    modality : Modality
    scale : float
        `ModelConfig.likelihood_scale`: the fixed scale, or the one that a learned one begins at.
    """

    def __init__(self, modality: Modality, scale: float) -> None:
        super().__init__()

    def observe(self, values: Tensor | SparseRows, present: Tensor | None = None) -> None:
        """Take what is needed of a training split: (N, ...), and which items have the modality, (N,) bool."""

    @abstractmethod
    def log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """Nats of every item, summed over its cells: (B, ...), (B, ...) -> (B,)."""

    @abstractmethod
    def variance(self, mean: Tensor) -> Tensor:
        """Variance of every cell, in the square of the data's units: (..., of one item) -> the same shape."""

    @abstractmethod
    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """x ~ p(x | mean), of the shape of `mean`."""

    def smooth_log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """As :meth:`log_prob`; where that has no second derivative, of the density of the same Fisher information."""
        return self.log_prob(x, mean)

    def at_size_of(self, x: Tensor, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Means (S, B, ...) for items of which something may be known, x (B, ...) with NaN elsewhere: of counts, at the
        item's size where it is known, else at S sizes drawn around the one that is expected, the same of all items."""
        return mean

    def error_scale(self) -> Tensor | float:
        """What errors of single cells are divided by, before they are averaged over columns of several units."""
        return 1.0


LIKELIHOODS: Registry[Callable[[Modality, float], Likelihood]] = Registry("likelihood")
"""Name -> what makes it for a modality: (modality, scale) -> Likelihood, see there."""

SUPPORT = {"bernoulli": (0.0, 1.0), "categorical": (0.0, 1.0)}
"""Likelihood -> where the values lie of which it is a likelihood; other values have no meaning under it."""

OF_KIND = {"text": "categorical"}
"""Likelihoods of kinds of modalities that allow one only; images take their own, or that of the model's settings."""

OF_TYPE = {
    "number": ("normal-learned", "laplace-learned", "student-t"),
    "count": ("negative-binomial", "poisson", "zero-inflated"),
    "binary": ("bernoulli",),
    "category": ("categorical",),
}
"""Type of column -> the likelihoods that it may have; the first one unless the modality or the settings say another."""


def name_for(modality: Modality, default: str) -> str:
    """Name of a modality's likelihood, where the model's settings say `default`.

    Raises ValueError if a modality with columns asks for one that none of them can have.
    """
    types = list(dict.fromkeys(column.type for column in modality.columns))
    if not types:
        return OF_KIND.get(modality.kind) or modality.likelihood or default
    allowed = [name for type_ in types for name in OF_TYPE[type_]]
    if modality.likelihood and modality.likelihood not in [*allowed, "table"]:
        raise ValueError(f"modality {modality.name!r}, kind {modality.kind!r}: expected one of the likelihoods "
                         f"{', '.join(allowed)}, got {modality.likelihood!r}")
    return "table" if len(types) > 1 else of_type(types[0], modality, default)


def of_type(type_: str, modality: Modality, default: str) -> str:
    """The likelihood of the columns of one type: what the modality asks for, or the settings, if they can have it."""
    asked = [name for name in (modality.likelihood, default) if name in OF_TYPE[type_]]
    return asked[0] if asked else OF_TYPE[type_][0]


def likelihood_for(modality: Modality, default: str, scale: float) -> Likelihood:
    """The likelihood of a modality. See :func:`name_for` and `Likelihood`."""
    name = name_for(modality, default)
    if name == "table" and modality.likelihood in ("", "table"):
        modality = dataclasses.replace(modality, likelihood=default)
    return LIKELIHOODS[name](modality, scale)
