"""The map of all test items, with the items that are selected and what lies behind them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import streamlit as st

from bvae.app.beliefs.selection import adopt, selection
from bvae.app.latent_space import big_map, finding, map_panels, mapping, who
from bvae.app.latent_space.coloring import colored
from bvae.app.latent_space.state import EUCLIDEAN, MISFIT, OFF, LatentSpace
from bvae.app.state import Form, ink
from bvae.app.widgets import charts, computing
from bvae.maps import maps
from bvae.runs.isolated import ComputationError

TITLES = {maps.PLANE: "The latent plane", maps.PCA: "PCA map", maps.TSNE: "t-SNE map"}


def show_first_map(projections: Sequence[str]) -> None:
    """Where another model was chosen while the first map was shown: show that model's first one."""
    first = st.session_state.get("_first_map", projections[0])
    before = st.session_state.get("map", first)
    if (first != projections[0] and before == first) or before not in projections:
        st.session_state["map"] = projections[0]
    st.session_state["_first_map"] = projections[0]


def show(form: Form[LatentSpace], which: str, asked: str) -> None:
    """All of it, below the page's controls.

    Parameters
    ----------
    form : Form
    which : str
        Of which posteriors the map is.
    asked : str
        The projection that is wanted.
    """
    choice = form.about
    key, data, views = choice.key, choice.data, choice.views
    state = form.state(shown=key)  # but for what is picked and looked at, which is asked where the map is
    found = mapping.clouds(key, which)
    try:
        placed = mapping.located(key, which, asked, state.perplexity, state.seed)
    except ComputationError as error:
        computing.say(error)
        return
    colors = colored(state.coloring, found, data, state.of, state.chosen,
                     who.misfits(key).of_item.numpy() if state.coloring == MISFIT else None)
    search, held = st.columns([1, 3])
    with held:
        picked = selection(len(data), "draw a lasso on the map, click a point, or write numbers: 3, 17, 20-24",
                           key.data_name)
    with search:
        finding.field(key.data_name)
    says, name = map_panels.takeaway(key, which, colors), f"{state.file_name}_{placed.projection}"
    chart, side = st.columns([1.9, 1], gap="large")
    with chart:
        st.html(map_panels.legend(colors, found, placed))
        place = st.container()  # filled last: numbers and pictures do not wait for the plot
        st.markdown(says)
        st.caption(map_panels.notes(state, placed, found, picked))
    with side:
        shown = map_panels.selected(data, picked, found.item.tolist())

    cloud = map_panels.closely(form, data, which, picked or shown, state.wasserstein)
    if which == maps.EVERYTHING and len(views) > 1:
        with computing.said():
            map_panels.gap_panel(key, views)
    map_panels.files(form.state(shown=key), found, placed, data.y.numpy(), cloud, name)
    with place:
        behind = None if state.background == OFF else state.background
        alt = (f"{TITLES[placed.projection]} of {len(found.loc):,} beliefs, coloured by "
               f"{colors.column or colors.name}. {says}")
        if big_map.is_big(found):
            big_map.show(key, which, found, placed, colors, picked, behind, alt,
                         lambda: map_panels.figure(key, found, placed, colors, picked, data, behind),
                         lambda: map_panels.table(placed, found, data), name)
            return
        drawn = dataclasses.replace(state, distance=EUCLIDEAN)  # the figure does not depend on it
        marked = picked if which == maps.EVERYTHING else map_panels.to_mark(
            "map_chart", picked, (drawn, placed.projection, placed.made, ink()))
        charts.show(
            map_panels.figure(key, found, placed, colors, marked, data, behind), "map_chart", alt,
            lambda: map_panels.table(placed, found, data), name, on_select=lambda: adopt("map_chart"),
            selection_mode=("points", "lasso", "box"))
