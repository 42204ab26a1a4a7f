"""Average precision of attributes: can they be read in the latent space, and do generations show them?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bvae.metrics.base import METRICS, EvaluationData, all_experts, all_subsets, posterior_of
from bvae.model import MultimodalVAE

NUM_RESAMPLES = 200


def average_precision(scores: Tensor, truth: Tensor, counts: Tensor | None = None) -> Tensor:
    """sum_t (R_t - R_(t-1)) P_t, with recall R and precision P at every distinct score t, from the highest down.

    Parameters
    ----------
    scores : Tensor
        (N,): the higher, the surer.
    truth : Tensor
        (N,) bool.
    counts : Tensor, optional
        (R, N) how often each item is in each resample; by default all items once.

    Returns
    -------
    Tensor
        (R,), or a scalar without `counts`; NaN where no item of a resample is positive.
    """
    weights = torch.ones(1, len(scores)) if counts is None else counts
    ranked, order = scores.sort(descending=True)
    ends = torch.cat([ranked[1:] != ranked[:-1], torch.ones(1, dtype=torch.bool)]).nonzero().squeeze(1)  # of ties
    weights = weights[:, order].double()
    hits = (weights * truth[order]).cumsum(1)[:, ends]
    precision = hits / weights.cumsum(1)[:, ends].clamp_min(1e-12)  # 0 where a resample lacks the first items
    steps = hits.diff(dim=1, prepend=torch.zeros(len(weights), 1, dtype=torch.float64))
    value = (steps * precision).sum(1) / hits[:, -1]
    return value[0] if counts is None else value


def mean_average_precision(
    scores: Sequence[Tensor], truth: Tensor, generator: torch.Generator, num_resamples: int = NUM_RESAMPLES
) -> dict[str, float]:
    """Mean of :func:`average_precision` over several sets of scores and over the attributes, with a bootstrap error.

    Parameters
    ----------
    scores : sequence of Tensor
        (N, A) each.
    truth : Tensor
        (N, A) bool. Attributes that hold of all items or of none are left out.
    generator : torch.Generator
        Draws the resamples of the items.
    num_resamples : int

    Returns
    -------
    dict
        "mean", and "se": the standard deviation of the mean over resamples of the items, the same ones for all
        attributes and all sets of scores.
    """
    n = len(truth)
    drawn = torch.randint(n, (num_resamples, n), generator=generator)
    counts = torch.zeros(num_resamples, n).scatter_add_(1, drawn, torch.ones(1).expand_as(drawn))
    counts = torch.cat([torch.ones(1, n), counts])
    known = [a for a in range(truth.shape[1]) if 0 < int(truth[:, a].sum()) < n]
    values = torch.stack([average_precision(s[:, a], truth[:, a], counts) for s in scores for a in known])
    mean = values.nanmean(0)  # (1 + R,)
    return {"mean": round(mean[0].item(), 6), "se": round(mean[1:].std().item(), 6)}


@METRICS.register("latent_average_precision")
def latent_average_precision(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict:
    """Average precision of logistic regressions on the means of q(z | x_S), one for each attribute and each subset S.

    Fitted on the training split; on the test split their scores are ranked, not their decisions (as in some published
    code, which gives other numbers). Mean over the attributes and the subsets of a size. A latent space that knows
    nothing has the mean frequency of the attributes.

    Returns
    -------
    dict
        "latent_average_precision": number of observed views -> {"mean", "se"}; nothing for data without attributes.
    """
    if getattr(data.test, "attributes", None) is None:
        return {}
    from sklearn.linear_model import LogisticRegression  # here: the app imports the metrics but does not fit any
    from sklearn.preprocessing import StandardScaler

    fit_on, score_on = all_experts(model, data.train), all_experts(model, data.test)
    train, test = data.train.attributes, data.test.attributes
    by_size: dict[int, list[Tensor]] = {}
    for members in all_subsets(len(model.modalities)):
        scale = StandardScaler()
        means = scale.fit_transform(posterior_of(model, fit_on, members).mean.double().numpy())
        unseen = scale.transform(posterior_of(model, score_on, members).mean.double().numpy())
        columns = [
            torch.from_numpy(LogisticRegression(max_iter=200, tol=1e-3).fit(means, y).decision_function(unseen))
            if 0 < y.sum() < len(y) else torch.zeros(len(test), dtype=torch.float64) for y in train.numpy().T]
        by_size.setdefault(len(members), []).append(torch.stack(columns, 1))
    return {"latent_average_precision": {
        str(n): mean_average_precision(scores, test, generator) for n, scores in by_size.items()}}


@METRICS.register("attribute_coherence")
def attribute_coherence(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict:
    """Average precision with which the judges find an item's attributes in what was generated for it.

    z ~ q(z | x_S), one sample an item; the modalities *not* in S are decoded and judged as in `coherence`; mean over
    the attributes, the targets and the subsets of a size. Chance is the mean frequency of the attributes.

    Returns
    -------
    dict
        "attribute_coherence": number of observed views (1 to M - 1) -> {"mean", "se"}; nothing for data without
        attributes, or with other attributes than the judges were trained on.
    """
    truth = getattr(data.test, "attributes", None)
    if truth is None:
        return {}
    names, experts = list(model.modalities), all_experts(model, data.test)
    by_size: dict[int, list[Tensor]] = {}
    for members in all_subsets(len(names))[:-1]:
        z = posterior_of(model, experts, members).rsample(generator=generator)
        for name in (name for m, name in enumerate(names) if m not in members):
            parts = [data.judges.attribute_scores(model.decode(part, [name]))[name] for part in z.split(500)]
            by_size.setdefault(len(members), []).append(torch.cat(parts))
    if any(s.shape != truth.shape for scores in by_size.values() for s in scores):
        return {}
    return {"attribute_coherence": {
        str(n): mean_average_precision(scores, truth, generator) for n, scores in by_size.items()}}
