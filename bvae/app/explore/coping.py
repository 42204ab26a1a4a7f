"""How every rule fares with the same experts, some of which may lie or be damaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
import torch

import bvae
from bvae.aggregators import name_of
from bvae.aggregators.comparison import posterior_wasserstein2
from bvae.app import loaders
from bvae.app.beliefs import item_beliefs, wording
from bvae.app.beliefs.quantities import Quantity, Unit
from bvae.app.beliefs.rules import OWN, called, rules_for
from bvae.app.beliefs.tampering import Tampering
from bvae.app.state import ink
from bvae.app.widgets import charts
from bvae.metrics.classifiers import Classifiers
from bvae.plots.walk import coping_figure

SAMPLES = 4


class Coped(NamedTuple):
    """One rule on the experts.

    Attributes
    ----------
    rule : str or None
        Registered name, or `rules.OWN`.
    numbers : dict
        What is known of it.
    """

    rule: str | None
    numbers: dict[Quantity, float]


def chosen_of(model: bvae.MultimodalVAE, rule_name: str) -> str | None:
    """The rule of :func:`rules_for` that was chosen, by its name or "as-trained"."""
    if rule_name in bvae.aggregators():
        return rule_name
    return OWN if OWN in rules_for(model) else name_of(model.aggregator)


@torch.inference_mode()
def cope(
    loaded: loaders.Loaded, item: int, observed: Sequence[bool], weights: Sequence[float],
    tampered: Sequence[Tampering], data: bvae.data.MultimodalDataset, seed: int, judges: Classifiers | None,
    lies: Sequence[int],
) -> tuple[list[Coped], bool]:
    """For every rule: what the judges see in its generations, how wide it is, how far it was moved.

    Parameters
    ----------
    loaded, item, observed, weights
        See `item_beliefs.build`.
    tampered : sequence of Tampering
    data : MultimodalDataset
    seed : int
        Of the noise, the same for all rules.
    judges : Classifiers or None
    lies : sequence of int
        The classes that lying views show.

    Returns
    -------
    coped : list of Coped
        In the order of :func:`rules_for`.
    exact : bool
        Whether all W2 are exact.
    """
    replaced = {t.view: t.content(data) for t in tampered}
    truth, coped, z, exact = int(data.y[item]), [], [], True
    for rule in rules_for(loaded.model):
        now = item_beliefs.build(loaded, item, list(observed), list(weights), rule, replaced)
        numbers = {Quantity.WIDTH: now.posterior.variance.sqrt().mean().item()}
        if replaced:
            before = item_beliefs.build(loaded, item, list(observed), list(weights), rule)
            moved, sure = posterior_wasserstein2(before.posterior, now.posterior)
            numbers[Quantity.MOVED] = moved.item()
            exact = exact and sure
        coped.append(Coped(rule, numbers))
        z.append(item_beliefs.draw(now, SAMPLES, seed).z)
    if judges is None:
        return coped, exact
    # Mixtures over subsets decode the same z as the rule inside them: once is enough.
    different, which = torch.stack(z).unique(dim=0, return_inverse=True)  # (U, S, L), (R,)
    seen = judges.probabilities(loaded.model.decode(different.flatten(0, 1)))
    p = torch.stack(list(seen.values())).mean(0).unflatten(0, (len(different), SAMPLES))[which]  # (R, S, classes)
    right = p[:, :, truth]
    judged = {Quantity.RIGHT_PROBABILITY: right.mean(1), Quantity.RIGHT_ERROR: right.std(1) / SAMPLES**0.5}
    if lies:
        judged[Quantity.LIE_PROBABILITY] = p[:, :, list(lies)].sum(-1).mean(1)
    for quantity, values in judged.items():
        for one, value in zip(coped, values.tolist(), strict=True):
            one.numbers[quantity] = value
    return coped, exact


@st.cache_data(max_entries=64, show_spinner=False)
def cached(
    key: loaders.ModelKey, item: int, observed: tuple[bool, ...], weights: tuple[float, ...],
    tampered: tuple[Tampering, ...], seed: int, lies: tuple[int, ...],
) -> tuple[list[Coped], bool]:
    """See :func:`cope`."""
    return cope(loaders.loaded(key), item, observed, weights, tampered, loaders.test_data(key.data_name), seed,
                loaders.judges(key.data_name), lies)


def table(coped: Sequence[Coped], own: str, truth: str, lies: Sequence[str]) -> pd.DataFrame:
    """One row per rule; `own` as in :func:`called`, `truth` and `lies` are the names of the classes."""
    columns: dict[str, Any] = {"aggregator": [called(one.rule, own) for one in coped]}
    for quantity, head in wording.coping_heads(truth, lies).items():
        if quantity in coped[0].numbers:
            values = np.array([one.numbers[quantity] for one in coped])
            # Judges work in single precision: of what they say, further digits would mean nothing.
            columns[head] = values.astype(np.float32) if quantity.unit is Unit.PROBABILITY else values
    return pd.DataFrame(columns)


def spoken(coped: Sequence[Coped], own: str) -> str:
    """With which rule the judges see the truth most and least, and the lie, in sentences."""
    def ends(quantity: Quantity) -> str:
        best, worst = (pick(coped, key=lambda one: one.numbers[quantity]) for pick in (max, min))
        return (f"highest with {called(best.rule, own)}, {best.numbers[quantity]:.2f}, lowest with "
                f"{called(worst.rule, own)}, {worst.numbers[quantity]:.2f}.")

    return f"Probability of the true class in the generations: {ends(Quantity.RIGHT_PROBABILITY)}" + (
        f" The lie's: {ends(Quantity.LIE_PROBABILITY)}" if Quantity.LIE_PROBABILITY in coped[0].numbers else "")


def alike(coped: Sequence[Coped]) -> list[list[str | None]]:
    """Groups of rules that the judges cannot tell apart."""
    groups: dict[tuple, list[str | None]] = {}
    for one in coped:
        judged = tuple(one.numbers.get(q) for q in (Quantity.RIGHT_PROBABILITY, Quantity.LIE_PROBABILITY))
        groups.setdefault(judged, []).append(one.rule)
    return [rules for rules in groups.values() if len(rules) > 1]


def show(
    coped: Sequence[Coped], exact: bool, chosen: str | None, own: str, truth: str, lies: Sequence[str], num_views: int,
    file_name: str,
) -> None:
    """The rules as dots in rows, and their numbers.

    Parameters
    ----------
    coped, exact
        See :func:`cope`.
    chosen : str or None
        See :func:`chosen_of`.
    own, truth, lies
        See :func:`table`.
    num_views : int
    file_name : str
        Of the numbers.
    """
    rules, there = [one.rule for one in coped], coped[0].numbers
    judged, lied = Quantity.RIGHT_PROBABILITY in there, Quantity.LIE_PROBABILITY in there
    numbers: Any = st
    heads, shown = wording.coping_heads(truth, lies), table(coped, own, truth, lies)

    def values(quantity: Quantity) -> np.ndarray:
        return shown[heads[quantity]].to_numpy()

    if judged:
        picture, numbers = st.columns([1, 1], gap="large")
        names = (heads[Quantity.RIGHT_PROBABILITY],
                 heads[Quantity.LIE_PROBABILITY if lied else Quantity.RIGHT_PROBABILITY])
        charts.show_lines(
            coping_figure([called(rule, own) for rule in rules], values(Quantity.RIGHT_PROBABILITY),
                          values(Quantity.LIE_PROBABILITY) if lied else None, values(Quantity.RIGHT_ERROR),
                          rules.index(chosen) if chosen in rules else 0, ink(), names), "coping_chart",
            spoken(coped, own), lambda: shown, file_name, place=picture)
    numbers.dataframe(shown, hide_index=True, width="stretch", height=38 + 35 * len(shown), column_config={
        "aggregator": "rule",
        **{heads[quantity]: st.column_config.NumberColumn(format="%.3g", help=wording.says(quantity))
           for quantity in heads if quantity in there}})
    how = "exact" if exact else "between mixtures a lower bound (Gelbrich's, from mean and covariance)"
    moved = f" Moved by: W2 between the joint beliefs of the honest views and of these; {how}." \
        if Quantity.MOVED in there else ""
    how_judged = f"Probabilities: mean over {SAMPLES} draws of all {num_views} views, the same noise for every " \
        "rule. " if judged else ""
    same = [", ".join(called(rule, own) for rule in group) for group in (alike(coped) if judged else ())]
    if same:
        how_judged += (f"Judged the same, because they decode the same z: {'; '.join(same)} (a mixture over groups "
                       "of views decodes that of all observed views together). ")
    st.caption(f"{how_judged}σ: mean standard deviation of the joint belief.{moved} All rules work on the same "
               "experts, but the decoders know only the joint beliefs of the rule that they were trained with: a "
               "rule can be judged badly here because its z are unfamiliar to them.")
