"""The tour through the app: every page ends with what the next one is for."""

from __future__ import annotations

import streamlit as st

from bvae.app.pages import PAGES, script


def following(name: str) -> str:
    """Name of the page that comes next; after the last one the first."""
    names = list(PAGES)
    return names[(names.index(name) + 1) % len(names)]


def ending(name: str) -> None:
    """What the page after this one is for, with a link; nothing where a page stands alone, as before a class."""
    if set(PAGES[name].alone) & set(st.query_params):
        return
    after = following(name)
    with st.container(key="tour", gap="xsmall"):
        st.page_link(script(after), label=f"**Next: {PAGES[after].title}**", icon=":material/arrow_forward:",
                     width="content")
        st.caption(PAGES[after].help)
