"""The numbers of a comparison, computed without widgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from bvae.aggregators.comparison import affordable_samples, entropy
from bvae.app.beliefs.contenders import Contender
from bvae.gaussians import gaussian
from bvae.plots import posterior as posterior_plots


def numbers(
    contenders: Sequence[Contender], views: Sequence[str], seen: Mapping[str, Mapping[str, Tensor]] | None = None,
    label: int = 0, known: Sequence[bool] | None = None,
) -> tuple[pd.DataFrame, bool]:
    """All numbers of a comparison: one row per number, one column per contender.

    Parameters
    ----------
    contenders : sequence of Contender
    views : sequence of str
        M names.
    seen : mapping, optional
        Key of the contender -> see :func:`verdicts`.
    label : int
        Class of the item.
    known : sequence of bool, optional
        Which posteriors exist at all, observed or not; the others get no distances.

    Returns
    -------
    table : DataFrame
        "number", "of" and the contenders' short titles.
    exact : bool
        False if some of the numbers are estimates.
    """
    rows: dict[tuple[str, str], dict[str, float]] = {}
    known = known or [True] * len(views)
    exact = True
    for c in contenders:
        def put(number: str, of: str, value: float, column: str = c.short) -> None:
            rows.setdefault((number, of), {})[column] = value

        on = [v for v, o in zip(views, c.observed, strict=True) if o]
        experts = float(c.scale[c.observed].mean()) if on else 1.0
        surprise = entropy(c.scene.posterior, affordable_samples(c.scene.posterior))
        far = c.scene.distances()
        exact = exact and far.exact
        put("width: mean standard deviation", "joint", c.width)
        put("width over the mean width of the observed views", "joint", c.width / experts)
        put("entropy, nats", "joint", surprise.value.item())
        put("standard error of the entropy", "joint", surprise.error.item())
        if len(on) > 1:
            put("disagreement: spread of the means over the width", "observed views",
                float(posterior_plots.disagreement(c.loc[c.observed], c.scale[c.observed]).mean()))
        own = gaussian.entropy(c.scene.scale[:, 0]).tolist()
        for name, values in (("W2 to the joint", far.wasserstein2[:, 0].tolist()),
                             ("KL(joint ‖ view), nats", far.kl_from_aggregate[:, 0].tolist()),
                             ("KL(view ‖ joint), nats", far.kl_to_aggregate[:, 0].tolist()),
                             ("entropy of the view, nats", own)):
            for m, view in enumerate(views):
                if known[m]:
                    put(name, view if c.observed[m] else f"{view} (not observed)", values[m])
        for view, p in (seen or {}).get(c.key, {}).items():
            put("generations in which the judge sees the item's class, share", view,
                float((p.argmax(-1) == label).float().mean()))
            put("probability of the item's class, mean over the generations", view, float(p[:, label].mean()))
    columns = [c.short for c in contenders]
    table = pd.DataFrame([{"number": n, "of": of, **{c: values.get(c, np.nan) for c in columns}}
                          for (n, of), values in rows.items()])
    if exact:
        table = table[table["number"] != "standard error of the entropy"]
    return table.reset_index(drop=True), exact


def key_numbers(table: pd.DataFrame, column: str, hidden: Sequence[str]) -> dict[str, float]:
    """The few numbers that stand under a contender's picture.

    `hidden` are the views that were not observed: of generations, only theirs count; all views if there is none.
    """
    values = dict(zip(zip(table["number"], table["of"], strict=True), table[column], strict=True))
    out = {"width": values["width: mean standard deviation", "joint"],
           "entropy, nats": values["entropy, nats", "joint"]}
    near = [v for (number, of), v in values.items()
            if number == "W2 to the joint" and not of.endswith("(not observed)")]
    if near:
        out["mean W2 to the observed views"] = float(np.nanmean(near)) if not np.isnan(near).all() else np.nan
    judged = {of: v for (number, of), v in values.items() if number.startswith("probability of the item's class")}
    wanted = [v for of, v in judged.items() if of in hidden]
    if judged:
        out["p(right class)" + ", hidden views" * bool(wanted)] = float(np.mean(wanted or list(judged.values())))
    return out
