"""Default weights of the log-likelihoods of own data: a view of 2,000 columns must not drown one of 6."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from bvae.data.base import Modality

EVENNESS = 0.5
"""0: every cell counts as much, so that views count by their columns. 1: every view counts as much as every other."""


def cells(modality: Modality) -> int:
    """What a modality's log-likelihood is a sum over: columns, characters, or numbers of a picture."""
    if modality.columns:
        return len(modality.columns)
    return modality.shape[0] if modality.kind == "text" else math.prod(modality.shape)


def balanced(modalities: Sequence[Modality], evenness: float = EVENNESS) -> list[Modality]:
    """The modalities with weights r_m = (c / C_m)^evenness.

    C_m is the number of cells, and c such that the weighed cells are as many as all cells together: the strength of
    the prior stays what it is without weights.
    """
    counts = [cells(m) for m in modalities]
    share = [count ** (1 - evenness) for count in counts]
    scale = sum(counts) / sum(share)
    return [dataclasses.replace(m, weight=float(f"{scale * s / count:.4g}"))
            for m, s, count in zip(modalities, share, counts, strict=True)]
