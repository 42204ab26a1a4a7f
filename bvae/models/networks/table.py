"""Networks for tables: one pair of perceptrons for every kind that is made of columns.

Two hidden layers of twice the width of `ModelConfig`, and past them a straight line, so that what is linear in a table,
which is most of it, need not be learned by a detour; but none of counts with a size, whose noise it learns by heart. An
encoder sees numbers around 0 whatever the units (see `bvae.models.statistics`), and beside them which columns are gaps:
that always, because data without gaps may meet items that have some. A gap itself is 0 there, the mean. What a decoder
adds to is the mean of each column.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.data.columns import OF_COLUMNS, Column
from bvae.data.sparse import SparseRows
from bvae.models.inputs import some_gaps
from bvae.models.networks.base import NETWORKS, NetworkPair
from bvae.models.statistics import Statistics, cells_of, is_sized, of_present, sizes

FARTHEST = 10.0
"""Encoders see what is farther from the mean than so many standard deviations as this far."""
LOGARITHM = 10.0
"""Decoders move logarithms by less than this from those of the means."""
HIDDEN = 0.6
"""Of the cells of counts with a size, encoders do not get to see a share up to this in training, another of every item:
they would learn the noise of hundreds of counts by heart, and be surer of new items than they are right."""
LOG_ODDS = 13.0
"""Probabilities of binary columns stay within these log-odds: none becomes 0 or 1."""


class Perceptron(nn.Sequential):
    """What follows the first layer: silu, hidden layer, silu, output, which begins around 0.

    Parameters
    ----------
    hidden, after : int
        Units of the hidden layers, and outputs.
    """

    def __init__(self, hidden: int, after: int) -> None:
        last = nn.Linear(hidden, after)
        nn.init.zeros_(last.bias)
        super().__init__(nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), last)

    def features(self, h: Tensor) -> Tensor:
        """(B, hidden) -> (B, hidden): what the output is made of."""
        second = cast(nn.Linear, self._modules["1"])
        return F.silu(F.linear(F.silu(h), second.weight, second.bias))

    def output(self, features: Tensor) -> Tensor:
        """(B, hidden) -> (B, after)."""
        last = cast(nn.Linear, self._modules["3"])
        return F.linear(features, last.weight, last.bias)

    def forward(self, h: Tensor) -> Tensor:
        """Both; on small tables a training costs little but the calls of modules."""
        return self.output(self.features(h))


class TableEncoder(nn.Module):
    """(B, P) cells in the data's own units, NaN where there are gaps -> (B, 2 D).

    Parameters
    ----------
    columns : sequence of Column
    latent_dim, width : int
        D, and half the units of the hidden layers.
    kind : str
        "counts" where items may have a size, see `is_sized`.
    """

    exact_input = True
    """It gets what the data have, in every precision of a training."""

    def __init__(self, columns: Sequence[Column], latent_dim: int, width: int, kind: str = "table") -> None:
        super().__init__()
        cells = cells_of(columns)
        self.sized = is_sized(kind, columns)
        of_counts = ("rate", "top") if "count" in cells.of_type else ()
        self.statistics = Statistics(columns, "location", "scale", *of_counts, sized=self.sized)
        self.counts = None if "count" not in cells.of_type else Positions(cells.of_type["count"], len(cells.column))
        self.first = Positions(cells.first, len(cells.column))
        hidden = 2 * width
        self.cells = nn.Linear(len(cells.column) + self.sized, hidden)
        self.gaps = nn.Linear(len(columns), hidden, bias=False)
        nn.init.zeros_(self.gaps.weight)  # at the beginning a gap is the mean, and no more
        self.net = Perceptron(hidden, 2 * latent_dim)
        self.straight = None if self.sized else nn.Linear(self.cells.in_features, 2 * latent_dim, bias=False)
        if self.straight is not None:
            nn.init.zeros_(self.straight.weight[latent_dim:])  # the scales begin where `to_gaussian` wants them

    def observe(self, values: Tensor | SparseRows, present: Tensor | None = None) -> None:
        """See `Statistics.observe`. Where there are no gaps, what they mean is not learned: it stays the mean."""
        self.statistics.observe(values, present)
        there = of_present(values, present)
        some = there.some_gaps() if isinstance(there, SparseRows) else some_gaps(there)
        self.gaps.weight.requires_grad_(some or self.sized)

    def forward(self, x: Tensor) -> Tensor:
        x, held = x.float(), self.statistics
        some, extra = some_gaps(x), []
        gaps = x.isnan() if some else None
        if self.counts is not None:
            counts = self.counts.of(x).clamp_min(0.0).minimum(self.counts.of(held.top))
            if self.sized:
                size = sizes(counts, held.rate)  # (B, 1)
                counts, extra = counts / size, [size.log().clamp(-FARTHEST, FARTHEST)]
            x = self.counts.put(counts.log1p(), x)
        u = ((x - held.location) * held.scale.reciprocal()).clamp(-FARTHEST, FARTHEST)
        if self.sized and self.training:
            gaps = hidden(u) if gaps is None else hidden(u) | gaps
        if gaps is not None:
            u = u.masked_fill(gaps, 0.0)
        own = self.cells.weight.dtype
        u = (torch.cat([u, *extra], 1) if extra else u).to(own)
        h = self.cells(u)
        if gaps is not None:
            h = torch.addmm(h, self.first.of(gaps).to(own), self.gaps.weight.T)
        elif self.training and self.gaps.weight.requires_grad:  # processes wait for each other's gradients
            h = h + 0.0 * self.gaps.weight[0, 0]
        out: Tensor = self.net(h)
        return out if self.straight is None else torch.addmm(out, u, self.straight.weight.T)


def hidden(u: Tensor) -> Tensor:
    """Some cells of every item, (B, P) bool. See :data:`HIDDEN`.

    The numbers themselves are the seed: a batch loses the same cells whenever it comes, so that a training can be gone
    on with exactly.
    """
    g = torch.Generator(u.device).manual_seed(int(u.nan_to_num().double().sum().mul(1e6)) % 2**62)
    share = HIDDEN * torch.rand(len(u), 1, generator=g, device=u.device)
    return torch.rand(u.shape, generator=g, device=u.device) < share


class Positions(nn.Module):
    """Some of P cells, which may be all of them.

    Parameters
    ----------
    at : Tensor
        (n,) int64, in order.
    total : int
        P.
    """

    at: Tensor

    def __init__(self, at: Tensor, total: int) -> None:
        super().__init__()
        self.everything = len(at) == total
        self.register_buffer("at", at, persistent=False)

    def of(self, x: Tensor) -> Tensor:
        """(..., P) -> (..., n)."""
        return x if self.everything else x.index_select(-1, self.at)

    def put(self, values: Tensor, x: Tensor) -> Tensor:
        """x (B, P) with other values (B, n) in these cells."""
        return values if self.everything else x.index_copy(-1, self.at, values)


class TableDecoder(nn.Module):
    """(B, D) -> (B, P) means in the data's own units.

    Of numbers: the mean. Of counts: the expected count, for items that have a size (see `is_sized`) at the size that z
    lets expect; without `of_size` at the reference size, which is the median of the training split. Of binary columns
    and categories: probabilities.
    """

    def __init__(self, columns: Sequence[Column], latent_dim: int, width: int, kind: str = "table") -> None:
        super().__init__()
        cells = cells_of(columns)
        total, hidden = len(cells.column), 2 * width
        self.sized = is_sized(kind, columns)
        self.statistics = Statistics(columns, "bias", "scale", sized=self.sized)
        self.parts = nn.ModuleDict({kind: Positions(at, total) for kind, at in cells.of_type.items()})
        self.groups = Groups(cells.column[cells.of_type["category"]]) if "category" in cells.of_type else None
        self.first, self.net = nn.Linear(latent_dim, hidden), Perceptron(hidden, total)
        self.straight = None if self.sized else nn.Linear(latent_dim, total, bias=False)
        self.of_size = nn.Linear(hidden, 1) if self.sized else None
        if self.of_size is not None:  # at the beginning everything is of the reference size
            nn.init.zeros_(self.of_size.weight)
            nn.init.zeros_(self.of_size.bias)

    def observe(self, values: Tensor | SparseRows, present: Tensor | None = None) -> None:
        """See `Statistics.observe`."""
        self.statistics.observe(values, present)

    def positions(self) -> list[tuple[str, Positions]]:
        """The cells of each type of column."""
        return [(kind, cast(Positions, part)) for kind, part in self.parts.items()]

    def forward(self, z: Tensor) -> Tensor:
        features, held = self.net.features(self.first(z)), self.statistics
        out = self.net.output(features)
        if self.straight is not None:
            out = torch.addmm(out, z.to(out.dtype), self.straight.weight.to(out.dtype).T)
        out = out.float()
        result = out
        for kind, part in self.positions():
            some, bias = part.of(out), part.of(held.bias)
            if kind == "number":
                means = torch.addcmul(bias, part.of(held.scale), some)
            elif kind == "binary":
                centre = torch.atanh(bias.clamp(1 - LOG_ODDS, LOG_ODDS - 1) / LOG_ODDS)
                means = (LOG_ODDS * torch.tanh(centre + some / LOG_ODDS)).sigmoid()
            else:
                logits = LOGARITHM * torch.tanh(some / LOGARITHM)
                if kind == "count" and self.sized:  # shares of the whole
                    means = bias.exp().sum() * (bias + logits).softmax(1)
                    if self.of_size is not None:
                        means = means * (LOGARITHM * torch.tanh(self.of_size(features).float() / LOGARITHM)).exp()
                elif kind == "count":
                    means = (bias + logits).exp()
                else:
                    assert self.groups is not None
                    means = self.groups.softmax(bias + logits)
            result = part.put(means, result)
        return result

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        """Weights without `of_size` are of a model that says nothing of sizes."""
        if f"{prefix}of_size.weight" not in state_dict:
            self.of_size = None
        super()._load_from_state_dict(state_dict, prefix, *rest)


class Groups(nn.Module):
    """Cells of several categories side by side.

    Parameters
    ----------
    column : Tensor
        (n,) int64: which column each cell belongs to, in order.
    """

    group: Tensor

    def __init__(self, column: Tensor) -> None:
        super().__init__()
        _, group, counts = torch.unique_consecutive(column, return_inverse=True, return_counts=True)
        self.register_buffer("group", group, persistent=False)
        self.number, self.alike = len(counts), len(counts.unique()) == 1

    def softmax(self, logits: Tensor) -> Tensor:
        """(B, n) -> (B, n), within each group."""
        if self.alike:
            return logits.unflatten(1, (self.number, -1)).softmax(2).flatten(1)
        largest = logits.detach().amax(1, keepdim=True)
        shares = (logits - largest).clamp_min(-80.0).exp()
        sums = shares.new_zeros(shares.shape[0], self.number).index_add(1, self.group, shares)
        return shares / sums.index_select(1, self.group)


for _kind in OF_COLUMNS:
    NETWORKS.register(_kind)(NetworkPair(functools.partial(TableEncoder, kind=_kind),
                                         functools.partial(TableDecoder, kind=_kind), of_columns=True))
