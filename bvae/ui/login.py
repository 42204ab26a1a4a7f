"""A login before every page, where whoever serves the app has configured one."""

from __future__ import annotations

import streamlit as st


def ask() -> None:
    """Stop at a button to log in, if Streamlit's login is configured and the visitor is not logged in.

    It is configured by a section ``[auth]`` in ``.streamlit/secrets.toml``, see ``docs/serve.md``. Without one the app
    is open to whoever reaches it, and it listens on localhost only.
    """
    if st.user.get("is_logged_in") is not False:  # True, or not there: no login is configured
        return
    st.title("Please log in")
    st.markdown("This app is served to a class or a group: it asks who you are before it opens.")
    st.button("Log in", type="primary", icon=":material/login:", on_click=st.login)
    st.stop()
