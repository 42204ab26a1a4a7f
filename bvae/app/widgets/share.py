"""Share: the address of what is shown, to copy."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from bvae.app.state import URL_VERSION, Form


def address(form: Form | None = None) -> str:
    """The full address of this page with everything that was chosen, and the version of the link format.

    Data set, model, item and seed are in it even at their defaults, which another version may change, see
    `Control.stated`; what else is at its default is not, and files of a person never are.
    """
    stated = dict(form.stated()) if form is not None else {}
    parameters = {**stated, **{key: st.query_params.get_all(key) for key in st.query_params}, "v": URL_VERSION}
    return f"{st.context.url or ''}?{urlencode(parameters, doseq=True)}"


@st.fragment
def button(note: str = "", form: Form | None = None) -> None:
    """A button that shows the address; it reruns nothing else.

    Parameters
    ----------
    note : str
        What this page's links leave out.
    form : Form, optional
        The page's controls.
    """
    with st.popover("Share", icon=":material/share:", key="share", on_change="rerun", width="content") as box:
        if box.open:
            holds = "all that you changed here" if form is None else "data set, model, and all that you chose here"
            st.markdown(f"**This address shows the same to everybody who runs the app**: {holds}. {note}")
            st.code(address(form), language=None, wrap_lines=True)
