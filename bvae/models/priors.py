"""Priors of single modalities, below one that all share, and of private latents given the shared ones."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
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


UNITS = 128
MIN_SCALE = 1e-3
RAW_ONE = math.log(math.expm1(1 - MIN_SCALE))  # softplus of it is 1 less `MIN_SCALE`


class ConditionalPrior(nn.Module):
    """A learned prior of private latents w given the shared ones, p(w | z) = N(a(z), diag b(z)^2).

    It begins at N(0, I).

    Everything outside knows w by e = (w - a(z)) / b(z), which is N(0, I) for every z. So to draw e from the prior of
    all latents is to draw w from p(w | z), e = 0 is the mean of p(w | z), and divergences of e are those of w.

    Parameters
    ----------
    shared, private : int
        D and P.
    """

    def __init__(self, shared: int, private: int) -> None:
        super().__init__()
        self.shared = shared
        self.hidden, self.out = nn.Linear(shared, UNITS), nn.Linear(UNITS, 2 * private)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def moments(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """a and b, (..., P), of z (..., D)."""
        loc, raw = self.out(F.silu(self.hidden(z))).chunk(2, -1)
        return loc, F.softplus(raw + RAW_ONE) + MIN_SCALE

    def forward(self, latents: Tensor) -> Tensor:
        """(z, e) -> (z, w): (..., D + P)."""
        z, e = latents[..., : self.shared], latents[..., self.shared:]
        loc, scale = self.moments(z)
        return torch.cat([z, loc + scale * e], -1)

    def carried(self, loc: Tensor, scale: Tensor, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        """What is said of e at one z, carried to another one: q(w | x, z') is p(w | z') times what x tells of w.

        What x tells is q(w | x, z) / p(w | z), a Gaussian in w; so both posteriors are products of experts, reverse-KL
        barycenters of x's word and of the prior that z gives.

        Parameters
        ----------
        loc, scale : Tensor
            (..., P): q(e | x, z). Scales above 1, with which x would tell less than nothing, are taken for 1, and no
            gradient reaches them.
        start, end : Tensor
            (..., D): z and z'; may have axes before those of loc, in front.

        Returns
        -------
        tuple of Tensor
            Mean and standard deviation of q(e' | x, z'), (..., P); `loc` and `scale`, or 1, where z' = z.
        """
        (a, b), (a_end, b_end) = self.moments(start), self.moments(end)
        precision = scale.clamp_max(1.0).square().reciprocal()
        told = precision - 1  # of w, in units of 1 / b^2
        ratio = b_end / b
        carried = 1 + told * ratio.square()
        return (ratio * (told * (a - a_end) / b + precision * loc)) / carried, carried.rsqrt()


class BelowPrior(nn.Module):
    """A decoder of z and w behind the prior that makes w of z and e.

    Parameters
    ----------
    prior : ConditionalPrior
    network : nn.Module
        (B, D + P) -> (B, ...).
    """

    def __init__(self, prior: ConditionalPrior, network: nn.Module) -> None:
        super().__init__()
        self.prior, self.network = prior, network

    def forward(self, latents: Tensor) -> Tensor:
        """(B, D + P), of z and e -> (B, ...)."""
        return self.network(self.prior(latents))
