"""Share: the address of what is shown, to copy."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from bvae.ui.state import URL_VERSION


def address() -> str:
    """The full address of this page with everything that was chosen, and the version of the link format.

    What is at its default is not in it, and files of a person never are.
    """
    parameters = {**{key: st.query_params.get_all(key) for key in st.query_params}, "v": URL_VERSION}
    return f"{st.context.url or ''}?{urlencode(parameters, doseq=True)}"


@st.fragment
def button(note: str = "") -> None:
    """A button that shows the address; it reruns nothing else.

    Parameters
    ----------
    note : str
        What this page's links leave out.
    """
    with st.popover("Share", icon=":material/share:", key="share", on_change="rerun", width="content") as box:
        if box.open:
            st.markdown("**This address shows the same to everybody who runs the app**: data set, model, and all that "
                        f"you chose here. {note}")
            st.code(address(), language=None, wrap_lines=True)
