"""Inventions of the model's own sampler: do their views agree, and is every class invented?"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bvae.metrics.base import JUDGES, LABELS, METRICS, EvaluationData, needs, summary
from bvae.models.latents import PRIOR
from bvae.models.vae import MultimodalVAE


@METRICS.register("inventions")
@needs(LABELS, JUDGES)
def inventions(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Joint coherence where z is drawn by the model's sampler, and how evenly the classes are invented.

    The same count over z from the bare prior is `bvae.metrics.coherence.joint_coherence`. As many samples as test
    items.

    Returns
    -------
    dict
        "joint_coherence_fitted", "class_evenness", "class_evenness_fitted": {"mean", "se"}, the second one of the
        prior; nothing if fewer than two modalities have a judge, and of the sampler nothing if the model has none.
    """
    targets = [name for name in model.modalities if name in data.judges]
    if len(targets) < 2:
        return {}
    out: dict[str, Any] = {}
    for sampler, ending in ((PRIOR, ""), (None, "_fitted")):
        if sampler is None and model.sampler is None:
            continue
        judged = data.judges.probabilities(model.sample(len(data.test), sampler, generator, targets))
        votes = torch.stack([p.argmax(-1) for p in judged.values()])  # (M, N)
        agree = (votes == votes[0]).all(0)
        if ending:
            out[f"joint_coherence{ending}"] = summary(agree)
        classes = next(iter(judged.values())).shape[-1]
        out[f"class_evenness{ending}"] = evenness(votes[0][agree], classes)
    return out


def evenness(classes: Tensor, count: int) -> dict[str, float]:
    """Entropy of the shares of `count` classes over that of equal shares: (N,) int64 -> {"mean", "se"}.

    1: each is as frequent as any other; 0: there is only one, or N = 0. The standard error is that of the plug-in
    estimate.
    """
    n = len(classes)
    if not n:
        return {"mean": 0.0, "se": 0.0}
    share = torch.bincount(classes, minlength=count).double() / n
    logs = torch.where(share > 0, share, 1.0).log()
    entropy = -(share * logs).sum()
    spread = ((share * logs.square()).sum() - entropy.square()).clamp_min(0).sqrt()
    scale = math.log(count)
    return {"mean": round(float(entropy) / scale, 6), "se": round(float(spread) / n**0.5 / scale, 6)}
