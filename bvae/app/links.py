"""What a link holds reaches its page, and what it asks for and does not get is said, with what is shown instead.

Pages share the names of many controls: an item that was chosen on one is the other's too. When one goes back or forward
to another page, Streamlit takes what such a name holds for a rest of the page that is left. Here it is read again.

Streamlit puts a first value in place of one that it does not know, without a word. :class:`bvae.app.state.Form` and the
boxes that are no form's compare what the address held with what came out, once after a page is opened; the router shows
what was gathered above the page until one closes it or goes elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

from bvae.app.templates import render

PAGE, ASKED, NOTES = "_page", "_asked", "_replaced"
"""In the session: the page that is open, the keys that were compared since, and what is to be said."""
WRITTEN = "_written"
"""In the session: names of parameters -> what the address held for them since the page was opened, the latest last."""
MOST_WRITTEN = 200
LONGEST = 60  # letters of what a link holds
VERSION = "v"
"""The parameter with the version of the link format."""
UNKNOWN = "unknown"
"""The parameter that :mod:`bvae.app.arrival` puts into the address of Home: the page that was asked for."""


def arrive(page: str, title: str) -> None:
    """At the beginning of every run: another page than in the last one begins anew."""
    left = st.session_state.get(PAGE)
    if left != page:
        st.session_state.update({PAGE: page, ASKED: [], NOTES: [], WRITTEN: {}})
        if left is not None:
            _read_again()
    if UNKNOWN in st.query_params:
        say("Page", st.query_params.get(UNKNOWN, ""), title)
        del st.query_params[UNKNOWN]


def _read_again() -> None:
    """After Back, Forward and links with choices of their own, the address is all that counts, as at a first visit.

    On the way of a link Streamlit's client writes what the last page had before what the link holds, which with us
    begins with the version of the link format.
    """
    context = get_script_run_ctx()
    if context is None:
        return
    own = context.query_string
    if not context.is_history_navigation:
        begin = f"&{own}".find(f"&{VERSION}=")
        if begin < 0:
            return
        own = own[begin:]
    with context.session_state.query_params() as held:
        held.set_initial_query_params(own)
        held.populate_from_query_string(own)
    st.query_params.update({})  # says it to the browser, which was told of less


def news(*names: str) -> tuple[str, ...] | None:
    """What the address holds of somebody else, or of before one went back; None if there is nothing new.

    A browser's request holds the address as it knows it. Where one moves on quickly, that is what this session put
    there a moment ago and has replaced since, see :func:`hold`: no news, or what was drawn in between would be lost.

    Parameters
    ----------
    *names : str
        Parameters that belong together.

    Returns
    -------
    tuple of str or None
        Their values, "" for one that is not there.
    """
    found = tuple(st.query_params.get(name, "") for name in names)
    known = _written(names)
    context = get_script_run_ctx()
    gone_back = context is not None and context.is_history_navigation
    if not any(found) or found in (known[-1:] if gone_back else known):
        return None
    known.append(found)
    return found


def hold(values: Mapping[str, str]) -> None:
    """Let the address hold what a page shows: name -> value, "" for none. The names as :func:`news` is asked for."""
    for name, value in values.items():
        if value and st.query_params.get(name) != value:
            st.query_params[name] = value
        elif not value and name in st.query_params:
            del st.query_params[name]
    known, texts = _written(tuple(values)), tuple(values.values())
    if texts in known:
        known.remove(texts)
    known.append(texts)
    del known[:-MOST_WRITTEN]


def _written(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return st.session_state.setdefault(WRITTEN, {}).setdefault(names, [])


def asked(key: str) -> list[str]:
    """What the link holds for a control when the page shows it first; nothing later, when a person decides."""
    known = st.session_state.setdefault(ASKED, [])
    if key in known:
        return []
    known.append(key)
    return st.query_params.get_all(key)


def compare(label: str, wanted: Sequence[str], got: Sequence[Sequence[str]]) -> None:
    """Note what was asked for and is not there.

    Parameters
    ----------
    label : str
        Of the control.
    wanted : sequence of str
        What the link holds, see :func:`asked`.
    got : sequence of sequences of str
        Of every value that the control has: its spellings, the one for a person first.
    """
    missing = [text for text in wanted if text and not any(same(text, ways) for ways in got)]
    if missing:
        say(label, ", ".join(missing), ", ".join(ways[0] for ways in got) or "nothing")


def same(text: str, ways: Sequence[str]) -> bool:
    """Whether a link's text is one of some spellings; numbers and truth values may be written in any way."""
    if text.lower() in (way.lower() for way in ways):
        return True
    with contextlib.suppress(ValueError):
        return any(abs(float(text) - float(way)) <= 1e-6 * max(1.0, abs(float(way))) for way in ways)
    return False


def say(label: str, wanted: str, shown: str) -> None:
    """Note that a link's value was not found, and what is shown instead."""
    note = (label, wanted if len(wanted) <= LONGEST else f"{wanted[:LONGEST]}…", shown)
    notes = st.session_state.setdefault(NOTES, [])
    if note not in notes:
        notes.append(note)


def show(place: DeltaGenerator) -> None:
    """All that was noted, with a button that closes it; nothing where all was found."""
    notes = st.session_state.get(NOTES)
    if not notes:
        return
    with place.container(horizontal=True, vertical_alignment="center", gap="small", key="replaced"):
        st.html(render("replaced", notes=notes))
        st.button("Understood", on_click=_close, key="replaced_close", width="content")


def _close() -> None:
    st.session_state[NOTES] = []
