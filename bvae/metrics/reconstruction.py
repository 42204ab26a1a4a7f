"""How well all modalities together give each of them back."""

from __future__ import annotations

from typing import Any

import torch

from bvae.metrics.base import METRICS, EvaluationData, all_experts, posterior_of, summary
from bvae.models.vae import MultimodalVAE


@METRICS.register("reconstruction")
def reconstruction(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Error of each modality decoded from the mean of q(z | all modalities).

    Texts: share of wrong characters. Images and others: root of the mean squared error of an item's numbers (of pixels
    in [0, 1]). Tables: the same over the cells that an item has, each in standard deviations of its column in the
    training split (1 is what the mean gives), probabilities as they are. Of the items that have the modality.

    Returns
    -------
    dict
        "reconstruction_error": name of the modality -> {"mean", "se"}.
    """
    experts = all_experts(model, data.test)
    z = model.complete(posterior_of(model, experts, tuple(range(len(model.modalities)))).mean, experts, "zero")
    out = {}
    for m, (name, modality) in enumerate(model.modalities.items()):
        decoded = torch.cat([model.decode(part, [name])[name] for part in z.split(500)])
        x = data.test.x[name]
        if modality.kind == "text":
            error = (decoded.argmax(-1) != x.argmax(-1)).double().mean(1)
        else:
            error = ((decoded - x) / model.likelihood(name).error_scale()).square().flatten(1).nanmean(1).sqrt()
        if bool(experts.present[m].any()):
            out[name] = summary(error[experts.present[m]])
    return {"reconstruction_error": out}
