"""Average precision of attributes: can they be read in the latent space, and do generations show them?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bvae.metrics.average_precision import mean_average_precision
from bvae.metrics.base import (
    ATTRIBUTES,
    JUDGES,
    METRICS,
    EvaluationData,
    all_experts,
    all_subsets,
    drawn_of,
    has_all,
    needs,
    shared_means,
)
from bvae.models.vae import MultimodalVAE


@METRICS.register("latent_average_precision")
@needs(ATTRIBUTES)
def latent_average_precision(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Average precision of logistic regressions on the shared means of q(z | x_S), one for each attribute and subset S.

    Fitted on the training split; on the test split their scores are ranked, not their decisions (as in some published
    code, which gives other numbers). Mean over the attributes and the subsets of a size. A latent space that knows
    nothing has the mean frequency of the attributes.

    Returns
    -------
    dict
        "latent_average_precision": number of observed views -> {"mean", "se"}; nothing for data without attributes.
    """
    from sklearn.linear_model import LogisticRegression  # here: the app imports the metrics but does not fit any
    from sklearn.preprocessing import StandardScaler

    fit_on, score_on = all_experts(model, data.train), all_experts(model, data.test)
    train, test = data.train.attributes, data.test.attributes
    assert train is not None  # it is left out for data without
    assert test is not None
    by_size: dict[int, list[tuple[Tensor, Tensor]]] = {}
    for members in all_subsets(len(model.modalities)):
        chosen = has_all(fit_on.present, members)
        if not bool(chosen.any()):
            continue
        scale = StandardScaler()
        means = scale.fit_transform(shared_means(model, fit_on, members)[chosen].double().numpy())
        unseen = scale.transform(shared_means(model, score_on, members).double().numpy())
        columns = [
            torch.from_numpy(LogisticRegression(max_iter=200, tol=1e-3).fit(means, y).decision_function(unseen))
            if 0 < y.sum() < len(y) else torch.zeros(len(test), dtype=torch.float64) for y in train[chosen].numpy().T]
        by_size.setdefault(len(members), []).append((torch.stack(columns, 1), has_all(score_on.present, members)))
    return over_sizes("latent_average_precision", by_size, test, generator)


@METRICS.register("attribute_coherence")
@needs(ATTRIBUTES, JUDGES)
def attribute_coherence(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Average precision with which the judges find an item's attributes in what was generated for it.

    z ~ q(z | x_S), one sample an item; the modalities *not* in S are decoded and judged as in `coherence`; mean over
    the attributes, the targets and the subsets of a size. Chance is the mean frequency of the attributes.

    Returns
    -------
    dict
        "attribute_coherence": number of observed views (1 to M - 1) -> {"mean", "se"}; nothing for data without
        attributes, or with other attributes than the judges were trained on.
    """
    truth = data.test.attributes
    assert truth is not None  # it is left out for data without
    names, experts = list(model.modalities), all_experts(model, data.test)
    by_size: dict[int, list[tuple[Tensor, Tensor]]] = {}
    for members in all_subsets(len(names))[:-1]:
        z = drawn_of(model, experts, members, generator)
        for name in (name for m, name in enumerate(names) if m not in members and name in data.judges):
            parts = [data.judges.attribute_scores(model.decode(part, [name]))[name] for part in z.split(500)]
            by_size.setdefault(len(members), []).append((torch.cat(parts), has_all(experts.present, members)))
    if any(s.shape != truth.shape for scores in by_size.values() for s, _ in scores):
        return {}
    return over_sizes("attribute_coherence", by_size, truth, generator)


def over_sizes(
    metric: str, by_size: dict[int, list[tuple[Tensor, Tensor]]], truth: Tensor, generator: torch.Generator
) -> dict[str, Any]:
    """:func:`mean_average_precision` for each number of views; nothing where no attribute can be told apart.

    Parameters
    ----------
    by_size : dict
        Number of views -> (N, A) scores, and (N,) bool: whether an item has these views at all.
    """
    out = {}
    for n, pairs in by_size.items():
        scores, there = zip(*pairs, strict=True)
        if figure := mean_average_precision(scores, truth, generator, there=there):
            out[str(n)] = figure
    return {metric: out} if out else {}
