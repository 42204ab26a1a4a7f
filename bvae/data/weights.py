"""How much the log-likelihood of each modality counts in a training."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from bvae.data.base import Modality

LARGEST = 10.0
"""No modality weighs more than this: one of a single column beside thousands would be learned by heart."""


def dimensions(modality: Modality) -> int:
    """Numbers, counts, words that an item of a modality is made of: columns of a table, characters, pixel values."""
    if modality.columns:
        return len(modality.columns)
    return modality.shape[0] if modality.kind == "text" else math.prod(modality.shape)


def balanced(modalities: Sequence[Modality]) -> tuple[Modality, ...]:
    """Modalities with the weights that own data have unless they say others: halfway to a weight per dimension.

    With d_m dimensions, the weight is sqrt(mean d / d_m), at most :data:`LARGEST`. 1 for all, the bound itself, lets
    2,000 columns drown 6 (333 to 1); 1 / d_m makes each modality count alike, and every one of the 6 columns 333 times
    as much as one of the others, noise included. Here the modalities count as 18 to 1.

    Parameters
    ----------
    modalities : sequence of Modality

    Returns
    -------
    tuple of Modality
        The same with other weights.
    """
    sizes = [dimensions(m) for m in modalities]
    mean = sum(sizes) / max(1, len(sizes))
    return tuple(dataclasses.replace(m, weight=round(min(LARGEST, math.sqrt(mean / size)), 4))
                 for m, size in zip(modalities, sizes, strict=True))
