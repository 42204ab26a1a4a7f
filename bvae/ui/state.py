"""State that a link carries. Widgets bind themselves to the URL; this module holds their keys and the reset."""

from __future__ import annotations

import streamlit as st

URL_VERSION = "1"
BIND = "query-params"
PREFIXES = ("data", "model", "agg", "views", "item", "seed", "w_", "n", "plane", "also", "which", "map", "color",
            "perplexity")


def mark_version() -> None:
    """Put the version of the link format into the URL, where a later version of the app can find it."""
    if st.query_params.get("v") != URL_VERSION:
        st.query_params["v"] = URL_VERSION


def chosen(key: str, options: list, default):
    """The value that a bound widget will have, or the default: for options that depend on another widget."""
    value = st.session_state.get(key, default)
    return value if value in options else default


def forget(*keys: str) -> None:
    """Reset the named widgets to their defaults at the next run."""
    for key in keys:
        st.session_state.pop(key, None)


def ink():
    """Colours for the theme that the viewer has on."""
    from bvae.plots import style

    try:
        return style.DARK if st.context.theme.type == "dark" else style.LIGHT
    except AttributeError:  # outside a browser
        return style.LIGHT
