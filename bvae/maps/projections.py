"""Points of many dimensions in the plane: principal components, and t-SNE.

Data of any size, without spread, with duplicates or constant columns give finite maps: points are checked and scaled
first, and what is then passed on is what was looked at. Processes that compute run this file without PyTorch.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable

import numpy as np

from bvae.gaussians.points import Cloud, centred

STEPS, EARLY, EVERY = 1000, 250, 50
"""Steps of t-SNE's gradient descent; those of them at the start in which neighbours attract each other more strongly;
and after how many it says how far it is."""
EXAGGERATION = 12.0
"""How much more strongly."""
NO_OPENTSNE = ("t-SNE is computed by openTSNE, which is not installed: pip install openTSNE (where there is no wheel, "
               "such as on Linux with an ARM processor, that needs a C compiler)")
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


def tsne(points: np.ndarray, perplexity: float, seed: int, watch: Callable[[int], None] | None = None) -> np.ndarray:
    """t-SNE that starts from the principal components: (N, D) -> (N, 2), finite.

    It runs in one thread: with several, sums are rounded in another order and the map is another one every time.

    Parameters
    ----------
    points : ndarray
        (N, D) finite numbers.
    perplexity : float
        About how many neighbours each point should keep; lowered to (N - 1) / 3 for very few points, and never less
        than 1.
    seed : int
        Of the little that is random: by how much points that would start at the same place are moved.
    watch : callable, optional
        Is called after every :data:`EVERY` steps with how many of :data:`STEPS` are done.

    Raises
    ------
    ValueError
        If `points` has another shape or holds numbers that are not finite, or the perplexity is not above 0.
    ImportError
        Where openTSNE is not installed.

    References
    ----------
    van der Maaten & Hinton, JMLR 2008. Poličar, Stražar & Zupan, Journal of Statistical Software 2024 (openTSNE).
    """
    if not 0 < perplexity < np.inf:
        raise ValueError(f"perplexity: expected a number above 0, got {perplexity}")
    cloud = centred(points)
    if len(cloud.offsets) < FEWEST or not cloud.spread:
        return _components(cloud)[0]
    try:
        from openTSNE import TSNE, initialization
    except ImportError as error:
        raise ImportError(NO_OPENTSNE) from error
    from threadpoolctl import threadpool_limits

    done = itertools.count(EVERY, EVERY)

    def tell(*_: object) -> None:
        if watch is not None:
            watch(next(done))

    with threadpool_limits(limits=1), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of duplicates, which are no reason to stop
        start = initialization.rescale(_components(cloud._replace(exponent=0))[0])
        fit = TSNE(
            perplexity=max(1.0, min(perplexity, (len(start) - 1) / 3)), random_state=seed, n_jobs=1,
            initialization=initialization.jitter(start, random_state=seed), neighbors="exact",
            negative_gradient_method="bh",  # as exact, and for so few points many times faster than "fft"
            early_exaggeration=EXAGGERATION, early_exaggeration_iter=EARLY, n_iter=STEPS - EARLY,
            # scikit-learn's choices, with which maps of 1,000 points keep more than with openTSNE's own
            learning_rate=max(len(start) / EXAGGERATION, 200.0), initial_momentum=0.5,
            callbacks=tell, callbacks_every_iters=EVERY)
        found = np.asarray(fit.fit(cloud.offsets))
    return found if np.isfinite(found).all() else _components(cloud)[0]
