"""A login before every page, where whoever serves the app has configured one."""

from __future__ import annotations

import functools

import streamlit as st


@functools.cache
def _way_back():
    """A component without anything to see. Streamlit's login always ends on the first page, in a new session, so only
    the browser can know with which address one came: it is kept in the tab's own storage until the login is done."""
    return st.components.v2.component("bvae_login_way_back", js="""
        const KEY = "bvae_came_with";
        export default function ({ data }) {
          const { pathname, search, origin } = window.location;
          if (!data.in) {
            // With nothing but the version in it, it is the first page: an earlier address is kept.
            if (pathname.length > 1 || !["", "?v=1"].includes(search)) sessionStorage.setItem(KEY, pathname + search);
            return;
          }
          const wanted = sessionStorage.getItem(KEY);
          sessionStorage.removeItem(KEY);
          if (!wanted || wanted === pathname + search) return;
          const address = new URL(wanted, origin);
          if (address.origin === origin) window.location.replace(address.href);
        }""")


def ask() -> None:
    """Stop at a button to log in, if Streamlit's login is configured and the visitor is not logged in.

    It is configured by a section ``[auth]`` in ``.streamlit/secrets.toml``, see ``docs/serve.md``. Without one the app
    is open to whoever reaches it, and it listens on localhost only. After the login one is led to the address with
    which one came.
    """
    logged_in = st.user.get("is_logged_in")
    if logged_in is None:  # not configured
        return
    _way_back()(key="login_way_back", data={"in": bool(logged_in)})
    if logged_in:
        return
    st.title("Please log in")
    st.markdown("This app is served to a class or a group: it asks who you are before it opens.")
    st.button("Log in", type="primary", icon=":material/login:", on_click=st.login)
    st.stop()
