"""What an item's missing views and cells probably hold: means, standard deviations and draws, in the data's units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from bvae.aggregators import Aggregator
from bvae.models.calibration import Calibration, seen
from bvae.models.inputs import taken
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
    aggregator: Aggregator | None = None, calibrated: bool = True,
) -> dict[str, Imputed]:
    """Fill the missing views, and the gaps in tables, of some items.

    E[x | x_S] and its variance are those of z ~ q(z | x_S) drawn `num_draws` times: the variance is the mean of the
    likelihood's variances plus the variance of its means. The draws' chance is the same for every item, so that what is
    said of one does not depend on the others. Real numbers then keep their mean, and their spread is multiplied by what
    made intervals hold on items whose values are known, where the model has such a calibration.

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
    calibrated : bool
        Whether spreads are calibrated, see `Calibration`; False: as the model itself has them. Those of another rule
        than its own never are.

    Raises
    ------
    ValueError
        See `MultimodalVAE.experts`; and for numbers of draws that cannot be.
    """
    if num_draws < 2 or not 0 <= num_samples <= num_draws:
        raise ValueError(f"num_draws, num_samples: expected at least 2, and from 0 to as many, got {num_draws}, "
                         f"{num_samples}")
    names = list(model.modalities if targets is None else targets)
    x, present, count = taken(x, present, model.modalities, cells=True)
    widest = max(torch.Size(model.modalities[n].shape).numel() for n in names)
    step = max(1, AT_ONCE // (widest * num_draws))
    generator = generator or torch.Generator().manual_seed(int(torch.randint(2**62, ())))
    chance = generator.get_state()
    out = {name: _as_given(model, name, x.get(name), present, count, num_samples) for name in names}
    own = aggregator is None or aggregator == model.aggregator
    calibration = model.calibration if calibrated and own else None
    asked = torch.stack([found.missing.flatten(1).any(1) for found in out.values()]).any(0).nonzero()[:, 0]
    for index in asked.split(step) if len(asked) else ():
        generator.set_state(chance)
        there = None if present is None else present[:, index]
        pieces = _impute(model, {k: v[index] for k, v in x.items()}, there, num_draws, num_samples, generator, {
            name: found.missing[index] for name, found in out.items()}, aggregator, calibration)
        for name, piece in pieces.items():
            for k, values in enumerate(piece):
                at = (slice(None), index) if k == 2 else index
                out[name][k][at] = torch.where(out[name].missing[index], values, out[name][k][at])
    return out


def common_draws(
    model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor | None, num_draws: int, generator: torch.Generator,
    aggregator: Aggregator | None = None,
) -> Tensor:
    """Draws of q(z | x), (S, B, L), with the same chance for every item, see `Posterior.common`."""
    experts = model.experts(x, present)
    q = model.aggregate(experts, (aggregator or model.aggregator).conditional())
    return model.complete(q.common(num_draws, generator), experts, None, generator, common=True)


def _as_given(
    model: MultimodalVAE, name: str, given: Tensor | None, present: Tensor | None, count: int, num_samples: int
) -> Imputed:
    """What was observed of a modality, and which cells are to be filled."""
    shape = (count, *model.modalities[name].shape)
    missing = torch.ones(shape, dtype=torch.bool)
    mean = torch.zeros(shape)
    if given is not None:
        there = torch.ones(count, dtype=torch.bool) if present is None else present[list(model.modalities).index(name)]
        missing = given.isnan() | ~there.view(-1, *[1] * (given.ndim - 1))
        mean = torch.where(missing, 0.0, given)
    return Imputed(mean, torch.zeros(shape), mean.expand(num_samples, *shape).clone(), missing)


def _impute(
    model: MultimodalVAE, x: Mapping[str, Tensor], present: Tensor | None, num_draws: int, num_samples: int,
    generator: torch.Generator, missing: Mapping[str, Tensor], aggregator: Aggregator | None,
    calibration: Calibration | None,
) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """Means, standard deviations and draws of some items, for the modalities of which something is missing."""
    z = common_draws(model, x, present, num_draws, generator, aggregator)
    wanted = [name for name, gaps in missing.items() if bool(gaps.any())]
    names = list(model.modalities)
    shown = seen(x, present, names, z.shape[1])
    out = {}
    for name, means in model.decode(z, wanted).items():
        likelihood, given = model.likelihood(name), x.get(name)
        known = torch.full(means.shape[1:], torch.nan) if given is None else given.masked_fill(missing[name], torch.nan)
        means = likelihood.at_size_of(known, means, generator)
        flat = means.flatten(0, 1)
        variance = likelihood.variance(flat).unflatten(0, means.shape[:2]).mean(0) + means.var(0, correction=0)
        draws = likelihood.sample(flat[: num_samples * means.shape[1]], generator).unflatten(
            0, (num_samples, -1)) if num_samples else means[:0]
        mean, scale, there = means.mean(0), variance.sqrt(), shown[names.index(name)]
        factor = None if calibration is None else calibration.of(name, shown.sum(0) - there.long(), there)
        if factor is not None:
            scale, draws = scale * factor, torch.where(factor == 1, draws, mean + factor * (draws - mean))
        out[name] = mean, scale, draws
    return out
