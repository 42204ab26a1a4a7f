"""Sizes and likelihood of a model, as a flat record."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bvae.aggregators.weights import parse
from bvae.models.likelihoods import LIKELIHOODS

AUXILIARY = ("free", "softmax", "fixed")
FIXED_AUXILIARY = math.exp(-6)


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and likelihood of a model.

    Parameters
    ----------
    latent_dim : int
        D, the dimensions that all modalities share.
    width : int
        Channels of the convolutions, and half the units of each hidden layer of tables.
    likelihood : str
        One of :data:`bvae.models.likelihoods.LIKELIHOODS`. Tables take it for the columns that may have it, see
        `bvae.models.likelihoods.OF_TYPE`.
    likelihood_scale : float
        Its fixed scale, in the units of the data, or where a learned one of pictures begins. The default is a normal
        density of 0.3, not the published Laplace(0.75).
    weights : str
        Weights of the experts in the joint posterior, see `bvae.aggregators.weights.ExpertWeights`: "uniform",
        "modality", "dimension" or "subset" (learned), or fixed numbers.
    private_dim : int
        P, private dimensions of each modality beside the shared ones: only its own encoder and decoder know them.
    auxiliary_prior : bool
        Whether there is a prior of private latents for cross-reconstruction, see
        `bvae.models.objectives.mmvae_plus`.
    auxiliary : {"free", "softmax", "fixed"}
        Its scale for each private dimension: learned as a logarithm, from 1 on; learned as a softmax over the
        dimensions times their number, so that their mean stays 1, as published; or exp(-6), so that a decoder can tell
        "unknown" from what is drawn from N(0, I).
    modality_priors : bool
        Whether every modality has a learned prior of its own, see `bvae.models.priors`.
    conditional_prior : bool
        Whether private latents have a learned prior given the shared ones, p(w_m | z), in place of N(0, I), see
        `bvae.models.priors.ConditionalPrior`: a hierarchy, with z above.
    """

    latent_dim: int = 32
    width: int = 64
    likelihood: str = "normal"
    likelihood_scale: float = 0.3
    weights: str = "uniform"
    private_dim: int = 0
    auxiliary_prior: bool = False
    auxiliary: str = "free"
    modality_priors: bool = False
    conditional_prior: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.private_dim, int) or self.private_dim < 0:
            raise ValueError(f"private_dim: expected a non-negative integer, got {self.private_dim!r}")
        if self.auxiliary_prior and not self.private_dim:
            raise ValueError("auxiliary_prior: it is one of private latents; expected private_dim of at least 1, got 0")
        if self.conditional_prior and not self.private_dim:
            raise ValueError("conditional_prior: it is one of private latents; expected private_dim of at least 1, "
                             "got 0")
        if self.conditional_prior and self.auxiliary_prior:
            raise ValueError("conditional_prior: expected one prior of private latents, got auxiliary_prior as well")
        if self.auxiliary not in AUXILIARY:
            raise ValueError(f"auxiliary: expected one of {', '.join(AUXILIARY)}, got {self.auxiliary!r}")
        for name in ("latent_dim", "width"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}: expected a positive integer, got {value!r}")
        if not self.likelihood_scale > 0:
            raise ValueError(f"likelihood_scale: expected a positive number, got {self.likelihood_scale!r}")
        LIKELIHOODS[self.likelihood]  # raises for an unknown name
        parse(self.weights)  # raises for anything else than weights
