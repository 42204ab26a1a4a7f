"""Maps of the same items in several latent spaces: laid over each other, and compared by who is near whom."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


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
    from scipy.linalg import orthogonal_procrustes

    x, y = np.asarray(points, dtype=float), np.asarray(reference, dtype=float)
    if x.ndim != 2 or x.shape != y.shape:
        raise ValueError(f"points: expected the shape (N, D) of the reference, {y.shape}, got {x.shape}")
    centre = y.mean(axis=0)
    x, y = x - x.mean(axis=0), y - centre
    size, wanted = float((x**2).sum()), float((y**2).sum())
    if size == 0 or wanted == 0:  # all points in one place: nothing to turn, nothing to scale
        return Alignment(np.tile(centre, (len(x), 1)), float(size != wanted), float(wanted > 0))
    rotation, singular = orthogonal_procrustes(x, y)
    scale = singular / size
    return Alignment(scale * x @ rotation + centre, float(np.clip(1 - singular**2 / (size * wanted), 0, 1)),
                     float(scale))


def neighbours(points: np.ndarray, k: int = 15) -> np.ndarray:
    """The nearest other points of every point, Euclidean: (N, D) -> (N, min(k, N - 1)) positions."""
    from sklearn.neighbors import NearestNeighbors

    k = min(k, len(points) - 1)
    if k < 1:
        return np.empty((len(points), 0), dtype=int)
    return NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)


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


def gaps(clouds: np.ndarray) -> np.ndarray:
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
    clouds = [np.asarray(c, dtype=float) for c in clouds]
    out = np.full((len(clouds), len(clouds)), np.nan)
    centres = [c.mean(axis=0) if len(c) else None for c in clouds]
    spread = [((c - m) ** 2).sum(axis=1).mean() if len(c) else 0.0 for c, m in zip(clouds, centres, strict=True)]
    for i in range(len(clouds)):
        for j in range(len(clouds)):
            if len(clouds[i]) and len(clouds[j]):
                size = np.sqrt((spread[i] + spread[j]) / 2)
                apart = float(np.linalg.norm(centres[i] - centres[j]))
                out[i, j] = 0.0 if apart == 0 else apart / size if size > 0 else np.inf
    return out
