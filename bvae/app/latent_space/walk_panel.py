"""Walk the plane: the controls, the component, and what lies behind its pictures."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from bvae.aggregators import aggregator, name_of
from bvae.app import live_models, loaders, reproduce
from bvae.app.components import live, plane_walk
from bvae.app.components.plane_walk import Position
from bvae.app.latent_space import flat, mapping, position, walk_script, walking
from bvae.app.latent_space.position import Held
from bvae.app.latent_space.state import OFF, LatentSpace
from bvae.app.latent_space.walking import BELIEFS, Seen, Walk
from bvae.app.state import Form, ink, reset
from bvae.app.widgets import charts, legends
from bvae.app.widgets.choose import MODEL, choose_rule
from bvae.data.sheet import drawable
from bvae.gaussians.dimensions import axis_title
from bvae.plots import style
from bvae.plots.marks import dashes

KEY = "plane_walk"
WRITTEN = ("Words are written letter by letter, each letter for itself: between two words, letters of both can come "
           "out. The number is how sure a classifier is of the digit that it reads.")
UNFOLDED = (f"{KEY}_twin", "reproduce")
"""Keys of what shows the position when it is open."""
STAGE_DUE = "_walk_stage_due"
"""In the session: whether the page has run as a whole, so that the browser may have another map."""
SAYS = {
    walking.POINT: "**Drag the yellow point:** every view shows what its decoder makes of that place. Where does one "
                   "digit become another?",
    BELIEFS: "**Drag a view's belief:** the rule makes one joint belief of all of them, and its picture follows. How "
             "far does one view pull it?",
}


def choose(form: Form[LatentSpace], place: Any) -> None:
    """What stands with the page's own choices."""
    form.ask(place.segmented_control, "drag", "Drag")
    if form.about.data.labelled and loaders.judges(form.about.data_name) is not None:
        form.ask(place.toggle, "classes", "Colour by class",
                 help="What a classifier sees in the picture of every place.")


def task(form: Form[LatentSpace]) -> str:
    """What to do."""
    return SAYS[form.answer("drag")]


def reset_button(form: Form[LatentSpace]) -> None:
    """As the map's, but that one stays in the model on whose plane one walks: the first one may have no plane."""
    firsts = {key: value for key, value in form.kind.firsts(form.about).items() if key != MODEL.key}
    st.button("Reset everything", icon=":material/restart_alt:", on_click=reset, args=(firsts, [position.HELD]),
              key="reset_everything")


def show(form: Form[LatentSpace]) -> None:
    """The whole of it, below the page's first row of controls."""
    choice = form.about
    if form.answer("drag") == BELIEFS:
        # On a phone this row stands below the pictures: see app.css.
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="walk_choices"):
            form.ask(st.number_input, "item", "Item", width=130, help=f"One of {len(choice.data)} test items.")
            choose_rule(form, st.container(width=220), choice.loaded.model,
                        "Any rule can be tried on the same beliefs. The decoders know only the one they were trained "
                        "with.")
            form.ask(st.pills, "seen", "Views that are on", wrap=True)
    else:
        for name in ("item", "rule", "seen"):
            form.keep(name)
    state = form.state(shown=choice.key)
    walk = walk_of(state, choice)
    start = position.first(walk.start(), len(walk.views))
    limits = walk.limits()
    position.link(position.find(choice.key, state.item, start, limits), start)
    stage = stage_of(walk, state, start, limits)
    st.session_state[STAGE_DUE] = True
    _walk(walk, stage, start, limits)
    notes = [flat.came(choice), WRITTEN if any(m.kind == "text" for m in choice.data.modalities.values()) else ""]
    if any(notes):
        st.caption("\n\n".join(filter(None, notes)))
    _below(walk, state)


def walk_of(state: LatentSpace, choice: Any) -> Walk:
    """What is walked on, as it was chosen."""
    model = choice.loaded.model
    rule = model.aggregator if state.rule_name is None else aggregator(state.rule_name)
    own = None if state.rule_name else model.expert_weights()
    return Walk(choice.loaded, choice.data, state.item, rule, name_of(rule), own,
                tuple(v in state.seen for v in choice.views), state.drag)


def stage_of(walk: Walk, state: LatentSpace, start: Position, limits: position.Limits) -> dict[str, Any]:
    """The map as the component takes it, without the position."""
    of, _, colors = walking.group_of_class(walk.data)
    view = walk.views[0] if state.background == OFF else state.background
    modality = walk.data.modalities[view]
    behind = None
    pictures = {v: mapping.decoded(walk.loaded.key, v, limits) for v, m in walk.data.modalities.items()
                if drawable(walk.data, m) and (m.kind == "image" or v == view)}
    if state.background != OFF and view in pictures:
        found = pictures[view]
        behind = ({"uri": found, "drawn": modality.shape[0] == 1 and ink() is style.LIGHT} if isinstance(found, str)
                  else {"words": found})
    seen = walking.classes_seen(walk.loaded.key, view, limits) if state.classes else None
    experts = walk.experts()
    what = f"in colours what a classifier sees in {view} at every place, " if seen is not None else ""
    stage = {
        "start": {"z": list(start.z)}, "mode": walk.mode, "limits": [list(axis) for axis in limits],
        "alt": f"Map of the latent plane: {what}behind it what the decoder of {view} makes of every place",
        "behind": behind, "classes": None if seen is None else walking.coloured(seen, of, colors),
        "sheets": [sheet if isinstance(sheet := pictures.get(v), str) else None for v in walk.views],
        "cells": mapping.CELLS, "live": live_of(walk),
        "points": walking.items_on_the_map(walk), "colors": colors,
        "views": [{"name": v, "color": style.color(m), "mean": experts.loc[m, 0].tolist(),
                   "scale": experts.scale[m, 0].tolist(), "there": bool(walk.observed[m] and experts.present[m, 0])}
                  for m, v in enumerate(walk.views)],
        "dash": dashes(style.dash(walk.rule_name), 3),
        "place": f"{st.session_state[position.TURN]} {walk.loaded.key.weights_hash} {walk.item}",
    }
    return {**stage, "revision": hashlib.sha256(repr(stage).encode()).hexdigest()[:16]}


def live_of(walk: Walk) -> dict[str, str] | None:
    """What decodes in the browser; None where that cannot be, or where a place is not all of z."""
    if walk.loaded.model.latent_dim != 2 or not live_models.possible():
        return None
    return {"model": live_models.offer(walk.loaded.key.data_name, walk.loaded.checkpoint),
            "modules": live.MODULES, "runtime": live.RUNTIME}


@st.fragment
def _walk(walk: Walk, stage: dict[str, Any], start: Position, limits: position.Limits) -> None:
    """The part that runs for every question of the browser: it has to be short, and runs nothing else of the page.

    What lies below it reads the position when somebody opens it; where it is open already, the page runs when a
    gesture has ended.
    """
    query = plane_walk.asked(KEY, len(walk.views), limits)
    due = st.session_state.pop(STAGE_DUE, False)
    known = query is not None and query.revision == stage["revision"]
    if query is not None and known:
        position.keep(Held(walk.loaded.key, walk.item, query.position))
        if query.rests:
            position.link(query.position, start)
    now = st.session_state[position.HELD].position
    seen = walking.look(walk, now)
    answer = {"number": query.number if query else 0, "rests": not query or query.rests,
              "said": walking.said(walk, now, seen), "joint": walking.joint(seen.scene),
              "rows": walking.rows(walk, seen)}
    plane_walk.show({**stage, "position": written(now)} if due or not known else None, answer, key=KEY)
    if known and query is not None and query.rests and not due and any(st.session_state.get(k) for k in UNFOLDED):
        st.rerun()


def _below(walk: Walk, state: LatentSpace) -> None:
    """The legend, the numbers and the script."""
    _, names, colors = walking.group_of_class(walk.data)
    st.html(legends.legend(names, colors, ["circle"] * len(names),
                           ("colours: what the classifier sees, paler where it is not sure" if state.classes else
                            "dots: the joint beliefs of all test items") + " · circles: the prior, 1σ and 2σ"))
    name = f"{state.file_name}_walk"

    def numbers() -> pd.DataFrame:
        now = st.session_state[position.HELD].position
        return table(walk, now, walking.look(walk, now))

    charts.numbers_button(KEY, numbers, name)
    reproduce.show(lambda: walk_script.of(walk, state, st.session_state[position.HELD].position), f"{name}.py",
                   title="Reproduce this picture",
                   checkpoints=[f"{walk.loaded.key.model_name} {walk.loaded.key.weights_hash[:12]}"])


def written(now: Position) -> dict[str, Any]:
    """A position as the component takes it."""
    return {"z": list(now.z), "beliefs": [None if b is None else [*b.mean, b.width] for b in now.beliefs]}


def table(walk: Walk, now: Position, seen: Seen) -> pd.DataFrame:
    """Where everything is, and what the classifiers see there."""
    lines: list[dict[str, Any]] = []
    if walk.mode == BELIEFS and seen.scene is not None:
        for m, view in enumerate(walk.views):
            if seen.scene.present[m, 0]:
                lines.append(_line(f"belief of {view}", seen.scene.loc[m, 0].numpy(), seen.scene.scale[m, 0].numpy()))
        q = seen.scene.posterior
        lines.append(_line("joint belief", q.mean[0].numpy(), q.variance[0].sqrt().numpy()))
    for r, place in enumerate(seen.places.numpy()):
        line = _line("decoded", place, None)
        for view in walk.views:
            if (best := seen.generated.judged(view, r)) is not None:
                line |= {f"{view} shows": walk.data.class_names[best[0]], f"{view}: probability": best[1]}
        lines.append(line)
    return pd.DataFrame(lines)


def _line(of: str, mean: np.ndarray, scale: np.ndarray | None) -> dict[str, Any]:
    out = {"of": of, axis_title(0): float(mean[0]), axis_title(1): float(mean[1])}
    return out if scale is None else {**out, "σ of z1": float(scale[0]), "σ of z2": float(scale[1])}
