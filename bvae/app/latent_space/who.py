"""Who says what in a model, and the items whose views fit each other least: computed once, for all sessions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st
import torch

from bvae.app import loaders
from bvae.app.loaders import ModelKey
from bvae.metrics import contributions
from bvae.metrics.contributions import Explained
from bvae.metrics.misfit import Misfit, misfit

DECODED = 200
"""Items that are decoded for what the dimensions explain."""
MIDDLE = (0.1, 0.9)
"""Between them lie the middle items of a share."""


class Shares(NamedTuple):
    """Of the views in the joint belief.

    Attributes
    ----------
    mean, low, high : ndarray
        (M,): over the items, and the quantiles `MIDDLE`; NaN where it cannot be said.
    items : int
        Of how many: those that have at least two views.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    items: int


@st.cache_data(max_entries=24, show_spinner="Leaving out one view after another")
def shares(key: ModelKey) -> Shares:
    """Shares of the views in the joint belief. See `bvae.metrics.contributions`."""
    this = loaders.loaded(key)
    found = contributions.shares(this.model, this.experts)
    low, high = torch.nanquantile(found, torch.tensor(MIDDLE), dim=1).numpy()
    return Shares(found.nanmean(1).numpy(), low, high, int((~found.isnan()).any(0).sum()))


@st.cache_resource(max_entries=24, show_spinner=False)
def misfits(key: ModelKey) -> Misfit:
    """See `bvae.metrics.misfit`."""
    this = loaders.loaded(key)
    return misfit(this.experts, this.model.shared_dim)


@st.cache_resource(max_entries=24, show_spinner="Taking away one latent dimension after another: some seconds, once")
def explained(key: ModelKey) -> Explained:
    """See `bvae.metrics.contributions`."""
    this = loaders.loaded(key)
    return contributions.explained(this.model, loaders.test_data(key.data_name), this.experts, DECODED)
