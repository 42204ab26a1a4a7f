"""The modality gap: do the modalities of the same items share a region of the latent space, or has each its own?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bvae.gaussians.points import centred
from bvae.maps.alignment import gaps, neighbours

NEIGHBOURS = 10
FOLDS = 5


class ModalityGap(NamedTuple):
    """Of the clouds of M modalities.

    Attributes
    ----------
    distances : ndarray
        (M, M): |mean of i - mean of j| in units of the clouds' own size, see `bvae.maps.alignment.gaps`.
    distance : float
        Their mean over the pairs of two different modalities. About 0: the clouds lie on top of each other; above 1:
        they lie further apart than they are large.
    accuracy, standard_error : float
        How often a linear classifier tells the modality of a point that it was not trained on, and the standard error
        over the items.
    accuracy_by_chance : float
        Of always naming the largest cloud.
    same : float
        Share of the 10 nearest other points that belong to the same modality, mean over the points.
    same_by_chance : float
        The same if the modality had nothing to do with the place.
    """

    distances: np.ndarray
    distance: float
    accuracy: float
    standard_error: float
    accuracy_by_chance: float
    same: float
    same_by_chance: float


def modality_gap(clouds: Sequence[np.ndarray], items: Sequence[np.ndarray] | None = None) -> ModalityGap:
    r"""How far the clouds of the modalities lie from each other, in three numbers that see different things.

    * Distance of the centres, :math:`\|\bar z_i - \bar z_j\| / \sqrt{(s_i^2 + s_j^2)/2}` with
      :math:`s_i^2 = \frac1N\sum_n \|z_{in} - \bar z_i\|^2`. The difference of the means is what Liang et al. call the
      gap; in units of the clouds' size it can be compared between models.
    * Accuracy of a linear classifier (logistic regression on standardised coordinates, five folds over the items, so
      that no item is in training and test). It also sees clouds with one centre that lie in different directions of
      few dimensions, but no rings within rings.
    * Share of same-modality points among the nearest neighbours. It sees any separation, and also one that is much
      smaller than the clouds.

    Parameters
    ----------
    clouds : sequence of ndarray
        M of (N_m, D), none empty.
    items : sequence of ndarray, optional
        M of (N_m,): which item each point belongs to; by default row n is item n everywhere.

    Returns
    -------
    ModalityGap
        With a single modality, or fewer than 5 items, accuracy and standard error are NaN.

    Raises
    ------
    ValueError
        If there is no cloud, one is empty, the numbers of dimensions differ, or a number is not finite.

    References
    ----------
    Liang, Zhang, Kwon, Yeung & Zou, "Mind the Gap: Understanding the Modality Gap in Multi-modal Contrastive
    Representation Learning", NeurIPS 2022.
    """
    clouds = [np.asarray(c, dtype=float) for c in clouds]
    if not clouds or any(c.ndim != 2 or not len(c) or c.shape[1] != clouds[0].shape[1] for c in clouds):
        raise ValueError("clouds: expected one or more arrays of shape (N_m, D) with N_m >= 1 and one D, got "
                         f"{[c.shape for c in clouds]}")
    apart = gaps(clouds)
    pairs = apart[np.triu_indices(len(clouds), 1)]
    points = np.concatenate(clouds)
    modality = np.repeat(np.arange(len(clouds)), [len(c) for c in clouds])
    item = np.concatenate([np.arange(len(c)) for c in clouds] if items is None else list(items))
    counts = np.bincount(modality)
    near = neighbours(points, NEIGHBOURS)
    same = float((modality[near] == modality[:, None]).mean()) if near.size else np.nan
    others = max(1, len(points) - 1)
    accuracy, error = _told_apart(points, modality, item)
    return ModalityGap(
        apart, float(pairs.mean()) if len(pairs) else 0.0, accuracy, error, float(counts.max() / len(points)),
        same, float((counts * (counts - 1)).sum() / (len(points) * others)))


def _told_apart(points: np.ndarray, modality: np.ndarray, item: np.ndarray) -> tuple[float, float]:
    """Accuracy of the linear classifier and its standard error over the items."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names, of_item = np.unique(item, return_inverse=True)
    if modality.max() == 0 or len(names) < FOLDS:
        return np.nan, np.nan
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    points = centred(points).offsets  # the probe standardises them, but not if their squares are 0 or infinite
    with warnings.catch_warnings(), np.errstate(under="ignore"):
        warnings.simplefilter("ignore")  # that a thousand steps did not suffice is no reason to say nothing
        right = cross_val_predict(probe, points, modality, groups=item, cv=GroupKFold(FOLDS)) == modality
    by_item = np.bincount(of_item, right) / np.bincount(of_item)
    return float(right.mean()), float(by_item.std(ddof=1) / np.sqrt(len(names)))
