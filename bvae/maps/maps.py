"""Maps of a latent space: which points are drawn, where, and what else is known of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bvae.aggregators.comparison import wasserstein_spread
from bvae.data import MultimodalDataset
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.maps.projections import pca, tsne
from bvae.metrics.base import all_experts
from bvae.models.vae import MultimodalVAE

JOINT, EVERYTHING = "joint", "everything"
PLANE, PCA, TSNE = "plane", "pca", "tsne"
PERPLEXITIES = (5, 15, 30, 50)
EVERYTHING_ITEMS = 300
"""Items of a map of all clouds: M + 1 points each."""


@dataclass(frozen=True)
class Clouds:
    """Posteriors of many items, those of one kind or of several in one list of P points.

    Attributes
    ----------
    names : tuple of str
        Of the clouds: modalities, and "joint".
    cloud, item : ndarray
        (P,) position in `names`, and number of the item.
    loc, scale : ndarray
        (P, D) means and standard deviations of the posteriors in the shared dimensions; of a mixture those of the whole
        mixture.
    disagreement : ndarray
        (P,) of the item's unimodal posteriors, see `bvae.aggregators.comparison.wasserstein_spread`.
    """

    names: tuple[str, ...]
    cloud: np.ndarray
    item: np.ndarray
    loc: np.ndarray
    scale: np.ndarray
    disagreement: np.ndarray

    @property
    def uncertainty(self) -> np.ndarray:
        """(P,) standard deviation of the posterior, mean over the dimensions."""
        return self.scale.mean(axis=1)

    def of(self, name: str) -> Clouds:
        """One of the clouds alone."""
        there = self.cloud == self.names.index(name)
        return Clouds((name,), np.zeros(there.sum(), dtype=int), self.item[there], self.loc[there], self.scale[there],
                      self.disagreement[there])


def spread(total: int, n: int) -> np.ndarray:
    """n positions spread evenly over `total` items: the items may be sorted by class."""
    return np.linspace(0, total - 1, n).round().astype(int)


def items_of(total: int, which: str) -> np.ndarray:
    """The items of a map: all of them, or of a map of everything 300 spread over them."""
    return spread(total, min(total, EVERYTHING_ITEMS)) if which == EVERYTHING else np.arange(total)


@torch.inference_mode()
def clouds(model: MultimodalVAE, experts: UnimodalPosteriors, which: str, items: np.ndarray | None = None) -> Clouds:
    """The posteriors that a map shows.

    Parameters
    ----------
    model : MultimodalVAE
    experts : UnimodalPosteriors
        Of N items, see `bvae.metrics.base.all_experts`.
    which : str
        A modality, "joint" (given all modalities that the item has), or "everything": all of them and the joint one.
    items : ndarray, optional
        Positions of the items; by default :func:`items_of`.

    Raises
    ------
    ValueError
        If `which` is none of these.
    """
    views = list(model.modalities)
    if which not in (*views, JOINT, EVERYTHING):
        raise ValueError(f"which: expected one of {', '.join([JOINT, *views, EVERYTHING])}, got {which!r}")
    items = items_of(experts.loc.shape[1], which) if items is None else np.asarray(items, dtype=int)
    chosen = UnimodalPosteriors._make(v[:, torch.from_numpy(items)] for v in experts)
    q = model.shared(model.aggregate(chosen, model.aggregator.conditional()))
    loc, scale = (v[..., : model.shared_dim] for v in (chosen.loc, chosen.scale))
    apart = wasserstein_spread(loc, scale, chosen.present).numpy()
    of = {name: (loc[m].numpy(), scale[m].numpy(), chosen.present[m].numpy()) for m, name in enumerate(views)}
    of[JOINT] = (q.mean.numpy(), q.variance.sqrt().numpy(), np.ones(len(items), dtype=bool))
    names = (*views, JOINT) if which == EVERYTHING else (which,)
    there = [of[name][2] for name in names]
    means, widths = (np.concatenate([of[name][i][t] for name, t in zip(names, there, strict=True)]) for i in (0, 1))
    return Clouds(names, np.repeat(np.arange(len(names)), [t.sum() for t in there]),
                  np.concatenate([items[t] for t in there]), means, widths, np.concatenate([apart[t] for t in there]))


def posteriors(
    model: MultimodalVAE, data: MultimodalDataset, which: str = JOINT, items: np.ndarray | None = None
) -> Clouds:
    """Encode a data set and take the posteriors of a map. See :func:`clouds`."""
    with torch.inference_mode():
        experts = all_experts(model, data)
    return clouds(model, experts, which, items)


def coordinates(points: np.ndarray, projection: str, perplexity: int = 30, seed: int = 0) -> np.ndarray:
    """Points on a map: (P, D) -> (P, 2).

    Parameters
    ----------
    points : ndarray
    projection : str
        "plane" (D = 2: the points as they are), "pca" or "tsne".
    perplexity, seed : int
        Of "tsne".
    """
    if projection == PLANE:
        if points.shape[1] != 2:
            raise ValueError(f"projection: 'plane' needs two latent dimensions, got {points.shape[1]}")
        return np.asarray(points, dtype=float)
    if projection == PCA:
        return pca(points)[0]
    if projection == TSNE:
        return tsne(points, perplexity, seed)
    raise ValueError(f"projection: expected 'plane', 'pca' or 'tsne', got {projection!r}")


def nearest(clouds: Clouds, item: int, k: int, wasserstein: bool = False) -> list[tuple[int, float]]:
    """The k items whose posteriors lie nearest to an item's in one cloud, in all latent dimensions.

    Parameters
    ----------
    clouds : Clouds
        With one cloud that holds the item.
    item, k : int
    wasserstein : bool
        W2 between the posteriors, sqrt(|mu - mu'|^2 + |s - s'|^2) (of a mixture: between the Gaussians with the same
        means and standard deviations), instead of the Euclidean distance of the means.

    Returns
    -------
    list of (int, float)
        Items and distances, the nearest first; empty if the item is not in the cloud.
    """
    place = np.flatnonzero(clouds.item == item)
    if not len(place):
        return []
    squared = ((clouds.loc - clouds.loc[place[0]]) ** 2).sum(axis=1)
    if wasserstein:
        squared = squared + ((clouds.scale - clouds.scale[place[0]]) ** 2).sum(axis=1)
    order = [i for i in np.argsort(squared, kind="stable") if i != place[0]][:k]
    return [(int(clouds.item[i]), float(np.sqrt(squared[i]))) for i in order]


def window(points: np.ndarray, least: float = 2.3) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of both axes of a plane that hold all points (P, 2) and the prior at `least` sigma, square."""
    low = np.minimum(points.min(axis=0), -least) if len(points) else np.full(2, -least)
    high = np.maximum(points.max(axis=0), least) if len(points) else np.full(2, least)
    middle, half = (low + high) / 2, float((high - low).max()) / 2 * 1.04
    x, y = ((float(m - half), float(m + half)) for m in middle)
    return x, y


@torch.inference_mode()
def decoded_plane(
    model: MultimodalVAE, view: str, limits: tuple[tuple[float, float], tuple[float, float]], n: int
) -> Tensor:
    """What a modality's decoder makes of a grid over the plane, for models with two shared dimensions.

    Private latents are 0, the mean of their prior.

    Parameters
    ----------
    view : str
    limits : tuple of tuple of float
        Of both axes. Every cell is decoded at its centre.
    n : int
        Cells a side.

    Returns
    -------
    Tensor
        (n, n, ...): the first row lies at the top, where the second latent dimension is largest.
    """
    if model.shared_dim != 2:
        raise ValueError(f"model: expected two shared latent dimensions, got {model.shared_dim}")
    x, y = (a + (torch.arange(n) + 0.5) / n * (b - a) for a, b in limits)
    z = torch.zeros(n, n, model.latent_dim)
    z[..., 0], z[..., 1] = x, y.flip(0).unsqueeze(1)
    return model.decode(z, [view])[view]
