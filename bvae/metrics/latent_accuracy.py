"""Latent linear classification: is the class linearly readable in the latent space?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.metrics.base import (
    LABELS,
    METRICS,
    EvaluationData,
    all_experts,
    all_subsets,
    by_number_of_views,
    has_all,
    mask_of,
    needs,
    posterior_of,
)
from bvae.models.vae import MultimodalVAE

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def fitted(means: Tensor, y: Tensor) -> Pipeline:
    """Logistic regression on standardised means: (N, D), (N,)."""
    from sklearn.linear_model import LogisticRegression  # here: the app imports the metrics but does not fit any
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=200, tol=1e-3)).fit(means.numpy(), y.numpy())


class Probes:
    """Classifiers of a model's shared means: fitted on the training split, scored on the test split.

    Parameters
    ----------
    model : MultimodalVAE
    data : EvaluationData
    generator : torch.Generator, optional
        With one, the mean of a mixture is that of a component drawn by its weights, another one for every item and
        subset; by default it is the mean of the mixture. Both are the same for one Gaussian.
    """

    def __init__(self, model: MultimodalVAE, data: EvaluationData, generator: torch.Generator | None = None) -> None:
        self.model, self.data, self.generator = model, data, generator
        self.fit_on, self.score_on = all_experts(model, data.train), all_experts(model, data.test)

    def _means(self, experts: UnimodalPosteriors, members: tuple[int, ...]) -> Tensor:
        q = posterior_of(self.model, experts, members)
        if self.generator is not None and q.num_components > 1:
            q = q.component(q.draw(self.generator))
        return self.model.shared(q).mean

    def fitted(self, members: tuple[int, ...]) -> Pipeline | None:
        """Fitted on the means of q(z | x_S) for this subset S of the modalities; None if that shows no two classes.

        Where items lack modalities: on those that have all of S; of all modalities together, on every item's own.
        """
        means, y = self._means(self.fit_on, members), self.data.train.y
        if mask_of(self.data.train) is not None and len(members) < len(self.model.modalities):
            chosen = has_all(self.fit_on.present, members)
            means, y = means[chosen], y[chosen]
        return fitted(means, y) if len(y.unique()) > 1 else None

    def right(self, probe: Pipeline, members: tuple[int, ...]) -> Tensor:
        """(N,) bool: which test items it classifies rightly by the means of q(z | x_S)."""
        return torch.from_numpy(probe.predict(self._means(self.score_on, members).numpy())) == self.data.test.y

    def by_number_of_views(self, probes: Mapping[tuple[int, ...], Pipeline | None]) -> dict[str, dict[str, float]]:
        """Accuracies of the probes of subsets, on test items that have all of a subset."""
        hits = {members: self.right(probe, members) for members, probe in probes.items() if probe is not None}
        there = {members: has_all(self.score_on.present, members) for members in hits}
        return by_number_of_views(hits, there if mask_of(self.data.test) is not None else None)


@METRICS.register("latent_accuracy")
@needs(LABELS)
def latent_accuracy(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Accuracy of logistic regression on the shared means of q(z | x_S), one classifier for each subset S.

    The convention of MoPoE (one classifier per subset), fitted on the means of the whole training split and scored on
    the test split; an item that lacks a modality of S is left out in both. Deterministic; `generator` is not used.

    Returns
    -------
    dict
        "latent_accuracy": number of observed views -> {"mean", "se"}.

    References
    ----------
    Sutter et al., ICLR 2021.
    """
    probes = Probes(model, data)
    fitted_on = {members: probes.fitted(members) for members in all_subsets(len(model.modalities))}
    return {"latent_accuracy": probes.by_number_of_views(fitted_on)}


@METRICS.register("latent_accuracy_one_probe")
@needs(LABELS)
def latent_accuracy_one_probe(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """The same with one classifier, fitted on the means of q(z | all modalities) and applied to those of every subset.

    The convention of MVTCAE: it asks that all subsets put a class in the same place. Deterministic.

    Returns
    -------
    dict
        "latent_accuracy_one_probe": number of observed views -> {"mean", "se"}.

    References
    ----------
    Hwang et al., NeurIPS 2021.
    """
    probes, everyone = Probes(model, data), tuple(range(len(model.modalities)))
    probe = probes.fitted(everyone)
    return {"latent_accuracy_one_probe": probes.by_number_of_views(dict.fromkeys(all_subsets(len(everyone)), probe))}


@METRICS.register("latent_accuracy_drawn")
@needs(LABELS)
def latent_accuracy_drawn(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Both latent accuracies with one drawn expert in place of a mixture's mean.

    The mean of a mixture of experts averages what all of them say, as an ensemble does. Published evaluations take the
    posterior as it is used: one component, drawn by the weights. For a posterior that is one Gaussian both conventions
    give the same figure; for a mixture over subsets q(z | x_S) is the component of S, one Gaussian too.

    Returns
    -------
    dict
        "latent_accuracy_drawn", "latent_accuracy_one_probe_drawn": number of observed views -> {"mean", "se"}.

    References
    ----------
    Shi et al., NeurIPS 2019; Sutter et al., ICLR 2021 (and the code of both).
    """
    probes, subsets = Probes(model, data, generator), all_subsets(len(model.modalities))
    each = {members: probes.fitted(members) for members in subsets}
    return {"latent_accuracy_drawn": probes.by_number_of_views(each),
            "latent_accuracy_one_probe_drawn": probes.by_number_of_views(dict.fromkeys(subsets, each[subsets[-1]]))}
