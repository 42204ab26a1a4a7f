"""What every sampler is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bvae.registry import Registry

SAMPLERS: Registry[type[Sampler]] = Registry("sampler")


class Draws(NamedTuple):
    """What a sampler is fitted to.

    Attributes
    ----------
    z : Tensor
        (N, D): a draw of the joint posterior of each of N items, its shared dimensions.
    y : Tensor or None
        (N,) int64: the items' classes, where they are known.
    """

    z: Tensor
    y: Tensor | None = None


class Sampler(ABC):
    """A density over the D shared latent dimensions.

    Attributes
    ----------
    name : str
        As registered.
    needs_classes : bool
        Whether it can be fitted only where the items' classes are known.
    """

    name: ClassVar[str]
    needs_classes: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def fitted(cls, draws: Draws, seed: int = 0) -> Sampler:
        """Fit it on the CPU; the same draws and the same seed give the same sampler."""

    @abstractmethod
    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """(count, D) float32."""

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """Log density in nats: (N, D) -> (N,)."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All that :meth:`of_state` needs to make the same sampler; nothing but tensors."""

    @classmethod
    @abstractmethod
    def of_state(cls, state: Mapping[str, Tensor]) -> Sampler:
        """Raises KeyError or ValueError for what is not the state of such a sampler."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """D."""
