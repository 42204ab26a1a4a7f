"""Share: the address of what is shown, to copy."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from bvae.app.state import URL_VERSION

STATED = ("data", "model", "item", "seed")


def address() -> str:
    """The full address of this page with everything that was chosen, and the version of the link format.

    Data set, model, item and seed are in it even at their defaults, which another version may change; what else
    is at its default is not, and files of a person never are.
    """
    stated = {key: _written(key, st.session_state[key]) for key in STATED if key in st.session_state}
    parameters = {**stated, **{key: st.query_params.get_all(key) for key in st.query_params}, "v": URL_VERSION}
    return f"{st.context.url or ''}?{urlencode(parameters, doseq=True)}"


def _written(key: str, value: object) -> str:
    """As the widget itself would write it."""
    from bvae.app.widgets.choose import data_label, label

    return {"model": label, "data": data_label}.get(key, str)(str(value))


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
