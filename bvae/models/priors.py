"""Priors of single modalities, below one that all share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ModalityPriors(nn.Module):
    """Learned p_m = N(a_m, diag b_m^2) of M modalities, of which the 2-Wasserstein barycenter is always N(0, I).

    That barycenter has the mean of the a_m and the mean of the b_m, so a_m is what is learned less its mean over m, and
    b_m are M times a softmax over m. All begin at N(0, I).

    Parameters
    ----------
    modalities, dim : int
        M and D.
    """

    def __init__(self, modalities: int, dim: int) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(modalities, dim))
        self.spread = nn.Parameter(torch.zeros(modalities, dim))

    def forward(self) -> tuple[Tensor, Tensor]:
        """a and b, (M, D)."""
        return self.place - self.place.mean(0), len(self.spread) * self.spread.softmax(0)

    def of(self, members: Tensor) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of the barycenters of sets: (..., M) bool -> (..., D); N(0, I) of an empty set.

        In the paper's geometry what a set of views is believed beforehand is to its views' priors as their joint
        posterior is to the experts.
        """
        loc, scale = self()
        share = members.to(loc)
        count = share.sum(-1, keepdim=True)
        share = share / count.clamp_min(1)
        return share @ loc, torch.where(count > 0, share @ scale, 1.0)
