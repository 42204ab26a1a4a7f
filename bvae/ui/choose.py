"""The two choices that every page about a trained model begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

import bvae
from bvae.methods import METHODS
from bvae.storage import StorageError
from bvae.ui import loaders
from bvae.ui.state import BIND

FIRST = "mwb-vae"
FIRST_DATA = "polymnist"


class Choice(NamedTuple):
    """Names of the data set and of the checkpoint, and the checkpoint ready to use."""

    data_name: str
    model_name: str
    loaded: loaders.Loaded


PLANE = "-2d"  # ends the names of shipped models with two latent dimensions


def label(model_name: str) -> str:
    """A checkpoint's name for a person, as links hold it: the method's title, or the name that the user gave."""
    if model_name.endswith(PLANE) and model_name.removesuffix(PLANE) in METHODS:
        return f"{METHODS[model_name.removesuffix(PLANE)].title}, 2-D"
    return METHODS[model_name].title if model_name in METHODS else model_name


def data_label(data_name: str) -> str:
    """A data set's name for a person, as links hold it. The embedded stand-in of CelebA is not called CelebA alone."""
    return "celeba (avatars)" if data_name == "celeba" else data_name


def accept_name(key: str, names: Sequence[str]) -> None:
    """Before a bound widget of names: a link may also hold one as the command line writes it."""
    if key not in st.session_state and st.query_params.get(key) in names:
        st.session_state[key] = st.query_params[key]


def pick_data(place, names: Sequence[str], key: str = "data") -> str:
    """A select box of data sets."""
    accept_name(key, names)
    return place.selectbox("Data set", names, key=key, bind=BIND, format_func=data_label)


def choose_data(place) -> tuple[str, list[str]]:
    """The data set and the names of its trained models; stops the page with what to do if there is none."""
    ready = sorted(bvae.datasets(), key=lambda name: (not loaders.trained(name), name != FIRST_DATA))
    data_name = pick_data(place, ready)
    names = loaders.trained(data_name)
    if not names:
        st.info(f"No model of {data_name} is trained yet. Train one with `python -m bvae train {data_name} {FIRST}`.")
        st.stop()
    return data_name, names


def first_model(data_name: str) -> str:
    """The model that is chosen at first, of a data set that has some."""
    names = loaders.trained(data_name)
    return FIRST if FIRST in names else names[0]


def choose_model(data_place, model_place) -> Choice:
    """Select boxes for the data set and the method; stops the page with what to do if nothing is trained or readable.

    Parameters
    ----------
    data_place, model_place : Streamlit containers
        Where the two boxes go.
    """
    data_name, names = choose_data(data_place)
    accept_name("model", names)
    model_name = model_place.selectbox("Method", names, index=names.index(first_model(data_name)), key="model",
                                       bind=BIND, format_func=label)
    try:
        return Choice(data_name, model_name, loaders.load_model(data_name, model_name))
    except StorageError as error:
        st.error(f"This model cannot be read: {error}", icon=":material/error:")
        st.stop()
