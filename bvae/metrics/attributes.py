"""Average precision of attributes: can they be read in the latent space, and do generations show them?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bvae.metrics.base import (
    ATTRIBUTES,
    JUDGES,
    METRICS,
    EvaluationData,
    all_experts,
    all_subsets,
    has_all,
    needs,
    posterior_of,
    shared_means,
)
from bvae.models.vae import MultimodalVAE

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
    scores: Sequence[Tensor], truth: Tensor, generator: torch.Generator, num_resamples: int = NUM_RESAMPLES,
    there: Sequence[Tensor] | None = None,
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
    there : sequence of Tensor, optional
        (N,) bool each: which items a set of scores is about; all by default.

    Returns
    -------
    dict
        "mean", and "se": the standard deviation of the mean over resamples of the items, the same ones for all
        attributes and all sets of scores. Empty if no attribute holds of some items and not of others.
    """
    n = len(truth)
    drawn = torch.randint(n, (num_resamples, n), generator=generator)
    counts = torch.zeros(num_resamples, n).scatter_add_(1, drawn, torch.ones(1).expand_as(drawn))
    counts = torch.cat([torch.ones(1, n), counts])
    parts = []
    for k, s in enumerate(scores):
        rows = torch.ones(n, dtype=torch.bool) if there is None else there[k]
        held = truth[rows]
        parts += [average_precision(s[rows, a], held[:, a], counts[:, rows]) for a in range(truth.shape[1])
                  if 0 < int(held[:, a].sum()) < len(held)]
    if not parts:
        return {}
    mean = torch.stack(parts).nanmean(0)  # (1 + R,)
    return {"mean": round(mean[0].item(), 6), "se": round(mean[1:].std().item(), 6)}


@METRICS.register("latent_average_precision")
@needs(ATTRIBUTES)
def latent_average_precision(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict:
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
    truth = data.test.attributes
    names, experts = list(model.modalities), all_experts(model, data.test)
    by_size: dict[int, list[tuple[Tensor, Tensor]]] = {}
    for members in all_subsets(len(names))[:-1]:
        z = posterior_of(model, experts, members).rsample(generator=generator)
        for name in (name for m, name in enumerate(names) if m not in members and name in data.judges):
            parts = [data.judges.attribute_scores(model.decode(part, [name]))[name] for part in z.split(500)]
            by_size.setdefault(len(members), []).append((torch.cat(parts), has_all(experts.present, members)))
    if any(s.shape != truth.shape for scores in by_size.values() for s, _ in scores):
        return {}
    return over_sizes("attribute_coherence", by_size, truth, generator)


def over_sizes(
    metric: str, by_size: dict[int, list[tuple[Tensor, Tensor]]], truth: Tensor, generator: torch.Generator
) -> dict:
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
