"""Maps of the same items in several latent spaces, laid over each other, and whose neighbours changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bvae.app.loaders import pca
from bvae.gaussians.dimensions import axis_title
from bvae.runs.isolated import linked

NUM_NEIGHBOURS = 15


@dataclass(frozen=True)
class LinkedMap:
    """One contender's map of n items, laid over the reference's.

    Attributes
    ----------
    points : ndarray
        (n, 2), in the units of the reference.
    residual : float
        See `bvae.maps.alignment.Alignment`; 0 for the reference.
    moved : bool
        Whether the map had to be shifted, turned and scaled.
    titles : tuple of str
        Of the axes.
    changed : ndarray
        (n,) share of each item's nearest neighbours in the reference that are others here, in the full spaces.
    """

    points: np.ndarray
    residual: float
    moved: bool
    titles: tuple[str, str]
    changed: np.ndarray


def plane_maps(means: Sequence[np.ndarray], one_space: bool) -> tuple[list[np.ndarray], list[tuple[str, str]]]:
    """Flat maps of n items in several latent spaces: raw where D = 2, else PCA.

    In one space all maps use one plane, found from all of them together.

    Parameters
    ----------
    means : sequence of ndarray
        (n, D) each.
    one_space : bool
        Whether the latent dimensions are the same ones.
    """
    if all(m.shape[1] == 2 for m in means):
        return [m.astype(float) for m in means], [(axis_title(0), axis_title(1))] * len(means)

    def titles(shares: np.ndarray) -> tuple[str, str]:
        return f"component 1 ({shares[0]:.0%})", f"component 2 ({shares[1]:.0%})"

    if one_space:
        points, shares = pca(np.concatenate(means))
        return np.split(points, len(means)), [titles(shares)] * len(means)
    flat = [pca(m) if m.shape[1] != 2 else (m.astype(float), None) for m in means]
    return [p for p, _ in flat], [titles(s) if s is not None else (axis_title(0), axis_title(1))
                                  for _, s in flat]


def link(
    means: Sequence[np.ndarray], flat: Sequence[np.ndarray], titles: Sequence[tuple[str, str]], comparable: bool,
    k: int = NUM_NEIGHBOURS,
) -> list[LinkedMap]:
    """Lay maps over the first one and count the neighbours that changed.

    Parameters
    ----------
    means : sequence of ndarray
        (n, D) each, the full spaces.
    flat : sequence of ndarray
        (n, 2) each, see :func:`plane_maps`.
    titles : sequence of tuple of str
    comparable : bool
        Whether the maps share their plane already, so that they must not be turned.
    k : int
        Number of neighbours.
    """
    out = []
    for points, names, (aligned, changed) in zip(flat, titles, linked(means, flat, k), strict=True):
        first = points is flat[0]
        moved = not (comparable or first)
        out.append(LinkedMap(aligned.points if moved else points, 0.0 if first else aligned.residual, moved, names,
                             changed))
    return out


def common_limits(maps: Sequence[LinkedMap]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of both axes that hold every map, square."""
    points = np.concatenate([m.points for m in maps])
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, (float((high - low).max()) / 2 or 1e-6) * 1.06
    x, y = ((float(m - half), float(m + half)) for m in middle)
    return x, y


class Change(NamedTuple):
    """How far one map is from the first.

    Attributes
    ----------
    share : float
        Of the nearest neighbours that are others, mean over the items.
    error : float
        Its standard error over the items; NaN of one item.
    residual : float
        See `LinkedMap`.
    """

    share: float
    error: float
    residual: float


def changes(maps: Sequence[LinkedMap]) -> list[Change]:
    """Of every map but the first."""
    return [Change(m.changed.mean(), m.changed.std(ddof=1) / np.sqrt(len(m.changed)) if len(m.changed) > 1 else np.nan,
                   m.residual) for m in maps[1:]]


class Moved(NamedTuple):
    """The n items of two maps, those first whose neighbours changed most, of these the ones farthest apart.

    Attributes
    ----------
    place : ndarray
        (n,) of each in the maps' points.
    item : ndarray
        (n,) their numbers.
    share : ndarray
        (n,) of their neighbours that are others.
    apart : ndarray
        (n,) distance between their places in the two maps.
    """

    place: np.ndarray
    item: np.ndarray
    share: np.ndarray
    apart: np.ndarray


def most_changed(maps: Sequence[LinkedMap], other: int, items: np.ndarray) -> Moved:
    """Between the first map and map number `other`; `items` (n,) are the numbers of the points."""
    share, apart = maps[other].changed, np.linalg.norm(maps[other].points - maps[0].points, axis=1)
    place = np.lexsort((-apart, -share))
    return Moved(place, np.asarray(items)[place], share[place], apart[place])
