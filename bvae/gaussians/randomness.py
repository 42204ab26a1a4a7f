"""Draws that belong to the items of a batch, however many processes share it.

With several processes each has every `world`-th item of the global batch. All of them draw for all of its items, from
generators in the same state, and keep the rows that are their own: so N processes meet the same noise, item by item,
as one. The price is that of drawing, a few numbers per item. In one process nothing changes.
"""

from __future__ import annotations

import torch
from torch import Tensor


class BatchGenerator(torch.Generator):
    """A generator that knows which items of the global batch this process has: ``items[rank::world]``.

    Attributes
    ----------
    rank, world : int
    items : int
        Size of the global batch; set before each one.
    """

    rank: int = 0
    world: int = 1
    items: int = 0

    def own_items(self) -> int:
        """How many items of the global batch this process has."""
        return len(range(self.rank, self.items, self.world))


def shared(generator: torch.Generator | None) -> BatchGenerator | None:
    """The generator, if its batch is shared with other processes; else None."""
    return generator if isinstance(generator, BatchGenerator) and generator.world > 1 else None


def whole(count: int, generator: torch.Generator | None) -> int:
    """How many rows the global batch has where this process has `count`: G blocks of its items.

    Raises
    ------
    ValueError
        If `count` is no multiple of this process's items.
    """
    g = shared(generator)
    if g is None:
        return count
    mine = g.own_items()
    if not mine or count % mine:
        raise ValueError(f"items: expected a multiple of the {mine} of this process, got {count}")
    return count // mine * g.items


def own(values: Tensor, axis: int, generator: torch.Generator | None) -> Tensor:
    """The rows of this process along an axis that has those of the global batch, see :func:`whole`."""
    g = shared(generator)
    if g is None:
        return values
    axis %= values.ndim
    blocks = values.unflatten(axis, (-1, g.items)).movedim(axis + 1, 0)[g.rank :: g.world]
    return blocks.movedim(0, axis + 1).flatten(axis, axis + 1)


def normal(
    shape: tuple[int, ...], axis: int, generator: torch.Generator | None, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Standard normal numbers of a shape; `axis` is that of the items."""
    axis %= len(shape)
    full = (*shape[:axis], whole(shape[axis], generator), *shape[axis + 1 :])
    return own(torch.randn(full, generator=generator, dtype=dtype, device=device), axis, generator)


def multinomial(weights: Tensor, count: int, generator: torch.Generator | None, replacement: bool = False) -> Tensor:
    """`torch.multinomial` for items in columns: (K, B) -> (B, count).

    Every item takes as many random numbers whatever its weights are, so those of the other processes' items can be
    anything. They are in the same order in memory, because that is the order of drawing.
    """
    g = shared(generator)
    if g is not None:
        mine, k = weights, len(weights)
        weights = mine.new_ones(k, whole(mine.shape[1], g))
        weights.view(k, -1, g.items)[..., g.rank :: g.world] = mine.reshape(k, -1, g.own_items())
    return own(torch.multinomial(weights.T, count, replacement=replacement, generator=generator), 0, generator)


def total(values: Tensor, generator: torch.Generator | None) -> tuple[Tensor, int]:
    """Sum of (B,) values without gradient over the items of the global batch, and their number."""
    values, count = values.detach().sum(), len(values)
    if shared(generator) is not None:
        torch.distributed.all_reduce(values)
    return values, whole(count, generator)
