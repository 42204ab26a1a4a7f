"""Latent linear classification: is the class linearly readable in the latent space?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bvae.metrics.base import (
    METRICS,
    EvaluationData,
    all_experts,
    all_subsets,
    by_number_of_views,
    posterior_of,
)
from bvae.model import MultimodalVAE, UnimodalPosteriors

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def fitted(means: Tensor, y: Tensor) -> Pipeline:
    """Logistic regression on standardised means: (N, D), (N,)."""
    from sklearn.linear_model import LogisticRegression  # here: the app imports the metrics but does not fit any
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=200, tol=1e-3)).fit(means.numpy(), y.numpy())


class Probes:
    """Classifiers of a model's shared means: fitted on the training split, scored on the test split."""

    def __init__(self, model: MultimodalVAE, data: EvaluationData) -> None:
        self.model, self.data = model, data
        self.fit_on, self.score_on = all_experts(model, data.train), all_experts(model, data.test)

    def _means(self, experts: UnimodalPosteriors, members: tuple[int, ...]) -> Tensor:
        return self.model.shared(posterior_of(self.model, experts, members)).mean

    def fitted(self, members: tuple[int, ...]) -> Pipeline:
        """Fitted on the means of q(z | x_S) for this subset S of the modalities."""
        return fitted(self._means(self.fit_on, members), self.data.train.y)

    def right(self, probe: Pipeline, members: tuple[int, ...]) -> Tensor:
        """(N,) bool: which test items it classifies rightly by the means of q(z | x_S)."""
        return torch.from_numpy(probe.predict(self._means(self.score_on, members).numpy())) == self.data.test.y


@METRICS.register("latent_accuracy")
def latent_accuracy(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict:
    """Accuracy of logistic regression on the shared means of q(z | x_S), one classifier for each subset S.

    The convention of MoPoE (one classifier per subset), fitted on the means of the whole training split and scored on
    the test split. Deterministic; `generator` is not used.

    Returns
    -------
    dict
        "latent_accuracy": number of observed views -> {"mean", "se"}.

    References
    ----------
    Sutter et al., ICLR 2021.
    """
    probes = Probes(model, data)
    hits = {members: probes.right(probes.fitted(members), members) for members in all_subsets(len(model.modalities))}
    return {"latent_accuracy": by_number_of_views(hits)}


@METRICS.register("latent_accuracy_one_probe")
def latent_accuracy_one_probe(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict:
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
    hits = {members: probes.right(probe, members) for members in all_subsets(len(everyone))}
    return {"latent_accuracy_one_probe": by_number_of_views(hits)}
