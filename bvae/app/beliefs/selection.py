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


def in_proportion(items: Sequence[int], labels: Sequence[int], most: int) -> list[int]:
    """At most so many of some items, of every class as many as its share, from everywhere within it.

    Seats go to the largest remainders, so that the shares are as right as whole items can be.

    Parameters
    ----------
    items, labels : sequence of int
        As many classes as items.
    most : int

    Returns
    -------
    list of int
        The items of the largest class first.
    """
    if len(items) <= most:
        return list(items)
    of: dict[int, list[int]] = {}
    for item, label in zip(items, labels, strict=True):
        of.setdefault(label, []).append(item)
    wanted = {label: most * len(own) / len(items) for label, own in of.items()}
    seats = {label: int(share) for label, share in wanted.items()}
    for label in sorted(of, key=lambda k: (seats[k] - wanted[k], -len(of[k])))[: most - sum(seats.values())]:
        seats[label] += 1
    return [own[(2 * k + 1) * len(own) // (2 * seats[label])]
            for label, own in sorted(of.items(), key=lambda pair: -len(pair[1])) for k in range(seats[label])]


KEPT = "_picked_kept"
"""In the session: data set -> what was selected of it when another one was chosen."""
SHOWN_OF = "_picked_of"
"""In the session: the data set whose items are selected."""


def change_data(of: str) -> str:
    """Before the field: where another data set is shown than before, its own selection takes the place of the other.

    Numbers of items mean other items there. What was selected is kept for when one comes back.

    Returns
    -------
    str
        The data set whose selection has just been put away; "" if none was.
    """
    before, held = st.session_state.get(SHOWN_OF), st.session_state.get("picked")
    st.session_state[SHOWN_OF] = of
    if before in (None, of) or held is None:  # of a page that was just opened, the address knows better
        return ""
    kept = st.session_state.setdefault(KEPT, {})
    kept[before] = held
    st.session_state["picked"] = kept.pop(of, "")
    return before if held else ""


def left_out(text: str, total: int) -> list[int]:
    """Single numbers in a text that are no items, at most `SHOWN` of them."""
    numbers = {int(n) for n in re.findall(r"\d{1,9}", text[:4000])}
    return sorted(n for n in numbers if n >= total)[:SHOWN]


def selection(total: int, hint: str, of: str | None = None) -> list[int]:
    """The field that holds the selected items, for the link and the keyboard, and the button that clears it.

    Parameters
    ----------
    total : int
        Number of items there are.
    hint : str
        What to do, while it is empty.
    of : str, optional
        The data set, where the page can show several: each keeps its own selection.
    """
    put_away = change_data(of) if of is not None else ""
    st.session_state.setdefault("picked", "")
    row = st.container(horizontal=True, vertical_alignment="bottom")
    text = row.text_input("Selected items", key="picked", bind=BIND, max_chars=1500, placeholder=hint)
    row.button("Clear the selection", icon=":material/deselect:", on_click=select, args=([],), width="content")
    notes = []
    if put_away:
        notes.append(f"Items of another data set are other items: what you selected of {put_away} is kept there, and "
                     "back when you come back.")
    if wrong := left_out(text, total):
        notes.append(f"Left out, as there are {total:,} items, 0 to {total - 1:,}: {', '.join(map(str, wrong))}.")
    if notes:
        st.caption(" ".join(notes))
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
