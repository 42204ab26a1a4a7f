"""Fitting a sampler to where the items of a trained model are."""

from __future__ import annotations

import torch

from bvae.data import MultimodalDataset
from bvae.models.vae import MultimodalVAE
from bvae.samplers.base import SAMPLERS, Draws, Sampler

ITEMS = 4000
BATCH = 500
BEST = "gaussian-mixture"


@torch.inference_mode()
def posterior_draws(model: MultimodalVAE, data: MultimodalDataset, items: int = ITEMS, seed: int = 0) -> Draws:
    """One draw of the joint posterior of each of some items, from all the views that an item has.

    Of a mixture over subsets of views it is the component of that whole subset, see `Aggregator.conditional`.

    Parameters
    ----------
    model : MultimodalVAE
    data : MultimodalDataset
        Training items; items without any view are left out.
    items : int
        At most; spread evenly over the data.
    seed : int
    """
    some = torch.linspace(0, len(data) - 1, min(len(data), items)).round().long()
    if data.mask is not None:
        some = some[data.mask[:, some].any(0)]
    generator = torch.Generator().manual_seed(seed)
    rule = model.aggregator.conditional()
    found = []
    for part in some.split(BATCH):
        x = data.subset(part)
        q = model.encode(x, rule, present=None if data.mask is None else data.mask[:, part])
        found.append(model.shared(q).rsample(generator=generator))
    z = torch.cat(found) if found else torch.zeros(0, model.shared_dim)
    return Draws(z, data.y[some] if data.labelled else None)


def fit(
    model: MultimodalVAE, data: MultimodalDataset, name: str = BEST, seed: int = 0, items: int = ITEMS
) -> Sampler:
    """Fit a sampler to a trained model; give it to the model with ``model.sampler = ...``.

    Parameters
    ----------
    model : MultimodalVAE
        Trained, on the CPU.
    data : MultimodalDataset
        The items that it was trained on.
    name : str
        One of :func:`bvae.samplers.samplers`.
    seed : int
        Of the draws and of the fit: the same seed gives the same sampler.
    items : int
        At most so many of the items, spread evenly over them.

    Raises
    ------
    UnknownName
        If there is no such sampler.
    ValueError
        If there are too few items, or none with a class where the sampler needs classes.

    Examples
    --------
    >>> import bvae.samplers
    >>> model, data = bvae.load("polymnist", "mwb-vae"), bvae.dataset("polymnist", split="train")
    >>> model.sampler = bvae.samplers.fit(model, data)  # doctest: +SKIP
    >>> model.sample(8)["m0"].shape
    torch.Size([8, 3, 28, 28])
    """
    kind = SAMPLERS[name]
    return kind.fitted(posterior_draws(model, data, items, seed), seed)


def best(draws: Draws, seed: int = 0) -> Sampler:
    """The sampler that a model is given after its training; the prior where there are too few draws to fit one.

    Draws that are no numbers, of a model that diverged for some items, are left out.
    """
    finite = draws.z.isfinite().all(1)
    kept = Draws(draws.z[finite], None if draws.y is None else draws.y[finite])
    return SAMPLERS[BEST if len(kept.z) > 1 else "prior"].fitted(kept, seed)
