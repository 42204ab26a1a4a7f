"""Explore's left column: the views of an item, which of them are observed, how much they weigh, and what they show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st
from torch import Tensor

from bvae.app.beliefs import sheet
from bvae.app.beliefs.tampering import DAMAGE_NAMES, Tampering, sayable, tamper
from bvae.app.state import Form
from bvae.app.templates import render
from bvae.app.widgets import images, tiles
from bvae.app.widgets.choose import Choice
from bvae.app.widgets.markdown import plain
from bvae.data import MultimodalDataset
from bvae.data.corruption import DAMAGES
from bvae.data.sheet import drawable
from bvae.plots import style

HONEST, NOTHING = "the truth", "nothing"
DAMAGED = tuple(dict.fromkeys(damage for of_kind in DAMAGES.values() for damage in of_kind))
PER_VIEW = ("weights", "lies", "damages", "strengths")
DATA_SHOWN = "explore_data"
"""In the session's state: the data set that the page showed last."""
FORMER_WORDS = {"occluded": DAMAGE_NAMES["occlude"]}
"""What links called a damage before -> what they call it now."""
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
    return [str(k) for k in sayable(data)]


def another_data_set(choice: Choice) -> None:
    """Before the column: of another data set than before, all views are seen, whatever was hidden of the last one."""
    if st.session_state.get(DATA_SHOWN, choice.data_name) != choice.data_name and "views" in st.session_state:
        st.session_state["views"] = list(choice.views)
    st.session_state[DATA_SHOWN] = choice.data_name


def accept_former_words(views: Sequence[str]) -> None:
    """Before the column: links of before have other words for some damages. The run begins again with those of now."""
    for key in (f"how_{view}" for view in views):
        if (word := FORMER_WORDS.get(st.query_params.get(key, ""))) is not None:
            st.query_params[key] = word
            st.rerun()


def column(form: Form, item: int, seed: int) -> Observed:
    """The column with its widgets: the pictures, which of them are seen, and, in a fold, what is done to each."""
    data, views = form.about.data, form.about.views
    strip = st.container()
    on = form.ask(st.pills, "on", "Views", wrap=True)
    truth = int(data.y[item])
    name = data.called(item) if tiles.has_tables(data) else (
        f"class {data.class_names[truth]}" if data.labelled else f"item {item}")
    honest = data.subset([item])
    present = [v in on and data.has(v, item) for v in views]
    tampered, replaced = [], {}
    with st.expander("Let a view lie, damage it, weigh it", icon=":material/theater_comedy:", key="change"):
        for m, (view, tab) in enumerate(zip(views, st.tabs(views), strict=True)):
            with tab:
                if not present[m]:
                    _hidden(form, view, item)
                    continue
                form.ask(st.slider, "weights", f"Weight of {view}", of=view)
                if (made := _tampering(form, view, item, seed)) is not None:
                    tampered.append(made)
                    replaced[view] = made.content(data)
    done = {t.view: t.said(data, truth) for t in tampered}
    weights = form.answer("weights")
    cells = []
    for m, view in enumerate(views):
        value = replaced.get(view, honest[view])[0] if present[m] else None
        shown = None if value is None else images.content(data, view, value)
        said = done.get(view, "") if present[m] else "hidden" if data.has(view, item) else "not there"
        heavy = f"weight {weights[m]:g}" if present[m] and weights[m] != 1 else ""
        alt = f"{view}, {data.modalities[view].label}, {said or name}"
        cells.append((sheet.picture(shown, alt, style.color(m)), style.color(m), view,
                      ", ".join(part for part in (said, heavy) if part),
                      "hidden" if shown is None else
                      "long" if isinstance(shown, str) and len(shown) > images.SHORT_TEXT else ""))
    strip.html(render("observed", cells=cells))
    now = f", but {'; '.join(plain(f'{t.view} {done[t.view]}') for t in tampered)}." if tampered else f". {data.story}"
    st.caption(" ".join(filter(None, [f"This is {name}{now}", tiles.note(data)])))
    if told := [plain(f"{v}: {m.label}") for v, m in data.modalities.items() if m.label not in ("", v)]:
        st.caption(" · ".join(told))
    return Observed(views, present, list(weights), tuple(tampered), replaced)


def _hidden(form: Form, view: str, item: int) -> None:
    """Instead of the controls of a view that is not seen: they keep what was chosen."""
    for of_the_view in PER_VIEW:
        form.keep(of_the_view, of=view)
    if form.about.data.has(view, item):
        st.button(f"Bring {view} back", key=f"back_{view}", on_click=_bring_back, args=(form.about.views, view))
    else:
        st.caption(f"This item has no {view}.")


def _tampering(form: Form, view: str, item: int, seed: int) -> Tampering | None:
    """What the view shows instead of the truth."""
    data = form.about.data
    damages = list(DAMAGES.get(data.modalities[view].kind, ())) if drawable(data, data.modalities[view]) else []
    if not classes(data) and not damages:
        return None
    shows = form.ask(
        st.selectbox, "lies", f"{view} shows", of=view,
        format_func=lambda k: k if k == HONEST else data.class_names[int(k)],
        help="The view of another item, of this class, drawn with the seed under Advanced.")
    damage = form.ask(st.segmented_control, "damages", f"Damage to {view}", of=view, options=[NOTHING, *damages],
                      wrap=True, format_func=lambda k: DAMAGE_NAMES.get(k, k))
    strength = form.ask(st.slider, "strengths", f"How much {view} is damaged", of=view, disabled=damage == NOTHING,
                        help=HELP.get(damage, "Choose a damage first."))
    return tamper(data, view, item, None if shows == HONEST else int(shows), None if damage == NOTHING else damage,
                  strength, seed)


def _bring_back(views: list[str], view: str) -> None:
    on = st.session_state.get("views") or []
    st.session_state["views"] = [v for v in views if v in on or v == view]
