"""Average precision of scores, over resamples of the items too."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

NUM_RESAMPLES = 200


def average_precision(scores: Tensor, truth: Tensor, counts: Tensor | None = None) -> Tensor:
    """sum_t (R_t - R_(t-1)) P_t, with recall R and precision P at every distinct score t, from the highest down.

    Parameters
    ----------
    scores : Tensor
        (N,): the higher, the surer.
    truth : Tensor
        (N,) bool.
    counts : Tensor, optional
        (R, N) how often each item is in each resample; by default all items once.

    Returns
    -------
    Tensor
        (R,), or a scalar without `counts`; NaN where no item of a resample is positive.
    """
    weights = torch.ones(1, len(scores)) if counts is None else counts
    ranked, order = scores.sort(descending=True)
    ends = torch.cat([ranked[1:] != ranked[:-1], torch.ones(1, dtype=torch.bool)]).nonzero().squeeze(1)  # of ties
    weights = weights[:, order].double()
    hits = (weights * truth[order]).cumsum(1)[:, ends]
    precision = hits / weights.cumsum(1)[:, ends].clamp_min(1e-12)  # 0 where a resample lacks the first items
    steps = hits.diff(dim=1, prepend=torch.zeros(len(weights), 1, dtype=torch.float64))
    value = (steps * precision).sum(1) / hits[:, -1]
    return value[0] if counts is None else value


def mean_average_precision(
    scores: Sequence[Tensor], truth: Tensor, generator: torch.Generator, num_resamples: int = NUM_RESAMPLES,
    there: Sequence[Tensor] | None = None,
) -> dict[str, float]:
    """Mean of :func:`average_precision` over several sets of scores and over the attributes, with a bootstrap error.

    Parameters
    ----------
    scores : sequence of Tensor
        (N, A) each.
    truth : Tensor
        (N, A) bool. Attributes that hold of all items or of none are left out.
    generator : torch.Generator
        Draws the resamples of the items.
    num_resamples : int
    there : sequence of Tensor, optional
        (N,) bool each: which items a set of scores is about; all by default.

    Returns
    -------
    dict
        "mean", and "se": the standard deviation of the mean over resamples of the items, the same ones for all
        attributes and all sets of scores. Empty if no attribute holds of some items and not of others.
    """
    n = len(truth)
    drawn = torch.randint(n, (num_resamples, n), generator=generator)
    counts = torch.zeros(num_resamples, n).scatter_add_(1, drawn, torch.ones(1).expand_as(drawn))
    counts = torch.cat([torch.ones(1, n), counts])
    parts = []
    for k, s in enumerate(scores):
        rows = torch.ones(n, dtype=torch.bool) if there is None else there[k]
        held = truth[rows]
        parts += [average_precision(s[rows, a], held[:, a], counts[:, rows]) for a in range(truth.shape[1])
                  if 0 < int(held[:, a].sum()) < len(held)]
    if not parts:
        return {}
    mean = torch.stack(parts).nanmean(0)  # (1 + R,)
    return {"mean": round(mean[0].item(), 6), "se": round(mean[1:].std().item(), 6)}
