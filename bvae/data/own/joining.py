"""Views of items joined by their ids: nothing is dropped silently, and ids that match nowhere are said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bvae.data.base import DataError, Modality
from bvae.data.sparse import SparseRows, Values


@dataclass(frozen=True)
class View:
    """One modality before it is joined.

    Attributes
    ----------
    modality : Modality
    ids : list of str
    values : Tensor or SparseRows
        (N, ...), NaN for gaps.
    where : str
        The file or folder that it comes from.
    """

    modality: Modality
    ids: list[str]
    values: Tensor | SparseRows
    where: str


class Joined(NamedTuple):
    """Items with all their views.

    Attributes
    ----------
    ids : list of str
        In the order in which they are first met.
    values : dict of str to Tensor or SparseRows
        (N, ...), NaN where a view or a cell is missing.
    mask : ndarray
        (M, N) bool.
    notes : list of str
    """

    ids: list[str]
    values: dict[str, Any]
    mask: np.ndarray
    notes: list[str]


def joined(views: Sequence[View]) -> Joined:
    """Items by id; those that have gaps only, in every view, are left out, and said."""
    order = list(dict.fromkeys(i for v in views for i in v.ids))
    places = {i: k for k, i in enumerate(order)}
    values: dict[str, Any] = {}
    mask = np.zeros((len(views), len(order)), dtype=bool)
    for m, view in enumerate(views):
        index = torch.tensor([places[i] for i in view.ids], dtype=torch.int64)
        if isinstance(view.values, SparseRows):
            held = view.values.spread(index.numpy(), len(order))
            values[view.modality.name], mask[m] = held, ~held.empty().numpy()
            continue
        whole = torch.full((len(order), *view.values.shape[1:]), torch.nan)
        whole[index] = view.values.float()
        values[view.modality.name] = whole
        mask[m] = ~whole.flatten(1).isnan().all(1).numpy()
    seen = mask.any(0)
    if seen.all():
        return Joined(order, values, mask, [])
    keep = torch.from_numpy(np.flatnonzero(seen))
    note = (f"{int((~seen).sum()):,} items have gaps only, in every view, and are left out, such as "
            f"{order[int((~seen).argmax())]!r}")
    return Joined([order[k] for k in keep.tolist()], Values(values).rows(keep).held, mask[:, seen], [note])


def check_matches(views: Sequence[View]) -> list[str]:
    """Sentences about views whose ids match those of no other one.

    Raises DataError if no item has two views: then there is nothing that the views could be learned to have in common.
    """
    if len(views) < 2:
        return []
    ids = [set(v.ids) for v in views]
    alone = [not any(a & b for j, b in enumerate(ids) if j != k) for k, a in enumerate(ids)]
    if all(alone):
        shown = "; ".join(f"{v.where} has ids such as {', '.join(map(repr, v.ids[:2]))}" for v in views[:4])
        raise DataError(f"expected ids that stand in more than one file, got none that does: {shown}; write them in "
                        "the same way, or name another id column with id = \"...\"")
    return [f"no id of {v.where} stands in another file: its items, such as {v.ids[0]!r}, have {v.modality.name!r} only"
            for v, lonely in zip(views, alone, strict=True) if lonely and v.ids]
