"""What an item's missing views and cells probably hold: means, standard deviations and draws, in the data's units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from bvae.aggregators import Aggregator
from bvae.models.vae import MultimodalVAE

AT_ONCE = 4_000_000
"""Numbers that are decoded together: more items are done piece by piece."""


class Imputed(NamedTuple):
    """One modality of some items, its gaps filled.

    Attributes
    ----------
    mean : Tensor
        (N, ...): what was observed where it was, else the mean of p(x | what was observed).
    scale : Tensor
        (N, ...): its standard deviation, 0 where the cell was observed. Of both sources: what the latent vector may be,
        and what the likelihood adds.
    samples : Tensor
        (S, N, ...): draws of whole items, what was observed where it was; S may be 0.
    missing : Tensor
        (N, ...) bool: what was imputed.
    """

    mean: Tensor
    scale: Tensor
    samples: Tensor
    missing: Tensor


@torch.no_grad()
def impute(
    model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor | None = None, num_draws: int = 64,
    num_samples: int = 0, generator: torch.Generator | None = None, targets: Iterable[str] | None = None,
    aggregator: Aggregator | None = None,
) -> dict[str, Imputed]:
    """Fill the missing views, and the gaps in tables, of some items.

    E[x | x_S] and its variance are those of z ~ q(z | x_S) drawn `num_draws` times: the variance is the mean of the
    likelihood's variances plus the variance of its means. The draws' chance is the same for every item, so that what is
    said of one does not depend on the others.

    Parameters
    ----------
    model : MultimodalVAE
    x, present
        See `MultimodalVAE.experts`: NaN in a table is a gap.
    num_draws : int
        Of z, at least 2.
    num_samples : int
        How many of them become draws of x, too: at most `num_draws`.
    generator : torch.Generator, optional
    targets : iterable of str, optional
        Modalities to fill; all by default.
    aggregator : Aggregator, optional
        The rule by which the views' beliefs become one; the model's own by default.

    Raises
    ------
    ValueError
        See `MultimodalVAE.experts`; and for numbers of draws that cannot be.
    """
    if num_draws < 2 or not 0 <= num_samples <= num_draws:
        raise ValueError(f"num_draws, num_samples: expected at least 2, and from 0 to as many, got {num_draws}, "
                         f"{num_samples}")
    names = list(model.modalities if targets is None else targets)
    count = len(next(iter(x.values()))) if present is None else present.shape[1]
    widest = max(torch.Size(model.modalities[n].shape).numel() for n in names)
    step = max(1, AT_ONCE // (widest * num_draws))
    generator = generator or torch.Generator().manual_seed(torch.seed() % 2**63)
    chance = generator.get_state()
    pieces = []
    for a in range(0, max(1, count), step):
        generator.set_state(chance)
        pieces.append(_impute(model, {k: v[a : a + step] for k, v in x.items()}, None if present is None else present[
            :, a : a + step], num_draws, num_samples, generator, names, aggregator))
    return {name: Imputed(*(torch.cat([p[name][k] for p in pieces], 1 if k == 2 else 0) for k in range(4)))
            for name in names}


def _impute(
    model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor | None, num_draws: int, num_samples: int,
    generator: torch.Generator | None, names: list[str], aggregator: Aggregator | None,
) -> dict[str, Imputed]:
    q = model.encode(x, (aggregator or model.aggregator).conditional(), present=present)
    z = q.common(num_draws, generator)  # (S, B, L)
    decoded = model.decode(z, names)
    out = {}
    for name, means in decoded.items():
        likelihood = model.likelihood(name)
        given = x.get(name)
        missing = torch.ones(means.shape[1:], dtype=torch.bool)
        if given is not None:
            m = list(model.modalities).index(name)
            there = torch.ones(len(given), dtype=torch.bool) if present is None else present[m]
            missing = given.isnan() | ~there.view(-1, *[1] * (given.ndim - 1))
            means = likelihood.at_size_of(torch.where(missing, torch.nan, given), means)
        flat = means.flatten(0, 1)
        variance = likelihood.variance(flat).unflatten(0, means.shape[:2]).mean(0) + means.var(0, correction=0)
        draws = likelihood.sample(flat[: num_samples * means.shape[1]], generator).unflatten(
            0, (num_samples, -1)) if num_samples else means[:0]
        mean, scale = means.mean(0), variance.sqrt()
        if given is not None:
            mean = torch.where(missing, mean, given)
            scale = torch.where(missing, scale, 0.0)
            draws = torch.where(missing, draws, given)
        out[name] = Imputed(mean, scale, draws, missing)
    return out
