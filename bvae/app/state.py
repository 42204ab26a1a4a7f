"""State that a link carries. Widgets bind themselves to the URL; this module holds their keys and the reset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from bvae.app.html import stylesheet
from bvae.app.router import ensure_routed
from bvae.plots import style

URL_VERSION = "1"
BIND = "query-params"


def begin_page() -> None:
    """What every page does first: be routed, have the stylesheet, and put the link format's version into the URL."""
    ensure_routed()
    st.html(stylesheet(ink().paper, style.LIGHT.paper, style.DARK.paper))
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


def reset(defaults: Mapping[str, Any]) -> None:
    """Give the named widgets these values at the next run, and so take them out of the address.

    Forgetting a widget is not enough: without a value of its own, a bound widget takes that of the address again.
    """
    for key, value in defaults.items():
        st.session_state[key] = value


def reset_shown(defaults: Mapping[str, Any]) -> None:
    """The same for those of the named widgets that the page shows now: the options of others may be different ones."""
    reset({key: value for key, value in defaults.items() if key in st.session_state})


def reset_button(defaults: Mapping[str, Any]) -> None:
    """A button for :func:`reset_shown`."""
    st.button("Reset everything", icon=":material/restart_alt:", on_click=reset_shown, args=(dict(defaults),),
              key="reset_everything")


def keep_offered(key: str, options: Sequence[Any], default: Any) -> None:
    """Before a widget whose options depend on another one: replace a value that is offered no more, in the link too."""
    if key in st.session_state and st.session_state[key] not in options:
        st.session_state[key] = default


def ink():
    """Colours for the theme that the viewer has on."""
    try:
        return style.DARK if st.context.theme.type == "dark" else style.LIGHT
    except AttributeError:  # outside a browser
        return style.LIGHT
