"""What coherence does not see of translations: do two of them differ, and are they as sharp as real pictures?"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bvae.data import MultimodalDataset
from bvae.metrics.base import (
    METRICS,
    EvaluationData,
    all_experts,
    all_subsets,
    by_number_of_views,
    drawn_of,
    has_all,
    mask_of,
)
from bvae.metrics.samples import real_images
from bvae.models.vae import MultimodalVAE

ITEMS = 200
LAPLACIAN = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])


@METRICS.register("translations")
def translations(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Variety and sharpness of pictures that were generated from other views, over 200 items.

    Two draws z ~ q(z | x_S) of each item; the pictures of the modalities *not* in S are the means of their likelihoods.
    Variety: squared distance of the two pictures over that of two real test pictures of one class of that modality.
    Sharpness: variance of the Laplacian within a picture over its mean over the real test pictures. Averaged over the
    targets, then over the subsets of each size. An item that lacks a modality of S is left out there.

    Returns
    -------
    dict
        "variety" (where the classes are known), "sharpness": number of observed views (1 to M - 1) -> {"mean", "se"};
        nothing if no modality is a picture.
    """
    names = list(model.modalities)
    pictures = [name for name in names if model.modalities[name].kind == "image"]
    subsets = [s for s in all_subsets(len(names))[:-1] if any(names.index(p) not in s for p in pictures)]
    if not subsets:
        return {}
    some = torch.linspace(0, len(data.test) - 1, min(len(data.test), ITEMS)).round().long()
    experts = all_experts(model, data.test)
    experts = type(experts)(*(part[:, some] for part in experts))
    labelled = getattr(data.test, "labelled", True)
    apart = {p: within_class(data.test, p) for p in pictures} if labelled else {}
    sharp = {p: float(laplacian_variance(real_images(data.test, p)).mean()) for p in pictures}
    found: dict[str, dict[tuple[int, ...], Tensor]] = {"variety": {}, "sharpness": {}}
    for members in subsets:
        z = drawn_of(model, experts, members, generator, (2,))  # (2, N, L)
        pairs = model.decode(z, [p for p in pictures if names.index(p) not in members])  # name -> (2, N, ...)
        # A view of which all real pictures are the same, or without any detail, has no scale.
        ratios = {"variety": [(v[0] - v[1]).square().flatten(1).sum(1) / apart[p] for p, v in pairs.items()
                              if apart.get(p)],
                  "sharpness": [laplacian_variance(v[0]) / sharp[p] for p, v in pairs.items() if sharp[p]]}
        for name, values in ratios.items():
            if values:
                found[name][members] = torch.stack(values).mean(0)
    whole = mask_of(data.test) is None
    return {name: by_number_of_views(values, None if whole else {s: has_all(experts.present, s) for s in values})
            for name, values in found.items() if values}


def mean_distance(values: Tensor) -> float:
    """Mean squared distance of two different ones of S pictures: (S, ...), S of at least 2."""
    # That of two of them is twice the variance, summed over the pixels.
    return 2 * float(values.flatten(1).var(0).sum())


def within_class(data: MultimodalDataset, name: str) -> float:
    """Mean squared distance of two different real pictures of one class, each class as often as it has items.

    0 where no class has two pictures.
    """
    mask = mask_of(data)
    y = data.y if mask is None else data.y[mask[list(data.modalities).index(name)]]
    images = real_images(data, name).flatten(1)
    parts = [images[y == k] for k in y.unique()]
    parts = [part for part in parts if len(part) > 1]
    total = sum(len(part) * mean_distance(part) for part in parts)
    return total / max(1, sum(len(part) for part in parts))


def laplacian_variance(images: Tensor) -> Tensor:
    """Variance over the pixels of the Laplacian of a picture's mean channel: (N, C, H, W) -> (N,)."""
    grey = images.mean(1, keepdim=True)
    return F.conv2d(grey, LAPLACIAN.to(grey)[None, None]).flatten(1).var(1)
