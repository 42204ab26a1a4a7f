"""How every aggregator copes with the same experts, some of which may lie or be damaged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
import torch

import bvae
from bvae.aggregators import aggregator, name_of, naming
from bvae.aggregators.comparison import posterior_wasserstein2
from bvae.app import loaders
from bvae.app.beliefs import scene
from bvae.app.beliefs.tampering import Tampering
from bvae.app.state import ink
from bvae.app.widgets import charts
from bvae.metrics.classifiers import Classifiers
from bvae.plots.walk import coping_figure

SAMPLES = 4
AS_TRAINED = "as trained"


def rules_for(model: bvae.MultimodalVAE) -> list[tuple[str, str | None]]:
    """(name for a person, registered name or None for the model's own) of all rules that are compared.

    The model's own rule stands first if it is none of the registered ones with their defaults.
    """
    names = naming.ordered(bvae.aggregators())
    own = name_of(model.aggregator)
    rows: list[tuple[str, str | None]] = [(naming.short(n), n) for n in names]
    if own not in names or aggregator(own) != model.aggregator or model.expert_weights() is not None:
        rows.insert(0, (f"{AS_TRAINED}: {naming.short(own)}", None))
    return rows


def called(model: bvae.MultimodalVAE, rule_name: str) -> str:
    """The row of the rule that was chosen, by its name or "as-trained"."""
    rows = rules_for(model)
    wanted = rule_name if rule_name in bvae.aggregators() else None
    if wanted is None and all(rule is not None for _, rule in rows):
        wanted = name_of(model.aggregator)
    return next((name for name, rule in rows if rule == wanted), "")


@torch.inference_mode()
def cope(
    loaded: loaders.Loaded, item: int, observed: Sequence[bool], weights: Sequence[float],
    tampered: Sequence[Tampering], data: bvae.data.MultimodalDataset, seed: int, judges: Classifiers | None,
    lies: Sequence[int],
) -> tuple[pd.DataFrame, bool]:
    """One row per rule: what the judges see in its generations, how wide it is, how far it was moved.

    Parameters
    ----------
    loaded, item, observed, weights
        See `scene.build`.
    tampered : sequence of Tampering
    data : MultimodalDataset
    seed : int
        Of the noise, the same for all rules.
    judges : Classifiers or None
    lies : sequence of int
        The classes that lying views show.

    Returns
    -------
    table : DataFrame
    exact : bool
        Whether all W2 are exact.
    """
    replaced = {t.view: t.content(data) for t in tampered}
    truth, rows, z, exact = int(data.y[item]), [], [], True
    names = rules_for(loaded.model)
    for name, rule in names:
        now = scene.build(loaded, item, list(observed), list(weights), rule, replaced)
        row = {"aggregator": name, "σ": now.posterior.variance.sqrt().mean().item()}
        if replaced:
            before = scene.build(loaded, item, list(observed), list(weights), rule)
            moved, sure = posterior_wasserstein2(before.posterior, now.posterior)
            row["moved by, W2"] = moved.item()
            exact = exact and sure
        rows.append(row)
        z.append(scene.draw(now, SAMPLES, seed).z)
    table = pd.DataFrame(rows)
    if judges is None:
        return table, exact
    # Mixtures over subsets decode the same z as the rule inside them: once is enough.
    different, which = torch.stack(z).unique(dim=0, return_inverse=True)  # (U, S, L), (R,)
    seen = judges.probabilities(loaded.model.decode(different.flatten(0, 1)))
    p = torch.stack(list(seen.values())).mean(0).unflatten(0, (len(different), SAMPLES))[which]  # (R, S, classes)
    right = p[:, :, truth]
    table.insert(1, f"p({data.class_names[truth]}), the truth", right.mean(1).numpy())
    table.insert(2, "its standard error", (right.std(1) / SAMPLES**0.5).numpy())
    if lies:
        told = ", ".join(data.class_names[k] for k in lies)
        table.insert(3, f"p({told}), the lie", p[:, :, list(lies)].sum(-1).mean(1).numpy())
    return table, exact


@st.cache_data(max_entries=64, show_spinner=False)
def cached(
    data_name: str, model_name: str, weights_hash: str, item: int, observed: tuple[bool, ...],
    weights: tuple[float, ...], tampered: tuple[Tampering, ...], seed: int, lies: tuple[int, ...],
) -> tuple[pd.DataFrame, bool]:
    """See :func:`cope`."""
    return cope(loaders.loaded(data_name, model_name, weights_hash), item, observed, weights, tampered,
                loaders.test_data(data_name), seed, loaders.judges(data_name), lies)


def show(table: pd.DataFrame, exact: bool, chosen: str, num_views: int, file_name: str) -> None:
    """The rules as dots in rows, and their numbers."""
    rules = table["aggregator"].tolist()
    probabilities = [c for c in table.columns if c.startswith("p(")]
    place = rules.index(chosen) if chosen in rules else 0
    numbers = st
    if probabilities:
        picture, numbers = st.columns([1, 1], gap="large")
        right = table[probabilities[0]].to_numpy()
        lied = table[probabilities[1]].to_numpy() if len(probabilities) > 1 else None
        best, worst = rules[int(np.argmax(right))], rules[int(np.argmin(right))]
        charts.show_lines(
            coping_figure(rules, right, lied, table["its standard error"].to_numpy(), place, ink(),
                          (probabilities[0], probabilities[-1])), "coping_chart",
            f"Probability of the true class in the generations: highest with {best}, {right.max():.2f}, lowest with "
            f"{worst}, {right.min():.2f}." + ("" if lied is None else
                                             f" The lie's: highest with {rules[int(np.argmax(lied))]}, "
                                             f"{lied.max():.2f}, lowest with {rules[int(np.argmin(lied))]}, "
                                             f"{lied.min():.2f}."), lambda: table, file_name, place=picture)
    numbers.dataframe(table, hide_index=True, width="stretch", height=38 + 35 * len(table), column_config={
        c: st.column_config.NumberColumn(format="%.3g") for c in table.columns[1:]})
    how = "exact" if exact else "between mixtures a lower bound (Gelbrich's, from mean and covariance)"
    moved = f" Moved by: W2 between the joint posteriors of the honest views and of these; {how}." \
        if "moved by, W2" in table else ""
    judged = f"Probabilities: mean over {SAMPLES} samples of all {num_views} views, the same noise for every rule. " \
        if probabilities else ""
    groups = table.groupby(probabilities, sort=False)["aggregator"] if probabilities else ()
    alike = [", ".join(names) for _, names in groups if len(names) > 1]
    if alike:
        judged += (f"Judged the same, because they decode the same z: {'; '.join(alike)} (a mixture over subsets "
                   "decodes its component of all observed views). ")
    st.caption(f"{judged}σ: mean standard deviation of the joint posterior.{moved} All rules work on the same experts, "
               "but the decoders know only the joint posteriors of the rule that they were trained with: a rule can be "
               "judged badly here because its z are unfamiliar to them.")
