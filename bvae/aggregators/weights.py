"""Weights of the experts as a part of a model: fixed, or learned per modality, dimension or subset."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FLOOR = 1e-5
KINDS = ("uniform", "modality", "dimension", "subset")


class ExpertWeights(nn.Module):
    """Positive weights that sum to 1 over the modalities: softmax of logits, which start at 0 (uniform), with a floor.

    Parameters
    ----------
    spec : str
        "uniform": no parameter. "modality": one learned weight for each modality. "dimension": one for each modality
        and latent dimension, for rules that work on every dimension by itself. "subset": one for each of the 2^M - 1
        subsets of modalities, for mixtures over subsets. Or M numbers with commas between them,
        such as "0.5,0.3,0.2": fixed weights.
    num_modalities, latent_dim : int
        M, D.

    Raises
    ------
    ValueError
        If `spec` is none of these; names what was wanted and what came.
    """

    def __init__(self, spec: str, num_modalities: int, latent_dim: int) -> None:
        super().__init__()
        self.spec = spec
        fixed = parse(spec)
        if fixed is not None and len(fixed) != num_modalities:
            raise ValueError(f"weights: expected {num_modalities} numbers, one per modality, got {spec!r}")
        # Fixed weights are part of the settings and not of the state.
        self.register_buffer("fixed", None if fixed is None else torch.tensor(fixed), persistent=False)
        shape = {"modality": (num_modalities,), "dimension": (num_modalities, 1, latent_dim),
                 "subset": (2**num_modalities - 1,)}.get(spec)
        self.logits = None if shape is None else nn.Parameter(torch.zeros(shape))

    @property
    def learned(self) -> bool:
        """Whether there is something to learn."""
        return self.logits is not None

    def forward(self) -> Tensor | None:
        """(M,), (M, 1, D) or (2^M - 1,), sum 1 over the first axis, as aggregators take them; None if uniform."""
        if self.logits is None:
            fixed: Tensor | None = self.fixed  # type: ignore[assignment]  # a buffer
            return fixed
        # Never quite 0: what has no weight at all has no way back, and gradients divide by weights.
        return (1 - FLOOR) * self.logits.softmax(0) + FLOOR / len(self.logits)


def parse(spec: str) -> list[float] | None:
    """The numbers of fixed weights, normalised to sum 1; None for a named kind. Raises ValueError."""
    if spec in KINDS:
        return None
    try:
        numbers = [float(part) for part in spec.split(",")]
    except ValueError:
        numbers = []
    total = sum(numbers)
    if not (numbers and all(n >= 0 for n in numbers) and 0 < total < float("inf")):
        raise ValueError(f"weights: expected one of {', '.join(KINDS)}, or non-negative numbers with commas between "
                         f"them, got {spec!r}")
    return [n / total for n in numbers]
