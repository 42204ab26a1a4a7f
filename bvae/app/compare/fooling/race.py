"""The race: every rule with the views as they are, and with one that lies, judged by the views that nobody showed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import streamlit as st
import torch
from torch import Tensor

from bvae.aggregators.comparison import posterior_wasserstein2
from bvae.app import loaders
from bvae.app.beliefs import item_beliefs
from bvae.app.beliefs.rules import rules_for
from bvae.app.compare.lie import Lie
from bvae.data import MultimodalDataset
from bvae.metrics.classifiers import Classifiers

DRAWS = 8
HOLDS_FROM, FOOLED_TO = 6, 2
"""Of `DRAWS`: a rule holds if so many show the truth, and is fooled if no more than so many do."""
SURE = 0.5
"""What a judge's probability of the class of a drawing has to exceed for the drawing to say something."""


class Verdict(Enum):
    """What a lie did to a rule; in the words of the page."""

    HOLDS = "holds"
    TORN = "torn"
    FOOLED = "fooled"
    LOST = "lost"
    """Its draws show neither the truth nor the lie: it follows nobody."""
    UNSURE = "unsure before"
    """It did not hold without the lie: nobody can say that it was fooled."""


@dataclass(frozen=True)
class Runner:
    """One rule in the race. S draws; nothing of the judges' where there are none.

    Attributes
    ----------
    rule : str or None
        See `rules.rules_for`.
    before, after : tuple of int
        S classes that the judges see in the draws, without the lie and with it.
    truth, error, lie : float
        Probabilities that the judges give to the truth and to the lie's class in the draws after the lie, means over
        the draws, and the standard error of the first; NaN where there is none.
    moved : float
        W2 between the joint beliefs before and after.
    pictures : Tensor
        (S, ...) the draws after the lie, in the view that is shown.
    """

    rule: str | None
    before: tuple[int, ...]
    after: tuple[int, ...]
    truth: float
    error: float
    lie: float
    moved: float
    pictures: Tensor


@dataclass(frozen=True)
class Race:
    """All rules on one lie.

    Attributes
    ----------
    runners : tuple of Runner
        The best first: those in which most draws show the truth; then those with the highest probability of it.
    truth : int
        Class of the item.
    lie : int or None
        The class that the lie shows, if it shows another one than the truth.
    judged : tuple of str
        The views whose judges are asked; empty if there are none.
    shown : str
        The view of the pictures.
    exact : bool
        Whether all distances are exact.
    told : bool
        Whether there is a lie at all.
    alone : bool
        Whether no honest view is seen beside it.
    """

    runners: tuple[Runner, ...]
    truth: int
    lie: int | None
    judged: tuple[str, ...]
    shown: str
    exact: bool
    told: bool
    alone: bool

    def right(self, runner: Runner) -> int:
        """How many of its draws show the truth."""
        return runner.after.count(self.truth)

    def verdict(self, runner: Runner) -> Verdict | None:
        """None without judges."""
        if not self.judged:
            return None
        if runner.before.count(self.truth) < HOLDS_FROM:
            return Verdict.UNSURE
        right = self.right(runner)
        if right > FOOLED_TO:
            return Verdict.HOLDS if right >= HOLDS_FROM else Verdict.TORN
        lies = len(runner.after) if self.lie is None else runner.after.count(self.lie)
        return Verdict.FOOLED if 2 * lies >= len(runner.after) - right else Verdict.LOST

    def those(self, verdict: Verdict) -> list[Runner]:
        """All runners of a verdict, the best first."""
        return [runner for runner in self.runners if self.verdict(runner) is verdict]

    def places(self) -> list[int]:
        """Of every runner: one more than there are with more draws that show the truth, so that ties share a place."""
        counts = Counter(map(self.right, self.runners))
        return [1 + sum(n for right, n in counts.items() if right > self.right(r)) for r in self.runners]

    def tied(self) -> list[list[Runner]]:
        """Groups of rules of the very same draws, which nothing here tells apart."""
        groups: dict[bytes, list[Runner]] = {}
        for runner in self.runners:
            groups.setdefault(runner.pictures.numpy().tobytes(), []).append(runner)
        return [group for group in groups.values() if len(group) > 1]


@torch.inference_mode()
def run(loaded: loaders.Loaded, item: int, observed: Sequence[bool], lie: Lie | None, seed: int) -> Race:
    """Let all rules run.

    Parameters
    ----------
    loaded : Loaded
    item : int
    observed : sequence of bool
        M; the view that lies is one of them.
    lie : Lie or None
    seed : int
        Of the noise, the same for all rules, before the lie and after it.
    """
    data, judges = loaders.test_data(loaded.key.data_name), loaders.judges(loaded.key.data_name)
    views, weights = list(loaded.model.modalities), [1.0] * len(observed)
    replaced = {lie.view: lie.content(data)} if lie is not None else {}
    rules, moved, z, exact = rules_for(loaded.model), [], [], True
    for rule in rules:
        before = item_beliefs.build(loaded, item, list(observed), weights, rule)
        after = before
        if replaced:
            after = item_beliefs.build(loaded, item, list(observed), weights, rule, replaced)
            far, sure = posterior_wasserstein2(before.posterior, after.posterior)
            exact = exact and sure
        moved.append(far.item() if replaced else 0.0)
        z += [item_beliefs.draw(now, DRAWS, seed).z for now in (before, after)]
    # Many rules decode the same z, and without a lie all do twice: once is enough.
    different, which = torch.stack(z).unique(dim=0, return_inverse=True)  # (U, S, L), (2 R,)
    which = which.view(len(rules), 2)
    targets = _looked_at(views, observed, lie, judges)
    shown = _pictured(data, views, targets, lie)
    decoded = loaded.model.decode(different.flatten(0, 1), dict.fromkeys([*targets, shown]))
    of_draws = {view: values.unflatten(0, (len(different), DRAWS)) for view, values in decoded.items()}
    judged = tuple(v for v in targets if judges is not None and v in judges)
    truth, said = int(data.y[item]) if data.labelled else 0, _class_of(lie, data, judges)
    said = None if said == truth else said
    if judges is not None and judged:
        p = torch.stack([*judges.probabilities({v: decoded[v] for v in judged}).values()]).mean(0)
        p = p.unflatten(0, (len(different), DRAWS))[which]  # (R, 2, S, classes)
    else:
        p = torch.full((len(rules), 2, 0, data.num_classes or 1), torch.nan)
    classes, right = p.argmax(-1) if judged else p[..., 0], p[:, 1, :, truth]
    runners = [Runner(
        rule, tuple(classes[r, 0].tolist()), tuple(classes[r, 1].tolist()), right[r].mean().item(),
        right[r].std().item() / DRAWS**0.5, p[r, 1, :, said].mean().item() if said is not None else float("nan"),
        moved[r], of_draws[shown][which[r, 1]]) for r, rule in enumerate(rules)]
    order = sorted(runners, key=lambda one: (-one.after.count(truth), -one.truth)) if judged else runners
    alone = lie is not None and sum(observed) == 1
    return Race(tuple(order), truth, said, judged, shown, exact, lie is not None, alone)


def _looked_at(
    views: Sequence[str], observed: Sequence[bool], lie: Lie | None, judges: Classifiers | None
) -> list[str]:
    """The hidden views; if there are none, or none that is judged, those that are honest; if there are none, all."""
    honest = [v for v in views if lie is None or v != lie.view]
    hidden = [v for v, seen in zip(views, observed, strict=True) if not seen]
    for some in (hidden, honest):
        judged = [v for v in some if judges is not None and v in judges]
        if judged:
            return judged
    return hidden or honest or list(views)


def _pictured(data: MultimodalDataset, views: Sequence[str], targets: Sequence[str], lie: Lie | None) -> str:
    """The view in which draws are shown: one that is looked at; where that is no picture, another one that is."""
    honest = [v for v in views if lie is None or v != lie.view]
    return next((v for some in (targets, honest, views) for v in some if data.modalities[v].kind == "image"),
                targets[0])


def _class_of(lie: Lie | None, data: MultimodalDataset, judges: Classifiers | None) -> int | None:
    """The class that a lie shows: another item's, or what the judge is sure to see in a drawing."""
    if lie is None:
        return None
    if lie.done is not None:
        return lie.done.shown(data) if lie.done.lies else None
    if judges is None or lie.view not in judges:
        return None
    best = judges.probabilities({lie.view: lie.content(data)})[lie.view][0].max(0)
    return int(best.indices) if float(best.values) > SURE else None


@st.cache_data(max_entries=32, show_spinner="All rules run")
def cached(key: loaders.ModelKey, item: int, observed: tuple[bool, ...], lie: Lie | None, seed: int) -> Race:
    """See :func:`run`."""
    return run(loaders.loaded(key), item, observed, lie, seed)
