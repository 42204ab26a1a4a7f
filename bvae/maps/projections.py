"""Points of many dimensions in the plane: principal components, and t-SNE.

Data of any size, without spread, with duplicates or constant columns give finite maps: points are checked and scaled
first, and what is then passed on is what was looked at. Processes that compute run this file without PyTorch.
"""

from __future__ import annotations

import warnings

import numpy as np

from bvae.gaussians.points import Cloud, centred, checked

STEPS = 1000
"""Steps of t-SNE's gradient descent, at most."""
FEWEST = 4
"""Points of which t-SNE makes a map; of fewer, or without spread, the principal components are the map."""


def pca(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First two principal components.

    Parameters
    ----------
    points : ndarray
        (N, D) finite numbers; N and D may be 0.

    Returns
    -------
    coordinates : ndarray
        (N, 2) float64, about the mean of the points; of each component the entry largest in size is positive.
    shares : ndarray
        (2,) of the variance, in [0, 1] with a sum of at most 1; both 0 if the points have no spread.

    Raises
    ------
    ValueError
        If `points` has another shape or holds numbers that are not finite.
    """
    return _components(centred(points))


def _components(cloud: Cloud) -> tuple[np.ndarray, np.ndarray]:
    """See :func:`pca`."""
    x = cloud.offsets
    coordinates, shares = np.zeros((len(x), 2)), np.zeros(2)
    if not cloud.spread:
        return coordinates, shares
    with np.errstate(under="ignore"):
        if len(x) > 10 * x.shape[1]:  # the eigenvectors of a small matrix: as exact where there are many more points
            values, vectors = np.linalg.eigh(x.T @ x)
            values, axes = values[::-1], vectors.T[::-1]
        else:
            _, singular, axes = np.linalg.svd(x, full_matrices=False)
            values = singular**2
        axes = axes[:2]
        signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
        coordinates[:, : len(axes)] = x @ (axes * signs[:, None]).T
        values = values.clip(0)
        shares[: len(axes)] = values[:2] / values.sum()
    return cloud.sized(coordinates), shares / max(1.0, float(shares.sum()))


def tsne(points: np.ndarray, perplexity: float, seed: int, verbose: int = 0) -> np.ndarray:
    """t-SNE that starts from the principal components: (N, D) -> (N, 2), finite.

    It runs in one thread: with several, sums are rounded in another order and the map is another one every time.

    Parameters
    ----------
    points : ndarray
        (N, D) finite numbers.
    perplexity : float
        About how many neighbours each point should keep; lowered to (N - 1) / 3 for very few points.
    seed : int
        Of the little that is random: the solver of the first components, the directions of ties.
    verbose : int
        See `sklearn.manifold.TSNE`.

    Raises
    ------
    ValueError
        If `points` has another shape or holds numbers that are not finite, or the perplexity is not above 0.

    References
    ----------
    van der Maaten & Hinton, JMLR 2008.
    """
    if not 0 < perplexity < np.inf:
        raise ValueError(f"perplexity: expected a number above 0, got {perplexity}")
    cloud = centred(points)
    if len(cloud.offsets) < FEWEST or not cloud.spread:
        return _components(cloud)[0]
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    single = in_single_precision(points, cloud)
    init = "pca" if single.shape[1] > 1 else "random"
    lowered = min(perplexity, (len(single) - 1) / 3)
    with threadpool_limits(limits=1), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of duplicates, which are no reason to stop
        fit = TSNE(perplexity=lowered, init=init, random_state=seed, max_iter=STEPS, verbose=verbose)
        found = fit.fit_transform(single)
    return found if np.isfinite(found).all() else _components(cloud)[0]


def in_single_precision(points: np.ndarray, cloud: Cloud) -> np.ndarray:
    """The points as float32, as scikit-learn's t-SNE computes: as they are where float32 holds their spread and the
    squares of their distances, else about their centre and of size 1, which changes no neighbourhood.

    It is the cast points that are looked at: a spread of 1e-9 about 5, or any about 0 below 1e-38, is none in float32,
    and t-SNE would divide by it.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        single = checked(points).astype(np.float32)
        largest, spread = np.abs(single).max(), np.ptp(single, axis=0).max()
        if np.isfinite(single).all() and largest < 1e6 and spread > max(1e-6, 1e-3 * largest):
            return single
        return cloud.offsets.astype(np.float32)
