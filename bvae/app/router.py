"""Which pages there are. `app.py` runs them; every page makes sure that it was reached that way."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st
import torch

from bvae.app import login
from bvae.app.pages import PAGES, script
from bvae.io.storage import StorageError
from bvae.runs.isolated import ComputationError

ROUTED = "_routed"
ICON = Path(__file__).with_name("icon.png")  # a file of ours: Streamlit fetches named icons from elsewhere


def navigation():
    """Configure the page and let Streamlit choose what to run."""
    st.set_page_config(page_title="bvae: how multimodal VAEs combine what they know",
                       page_icon=str(ICON), layout="wide")
    login.ask()
    st.session_state[ROUTED] = True
    first = next(iter(PAGES))
    return st.navigation([
        st.Page(script(name), title=page.title, icon=page.icon, help=page.help, default=name == first,
                url_path="" if name == first else name)
        for name, page in PAGES.items()
    ], position="top")


def use_one_thread() -> None:
    """Let every computation of the app have one thread, unless ``OMP_NUM_THREADS`` says otherwise.

    All of them are small, and the threads of one wait for each other, spinning, whenever the browser or another visitor
    keeps a core busy: on two cores a change then takes up to twice as long.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


def run() -> None:
    """Run the chosen page. A damaged file of ours, or a computation that was not done, of
    which the page has not spoken itself, is said, not raised."""
    use_one_thread()
    page = navigation()
    try:
        page.run()
    except StorageError as error:
        st.error(f"A file cannot be read: {error}", icon=":material/error:")
    except ComputationError as error:
        st.error(str(error), icon=":material/error:")


def ensure_routed() -> None:
    """Start again through the router if this run came around it.

    The very first run of a server process that begins with a link to a page is routed by Streamlit's older discovery
    of the folder ``pages/``, because no call of ``st.navigation`` has told it otherwise yet.
    """
    if ROUTED not in st.session_state:
        navigation()
        st.rerun()
