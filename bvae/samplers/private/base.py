"""What every sampler of private parts is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bvae.registry import Registry

PRIVATE_SAMPLERS: Registry[type[PrivateSampler]] = Registry("private sampler")


class PrivateDraws(NamedTuple):
    """What a sampler of one view's private part is fitted to.

    Attributes
    ----------
    z : Tensor
        (N, D): shared parts of N items, as views other than this one tell them.
    w : Tensor
        (N, P): private parts of the same items, as this view tells them.
    whole : Tensor
        (N, D): means of the shared parts of the same items, as all their views tell them.
    """

    z: Tensor
    w: Tensor
    whole: Tensor


class PrivateSampler(ABC):
    """Densities of the private parts given the shared one, one for each modality.

    Attributes
    ----------
    name : str
        As registered.
    """

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def fitted(cls, draws: Mapping[str, PrivateDraws], seed: int = 0) -> PrivateSampler:
        """Fit it on the CPU; the same draws and the same seed give the same sampler."""

    @abstractmethod
    def placed(self, modality: str, z: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """Private parts given shared ones and the chance that they are made of.

        Parameters
        ----------
        modality : str
        z : Tensor
            (N, D).
        noise : Tensor
            (N, P) standard normal numbers.
        level : Tensor
            (N,) uniform numbers in [0, 1).

        Returns
        -------
        Tensor
            (N, P) float32.

        Raises
        ------
        KeyError
            For a modality that it does not know.
        """

    def sample(self, modality: str, z: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Shared (N, D) -> private (N, P), float32. Raises KeyError for a modality that it does not know."""
        noise = torch.randn(len(z), self.sizes()[modality][1], generator=generator)
        return self.placed(modality, z, noise, torch.rand(len(z), generator=generator))

    @abstractmethod
    def log_prob(self, modality: str, z: Tensor, w: Tensor) -> Tensor:
        """Log density of w given z in nats: (N, D), (N, P) -> (N,)."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All that :meth:`of_state` needs to make the same sampler; nothing but tensors."""

    @classmethod
    @abstractmethod
    def of_state(cls, state: Mapping[str, Tensor]) -> PrivateSampler:
        """Raises KeyError or ValueError for what is not the state of such a sampler."""

    @abstractmethod
    def sizes(self) -> dict[str, tuple[int, int]]:
        """Modality -> D, P."""
