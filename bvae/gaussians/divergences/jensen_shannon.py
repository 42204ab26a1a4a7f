"""The Jensen-Shannon divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bvae.gaussians.divergences.base import DIVERGENCES, Divergence, xlogx_ratio


@DIVERGENCES.register("jensen-shannon")
@dataclass(frozen=True)
class JensenShannon(Divergence):
    """(KL(q || m) + KL(p || m)) / 2 with m = (q + p) / 2, in [0, log 2] nats. Lin, IEEE Trans. Inf. Theory 1991."""

    title: ClassVar[str] = "Jensen–Shannon"
    formula: ClassVar[str] = r"\tfrac12 \mathrm{KL}(q \| m) + \tfrac12 \mathrm{KL}(q_m \| m),\; m = \tfrac{q+q_m}2"

    def integrand(self, log_q: Tensor, log_p: Tensor) -> Tensor:
        """See `Divergence.integrand`."""
        middle = torch.logaddexp(log_q, log_p) - math.log(2)
        return 0.5 * (xlogx_ratio(log_q, middle) + xlogx_ratio(log_p, middle))
