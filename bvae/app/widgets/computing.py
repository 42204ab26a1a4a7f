"""What a page says where a computation on a visitor's data was not done, see `bvae.runs.isolated`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import streamlit as st

from bvae.runs.isolated import ComputationError


@contextlib.contextmanager
def said() -> Iterator[None]:
    """A computation that fails inside is an error message in this place, and the page goes on behind it."""
    try:
        yield
    except ComputationError as error:
        say(error)


def say(error: ComputationError) -> None:
    """Write why it was not done."""
    st.error(str(error), icon=":material/error:")
