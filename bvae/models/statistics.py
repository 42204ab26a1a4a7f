"""What networks and likelihoods of tables know of the training split: a place and a scale for every cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence, Sized
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bvae.data.columns import Column
from bvae.data.sparse import SparseRows
from bvae.models.blocks import Block, Dense, Sparse

CELLS = 2**25
"""Cells of a training split that are looked at: items are spread over it evenly where there are more."""
AT_ONCE = 2**22
"""Cells of which statistics are computed at once: what is needed beside them stays small."""
SIZED = 10
"""From so many columns on the total of an item of the kind "counts" is its size, which no column tells of."""
LARGEST_COUNT = 1e9
RARE_COUNT = 1000.0


class Described(NamedTuple):
    """Of every cell, (P,) float32.

    Attributes
    ----------
    location, scale : Tensor
        What brings cells, counts as log(1 + x), to numbers around 0: mean and standard deviation of numbers and
        counts; the share of 1 and the scale 1 of the others.
    bias : Tensor
        What a decoder gives that knows nothing: means, logarithms of mean counts, log-odds, log-probabilities.
    rate : Tensor
        Of counts: the mean, of an item of the reference size; else 1.
    dispersion : Tensor
        Of counts: theta of a negative binomial with that mean and the column's variance; else 1.
    top : Tensor
        Of counts: larger ones count as this one; else infinite.
    """

    location: Tensor
    scale: Tensor
    bias: Tensor
    rate: Tensor
    dispersion: Tensor
    top: Tensor


class Cells(NamedTuple):
    """Positions among the P cells of a table.

    Attributes
    ----------
    of_type : dict of str to Tensor
        Type of column -> int64 positions, in order.
    column : Tensor
        (P,) int64: which column each cell belongs to.
    first : Tensor
        (C,) int64: the first cell of each column.
    """

    of_type: dict[str, Tensor]
    column: Tensor
    first: Tensor


def cells_of(columns: Sequence[Column]) -> Cells:
    """See `Cells`."""
    widths = torch.tensor([c.width for c in columns])
    column = torch.repeat_interleave(torch.arange(len(columns)), widths)
    types = [c.type for c in columns]
    of_type = {kind: torch.nonzero(torch.tensor([t == kind for t in types])[column]).squeeze(1)
               for kind in dict.fromkeys(types)}
    return Cells(of_type, column, widths.cumsum(0) - widths)


def is_sized(kind: str, columns: Sequence[Column]) -> bool:
    """Whether the items of a modality have a size, see :data:`SIZED`."""
    return kind == "counts" and len(columns) >= SIZED


def sizes(x: Tensor, rate: Tensor) -> Tensor:
    """Sizes of items of counts against the reference: (B, P) with gaps, (P,) -> (B, 1).

    The total of the cells that are there over what they are together at the reference size; an item without any count
    has the size of one with a single one.
    """
    expected = torch.where(x.isnan(), 0.0, rate).sum(1, keepdim=True).clamp_min(1e-6)
    return x.nansum(1, keepdim=True).clamp_min(1.0) / expected


def at_most(values: Sized, count: int) -> Tensor:
    """Positions of `count` of the items, spread evenly; all if there are fewer."""
    return torch.linspace(0, len(values) - 1, min(len(values), count)).round().long()


def described(columns: Sequence[Column], values: Tensor | SparseRows, sized: bool = False) -> Described:
    """Statistics of a training split.

    Parameters
    ----------
    columns : sequence of Column
    values : Tensor or SparseRows
        (n, P) of the items that have the modality, NaN where they have gaps. What is sparse is not made dense.
    sized : bool
        See :func:`is_sized`.
    """
    if not isinstance(values, SparseRows):
        return _described(columns, values, sized)
    key = (tuple(columns), sized)
    if key not in values.known:
        values.known[key] = _described(columns, values, sized)
    found: Described = values.known[key]
    return found


def _described(columns: Sequence[Column], values: Tensor | SparseRows, sized: bool) -> Described:
    cells, p = cells_of(columns), values.shape[1]
    if not len(values):
        values = torch.full((1, p), math.nan)
    some = at_most(values, max(1000, CELLS // p))
    values = values.rows(some) if isinstance(values, SparseRows) else values[some]
    location, scale, bias = (torch.zeros(p, dtype=torch.float64) for _ in range(3))
    scale += 1.0
    rate, dispersion, top = torch.ones_like(scale), torch.ones_like(scale), torch.full_like(scale, math.inf)
    size = torch.ones(len(values), 1, dtype=torch.float64)
    if "count" in cells.of_type:
        every = cells.of_type["count"]
        whole, expected = torch.zeros_like(size), torch.zeros_like(size)
        for at, x in blocks(values, every):
            of_logs = x.of_each(torch.log1p).typical()
            top[at] = (RARE_COUNT + torch.expm1(of_logs[0] + 10 * of_logs[1])).clamp_max(LARGEST_COUNT)
            cut = x.at_most(top[at])
            rate[at] = (cut.total() + 0.5) / (x.there() + 1)
            whole, expected = whole + cut.of_items(), expected + cut.expected(rate[at])
        if sized:
            known = expected > 0  # of the others nothing is there: every rate is above 0
            size = whole.clamp_min(1.0) / expected.clamp_min(1e-6)
            if bool(known.any()):
                middle = (size[known] * rate[every].sum()).median().clamp_min(1.0) / rate[every].sum()
                rate[every] = rate[every] * middle
                size = whole.clamp_min(1.0) / (expected * middle).clamp_min(1e-6)
    for kind, every in cells.of_type.items():
        for at, x in blocks(values, every):
            there = x.there()
            if kind == "number":
                location[at], scale[at] = x.typical()
                bias[at] = location[at]
            elif kind == "count":
                mean, x = rate[at], x.at_most(top[at]).by(size)
                location[at], scale[at] = x.of_each(torch.log1p).typical()
                variance = x.squares(x.total() / there.clamp_min(1)) / there.clamp_min(1)
                bias[at] = mean.log()
                dispersion[at] = torch.where(variance > mean, mean.square() / (variance - mean), 1e3).clamp(0.1, 1e3)
            else:
                per = 1.0 if kind == "binary" else 1.0 / width_of(cells, at)
                share = (x.total() + per * (1.0 if kind == "category" else 0.5)) / (there + 1)
                location[at] = share
                bias[at] = share.log() - torch.log1p(-share) if kind == "binary" else share.log()
    return Described(*(v.float() for v in (location, scale, bias, rate, dispersion, top)))


def blocks(values: Tensor | SparseRows, at: Tensor) -> Iterator[tuple[Tensor, Block]]:
    """Some cells of all items, as many at once as do not need much memory beside them."""
    if isinstance(values, SparseRows):
        yield at, Sparse.of(values, at)
        return
    for some in at.split(max(1, AT_ONCE // len(values))):
        yield some, Dense(values[:, some].float())


def of_present(values: Tensor | SparseRows, present: Tensor | None) -> Tensor | SparseRows:
    """The items that have a modality, (N,) bool, what is sparse still sparse; all of them for None."""
    if present is None:
        return values
    return values.rows(present) if isinstance(values, SparseRows) else values[present]


def width_of(cells: Cells, at: Tensor) -> Tensor:
    """How many cells the column of each of some cells has, float64."""
    return torch.bincount(cells.column).double()[cells.column[at]]


class Statistics(nn.Module):
    """Statistics of a training split that a module keeps, as buffers; see `Described` for their names.

    They stay in float32 in every precision of a training, and are saved as they are: a year of 2026.5 has no place in
    half precision.

    Parameters
    ----------
    columns : sequence of Column
    keep : sequence of str
        Names of those that are wanted.
    sized : bool
        See :func:`is_sized`.
    """

    exact = True
    """See `bvae.io.compact.exact_of`."""
    location: Tensor
    scale: Tensor
    bias: Tensor
    rate: Tensor
    dispersion: Tensor
    top: Tensor

    def __init__(self, columns: Sequence[Column], *keep: str, sized: bool = False) -> None:
        super().__init__()
        self.columns, self.keep, self.sized = tuple(columns), keep, sized
        start = described(columns, torch.full((0, sum(c.width for c in columns)), math.nan))
        for name in keep:
            self.register_buffer(name, getattr(start, name))

    def observe(self, values: Tensor | SparseRows, present: Tensor | None = None) -> None:
        """Take the statistics of a training split.

        Parameters
        ----------
        values : Tensor or SparseRows
            (N, P), NaN where there are gaps.
        present : Tensor, optional
            (N,) bool: which items have the modality.
        """
        found = described(self.columns, of_present(values, present), self.sized)
        for name in self.keep:
            getattr(self, name).copy_(getattr(found, name))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        """To another device, and never to another type."""
        for name in self.keep:
            held = self._buffers[name]
            assert held is not None
            self._buffers[name] = held.to(fn(held).device)
        return self
