"""Explore's left column: the views of an item, which of them are observed, how much they weigh, and what they show."""

from __future__ import annotations

from typing import Any, NamedTuple

import streamlit as st
from torch import Tensor

from bvae.app.beliefs.tampering import DAMAGE_NAMES, Tampering, tamper
from bvae.app.html import render
from bvae.app.state import BIND, forget
from bvae.app.widgets import images
from bvae.data import MultimodalDataset
from bvae.data.corruption import DAMAGES
from bvae.data.sheet import drawable
from bvae.plots import style

HONEST, NOTHING = "the truth", "nothing"
PER_VIEW = {"w": 1.0, "lie": HONEST, "how": NOTHING, "much": 0.5}
HELP = {"noise": "Gaussian noise on every pixel; its standard deviation.", "occlude": "A grey square; its share.",
        "misspell": "Letters replaced by others; their share.", "erase": "A run of letters blanked; its share.",
        "shuffle": "Letters that change places; their share."}


class Observed(NamedTuple):
    """What the left column says.

    Attributes
    ----------
    views : list of str
        All of the model.
    present : list of bool
    weights : list of float
    tampered : tuple of Tampering
        Of observed views.
    replaced : dict of str to Tensor
        What they show, (1, ...).
    """

    views: list[str]
    present: list[bool]
    weights: list[float]
    tampered: tuple[Tampering, ...]
    replaced: dict[str, Tensor]

    @property
    def on(self) -> list[str]:
        """Names of the observed views."""
        return [v for v, seen in zip(self.views, self.present, strict=True) if seen]

    def x(self, data: MultimodalDataset, item: int) -> dict[str, Tensor]:
        """What the model sees, (1, ...)."""
        honest = data.subset([item])
        return {v: self.replaced.get(v, honest[v]) for v in self.on}  # never one that the item lacks

    def lies(self, data: MultimodalDataset, truth: int) -> list[int]:
        """Classes that lying views show."""
        return sorted({t.shown(data) for t in self.tampered if t.lies} - {truth})


def defaults(views: list[str]) -> dict[str, Any]:
    """What the widgets of the column have at first, by their keys."""
    return {"views": views, **{f"{prefix}_{v}": value for v in views for prefix, value in PER_VIEW.items()}}


def column(data: MultimodalDataset, views: list[str], item: int, seed: int) -> Observed:
    """The column with its widgets."""
    if st.session_state.get("views") and not set(st.session_state["views"]) & set(views):
        forget("views")  # those of another data set
    on = st.pills("Views", views, default=views, selection_mode="multi", key="views", bind=BIND)
    truth = int(data.y[item])
    name = f"class {data.class_names[truth]}" if data.labelled else f"item {item}"
    honest = data.subset([item])
    present = [v in on and data.has(v, item) for v in views]
    weights, tampered, replaced = [], [], {}
    with st.container(key="observed"):
        for m, view in enumerate(views):
            picture, controls = st.columns([1, 1.45], vertical_alignment="center", wrap=False, gap="small")
            done = None
            if present[m]:
                weights.append(controls.slider(f":gray[weight of] {view}", 0.0, 4.0, 1.0, 0.25, key=f"w_{view}",
                                               bind=BIND))
                done = _popover(controls, data, view, item, seed)
            else:
                weights.append(_kept(view))
                if not data.has(view, item):
                    controls.caption(f"This item has no {view}.")
                else:
                    controls.button(f"Bring {view} back", key=f"back_{view}", on_click=_bring_back, args=(views, view))
            value, said = None, ""
            if present[m]:
                value = honest[view]
                if done is not None:
                    tampered.append(done)
                    value = replaced[view] = done.content(data)
                    said = done.said(data, truth)
            shown = None if value is None else images.content(data, view, value[0])
            if isinstance(shown, str) and len(shown) > images.SHORT_TEXT:
                controls.html(render("long_text", text=shown))
            label = data.modalities[view].label
            alt = f"{view}, {label}, " + ("absent" if value is None else said or name)
            mark = render("bold", text=said) if said else ""
            picture.html(images.figure(shown, alt, style.color(m), mark))
    st.caption(f"This is {name}. {data.story}")
    return Observed(views, present, weights, tuple(tampered), replaced)


def _popover(place, data: MultimodalDataset, view: str, item: int, seed: int) -> Tampering | None:
    """What the view shows instead of the truth."""
    classes = sorted(set(data.y.tolist())) if data.labelled else []
    damages = list(DAMAGES.get(data.modalities[view].kind, ())) if drawable(data, data.modalities[view]) else []
    if not classes and not damages:
        return None
    with place.popover("Tamper", icon=":material/theater_comedy:", key=f"tamper_{view}", type="tertiary",
                       help=f"Let {view} lie, or damage it."):
        shows = st.selectbox(
            f"{view} shows", [HONEST, *map(str, classes)], key=f"lie_{view}", bind=BIND,
            format_func=lambda k: k if k == HONEST else data.class_names[int(k)],
            help="The view of another item, of this class, drawn with the seed under Advanced.")
        damage = st.segmented_control(
            "Damaged by", [NOTHING, *damages], default=NOTHING, required=True, key=f"how_{view}", bind=BIND,
            format_func=lambda k: DAMAGE_NAMES.get(k, k))
        strength = st.slider("Strength", 0.05, 1.0, 0.5, 0.05, key=f"much_{view}", bind=BIND,
                             disabled=damage == NOTHING, help=HELP.get(damage, "Choose a damage first."))
    return tamper(data, view, item, None if shows == HONEST else int(shows), None if damage == NOTHING else damage,
                  strength, seed)


def _kept(view: str) -> float:
    """The weight of a view that is switched off, 1 if it never had another.

    Streamlit forgets the widgets that a run does not show; what was set for a view comes back with it all the same.
    """
    for prefix in PER_VIEW:
        key = f"{prefix}_{view}"
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
    return float(st.session_state.get(f"w_{view}", 1.0))


def _bring_back(views: list[str], view: str) -> None:
    on = st.session_state.get("views") or []
    st.session_state["views"] = [v for v in views if v in on or v == view]
