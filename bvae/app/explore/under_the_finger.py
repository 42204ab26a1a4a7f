"""Explore's live view: weights and a point z that one drags, decoded in the browser while they move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from torch import Tensor

from bvae.app import live_models, loaders
from bvae.app.beliefs.generation import Studio
from bvae.app.beliefs.item_beliefs import ItemBeliefs, experts_of
from bvae.app.beliefs.live_scene import live_scene
from bvae.app.components import live
from bvae.app.explore.frame import Frame
from bvae.app.state import Form
from bvae.app.widgets.choose import Choice
from bvae.app.widgets.live_views import numbers
from bvae.maps.latent_distance import PLACES

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
    rest = live.sent(KEY, revision=scene["revision"])
    given = answer(choice, scene, now.latent.mean[0], rest)
    live.show("explore", scene, given, key=KEY, rested=lambda: _take_weights(form, choice.views, scene["item"]))
    if st.session_state.pop(f"{KEY}_taken", False):
        st.rerun()


def _take_weights(form: Form, views: Sequence[str], item: str) -> None:
    """Weights that were dragged become those of the page's sliders, also if the last ones became them meanwhile."""
    rest = live.sent(KEY, item=item)
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
    experts = experts_of(choice.loaded, item, replaced)
    address = live_models.offer(choice.data_name, choice.loaded.checkpoint)
    return live_scene(choice.loaded.model, choice.data, experts, now, axes.plane, axes.limits, weights, address,
                      f"{choice.key} {item}")


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
