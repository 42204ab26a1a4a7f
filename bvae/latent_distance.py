"""How far a latent vector lies from the data: where a decoder was trained, and where it can only guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bvae.model import MultimodalVAE, UnimodalPosteriors

NEIGHBOURS = 5
EDGE, BEYOND = 0.90, 0.99  # shares of the data's own values
AMONG_THE_DATA, AT_THE_EDGE, BEYOND_THE_DATA = range(3)
PLACES = ("among the data", "at the edge of the data", "beyond the data: the decoder is guessing")


class Closeness(NamedTuple):
    """Of any number of latent vectors to the data.

    Attributes
    ----------
    ratio : Tensor
        (...): distance to the k-th nearest point of the data, in units of the median of that distance among the data
        themselves. 1 is as close as the data lie to each other.
    neighbours : Tensor
        (...) int64: how many points of the data are nearer than the 95th percentile of that distance among the data.
    place : Tensor
        (...) int64, positions in :data:`PLACES`: "among" up to the 90th percentile of the data's own ratios, "at the
        edge" up to the 99th, else "beyond".
    """

    ratio: Tensor
    neighbours: Tensor
    place: Tensor


@dataclass(frozen=True)
class LatentCloud:
    """Where the data are in the latent space.

    Parameters
    ----------
    points : Tensor
        (N, D), one for each item.
    unit : float
        Median over the points of the distance to the k-th nearest other point.
    edge, beyond : float
        90th and 99th percentile of that distance, in units of `unit`.
    radius : float
        Its 95th percentile, in the units of the latent space.

    Notes
    -----
    The measure says whether z lies where the decoder has been trained. It is *not* a judgement of the picture: a
    decoder may generalise beyond the data, and may be bad among them. In many dimensions distances concentrate, so
    that ratios differ little (1.2 can already be the far end); read the place, which compares with the data's own
    ratios, before the ratio. A point halfway between two islands is nearer to both than they are to each other and
    can pass as "among the data" where the dimensions are many. All dimensions count the same, those that the decoder
    does not use too.
    """

    points: Tensor
    unit: float
    edge: float
    beyond: float
    radius: float
    k: int = NEIGHBOURS

    @classmethod
    def of(cls, points: Tensor, k: int = NEIGHBOURS) -> LatentCloud:
        """The cloud of (N, D) points; N must be larger than k."""
        if points.ndim != 2 or len(points) <= k:
            raise ValueError(f"points: expected shape (N, D) with N > {k}, got {tuple(points.shape)}")
        own = torch.cdist(points, points).kthvalue(k + 1, dim=1).values  # the nearest is itself
        unit = float(own.median())
        levels = (own / unit if unit > 0 else torch.ones_like(own)).quantile(torch.tensor([EDGE, BEYOND]).to(own))
        return cls(points, unit, *levels.tolist(), float(own.quantile(0.95)), k)

    def closeness(self, z: Tensor, without: Sequence[int] = ()) -> Closeness:
        """How far latent vectors lie from the cloud.

        Parameters
        ----------
        z : Tensor
            (..., D).
        without : sequence of int
            Positions of points that do not count: those of the items that z was made of.
        """
        if z.shape[-1] != self.points.shape[1]:
            raise ValueError(f"z: expected shape (..., {self.points.shape[1]}), got {tuple(z.shape)}")
        counts = torch.ones(len(self.points), dtype=torch.bool)
        counts[list(without)] = False
        points = self.points[counts]
        far = torch.cdist(z.reshape(-1, z.shape[-1]).to(points), points)  # (n, N)
        kth = far.kthvalue(min(self.k, len(points)), dim=1).values
        # All points of the cloud in one place: that place is 1, every other one infinitely far.
        ratio = kth / self.unit if self.unit > 0 else torch.where(kth > 0, torch.inf, 1.0)
        place = (ratio > self.edge).long() + (ratio > self.beyond).long()
        shape = z.shape[:-1]
        return Closeness(ratio.view(shape), (far <= self.radius).sum(1).view(shape), place.view(shape))


@torch.no_grad()
def aggregated_posterior(
    model: MultimodalVAE, experts: UnimodalPosteriors, generator: torch.Generator
) -> LatentCloud:
    """The cloud of a model on its data: one z of each item, drawn from its joint posterior given all its modalities.

    These are the z on which the decoders were trained. Posterior *means* would not do: where posteriors are wide or
    there are many dimensions, even a fair sample lies far from every mean. (Measured on the shipped MMVAE: its
    joint posterior's own samples lie 2.4 of the means' units away from the means.)

    Parameters
    ----------
    model : MultimodalVAE
    experts : UnimodalPosteriors
        Of the data, see `MultimodalVAE.experts`.
    generator : torch.Generator

    Returns
    -------
    LatentCloud
        In the shared dimensions, if the model also has private ones.
    """
    q = model.shared(model.aggregate(experts))
    return LatentCloud.of(q.rsample((1,), generator=generator)[0])
