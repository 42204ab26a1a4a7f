"""Everything that decides a training run, in one flat record."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bvae.data.base import Modality
from bvae.models.config import ModelConfig
from bvae.models.methods import METHODS
from bvae.models.objectives import OBJECTIVES

SEEDS = 2**32
"""Seeds are less: they are multiplied to make those of epochs, windows and shards, which 63 bits must hold."""


NOT_NEGATIVE = ("seed", "warmup_steps", "beta_warmup_steps", "final_learning_rate", "weight_decay", "beta",
                "patience")


@dataclass(frozen=True)
class Settings:
    """Settings of a run; ``config.json`` holds them.

    Parameters
    ----------
    dataset, method : str
        Registered names.
    source : str
        Source of the data set, see its docstring.
    seed : int
        Of the initial weights, the order of the data and the noise.
    steps : int
        Optimiser steps.
    batch_size : int
    learning_rate : float
        Peak of the schedule: linear warm-up, then linear decay to `final_learning_rate` times the peak.
    warmup_steps : int
    final_learning_rate : float
        Share of the peak at the last step.
    weight_decay : float
        Of AdamW.
    clip : float
        Largest norm of the gradient.
    beta : float
        Weight of the divergence term. 2.5 is what the published PolyMNIST models use.
    beta_warmup_steps : int
        Steps over which beta rises linearly from 0.
    latent_dim, width, likelihood, likelihood_scale, weights, private_dim, auxiliary_prior, auxiliary,
    modality_priors, conditional_prior
        See `bvae.models.config.ModelConfig`.
    reconstruction_weights : str
        "recipe": the weights of the modalities' log-likelihoods that the data set's recipe gives. Else one number a
        modality, in the data set's order, such as "3.9,1,20".
    augment : bool
        Whether the data set may distort training items.
    missing : float
        Probability that a modality of a training item is missing.
    validation : float
        Share of the training items, of own data, that are kept from the training to stop it early: see `KeepBest`.
    patience : int
        Steps without a better loss on those items after which the training ends; 0: a third of all steps.
    precision : str
        "auto", or a precision of Lightning Fabric such as "bf16-mixed" or "32-true".
    """

    dataset: str
    method: str
    source: str = "embedded"
    seed: int = 0
    steps: int = 2000
    batch_size: int = 128
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    final_learning_rate: float = 0.05
    weight_decay: float = 0.01
    clip: float = 1000.0
    beta: float = 2.5
    beta_warmup_steps: int = 0
    latent_dim: int = ModelConfig.latent_dim
    width: int = ModelConfig.width
    likelihood: str = ModelConfig.likelihood
    likelihood_scale: float = ModelConfig.likelihood_scale
    weights: str = ModelConfig.weights
    private_dim: int = ModelConfig.private_dim
    auxiliary_prior: bool = ModelConfig.auxiliary_prior
    auxiliary: str = ModelConfig.auxiliary
    modality_priors: bool = ModelConfig.modality_priors
    conditional_prior: bool = ModelConfig.conditional_prior
    reconstruction_weights: str = "recipe"
    augment: bool = False
    missing: float = 0.0
    validation: float = 0.0
    patience: int = 0
    precision: str = "auto"

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            kinds: dict[Any, Any] = {"str": str, "int": int, "float": (float, int), "bool": bool}
            wanted = kinds[field.type]
            if not isinstance(value, wanted) or (isinstance(value, bool) and field.type != "bool"):
                raise ValueError(f"{field.name}: expected {field.type}, got {value!r}")
            if field.type == "float" and not math.isfinite(value):
                raise ValueError(f"{field.name}: expected a finite number, got {value!r}")
            if field.name in NOT_NEGATIVE and value < 0:
                raise ValueError(f"{field.name}: expected 0 or more, got {value!r}")
        if self.seed >= SEEDS:
            raise ValueError(f"seed: expected an integer from 0 to {SEEDS - 1}, got {self.seed}")
        METHODS[self.method]  # raises for an unknown name
        for name in ("steps", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a positive integer, got {getattr(self, name)}")
        for name in ("learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a positive number, got {getattr(self, name)}")
        if not 0 <= self.missing < 1:
            raise ValueError(f"missing: expected a probability in [0, 1), got {self.missing}")
        if not 0 <= self.validation < 1:
            raise ValueError(f"validation: expected a share in [0, 1), got {self.validation}")
        if self.reconstruction_weights != "recipe":
            self._reconstruction_weights()
        self.model_config()
        if self.conditional_prior and not OBJECTIVES[METHODS[self.method].objective].top_down:
            raise ValueError("conditional_prior: expected a method whose bound draws private latents below shared ones "
                             f"(shared-private), got {self.method!r} with {METHODS[self.method].objective}")

    def _reconstruction_weights(self) -> list[float]:
        try:
            values = [float(word) for word in self.reconstruction_weights.split(",")]
        except ValueError:
            values = [math.nan]
        if not all(math.isfinite(v) and v >= 0 for v in values) or not any(values):
            raise ValueError("reconstruction_weights: expected 'recipe', or numbers >= 0 with commas between them, not "
                             f"all 0, got {self.reconstruction_weights!r}")
        return values

    def weigh(self, modalities: Sequence[Modality]) -> tuple[Modality, ...]:
        """The modalities with the weights of these settings. Raises ValueError unless there is one number for each."""
        if self.reconstruction_weights == "recipe":
            return tuple(modalities)
        values = self._reconstruction_weights()
        if len(values) != len(modalities):
            raise ValueError(f"reconstruction_weights: expected {len(modalities)} numbers, one for each of "
                             f"{', '.join(m.name for m in modalities)}, got {self.reconstruction_weights!r}")
        return tuple(dataclasses.replace(m, weight=v) for m, v in zip(modalities, values, strict=True))

    @classmethod
    def for_method(cls, dataset: str, method: str, **changes: Any) -> Settings:
        """The defaults of a method with some changes. Raises TypeError for an unknown setting."""
        return cls.from_mapping({"dataset": dataset, "method": method, **METHODS[method].settings, **changes})

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Settings:
        """Raises TypeError that names an unknown key."""
        known = {field.name for field in dataclasses.fields(cls)}
        for key in values:
            if key not in known:
                raise TypeError(f"unknown setting {key!r}; there are {', '.join(sorted(known))}")
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)

    def model_config(self) -> ModelConfig:
        """The part that the model needs."""
        return ModelConfig(
            self.latent_dim, self.width, self.likelihood, float(self.likelihood_scale), self.weights,
            self.private_dim, self.auxiliary_prior, self.auxiliary, self.modality_priors,
            self.conditional_prior,
        )

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of the step with this number, from 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.learning_rate * (1 - (1 - self.final_learning_rate) * done)

    def beta_at(self, step: int) -> float:
        """Weight of the divergence term at the step with this number, from 0."""
        return self.beta * min(1.0, (step + 1) / self.beta_warmup_steps) if self.beta_warmup_steps else self.beta
