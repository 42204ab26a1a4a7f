"""Explore's left column: the views of an item, which of them are observed, how much they weigh, and what they show."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st
from torch import Tensor

from bvae.app.beliefs.tampering import DAMAGE_NAMES, Tampering, tamper
from bvae.app.state import Form
from bvae.app.templates import render
from bvae.app.widgets import images
from bvae.data import MultimodalDataset
from bvae.data.corruption import DAMAGES
from bvae.data.sheet import drawable
from bvae.plots import style

HONEST, NOTHING = "the truth", "nothing"
DAMAGED = tuple(dict.fromkeys(damage for of_kind in DAMAGES.values() for damage in of_kind))
PER_VIEW = ("weights", "lies", "damages", "strengths")
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


def classes(data: MultimodalDataset) -> list[str]:
    """Numbers of the classes that a view can show, as texts."""
    return [str(k) for k in sorted(set(data.y.tolist()))] if data.labelled else []


def column(form: Form, item: int, seed: int) -> Observed:
    """The column with its widgets."""
    data, views = form.about.data, form.about.views
    on = form.ask(st.pills, "on", "Views")
    truth = int(data.y[item])
    name = f"class {data.class_names[truth]}" if data.labelled else f"item {item}"
    honest = data.subset([item])
    present = [v in on and data.has(v, item) for v in views]
    tampered, replaced = [], {}
    with st.container(key="observed"):
        for m, view in enumerate(views):
            picture, controls = st.columns([1, 1.45], vertical_alignment="center", wrap=False, gap="small")
            done = None
            if present[m]:
                form.ask(controls.slider, "weights", f":gray[weight of] {view}", of=view)
                done = _popover(form, controls, view, item, seed)
            else:
                for of_the_view in PER_VIEW:
                    form.keep(of_the_view, of=view)
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
    return Observed(views, present, list(form.answer("weights")), tuple(tampered), replaced)


def _popover(form: Form, place, view: str, item: int, seed: int) -> Tampering | None:
    """What the view shows instead of the truth."""
    data = form.about.data
    damages = list(DAMAGES.get(data.modalities[view].kind, ())) if drawable(data, data.modalities[view]) else []
    if not classes(data) and not damages:
        return None
    with place.popover("Tamper", icon=":material/theater_comedy:", key=f"tamper_{view}", type="tertiary",
                       help=f"Let {view} lie, or damage it."):
        shows = form.ask(
            st.selectbox, "lies", f"{view} shows", of=view,
            format_func=lambda k: k if k == HONEST else data.class_names[int(k)],
            help="The view of another item, of this class, drawn with the seed under Advanced.")
        damage = form.ask(st.segmented_control, "damages", "Damaged by", of=view, options=[NOTHING, *damages],
                          format_func=lambda k: DAMAGE_NAMES.get(k, k))
        strength = form.ask(st.slider, "strengths", "Strength", of=view, disabled=damage == NOTHING,
                            help=HELP.get(damage, "Choose a damage first."))
    return tamper(data, view, item, None if shows == HONEST else int(shows), None if damage == NOTHING else damage,
                  strength, seed)


def _bring_back(views: list[str], view: str) -> None:
    on = st.session_state.get("views") or []
    st.session_state["views"] = [v for v in views if v in on or v == view]
