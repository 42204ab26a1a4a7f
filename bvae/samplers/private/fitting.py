"""Fitting a sampler of private parts to the items of a trained model."""

from __future__ import annotations

import torch
from torch import Tensor

from bvae.data import MultimodalDataset
from bvae.models.vae import MultimodalVAE
from bvae.samplers.private.base import PRIVATE_SAMPLERS, PrivateDraws, PrivateSampler

ITEMS = 4000
BATCH = 500
BEST = "neighbours"


@torch.inference_mode()
def private_draws(
    model: MultimodalVAE, data: MultimodalDataset, items: int = ITEMS, seed: int = 0
) -> dict[str, PrivateDraws]:
    """Of each modality private parts of some items, and the shared parts that other views tell of them.

    For each item that has the view and others, z ~ q(z | x_S) of a random non-empty set S of the others, and w ~
    q(w | x_m), or with a conditional prior q(w | x_m, z). An item that has no other view takes z of this one.

    Parameters
    ----------
    model : MultimodalVAE
    data : MultimodalDataset
        Training items.
    items : int
        At most; spread evenly over the data.
    seed : int

    Returns
    -------
    dict
        Modality -> draws that are numbers; nothing for a model without private latents, and no modality with less
        than two draws.
    """
    if not model.config.private_dim:
        return {}
    some = torch.linspace(0, len(data) - 1, min(len(data), items)).round().long()
    generator = torch.Generator().manual_seed(seed)
    rule = model.aggregator.conditional()
    found: dict[str, list[tuple[Tensor, Tensor, Tensor]]] = {name: [] for name in model.modalities}
    for part in some.split(BATCH):
        experts = model.experts(data.subset(part), None if data.mask is None else data.mask[:, part])
        whole = model.shared(model.aggregate(experts, rule)).mean
        for m, name in enumerate(model.modalities):
            own = model.private_part(m)
            noise = torch.randn(experts.loc[m, :, own].shape, generator=generator)
            seen = others(experts.present, m, generator)
            z = model.shared(model.aggregate(experts._replace(present=seen), rule)).rsample(generator=generator)
            loc, scale = model.carried(m, z, experts)
            w = loc + scale * noise
            there = experts.present[m] & torch.cat([z, w, whole], 1).isfinite().all(1)
            found[name].append((z[there], w[there], whole[there]))
    draws = {name: PrivateDraws(*(torch.cat(v) for v in zip(*parts, strict=True))) for name, parts in found.items()}
    return {name: d for name, d in draws.items() if len(d.z) > 1}


def others(present: Tensor, m: int, generator: torch.Generator) -> Tensor:
    """For each item a random non-empty set of the views that it has beside number m: (M, B) bool.

    All sets are as probable, up to what is drawn for an empty one: a single view. Of an item without another view it
    is all that it has.
    """
    rest = present.clone()
    rest[m] = False
    chosen = rest & (torch.rand(present.shape, generator=generator) < 0.5)
    order = torch.rand(present.shape, generator=generator).masked_fill(~rest, -1.0)
    one = torch.zeros_like(rest).scatter(0, order.argmax(0, keepdim=True), True) & rest
    chosen = torch.where(chosen.any(0), chosen, one)
    return torch.where(chosen.any(0), chosen, present)


def fit_private(
    model: MultimodalVAE, data: MultimodalDataset, name: str = BEST, seed: int = 0, items: int = ITEMS
) -> PrivateSampler:
    """Fit a sampler of private parts; give it to the model with ``model.private_sampler = ...``.

    Parameters
    ----------
    model : MultimodalVAE
        Trained, with private latents, on the CPU.
    data : MultimodalDataset
        The items that it was trained on.
    name : str
        One of :func:`bvae.samplers.private.private_samplers`.
    seed, items
        See :func:`bvae.samplers.fit`.

    Raises
    ------
    UnknownName
        If there is no such sampler.
    ValueError
        If the model has no private latents, or fewer than two items have one of its views.
    """
    sampler, draws = PRIVATE_SAMPLERS[name], private_draws(model, data, items, seed)
    if draws and (lacking := [view for view in model.modalities if view not in draws]):
        raise ValueError(f"private sampler: expected at least two items with each view, got fewer with {lacking}")
    return sampler.fitted(draws, seed)


def best_private(model: MultimodalVAE, data: MultimodalDataset, seed: int = 0) -> PrivateSampler | None:
    """The sampler that a model with private latents is given after its training.

    None for a model without, and where a modality has too few draws: its private parts are drawn from the prior then.
    """
    draws = private_draws(model, data, seed=seed)
    return PRIVATE_SAMPLERS[BEST].fitted(draws, seed) if draws and len(draws) == len(model.modalities) else None
