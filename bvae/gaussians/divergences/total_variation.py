"""The total variation distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from bvae.gaussians.divergences.base import DIVERGENCES, Divergence


@DIVERGENCES.register("total-variation")
@dataclass(frozen=True)
class TotalVariation(Divergence):
    """int |q - p| / 2, in [0, 1]."""

    title: ClassVar[str] = "total variation"
    formula: ClassVar[str] = r"\tfrac12 \int |q - q_m|"

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        return 0.5 * (log_q.exp() - log_p.exp()).abs()
