"""Which pages there are. `app.py` runs them; every page makes sure that it was reached that way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import StopException

from bvae.app import links, login, tour
from bvae.app.pages import PAGES, script
from bvae.io.storage import StorageError
from bvae.runs import kept
from bvae.runs.isolated import ComputationError
from bvae.training.checkpoint import runs_root
from bvae.version import __version__

ROUTED = "_routed"
FIRST = next(iter(PAGES))
ABOUT = (
    f"**bvae {__version__}**, MIT licence. A core in PyTorch (`import bvae`), a command (`bvae --help`), and this app; "
    "nothing leaves this computer. The paper: Qiu et al., *Multimodal Variational Autoencoder: a Barycentric View*, "
    "AAAI 2025, [arXiv 2412.20487](https://arxiv.org/abs/2412.20487).")
ICON = Path(__file__).with_name("icon.png")  # a file of ours: Streamlit fetches named icons from elsewhere


def navigation():
    """Configure the page and let Streamlit choose what to run."""
    st.set_page_config(page_title="bvae: how multimodal VAEs combine what they know",
                       page_icon=str(ICON), layout="wide", menu_items={"About": ABOUT})
    login.ask()
    st.session_state[ROUTED] = True
    groups: dict[str, list[Any]] = {}
    for name, page in PAGES.items():
        groups.setdefault(page.group, []).append(
            st.Page(script(name), title=page.title, icon=page.icon, help=page.help, default=name == FIRST,
                    url_path="" if name == FIRST else name))
    return st.navigation(groups, position="top")


@st.cache_resource(max_entries=2, show_spinner=False)
def open_kept(root: str) -> None:
    """Enter the data sets that a person keeps below this folder, once a process."""
    kept.register_kept()


def use_one_thread() -> None:
    """Let every computation of the app have one thread, unless ``OMP_NUM_THREADS`` says otherwise.

    All of them are small, and the threads of one wait for each other, spinning, whenever the browser or another visitor
    keeps a core busy: on two cores a change then takes up to twice as long.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


def run() -> None:
    """Run the chosen page, with what its link did not get above and what comes next below.

    A damaged file of ours, or a computation that was not done, of which the page has not spoken itself, is said, not
    raised.
    """
    use_one_thread()
    if kept.may_keep(st.get_option("server.address")):  # they are nothing for others to see
        open_kept(str(runs_root()))
    page = navigation()
    name = page.url_path or FIRST
    links.arrive(name, PAGES[name].title)
    above = st.empty()
    try:
        page.run()
    except StorageError as error:
        st.error(f"A file cannot be read: {error}", icon=":material/error:")
    except ComputationError as error:
        st.error(str(error), icon=":material/error:")
    except StopException:  # it has said all that it has to say
        _around(name, above)
        raise
    _around(name, above)


def _around(name: str, above: DeltaGenerator) -> None:
    links.show(above)
    tour.ending(name)


def ensure_routed() -> None:
    """Start again through the router if this run came around it.

    The very first run of a server process that begins with a link to a page is routed by Streamlit's older discovery
    of the folder ``pages/``, because no call of ``st.navigation`` has told it otherwise yet.
    """
    if ROUTED not in st.session_state:
        navigation()
        st.rerun()
