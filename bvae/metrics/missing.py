"""What a model still knows when modalities are missing at random, other ones for every item."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bvae.metrics.base import LABELS, METRICS, EvaluationData, all_experts, needs, shared_means, summary
from bvae.metrics.latent_accuracy import fitted
from bvae.models.vae import MultimodalVAE

PERCENT = (0, 20, 50)
"""Shares of the test items' modalities that are missing."""


@METRICS.register("missing")
@needs(LABELS)
def missing_modalities(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Latent accuracy and coherence with a share of the modalities missing completely at random, never all of an item.

    Every item is seen through what it has left: q(z | its observed modalities), one z an item for generations. The
    holes of 20 percent are among those of 50 percent, so that the curve is no accident of the draw. Latent accuracy is
    that of one logistic regression, fitted on the shared training means of q(z | all modalities). Coherence is the
    share of the generations of an item's missing modalities that the judges assign to the item's class; an item with
    nothing missing has none and is left out. What an item lacks from the start is missing in addition to the share.

    Returns
    -------
    dict
        "latent_accuracy_missing": percent missing ("0", "20", "50") -> {"mean", "se"} over items;
        "coherence_missing": the same from "20" on, where there are judges.

    See Also
    --------
    bvae.data.MultimodalDataset.observed : Draws the holes.
    """
    names, experts = list(model.modalities), all_experts(model, data.test)
    seed = int(torch.randint(2**31, (), generator=generator))
    everyone = shared_means(model, all_experts(model, data.train), tuple(range(len(names))))
    if len(data.train.y.unique()) < 2:
        return {}
    probe = fitted(everyone, data.train.y)
    accuracy, coherence = {}, {}
    for percent in PERCENT:
        observed = data.test.observed(percent / 100, seed)  # (M, N)
        seen = experts._replace(present=experts.present & observed)
        q = model.aggregate(seen, model.aggregator.conditional())
        predicted = torch.from_numpy(probe.predict(model.shared(q).mean.numpy()))
        accuracy[str(percent)] = summary(predicted == data.test.y)
        judged = torch.tensor([name in data.judges for name in names])
        missing = ~observed & judged.unsqueeze(1)
        if percent and bool(missing.any()):
            z = model.complete(q.rsample(generator=generator), seen, generator=generator)  # (N, L)
            coherence[str(percent)] = summary(right_of_missing(model, data, z, missing))
    return {"latent_accuracy_missing": accuracy, **({"coherence_missing": coherence} if coherence else {})}


def right_of_missing(model: MultimodalVAE, data: EvaluationData, z: Tensor, missing: Tensor) -> Tensor:
    """Share of an item's missing modalities whose generation shows the right class.

    Parameters
    ----------
    z : Tensor
        (N, D), one sample an item.
    missing : Tensor
        (M, N) bool.

    Returns
    -------
    Tensor
        (n,) of the n items that miss something, in [0, 1].
    """
    right = torch.zeros(missing.shape, dtype=torch.float64)
    for m, name in enumerate(model.modalities):
        if missing[m].any():
            judged = data.judges.probabilities(model.decode(z[missing[m]], [name]))[name]
            right[m, missing[m]] = (judged.argmax(-1) == data.test.y[missing[m]]).double()
    count = missing.sum(0)
    return right.sum(0)[count > 0] / count[count > 0]
