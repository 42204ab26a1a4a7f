"""Coherence by judges that have never seen a blurred picture."""

from __future__ import annotations

from typing import Any

import torch

from bvae.metrics.base import LABELS, METRICS, SHARP_JUDGES, EvaluationData, needs, summary
from bvae.metrics.conditional_samples import generated
from bvae.models.vae import MultimodalVAE


@METRICS.register("sharp_coherence")
@needs(LABELS, SHARP_JUDGES)
def sharp_coherence(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Coherence of translations, and joint coherence of inventions, by sharp judges.

    The judges of `bvae.metrics.coherence` have learned to read real pictures that were blurred and faded, see
    `bvae.metrics.classifiers.soften`; these have not, and read a soft digit as noise. Translations are those of
    `bvae.metrics.conditional_samples`: up to 200 items for each number of observed views and each target, the subsets
    take turns. Standard errors take them for independent, though the same items stand behind all targets.

    Returns
    -------
    dict
        "coherence_sharp": number of observed views -> {"mean", "se"}; "joint_coherence_fitted_sharp": {"mean", "se"},
        if the model has a sampler.
    """
    targets = [name for name in model.modalities if name in data.sharp_judges]
    found: dict[str, dict[str, float]] = {}
    for n in range(1, len(model.modalities)):
        shares = []
        for name in targets:
            items, values = generated(model, data, name, n, generator)
            if len(items) > 1:
                seen = data.sharp_judges.probabilities({name: values})[name].argmax(-1)
                shares.append((seen == data.test.y[items]).double())
        if shares:
            spread = sum(float(s.var()) / len(s) for s in shares) ** 0.5 / len(shares)
            found[str(n)] = {"mean": round(sum(float(s.mean()) for s in shares) / len(shares), 6),
                             "se": round(spread, 6)}
    out: dict[str, Any] = {"coherence_sharp": found} if found else {}
    if model.sampler is not None and len(targets) > 1:
        judged = data.sharp_judges.probabilities(model.sample(len(data.test), None, generator, targets))
        votes = torch.stack([p.argmax(-1) for p in judged.values()])  # (M, N)
        out["joint_coherence_fitted_sharp"] = summary((votes == votes[0]).all(0))
    return out
