"""What Learn remembers of a person: which questions were predicted, the address that a teacher gave, and the class that
she leads.

The first two are kept in the person's own browser (localStorage), so that a reload or another day goes on where one
was, and in this session; Reset forgets the predictions in both. The class is kept by the tab of the browser alone
(sessionStorage): its key opens it. Nothing is written on the server.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from bvae.app.learn.lessons import lessons
from bvae.app.learn.state import LETTERS

PREDICTED = "learn_predicted"  # lesson -> letter of the answer, once it was revealed
ADDRESS = "learn_students_address"
LED = "learn_class_led"
KNOWN = "learn_browser_known"  # whether the browser may be written to: it was read, or something new was said
KEY = "learn_browser"
LONGEST = 2000


def predicted() -> Mapping[str, str]:
    """Lesson -> letter of the answer that was given before it was revealed what happens."""
    return st.session_state.get(PREDICTED, {})


def address() -> str:
    """What the teacher typed; empty at first."""
    return st.session_state.get(ADDRESS, "")


def predict(lesson: str, letter: str) -> None:
    """Remember an answer, unless there was an earlier one."""
    st.session_state.setdefault(PREDICTED, {}).setdefault(lesson, letter)
    st.session_state[KNOWN] = True


def forget(lesson: str | None = None) -> None:
    """As if a lesson's question had not been answered; without a name all of them."""
    given = st.session_state.setdefault(PREDICTED, {})
    for each in [lesson] if lesson else list(given):
        given.pop(each, None)
    st.session_state[KNOWN] = True


def keep_address(address: str) -> None:
    """Remember the address that students will use; an empty one forgets it."""
    st.session_state[ADDRESS] = address
    st.session_state[KNOWN] = True


def led() -> Mapping[str, str]:
    """``room``, ``key`` and ``at`` of the class that this tab leads or has led, as its address has them; or nothing."""
    return st.session_state.get(LED, {})


def lead(room: str, key: str, at: str) -> None:
    """Remember the class that this tab leads."""
    st.session_state[LED] = {"room": room, "key": key, "at": at}


def written() -> str:
    """All of it as the browser keeps it; empty if there is nothing."""
    kept = {"predicted": dict(predicted()), "address": address()}
    return json.dumps(kept) if any(kept.values()) else ""


def read(text: Any) -> None:
    """Take what the browser had kept, as far as it makes sense; what was said in this session goes before."""
    st.session_state[KNOWN] = True
    try:
        kept = json.loads(text) if isinstance(text, str) and len(text) <= LONGEST else None
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        return
    known, given = lessons(), kept.get("predicted")
    for name, letter in given.items() if isinstance(given, dict) else ():
        if name in known and letter in tuple(LETTERS[: len(known[name].question.options)]):
            st.session_state.setdefault(PREDICTED, {}).setdefault(name, letter)
    if isinstance(kept.get("address"), str) and not address():
        st.session_state[ADDRESS] = kept["address"]


def read_led(text: Any) -> None:
    """Take the class that the tab had kept; that of this session goes before. Whether there is such a class, and
    whether this is its key, its readers ask."""
    try:
        kept = json.loads(text) if isinstance(text, str) and len(text) <= LONGEST else None
    except ValueError:
        kept = None
    names = ("room", "key", "at")
    if isinstance(kept, dict) and not led() and all(isinstance(kept.get(name), str) for name in names):
        lead(*(kept[name] for name in names))


@functools.cache
def component() -> Any:
    """A component without anything to see. It hands over what the browser has kept and keeps what is new; and it
    scrolls up when another place is shown, which a link to the same page does not do by itself."""
    return st.components.v2.component("bvae_learn_memory", js="""
        const NAME = "bvae.learn";
        const read = (storage) => { try { return storage().getItem(NAME) ?? ""; } catch { return ""; } };
        const write = (storage, text) => {
          try {
            if (text) storage().setItem(NAME, text); else storage().removeItem(NAME);
          } catch { /* a browser that keeps nothing */ }
        };
        const browser = () => localStorage, tab = () => sessionStorage;
        let shown = null;
        export default function ({ data, setStateValue }) {
          if (shown !== null && shown !== data.place) {
            document.querySelector('[data-testid="stMain"]')?.scrollTo({ top: 0 });
          }
          shown = data.place;
          if (data.led) write(tab, data.led);
          if (data.known) {
            write(browser, data.keep);
          } else if (read(browser) || read(tab)) {
            setStateValue("kept", { browser: read(browser), tab: read(tab) });
          }
        }""")


def in_browser(place: str) -> None:
    """See :func:`component`. `place` names what is shown."""
    def heard() -> None:
        kept = (st.session_state.get(KEY) or {}).get("kept")
        kept = kept if isinstance(kept, Mapping) else {}
        read(kept.get("browser"))
        read_led(kept.get("tab"))

    component()(key=KEY, data={"place": place, "keep": written(), "known": bool(st.session_state.get(KNOWN)),
                               "led": json.dumps(dict(led())) if led() else ""},
                on_kept_change=heard)
