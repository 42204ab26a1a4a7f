"""With which model Generate opens: one whose translations differ and whose inventions agree, by what was measured."""

from __future__ import annotations

import streamlit as st

from bvae.app import loaders
from bvae.app.widgets import choose
from bvae.io.storage import StorageError
from bvae.training import checkpoints_root, load_checkpoint

VARIED, RIGHT, AGREEING = 0.1, 0.7, 0.85
"""Least variety and coherence of translations from one view, and least joint coherence of inventions."""


def first_model(data_name: str) -> str:
    """The model that Generate shows at first.

    Of those that reach `VARIED`, `RIGHT` and `AGREEING` the one of the highest coherence, the mean over all numbers of
    observed views; if none does, the one with which the other pages open.
    """
    return _first(str(checkpoints_root()), data_name, tuple(loaders.trained(data_name)))


@st.cache_data(max_entries=12, ttl=60, show_spinner=False)
def _first(root: str, data_name: str, names: tuple[str, ...]) -> str:
    right = {name: coherence for name in names if (coherence := _coherence(data_name, name)) is not None}
    return max(right, key=right.__getitem__) if right else choose.first_model(data_name)


def _coherence(data_name: str, name: str) -> float | None:
    """Coherence of a model that reaches all three, the mean over numbers of views; None of any other."""
    try:
        metrics = load_checkpoint(data_name, name).metrics
        varied, right = (metrics[figure]["1"]["mean"] for figure in ("variety", "coherence"))
        agreeing = metrics["joint_coherence_fitted"]["mean"]
        means = [said["mean"] for said in metrics["coherence"].values()]
    except (StorageError, KeyError, TypeError):
        return None
    return sum(means) / len(means) if varied >= VARIED and right >= RIGHT and agreeing >= AGREEING else None
