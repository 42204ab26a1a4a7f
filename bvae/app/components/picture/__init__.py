"""Two buttons that save what a page shows as one picture, PNG or SVG. The browser draws it: nothing leaves it."""

from __future__ import annotations

import functools
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent


@functools.cache
def component():
    """Registered once per process, at the first use."""
    return st.components.v2.component(
        "bvae_picture",
        html='<div class="bvae-picture"></div>\n<!-- filled by the script -->\n',
        css=(HERE / "picture.css").read_text(encoding="utf-8"),
        js=(HERE / "picture.js").read_text(encoding="utf-8"),
    )


def save_buttons(file_name: str, *, key: str) -> None:
    """Show the buttons.

    In the picture is what the page shows of results: headings, texts, pictures, charts and tables, with the page's
    address below; controls and closed parts are not.

    Parameters
    ----------
    file_name : str
        Of the file, without an ending.
    key : str
        Streamlit's key.
    """
    component()(key=key, data={"file": file_name})
