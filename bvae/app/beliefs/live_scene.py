"""What the live view of Explore shows, of any model: the views' beliefs of one item, the rule, a plane, and answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from bvae.aggregators import name_of, options_of
from bvae.app.beliefs.item_beliefs import ItemBeliefs
from bvae.app.widgets.live_views import numbers, view_of
from bvae.data import MultimodalDataset
from bvae.gaussians.posterior import UnimodalPosteriors
from bvae.models.vae import MultimodalVAE
from bvae.plots import style
from bvae.plots.posterior import Plane


def live_scene(
    model: MultimodalVAE, data: MultimodalDataset, experts: UnimodalPosteriors, now: ItemBeliefs, plane: Plane,
    limits: Sequence[Sequence[float]], weights: Sequence[float], address: str, item: str,
) -> dict[str, Any]:
    """What ``components/live/browser/explore.mjs`` shows.

    Parameters
    ----------
    model : MultimodalVAE
    data : MultimodalDataset
        Whose views these are.
    experts : UnimodalPosteriors
        (M, 1, L): the item's, private parts included.
    now : ItemBeliefs
        The same item as it is seen.
    plane : Plane
    limits : sequence of pairs of float
        Of both axes of the plane.
    weights : sequence of float
        (M,), as the handle stands.
    address : str
        Of the exported model.
    item : str
        The item's name: another one has its handle somewhere else.

    Returns
    -------
    dict
        Plain values; ``revision`` is another one whenever something else is.
    """
    rule = now.rule.conditional()
    own = None if now.used is None or now.weights is not None or now.used.numel() != len(now.loc) else now.used
    scene = {
        "model": address, "item": item, "latent": model.latent_dim, "weights": list(weights),
        "own": None if own is None else own.flatten().tolist(),
        "rule": {"name": name_of(rule), "options": options_of(rule)},
        "dash": {"solid": "", "dot": "1 4", "dash": "6 4"}.get(style.look(name_of(rule)).dash, "8 3 2 3"),
        "components": now.latent.weights.shape[0],
        "joint": {"mean": numbers(now.latent.mean[0]), "scale": numbers(now.latent.variance[0].sqrt())},
        "plane": {"origin": numbers(plane.origin), "axes": [numbers(a) for a in plane.axes],
                  "limits": [list(map(float, pair)) for pair in limits]},
        "views": [{**view_of(modality, m, data),
                   **({"loc": numbers(experts.loc[m, 0]), "scale": numbers(experts.scale[m, 0])}
                      if bool(now.present[m, 0]) else {"loc": None, "scale": None})}
                  for m, modality in enumerate(model.modalities.values())],
    }
    scene["revision"] = hashlib.sha256(json.dumps(scene).encode()).hexdigest()[:16]
    return scene
