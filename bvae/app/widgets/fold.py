"""Parts of a page that are made when somebody opens them: nobody waits for what nobody sees."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st


@st.fragment
def show(title: str, icon: str, key: str, content: Callable[[], None]) -> None:
    """An expander, closed at first; opening it reruns nothing else of the page.

    Parameters
    ----------
    title : str
    icon : str
        A Material symbol's name, such as "code".
    key : str
        Of the widget; its value in the session's state is whether it is open.
    content : callable
        Called while it is open, perhaps after the page has ended: bind variables that get another value meanwhile as
        defaults.
    """
    with st.expander(title, icon=f":material/{icon}:", key=key, on_change="rerun") as part:
        if part.open:
            content()
