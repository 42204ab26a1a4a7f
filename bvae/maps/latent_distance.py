"""How far a latent vector lies from the data: where a decoder was trained, and where it can only guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.models.vae import MultimodalVAE

NEIGHBOURS = 5
EDGE, WITHIN, BEYOND = 0.90, 0.95, 0.99  # shares of the data's own values
AMONG_THE_DATA, AT_THE_EDGE, BEYOND_THE_DATA = range(3)
PLACES = ("among the data", "at the edge of the data", "beyond the data: the decoder is guessing")
MOST_CLOUDS = 64
RARE = 1e-3  # a component of smaller weight has hardly been decoded in training


class Closeness(NamedTuple):
    """Of any number of latent vectors to the data, all shapes (...).

    Attributes
    ----------
    ratio : Tensor
        Distance to the k-th nearest point of the data, in units of the median of that distance among the data
        themselves. 1 is as close as the data lie to each other.
    edge, beyond : Tensor
        What 90 and 99 percent of the data's own ratios stay below.
    neighbours : Tensor
        int64: how many points of the data are nearer than the 95th percentile of that distance among the data.
    place : Tensor
        int64, positions in :data:`PLACES`: up to `edge`, up to `beyond`, above.
    """

    ratio: Tensor
    edge: Tensor
    beyond: Tensor
    neighbours: Tensor
    place: Tensor


@dataclass(frozen=True)
class LatentCloud:
    """Where the data are in the latent space: one cloud of points, or several that count alike.

    Parameters
    ----------
    points : Tensor
        (C, N, D): C clouds with one point for each of N items.
    unit : Tensor
        (C,): median over a cloud's points of the distance to the k-th nearest other one.
    edge, beyond : Tensor
        (C,): 90th and 99th percentile of that distance, in units of `unit`.
    radius : Tensor
        (C,): its 95th percentile, in the units of the latent space.

    Notes
    -----
    The measure says whether z lies where data lie. It is *not* a judgement of the picture: a decoder may generalise
    beyond the data, and may be bad among them. In many dimensions distances concentrate, so that ratios differ little
    (1.3 can already be the far end); read the place, which compares with the data's own ratios, before the ratio. A
    point halfway between two islands can be nearer to both than their own points are to each other, and pass as
    "among the data". All dimensions count the same, those that the decoder does not use too.
    """

    points: Tensor
    unit: Tensor
    edge: Tensor
    beyond: Tensor
    radius: Tensor
    k: int = NEIGHBOURS

    @classmethod
    def of(cls, points: Tensor, k: int = NEIGHBOURS) -> LatentCloud:
        """The clouds of (C, N, D) points, or one of (N, D); N must be larger than k."""
        if points.ndim == 2:
            points = points.unsqueeze(0)
        if points.ndim != 3 or points.shape[1] <= k:
            raise ValueError(f"points: expected shape (N, D) or (C, N, D) with N > {k}, got {tuple(points.shape)}")
        # The nearest is the point itself.
        own = torch.stack([torch.cdist(cloud, cloud).kthvalue(k + 1, dim=1).values for cloud in points])  # (C, N)
        unit = own.median(dim=1).values
        relative = torch.where(unit.unsqueeze(1) > 0, own / unit.unsqueeze(1), 1.0)
        edge, beyond = relative.quantile(torch.tensor([EDGE, BEYOND]).to(own), dim=1)
        return cls(points, unit, edge, beyond, own.quantile(WITHIN, dim=1), k)

    def closeness(self, z: Tensor, without: Sequence[int] = ()) -> Closeness:
        """How far latent vectors lie from the data: by that cloud in whose units they are closest.

        Parameters
        ----------
        z : Tensor
            (..., D).
        without : sequence of int
            Positions of items that do not count: those that z was made of.
        """
        counts = torch.ones(self.points.shape[1], dtype=torch.bool)
        counts[list(without)] = False
        far, ratio, best = self._from(z, self.points[:, counts])
        neighbours = (far <= self.radius[:, None, None]).sum(-1)
        ratio, neighbours = (v.gather(0, best.unsqueeze(0))[0] for v in (ratio, neighbours))
        edge, beyond = self.edge[best], self.beyond[best]
        place = (ratio > edge).long() + (ratio > beyond).long()
        return Closeness(*(v.view(z.shape[:-1]) for v in (ratio, edge, beyond, neighbours, place)))

    def nearest(self, z: Tensor, count: int) -> Tensor:
        """Which items lie nearest to latent vectors, in the cloud by which :meth:`closeness` measures.

        Parameters
        ----------
        z : Tensor
            (..., D).
        count : int
            At most N.

        Returns
        -------
        Tensor
            (..., count) int64 positions of items, the nearest one first.
        """
        far, _, best = self._from(z, self.points)
        of_best = far[best, torch.arange(len(best))]  # (n, N)
        return of_best.topk(count, largest=False).indices.view(*z.shape[:-1], count)

    def _from(self, z: Tensor, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Distances from n vectors to points (C, n, N), ratios (C, n), and the cloud of the smallest one (n,)."""
        if z.shape[-1] != self.points.shape[-1]:
            raise ValueError(f"z: expected shape (..., {self.points.shape[-1]}), got {tuple(z.shape)}")
        flat = z.reshape(1, -1, z.shape[-1]).to(points)
        far = torch.cdist(flat.expand(len(points), -1, -1), points)
        there = far.shape[-1]
        kth = (far.kthvalue(max(1, min(self.k, there)), dim=-1).values if there  # (C, n)
               else torch.full(far.shape[:-1], torch.inf).to(far))  # of a single item, which does not count
        unit = self.unit.unsqueeze(1)
        # All points of a cloud in one place: that place is 1, every other one infinitely far.
        ratio = torch.where(unit > 0, kth / unit, torch.where(kth > 0, torch.inf, 1.0))
        return far, ratio, ratio.argmin(0)


@torch.no_grad()
def aggregated_posterior(
    model: MultimodalVAE, experts: UnimodalPosteriors, generator: torch.Generator
) -> LatentCloud:
    """The z that a model's decoders have met: one of each item from its joint posterior given all its modalities.

    Where the joint posterior is a mixture, each component that has some weight is a cloud of its own (for mixtures
    over subsets: each subset). Posterior *means* would not do: where posteriors are wide, even a fair sample lies far
    from every mean.

    Parameters
    ----------
    model : MultimodalVAE
    experts : UnimodalPosteriors
        Of the data, see `MultimodalVAE.experts`.
    generator : torch.Generator

    Returns
    -------
    LatentCloud
        In the shared dimensions, if the model also has private ones; of more than 64 components the first and the
        last 32, which are the smallest and the largest subsets. Of so few items that they have no
        :data:`NEIGHBOURS`, all others are the neighbours.
    """
    q = model.shared(model.aggregate(experts))
    chosen = torch.nonzero(q.weights.mean(1) > RARE).flatten()
    if len(chosen) > MOST_CLOUDS:
        chosen = torch.cat([chosen[: MOST_CLOUDS // 2], chosen[-MOST_CLOUDS // 2 :]])
    loc, scale = q.loc[chosen], q.scale[chosen]
    points = loc + scale * torch.randn(loc.shape, generator=generator, dtype=loc.dtype)
    return LatentCloud.of(points, min(NEIGHBOURS, points.shape[1] - 1))
