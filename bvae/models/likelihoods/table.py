"""The likelihood of a table of mixed columns: each column has that of its type."""

from __future__ import annotations

import dataclasses
from typing import cast

import torch
from torch import Tensor, nn

from bvae.data.base import Modality
from bvae.data.sparse import SparseRows
from bvae.models.likelihoods.base import LIKELIHOODS, Likelihood, of_type
from bvae.models.statistics import cells_of


@LIKELIHOODS.register("table")
class Table(Likelihood):
    """Independent columns, given z. See `Likelihood`.

    The likelihood of a type is the one that the modality asks for, if it is one of that type, else the type's first.
    """

    def __init__(self, modality: Modality, scale: float) -> None:
        super().__init__(modality, scale)
        self.parts = nn.ModuleDict()
        self.places = cells_of(modality.columns).of_type
        for kind, at in self.places.items():
            own = tuple(c for c in modality.columns if c.type == kind)
            name = of_type(kind, modality, "")
            part = dataclasses.replace(modality, kind="table", shape=(len(at),), columns=own, likelihood="")
            self.parts[kind] = LIKELIHOODS[name](part, scale)

    def each(self) -> list[tuple[Likelihood, Tensor]]:
        """The likelihood of each type of column, and its cells."""
        return [(cast(Likelihood, self.parts[kind]), at) for kind, at in self.places.items()]

    def observe(self, values: Tensor | SparseRows, present: Tensor | None = None) -> None:
        """See `Likelihood.observe`."""
        for part, at in self.each():
            part.observe(values.cells(at) if isinstance(values, SparseRows) else values[:, at], present)

    def log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Likelihood.log_prob`."""
        return torch.stack([part.log_prob(x[:, at], mean[:, at]) for part, at in self.each()]).sum(0)

    def smooth_log_prob(self, x: Tensor, mean: Tensor) -> Tensor:
        """See `Likelihood.smooth_log_prob`."""
        return torch.stack([part.smooth_log_prob(x[:, at], mean[:, at]) for part, at in self.each()]).sum(0)

    def variance(self, mean: Tensor) -> Tensor:
        """See `Likelihood.variance`."""
        out = torch.empty_like(mean)
        for part, at in self.each():
            out[..., at] = part.variance(mean[..., at])
        return out

    def sample(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """See `Likelihood.sample`."""
        out = torch.empty_like(mean)
        for part, at in self.each():
            out[..., at] = part.sample(mean[..., at], generator)
        return out

    def error_scale(self) -> Tensor | float:
        """See `Likelihood.error_scale`."""
        out = torch.ones(sum(len(at) for _, at in self.each()))
        for part, at in self.each():
            out[at] = part.error_scale() * torch.ones(len(at))
        return out
