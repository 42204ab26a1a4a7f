"""A mixture of Gaussians for each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bvae.samplers.base import SAMPLERS, Draws
from bvae.samplers.gaussian_mixture import COMPONENTS, GaussianMixture, estimate


@SAMPLERS.register("gaussian-mixture-per-class")
@dataclass(frozen=True)
class PerClass(GaussianMixture):
    """One mixture fitted to the draws of each class; a class is as frequent as among the items.

    Parameters
    ----------
    weights, loc, root : Tensor
        See `GaussianMixture`; the components of all classes together.
    classes : Tensor
        (K,) int64: the class of each component.
    """

    name = "gaussian-mixture-per-class"
    needs_classes = True
    classes: Tensor

    @classmethod
    def fitted(cls, draws: Draws, seed: int = 0) -> PerClass:
        """See `Sampler.fitted`. Raises ValueError where no class has two draws, or none is known."""
        if draws.y is None:
            raise ValueError(f"{cls.name}: expected the classes of the items, got none")
        known = [k for k in draws.y.unique().tolist() if int((draws.y == k).sum()) > 1]
        if not known:
            raise ValueError(f"{cls.name}: expected at least two items of a class, got one of each")
        each = max(1, COMPONENTS // len(known))
        of = {k: GaussianMixture.of_estimate(estimate(draws.z[draws.y == k], seed, each)) for k in known}
        share = {k: float((draws.y == k).double().mean()) for k in known}
        weights = torch.cat([share[k] * of[k].weights for k in known])
        return cls(weights / weights.sum(), torch.cat([of[k].loc for k in known]),
                   torch.cat([of[k].root for k in known]),
                   torch.cat([torch.full((len(of[k].weights),), k) for k in known]))

    def sample_of(self, label: int, count: int, generator: torch.Generator | None = None) -> Tensor:
        """(count, D) draws of one class. Raises ValueError for a class that none of the items had."""
        mine = self.classes == label
        if not bool(mine.any()):
            raise ValueError(f"label: expected one of {self.classes.unique().tolist()}, got {label!r}")
        return GaussianMixture(self.weights[mine], self.loc[mine], self.root[mine]).sample(count, generator)

    def state(self) -> dict[str, Tensor]:
        """See `Sampler.state`."""
        return {**super().state(), "classes": self.classes}

    @classmethod
    def of_state(cls, state: Mapping[str, Tensor]) -> PerClass:
        """See `Sampler.of_state`."""
        parts = cls._parts(state)
        if state["classes"].shape != parts["weights"].shape:
            raise ValueError(f"{cls.name}: expected a class for each component")
        return cls(**parts, classes=state["classes"].long())
