"""Some columns of a training split, dense or sparse: sums, medians and scales over their items."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bvae.data.sparse import SparseRows

FENCE = 30.0
"""For a column's location and scale its numbers count up to so many typical deviations from the median: one broken
number in a million moves neither."""
CONSTANT = 1e-6
"""A column whose standard deviation is no larger share of its mean is constant: the rest is rounding."""


class Block(Protocol):
    """Cells (n, p) of n items and p columns, some of which may be gaps."""

    def there(self) -> Tensor:
        """(p,) float64: how many items have the column."""

    def total(self) -> Tensor:
        """(p,) float64: sums over the items."""

    def of_items(self) -> Tensor:
        """(n, 1) float64: sums over the columns."""

    def expected(self, rate: Tensor) -> Tensor:
        """(n, 1) float64: sums of rates (p,) over the columns that an item has."""

    def of_each(self, change: Callable[[Tensor], Tensor]) -> Block:
        """Every cell changed by a function that leaves 0 as it is."""

    def at_most(self, top: Tensor) -> Block:
        """Cells in float64, none above that of its column, (p,), which is not below 0."""

    def by(self, size: Tensor) -> Block:
        """Every item divided by its own number, (n, 1)."""

    def squares(self, mean: Tensor) -> Tensor:
        """(p,) float64: sums over the items of the squared distance to the mean of the column."""

    def typical(self) -> tuple[Tensor, Tensor]:
        """Location and scale of columns, (p,), (p,) float64. See :data:`FENCE`."""


def _scaled(location: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """A location, and a scale that can be divided by: that of a constant is its own size, or 1."""
    constant = scale <= CONSTANT * location.abs() + 1e-30
    return location, torch.where(constant, torch.where(location == 0, 1.0, location.abs()), scale).clamp(1e-30, 1e37)


@dataclass(frozen=True)
class Dense:
    """See `Block`.

    Attributes
    ----------
    cells : Tensor
        (n, p), NaN where there are gaps.
    """

    cells: Tensor

    def there(self) -> Tensor:
        """See `Block.there`."""
        return (~self.cells.isnan()).sum(0).double()

    def total(self) -> Tensor:
        """See `Block.total`."""
        return self.cells.double().nansum(0)

    def of_items(self) -> Tensor:
        """See `Block.of_items`."""
        return self.cells.double().nansum(1, keepdim=True)

    def expected(self, rate: Tensor) -> Tensor:
        """See `Block.expected`."""
        return torch.where(self.cells.isnan(), 0.0, rate).sum(1, keepdim=True)

    def of_each(self, change: Callable[[Tensor], Tensor]) -> Dense:
        """See `Block.of_each`."""
        return Dense(change(self.cells))

    def at_most(self, top: Tensor) -> Dense:
        """See `Block.at_most`."""
        return Dense(self.cells.double().clamp_max(top))

    def by(self, size: Tensor) -> Dense:
        """See `Block.by`."""
        return Dense(self.cells / size)

    def squares(self, mean: Tensor) -> Tensor:
        """See `Block.squares`."""
        return (self.cells - mean).square().nansum(0)

    def typical(self) -> tuple[Tensor, Tensor]:
        """See `Block.typical`."""
        values = self.cells.double()

        def middle(given: Tensor) -> Tensor:
            """Medians; 0 of nothing."""
            held = (~given.isnan()).sum(0)
            at = ((held - 1).clamp_min(0) // 2).unsqueeze(0)
            return given.sort(0).values.gather(0, at).squeeze(0).nan_to_num(0.0)  # NaN comes last

        median = middle(values)
        away = (values - median).abs()
        usual = middle(torch.where(away > CONSTANT * median.abs(), away, math.nan))
        within = values.clamp(median - FENCE * usual, median + FENCE * usual)
        count = (~values.isnan()).sum(0).clamp_min(1)
        location = within.nansum(0) / count
        return _scaled(location, ((within - location).square().nansum(0) / count).sqrt())


@dataclass(frozen=True)
class Sparse:
    """See `Block`. Only cells that are not 0 are looked at.

    Attributes
    ----------
    values, items, columns : Tensor
        (c,): the cells that are neither 0 nor gaps, and where they are.
    gap_items, gap_columns : Tensor
        Where single gaps are.
    gaps : Tensor
        (n,) bool: items that are gaps as a whole, without any cell in the other lists.
    width : int
        p.
    """

    values: Tensor
    items: Tensor
    columns: Tensor
    gap_items: Tensor
    gap_columns: Tensor
    gaps: Tensor
    width: int

    @classmethod
    def of(cls, rows: SparseRows, at: Tensor) -> Sparse:
        """Some columns, by their positions, of sparse rows."""
        matrix = (rows.cells(at) if len(at) < rows.shape[1] else rows).matrix
        items = np.repeat(np.arange(len(rows)), np.diff(matrix.indptr))
        data, columns = matrix.data, matrix.indices
        there = ~rows.gaps[items]
        keep, lacking = there & (data != 0) & ~np.isnan(data), there & np.isnan(data)
        where = columns.astype(np.int64)
        cells = [torch.from_numpy(v) for v in (data[keep], items[keep], where[keep], items[lacking], where[lacking])]
        return cls(cells[0], cells[1], cells[2], cells[3], cells[4], torch.from_numpy(rows.gaps), len(at))

    def _by_column(self, values: Tensor) -> Tensor:
        return torch.zeros(self.width, dtype=torch.float64).index_add_(0, self.columns, values.double())

    def _by_item(self, items: Tensor, values: Tensor) -> Tensor:
        return torch.zeros(len(self.gaps), dtype=torch.float64).index_add_(0, items, values.double()).unsqueeze(1)

    def there(self) -> Tensor:
        """See `Block.there`."""
        return int((~self.gaps).sum()) - torch.bincount(self.gap_columns, minlength=self.width).double()

    def zeros(self) -> Tensor:
        """(p,) float64: how many cells are 0."""
        return self.there() - torch.bincount(self.columns, minlength=self.width)

    def total(self) -> Tensor:
        """See `Block.total`."""
        return self._by_column(self.values)

    def of_items(self) -> Tensor:
        """See `Block.of_items`."""
        return self._by_item(self.items, self.values)

    def expected(self, rate: Tensor) -> Tensor:
        """See `Block.expected`."""
        lost = self._by_item(self.gap_items, rate[self.gap_columns])
        return torch.where(self.gaps.unsqueeze(1), 0.0, rate.sum() - lost)

    def of_each(self, change: Callable[[Tensor], Tensor]) -> Sparse:
        """See `Block.of_each`."""
        return replace(self, values=change(self.values))

    def at_most(self, top: Tensor) -> Sparse:
        """See `Block.at_most`."""
        return replace(self, values=self.values.double().minimum(top[self.columns]))

    def by(self, size: Tensor) -> Sparse:
        """See `Block.by`."""
        return replace(self, values=self.values / size[self.items, 0])

    def squares(self, mean: Tensor) -> Tensor:
        """See `Block.squares`."""
        return self._by_column((self.values - mean[self.columns]).square()) + self.zeros() * mean.square()

    def typical(self) -> tuple[Tensor, Tensor]:
        """See `Block.typical`."""
        values, zeros, count = self.values.double(), self.zeros(), self.there().clamp_min(1)
        median = self._middle(values, self.columns, torch.zeros(self.width, dtype=torch.float64), zeros)
        away = (values - median[self.columns]).abs()
        far = away > CONSTANT * median.abs()[self.columns]
        usual = self._middle(away[far], self.columns[far], median.abs(), torch.where(median == 0, 0.0, zeros))
        low, high = median - FENCE * usual, median + FENCE * usual
        within, at_zero = values.clamp(low[self.columns], high[self.columns]), torch.zeros_like(low).clamp(low, high)
        location = (self._by_column(within) + zeros * at_zero) / count
        squares = self._by_column((within - location[self.columns]).square()) + zeros * (at_zero - location).square()
        return _scaled(location, (squares / count).sqrt())

    def _middle(self, values: Tensor, columns: Tensor, other: Tensor, often: Tensor) -> Tensor:
        """Medians of columns that hold values (c,), and beside them another number (p,) so many times; 0 of nothing."""
        order = np.argsort(values.numpy())
        small = np.int16 if self.width < 2**15 else np.int64  # few bits are sorted by counting
        order = order[np.argsort(columns.numpy()[order].astype(small), kind="stable")]
        held = torch.bincount(columns, minlength=self.width)
        start = held.cumsum(0) - held
        less = torch.bincount(columns[values < other[columns]], minlength=self.width)
        often = often.long()
        k = ((held + often - 1).clamp_min(0)) // 2
        at = torch.where(k < less, k, (k - often).clamp_min(0)).minimum((held - 1).clamp_min(0)) + start
        own = values[torch.from_numpy(order)[at.clamp_max(max(0, len(values) - 1))]] if len(values) else torch.zeros(
            self.width, dtype=torch.float64)
        found = torch.where((k >= less) & (k < less + often), other, own)
        return torch.where(held + often > 0, found, 0.0)
