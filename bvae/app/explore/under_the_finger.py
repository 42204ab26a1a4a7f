"""Explore's live view: weights and a point z that one drags, decoded in the browser while they move."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import streamlit as st
from torch import Tensor

from bvae.aggregators import name_of, options_of
from bvae.app import live_models, loaders
from bvae.app.beliefs.generation import Studio
from bvae.app.beliefs.item_beliefs import ItemBeliefs, experts_of
from bvae.app.components import live
from bvae.app.explore.frame import Frame
from bvae.app.state import Form
from bvae.app.widgets.choose import Choice
from bvae.app.widgets.live_views import numbers, view_of
from bvae.maps.latent_distance import PLACES
from bvae.plots import style
from bvae.plots.posterior import Aggregate

KEY = "explore_live"
WORDS = "The joint belief's mean, decoded."
STEP = 0.05
"""Of the weights: a hand finds no finer ones, and the sliders have the same."""


def show(form: Form, choice: Choice, now: ItemBeliefs, axes: Frame, item: int, replaced: dict[str, Tensor]) -> None:
    """The view, where there can be one: below the three columns."""
    if not live_models.possible() or not bool(now.present.any()):
        return
    weights = [float(w) for w in form.answer("weights")]
    scene = scene_of(choice, now, axes, item, replaced, weights)
    st.subheader("Under your finger")
    st.caption("Drag the weights, or the point z: every view is decoded in your browser while it moves. When you let "
               "go, the exact numbers take its place, and weights become those of this page.")
    _view(form, choice, now, scene)


@st.fragment
def _view(form: Form, choice: Choice, now: ItemBeliefs, scene: dict[str, Any]) -> None:
    rest = live.sent(KEY, scene["revision"])
    given = answer(choice, scene, now.latent.mean[0], rest)
    live.show("explore", scene, given, key=KEY, rested=lambda: _take_weights(form, choice.views, scene["revision"]))
    if st.session_state.pop(f"{KEY}_taken", False):
        st.rerun()


def _take_weights(form: Form, views: Sequence[str], revision: str) -> None:
    """Weights that were dragged become those of the page's sliders."""
    rest = live.sent(KEY, revision)
    if not rest or not isinstance(given := rest.get("weights"), dict):
        return
    for view in views:
        value = given.get(view)
        if isinstance(value, (int, float)) and 0 <= value <= 1:
            st.session_state[form.key("weights", view)] = round(round(value / STEP) * STEP, 2)
    st.session_state[f"{KEY}_taken"] = True


def scene_of(
    choice: Choice, now: ItemBeliefs, axes: Frame, item: int, replaced: dict[str, Tensor], weights: Sequence[float],
) -> dict[str, Any]:
    """What ``browser/explore.mjs`` shows: the views' beliefs over all L dimensions, the rule, and the plane."""
    model, experts = choice.loaded.model, experts_of(choice.loaded, item, replaced)
    data = choice.data
    rule = now.rule.conditional()
    joint = Aggregate("", "", *(v[:, 0].numpy() for v in (now.latent.weights, now.latent.loc, now.latent.scale)))
    mean = now.latent.mean[0]
    scale = now.latent.variance[0].sqrt()
    own = None if now.used is None or now.weights is not None or now.used.numel() != len(now.loc) else now.used
    look = style.look(name_of(rule))
    scene = {
        "model": live_models.offer(choice.data_name, choice.loaded.checkpoint), "item": f"{choice.key} {item}",
        "latent": model.latent_dim, "weights": list(weights), "own": None if own is None else own.flatten().tolist(),
        "rule": {"name": name_of(rule), "options": options_of(rule)},
        "dash": {"solid": "", "dot": "1 4", "dash": "6 4"}.get(look.dash, "8 3 2 3"),
        "components": len(joint.weights), "joint": {"mean": numbers(mean), "scale": numbers(scale)},
        "plane": {"origin": numbers(axes.plane.origin), "axes": [numbers(a) for a in axes.plane.axes],
                  "limits": [list(map(float, pair)) for pair in axes.limits]},
        "views": [{**view_of(modality, m, data),
                   **({"loc": numbers(experts.loc[m, 0]), "scale": numbers(experts.scale[m, 0])}
                      if bool(now.present[m, 0]) else {"loc": None, "scale": None})}
                  for m, modality in enumerate(model.modalities.values())],
    }
    scene["revision"] = hashlib.sha256(json.dumps(scene).encode()).hexdigest()[:16]
    return scene


def answer(choice: Choice, scene: dict[str, Any], mean: Tensor, rest: dict[str, Any] | None) -> dict[str, Any]:
    """What Python decodes of the joint belief's mean, or of the point where a gesture has ended."""
    z = None if rest is None else live.vector(rest.get("z", ()), scene["latent"])
    at = mean if z is None else z
    data = choice.data
    studio = Studio(choice.loaded.model, loaders.latent_cloud(choice.key), loaders.judges(choice.data_name),
                    choice.loaded.model.aggregator)
    made = studio.decode(at.unsqueeze(0))
    judged = {view: f"{data.class_names[seen[0]]}?" for view in choice.views if (seen := made.judged(view, 0))}
    far = f"{PLACES[int(made.closeness.place[0])]}, at {float(made.closeness.ratio[0]):.2f} times the usual distance"
    return {
        "number": int(rest.get("number", 0)) if rest and isinstance(rest.get("number"), int) else 0,
        "z": numbers(at), "judged": judged, "alt": "the joint belief's mean" if z is None else "the point z",
        "said": (WORDS if z is None else f"The point z, decoded: {far}."),
        "values": live.packed({view: v[0] for view, v in made.values.items()}, choice.loaded.model.modalities),
    }
