"""Coherence: do generations show the class that they should?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.metrics.base import (
    JUDGES,
    LABELS,
    METRICS,
    EvaluationData,
    all_experts,
    all_subsets,
    by_number_of_views,
    drawn_of,
    has_all,
    mask_of,
    needs,
    summary,
)
from bvae.models.vae import MultimodalVAE


@METRICS.register("coherence")
@needs(LABELS, JUDGES)
def conditional_coherence(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Share of cross-modal generations that the target's classifier assigns to the class of the source.

    z ~ q(z | x_S), one sample an item; the modalities *not* in S that have a judge are decoded and classified by
    classifiers of real images; averaged over the targets, then over the subsets of each size. An item that lacks a
    modality of S is left out there.

    Returns
    -------
    dict
        "coherence": number of observed views (1 to M - 1) -> {"mean", "se"}.

    References
    ----------
    Shi et al., NeurIPS 2019; Sutter et al., ICLR 2021.
    """
    experts, names = all_experts(model, data.test), list(model.modalities)
    subsets = [s for s in all_subsets(len(names))[:-1]
               if any(name in data.judges for m, name in enumerate(names) if m not in s)]
    hits = {members: coherent(model, experts, members, data, data.test.y, generator) for members in subsets}
    there = {members: has_all(experts.present, members) for members in subsets}
    whole = mask_of(data.test) is None
    return {"coherence": by_number_of_views(hits, None if whole else there)} if hits else {}


def coherent(
    model: MultimodalVAE, experts: UnimodalPosteriors, members: tuple[int, ...], data: EvaluationData, y: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Share of the generations from one subset of views that are of the items' classes: (N,), for classes y (N,)."""
    z = drawn_of(model, experts, members, generator)
    targets = [name for m, name in enumerate(model.modalities) if m not in members and name in data.judges]
    judged = data.judges.probabilities(model.decode(z, targets))
    return torch.stack([p.argmax(-1) == y for p in judged.values()]).double().mean(0)


@METRICS.register("joint_coherence")
@needs(LABELS, JUDGES)
def joint_coherence(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Share of samples z ~ p(z) on which the classifiers of all modalities agree; as many samples as test items.

    Returns
    -------
    dict
        "joint_coherence": {"mean", "se"}; nothing if fewer than two modalities have a judge.

    References
    ----------
    Shi et al., NeurIPS 2019.
    """
    targets = [name for name in model.modalities if name in data.judges]
    if len(targets) < 2:
        return {}
    z = torch.randn(len(data.test), model.latent_dim, generator=generator)
    judged = data.judges.probabilities(model.decode(z, targets))
    votes = torch.stack([p.argmax(-1) for p in judged.values()])  # (M, N)
    return {"joint_coherence": summary((votes == votes[0]).all(0))}
