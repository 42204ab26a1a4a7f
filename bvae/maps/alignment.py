"""Maps of the same items in several latent spaces: laid over each other, and compared by who is near whom.

Points of any size, without spread and with duplicates have finite answers, see `bvae.gaussians.points`. Processes that
compute run this file without PyTorch.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bvae.gaussians.points import centred, checked, within


class Alignment(NamedTuple):
    """A map, laid over a reference.

    Attributes
    ----------
    points : ndarray
        (N, D), in the units of the reference.
    residual : float
        In [0, 1]: the share of the reference's spread that the aligned map does not follow,
        sum_n |y_n - x_n|^2 / sum_n |y_n - mean y|^2. 0: the same shape.
    scale : float
        By which the map was enlarged.
    """

    points: np.ndarray
    residual: float
    scale: float


def procrustes(points: np.ndarray, reference: np.ndarray) -> Alignment:
    """Shift, turn, mirror and scale `points` so that they lie as near to `reference` as they can, in least squares.

    Minimises sum_n |s (x_n - mean x) R + mean y - y_n|^2 over orthogonal R and s >= 0. The residual is the same in
    both directions.

    Parameters
    ----------
    points, reference : ndarray
        (N, D) each: row n of both is the same item.

    Returns
    -------
    Alignment

    Raises
    ------
    ValueError
        If the shapes differ or a number is not finite.

    References
    ----------
    Schönemann, Psychometrika 1966; Gower, Psychometrika 1975.
    """
    x, y = np.asarray(points), np.asarray(reference)
    if x.ndim != 2 or x.shape != y.shape:
        raise ValueError(f"points: expected the shape (N, D) of the reference, {y.shape}, got {x.shape}")
    cloud, wanted = centred(x), centred(y, "reference")
    if not (cloud.spread and wanted.spread):  # all points in one place: nothing to turn, nothing to scale
        return Alignment(np.tile(wanted.centre, (len(x), 1)), float(cloud.spread != wanted.spread),
                         float(wanted.spread))
    x, y = cloud.offsets, wanted.offsets
    with np.errstate(under="ignore"):
        size, other = float((x**2).sum()), float((y**2).sum())
        left, singular, right = np.linalg.svd(x.T @ y, full_matrices=True)
        scale = float(singular.sum()) / size
        turned = wanted.sized(scale * x @ (left @ right))
        residual = float(np.clip(1 - singular.sum() ** 2 / (size * other), 0, 1))
        with np.errstate(over="ignore"):
            return Alignment(within(turned + wanted.centre), residual,
                             float(within(np.ldexp(scale, wanted.exponent - cloud.exponent))))


def neighbours(points: np.ndarray, k: int = 15, of: np.ndarray | None = None) -> np.ndarray:
    """The nearest other points of every point, Euclidean: (N, D) -> (N, min(k, N - 1)) positions.

    Parameters
    ----------
    points : ndarray
        (N, D) finite numbers.
    k : int
    of : ndarray, optional
        (n,) positions of the points whose neighbours are wanted, instead of all: (n, min(k, N - 1)) then.

    Raises
    ------
    ValueError
        If `points` has another shape or holds numbers that are not finite.
    """
    offsets = centred(points).offsets
    k = min(k, len(offsets) - 1)
    if k < 1:
        return np.empty((len(offsets if of is None else of), 0), dtype=int)
    if not offsets.shape[1]:
        offsets = np.zeros((len(offsets), 1))
    from sklearn.neighbors import NearestNeighbors

    with np.errstate(under="ignore"):
        search = NearestNeighbors(n_neighbors=k).fit(offsets)
        if of is None:
            return search.kneighbors(return_distance=False)
        near = search.kneighbors(offsets[of], k + 1, return_distance=False)
    drop = near == np.asarray(of)[:, None]  # the point itself; where others lie at the same place, the farthest one
    drop[~drop.any(axis=1), -1] = True
    return near[~drop].reshape(len(near), k)


def prepare() -> None:
    """Import what :func:`neighbours` needs, which takes longer than the search itself."""
    import sklearn.neighbors  # noqa: F401


class Linked(NamedTuple):
    """A map of a space that was laid over the first of several.

    Attributes
    ----------
    aligned : Alignment
    changed : ndarray
        (N,), see :func:`changed_neighbours`: between the first space and this one.
    """

    aligned: Alignment
    changed: np.ndarray


def linked(spaces: Sequence[np.ndarray], flat: Sequence[np.ndarray], k: int = 15) -> list[Linked]:
    """Lay the maps of several spaces over the first map, and see whose neighbours are others than in the first space.

    Parameters
    ----------
    spaces : sequence of ndarray
        (N, D) each; D may differ.
    flat : sequence of ndarray
        (N, 2): the map of each.
    k : int
        Number of neighbours.
    """
    near = [neighbours(points, k) for points in spaces]
    return [Linked(procrustes(points, flat[0]), changed_neighbours(near[0], own))
            for points, own in zip(flat, near, strict=True)]


def changed_neighbours(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The share of every item's neighbours in one space that are not among its neighbours in another.

    Parameters
    ----------
    before, after : ndarray
        (N, k) positions, see :func:`neighbours`.

    Returns
    -------
    ndarray
        (N,) in [0, 1]; between two unrelated spaces 1 - k / (N - 1) on average.
    """
    if before.shape != after.shape:
        raise ValueError(f"after: expected the shape of before, {before.shape}, got {after.shape}")
    if not before.shape[1]:
        return np.zeros(len(before))
    kept = (before[:, :, None] == after[:, None, :]).any(axis=2)
    return 1.0 - kept.mean(axis=1)


def gaps(clouds: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """How far apart the clouds of M modalities lie, in units of their own size.

    |mean of i - mean of j| over the root mean square distance of a point to the mean of its own cloud, both clouds
    pooled. About 0: the clouds lie on top of each other; above 1: there is a gap.

    Parameters
    ----------
    clouds : ndarray
        (M, N, D), or a list of M (N_m, D) if modalities miss items.

    Returns
    -------
    ndarray
        (M, M), symmetric, 0 on the diagonal; NaN where a cloud is empty.
    """
    each = [checked(c, "clouds") for c in clouds]
    out = np.full((len(each), len(each)), np.nan)
    if not each:
        return out
    together = centred(np.concatenate(each))
    starts = np.cumsum([0, *(len(c) for c in each)])
    with np.errstate(under="ignore", over="ignore"):
        # Each about a centre of its own: of a cloud without spread the mean would be rounded, and have some.
        parts = [centred(together.offsets[a:b]) for a, b in itertools.pairwise(starts)]
        spread = [float(p.sized(np.sqrt((p.offsets**2).sum(axis=1).mean()))) if len(p.offsets) else 0.0 for p in parts]
        for i, one in enumerate(parts):
            for j, two in enumerate(parts):
                if len(one.offsets) and len(two.offsets):
                    size = np.hypot(spread[i], spread[j]) / np.sqrt(2)
                    apart = float(np.linalg.norm(one.centre - two.centre))
                    out[i, j] = 0.0 if apart == 0 else apart / size if size > 0 else np.inf
    return out
