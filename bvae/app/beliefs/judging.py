"""What contenders generate, and what classifiers of real data see in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bvae.app.beliefs.item_beliefs import ItemBeliefs, draw
from bvae.app.templates import Markup, render
from bvae.metrics.classifiers import Classifiers
from bvae.models.vae import MultimodalVAE


@torch.inference_mode()
def imagined(
    columns: Sequence[tuple[MultimodalVAE, ItemBeliefs]], num_samples: int, seed: int, judges: Classifiers | None
) -> list[tuple[dict[str, Tensor], dict[str, Tensor]]]:
    """What each contender generates and what the judges see in it, those of one model decoded together.

    Returns
    -------
    list of tuple of dict
        For each column view -> (S, ...), and see :func:`verdicts`.
    """
    found: list = [None] * len(columns)
    z = [draw(now, num_samples, seed).z for _, now in columns]
    for model in {id(model): model for model, _ in columns}.values():
        own = [i for i, (other, _) in enumerate(columns) if other is model]
        values = model.decode(torch.cat([z[i] for i in own]))
        seen = verdicts(judges, values)
        for place, i in enumerate(own):
            part = slice(place * num_samples, (place + 1) * num_samples)
            found[i] = tuple({view: of[part] for view, of in both.items()} for both in (values, seen))
    return found


def verdicts(judges: Classifiers | None, generated: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Class probabilities of generated images: name -> (S, num_classes); empty without judges."""
    return judges.probabilities(dict(generated)) if judges is not None else {}


def captions(p: Tensor, class_names: Sequence[str]) -> list[Markup]:
    """The most probable class of every image and its probability, as HTML: (S, num_classes) -> S texts."""
    best = p.max(dim=-1)
    return [render("judged", name=class_names[k], p=v)
            for k, v in zip(best.indices.tolist(), best.values.tolist(), strict=True)]
