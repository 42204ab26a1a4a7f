"""An item by the name that a person's files give it, beside the field for its number."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from bvae.data import MultimodalDataset
from bvae.data.own.own_data import OwnData

MOST = 2000
"""Items of which a box holds the names: all of them go to the browser."""


def choose(place: DeltaGenerator, data: MultimodalDataset, key: str) -> None:
    """A box in which one types an id; nothing where items have none, or too many of them.

    Parameters
    ----------
    place : container
    data : MultimodalDataset
    key : str
        Of the field for the item's number, which stands before it and has its value.
    """
    if not isinstance(data, OwnData) or len(data) > MOST:
        return
    box = f"{key}_by_id"

    def take() -> None:
        st.session_state[key] = int(st.session_state[box])

    st.session_state[box] = int(st.session_state[key])
    place.selectbox("Its id", range(len(data)), format_func=lambda k: str(data.ids[k]), key=box, on_change=take,
                    width=130, help="Type an id to find it. These are the items kept to test.")
