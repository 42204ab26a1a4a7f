"""By how much the spread of imputed numbers is off: found on items whose true values are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class Calibration:
    """Factors for the standard deviations of imputed numbers.

    A model is often too sure of a view that it does not see. Of items that it was not trained on, and whose views are
    hidden from it, one knows how far off it was: the 90th percentile of |x - mean| / sd, over that of a normal
    density, is the factor with which its 90 percent intervals hold 90 percent (split conformal prediction with a
    normalised score).

    Attributes
    ----------
    factors : mapping of str to Tensor
        View of columns -> (M + 1, P), positive, M views in the model: row k for a view that is hidden while k others
        are observed, the last one for gaps in a view that is there. 1 for cells that are not real numbers.

    References
    ----------
    Lei, G'Sell, Rinaldo, Tibshirani, Wasserman: *Distribution-Free Predictive Inference for Regression*, JASA 2018.
    """

    FORMAT: ClassVar[str] = "1"

    factors: Mapping[str, Tensor]

    def of(self, name: str, observed: Tensor, there: Tensor) -> Tensor | None:
        """What the standard deviations of a view's cells are to be multiplied by.

        Parameters
        ----------
        name : str
        observed : Tensor
            (B,) int: how many of the other views an item shows.
        there : Tensor
            (B,) bool: whether it shows this one, which then may have gaps.

        Returns
        -------
        Tensor or None
            (B, P); None for a view without factors.
        """
        found = self.factors.get(name)
        if found is None:
            return None
        last = len(found) - 1
        return found[torch.where(there, last, observed.clamp_max(last - 1))]


def seen(x: Mapping[str, Tensor], present: Tensor | None, names: list[str], count: int) -> Tensor:
    """Which views an item shows anything of, (M, B) bool: those of `x` that are present and not gaps alone."""
    out = torch.zeros(len(names), count, dtype=torch.bool)
    for m, name in enumerate(names):
        if name in x:
            out[m] = ~x[name].flatten(1).isnan().all(1)
            if present is not None:
                out[m] &= present[m]
    return out
