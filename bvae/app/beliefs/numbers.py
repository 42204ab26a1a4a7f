"""The numbers of beliefs, computed without widgets and without words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from bvae.aggregators.comparison import Distances, affordable_samples, entropy
from bvae.app.beliefs.contenders import Contender
from bvae.app.beliefs.item_beliefs import ItemBeliefs
from bvae.app.beliefs.quantities import Number, Of, Quantity
from bvae.gaussians import diagonal
from bvae.plots import posterior as posterior_plots


def of_views(scene: ItemBeliefs, far: Distances) -> dict[Quantity, list[float]]:
    """What is between every view's posterior and the joint one, and the views' own entropies: M values each.

    Parameters
    ----------
    scene : ItemBeliefs
    far : Distances
        Of this scene.
    """
    return {Quantity.W2: far.wasserstein2[:, 0].tolist(),
            Quantity.KL_FROM_JOINT: far.kl_from_aggregate[:, 0].tolist(),
            Quantity.KL_TO_JOINT: far.kl_to_aggregate[:, 0].tolist(),
            Quantity.ENTROPY: diagonal.entropy(scene.scale[:, 0]).tolist()}


def numbers(
    contenders: Sequence[Contender], views: Sequence[str], seen: Mapping[str, Mapping[str, Tensor]] | None = None,
    label: int = 0, known: Sequence[bool] | None = None,
) -> tuple[list[Number], bool]:
    """All numbers of a comparison.

    Parameters
    ----------
    contenders : sequence of Contender
    views : sequence of str
        M names.
    seen : mapping, optional
        Key of the contender -> see `judging.verdicts`.
    label : int
        Class of the item.
    known : sequence of bool, optional
        Which posteriors exist at all, observed or not; the others get no distances.

    Returns
    -------
    found : list of Number
        Contender after contender, each in the order in which one reads them.
    exact : bool
        False if some of the numbers are estimates.
    """
    found: list[Number] = []
    known = known or [True] * len(views)
    exact = True
    for c in contenders:
        def put(quantity: Quantity, of: Of, value: float, view: str = "", observed: bool = True,
                key: str = c.key) -> None:
            found.append(Number(quantity, of, value, key, view, observed))

        experts = float(c.scale[c.observed].mean()) if any(c.observed) else 1.0
        surprise = entropy(c.scene.posterior, affordable_samples(c.scene.posterior))
        far = c.scene.distances()
        exact = exact and far.exact
        put(Quantity.WIDTH, Of.JOINT, c.width)
        put(Quantity.RELATIVE_WIDTH, Of.JOINT, c.width / experts)
        put(Quantity.ENTROPY, Of.JOINT, surprise.value.item())
        put(Quantity.ENTROPY_ERROR, Of.JOINT, surprise.error.item())
        if sum(c.observed) > 1:
            put(Quantity.DISAGREEMENT, Of.OBSERVED_VIEWS,
                float(posterior_plots.disagreement(c.loc[c.observed], c.scale[c.observed]).mean()))
        for quantity, values in of_views(c.scene, far).items():
            for m, view in enumerate(views):
                if known[m]:
                    put(quantity, Of.VIEW, values[m], view, c.observed[m])
        for view, p in (seen or {}).get(c.key, {}).items():
            put(Quantity.RIGHT_SHARE, Of.GENERATIONS, float((p.argmax(-1) == label).float().mean()), view)
            put(Quantity.RIGHT_PROBABILITY, Of.GENERATIONS, float(p[:, label].mean()), view)
    return [n for n in found if not exact or n.quantity is not Quantity.ENTROPY_ERROR], exact


def key_numbers(found: Sequence[Number], contender: str, hidden: Sequence[str]) -> list[Number]:
    """The few numbers that stand under a contender's picture.

    Parameters
    ----------
    found : sequence of Number
        See :func:`numbers`.
    contender : str
        Its key.
    hidden : sequence of str
        The views that were not observed: of generations, only theirs count; all views if there is none.
    """
    own = [n for n in found if n.contender == contender]
    out = [n for n in own if n.of is Of.JOINT and n.quantity in (Quantity.WIDTH, Quantity.ENTROPY)]
    near = [n.value for n in own if n.quantity is Quantity.W2 and n.observed]
    if near:
        mean = float(np.nanmean(near)) if not np.isnan(near).all() else np.nan
        out.append(Number(Quantity.W2, Of.OBSERVED_VIEWS, mean, contender))
    judged = {n.view: n.value for n in own
              if n.quantity is Quantity.RIGHT_PROBABILITY and n.of is Of.GENERATIONS}
    wanted = [value for view, value in judged.items() if view in hidden]
    if judged:
        out.append(Number(Quantity.RIGHT_PROBABILITY, Of.HIDDEN_VIEWS if wanted else Of.ALL_VIEWS,
                          float(np.mean(wanted or list(judged.values()))), contender))
    return out
