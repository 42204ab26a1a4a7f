"""What all objectives share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bvae.models.vae import MultimodalVAE
from bvae.registry import Registry

OBJECTIVES: Registry[type[Objective]] = Registry("objective")


class LossOutput(NamedTuple):
    """Per item, in nats; the trainer takes the mean over B and nothing else reduces.

    Attributes
    ----------
    loss : Tensor
        (B,), to be minimised.
    reconstruction : Tensor
        (B,): sum over the modalities present of -log p(x_m | z).
    kl : Tensor
        (B,): the divergence term, before beta.
    """

    loss: Tensor
    reconstruction: Tensor
    kl: Tensor


@dataclass(frozen=True)
class Objective(ABC):
    """A bound on the log-likelihood, negated.

    Parameters
    ----------
    beta : float
        Weight of the divergence term; 1 gives the bound itself.
    """

    beta: float = 1.0

    decomposes: ClassVar[bool] = True
    """Whether the loss is reconstruction + beta x kl."""
    asks_to_agree: ClassVar[bool] = False
    """Whether the unimodal posteriors of one item are asked to be near each other, and not only near the prior."""
    top_down: ClassVar[bool] = False
    """Whether private latents are drawn below the shared ones, as `ModelConfig.conditional_prior` needs it."""

    def __post_init__(self) -> None:
        if not self.beta >= 0:
            raise ValueError(f"beta: expected a non-negative number, got {self.beta!r}")

    @abstractmethod
    def __call__(
        self, model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor, generator: torch.Generator | None
    ) -> LossOutput:
        """Loss of a batch.

        Parameters
        ----------
        model : MultimodalVAE
        x : mapping of str to Tensor
            name -> (B, ...).
        present : Tensor
            (M, B) bool.
        generator : torch.Generator, optional
            Source of all randomness.
        """
