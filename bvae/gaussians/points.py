"""Points as computations want them: checked, in double precision, and of a size whose squares exist.

This file imports nothing of bvae: processes that compute run it without PyTorch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Cloud(NamedTuple):
    """Points about their centre, in units of a power of two.

    Attributes
    ----------
    offsets : ndarray
        (N, D) float64 in [-1, 1]: point = centre + 2**exponent * offset. A column whose numbers are all the same is
        exactly 0: a mean is rounded, and would leave a spread that is not there.
    centre : ndarray
        (D,).
    exponent : int
        Of the unit. Powers of two, so that scaling rounds nothing.
    """

    offsets: np.ndarray
    centre: np.ndarray
    exponent: int

    @property
    def spread(self) -> bool:
        """Whether any two points differ."""
        return bool(self.offsets.size) and bool(self.offsets.any())

    def sized(self, values: np.ndarray | float) -> np.ndarray:
        """Lengths in the units of the points again; what no float64 can hold becomes the largest that one can."""
        with np.errstate(over="ignore", under="ignore"):
            return within(np.ldexp(values, self.exponent))


def within(values: np.ndarray) -> np.ndarray:
    """Numbers that no float64 can hold become the largest one."""
    largest = np.finfo(np.float64).max
    return np.clip(values, -largest, largest)


def checked(points: np.ndarray, name: str = "points") -> np.ndarray:
    """Points as float64.

    Parameters
    ----------
    points : ndarray
        (N, D) finite real numbers of any type.
    name : str
        Of the argument, for errors.

    Raises
    ------
    ValueError
        If the shape or the type is another one, or a number is not finite.
    """
    points = np.asarray(points)
    if points.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected real numbers, got dtype {points.dtype}")
    if points.ndim != 2:
        raise ValueError(f"{name}: expected shape (N, D), got {points.shape}")
    with np.errstate(over="ignore", under="ignore"):
        points = points.astype(np.float64)  # a long double may become infinite here
    bad = ~np.isfinite(points)
    if bad.any():
        item, dimension = np.argwhere(bad)[0].tolist()
        raise ValueError(f"{name}: expected finite numbers, got {points[item, dimension]:g} at point {item}, dimension "
                         f"{dimension} ({int(bad.sum()):,} such numbers)")
    return points


def centred(points: np.ndarray, name: str = "points") -> Cloud:
    """See :class:`Cloud`; raises what :func:`checked` raises."""
    points = checked(points, name)
    if not points.size:
        return Cloud(points, np.zeros(points.shape[1]), 0)
    with np.errstate(under="ignore"):
        same = (points == points[0]).all(axis=0)
        small = np.where(same, 0.0, points)
        first = _exponent(small)
        small = np.ldexp(small, -first)  # the sum of many of the largest numbers would be infinite
        centre = small.mean(axis=0)
        offsets = small - centre
        second = _exponent(offsets)
        return Cloud(np.ldexp(offsets, -second), np.where(same, points[0], np.ldexp(centre, first)), first + second)


def _exponent(values: np.ndarray) -> int:
    """The smallest power of two that no number exceeds; 0 if all are 0."""
    largest = float(np.abs(values).max())
    return int(np.frexp(largest)[1]) if largest else 0
