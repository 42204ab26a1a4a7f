"""The items that are selected in a map: as a text that a link holds, and the field for it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from bvae.app.state import BIND

MOST_PICKED = 200
SHOWN = 8


def items_in(text: str, total: int) -> list[int]:
    """Item numbers in a text such as "3, 17 20-24", in order, each once; whatever else it holds is left out."""
    found: dict[int, None] = {}
    for first, last in re.findall(r"(\d{1,9})(?:\s*-\s*(\d{1,9}))?", text[:4000]):
        for item in range(int(first), min(int(last or first), int(first) + MOST_PICKED) + 1):
            if item < total:
                found[item] = None
    return list(found)[:MOST_PICKED]


def as_text(items: Sequence[int]) -> str:
    """See :func:`items_in`. Of more than can be selected, as many from everywhere: items are sorted by class."""
    items = list(items)
    if len(items) > MOST_PICKED:
        items = [items[k * len(items) // MOST_PICKED] for k in range(MOST_PICKED)]
    return ", ".join(str(int(i)) for i in items)


def selection(total: int, hint: str) -> list[int]:
    """The field that holds the selected items, for the link and the keyboard, and the button that clears it.

    Parameters
    ----------
    total : int
        Number of items there are.
    hint : str
        What to do, while it is empty.
    """
    st.session_state.setdefault("picked", "")
    row = st.columns([3, 1], vertical_alignment="bottom")
    text = row[0].text_input("Selected items", key="picked", bind=BIND, max_chars=1500, placeholder=hint)
    row[1].button("Clear the selection", icon=":material/deselect:", on_click=select, args=([],), width="stretch")
    return items_in(text, total)


def adopt(chart: str) -> None:
    """What was selected in one map becomes the selection of all; an empty one is a redrawn figure's."""
    points = st.session_state[chart].selection.points
    chosen = [int(p["customdata"][0]) for p in points if p.get("customdata")]
    if chosen:
        select(list(dict.fromkeys(chosen)))


def select(items: Sequence[int]) -> None:
    """Put items into the field of :func:`selection`."""
    st.session_state["picked"] = as_text(items)
