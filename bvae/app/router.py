"""Which pages there are. `app.py` runs them; every page makes sure that it was reached that way."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st
import torch

from bvae.app import login
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
    return st.navigation(
        [
            st.Page("pages/home.py", title="Home", icon=":material/home:", default=True,
                    help="The idea in one picture: three ways to combine what several experts believe."),
            st.Page("pages/learn.py", title="Learn", icon=":material/school:",
                    help="Eight short lessons, each with a question before its answer."),
            st.Page("pages/playground.py", title="Playground", icon=":material/toys:",
                    help="Drag Gaussian experts in the plane and watch every barycenter follow."),
            st.Page("pages/explore.py", title="Explore", icon=":material/explore:",
                    help="Pick modalities and an aggregator; see the posteriors and what the model imagines."),
            st.Page("pages/generate.py", title="Generate", icon=":material/brush:",
                    help="Draw a digit, pick views, walk between items: what does the model make of it?"),
            st.Page("pages/latent_space.py", title="Latent space", icon=":material/scatter_plot:",
                    help="Maps of the latent space of all test items: PCA and t-SNE."),
            st.Page("pages/compare.py", title="Compare", icon=":material/compare:",
                    help="Two to six methods or aggregators side by side on one sample, with the same noise."),
            st.Page("pages/your_data.py", title="Your data", icon=":material/upload_file:",
                    help="Posteriors of your own model in these views; how to add data sets, rules and methods."),
            st.Page("pages/train.py", title="Train", icon=":material/model_training:",
                    help="Train a model of your own: live curves and samples, stop, resume, come back."),
            st.Page("pages/benchmarks.py", title="Benchmarks", icon=":material/monitoring:",
                    help="The numbers of all trained models, with what they mean and how they mislead."),
        ],
        position="top",
    )


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
