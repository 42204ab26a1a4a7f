"""Latent space: maps of all test items, what lies near what, and the gap between the modalities."""

import dataclasses

import streamlit as st

from bvae.app.beliefs.selection import adopt, selection
from bvae.app.latent_space import map_panels, mapping
from bvae.app.latent_space.state import ATTRIBUTE, EUCLIDEAN, OFF, LatentSpace, colorings, projections
from bvae.app.state import Form, begin_page, ink
from bvae.app.widgets import charts, computing, share
from bvae.app.widgets.choose import choose_model
from bvae.maps import maps
from bvae.runs.isolated import ComputationError

begin_page()
st.title("Latent space")
st.markdown("**Draw a lasso around an island:** what do its items have in common, and what not?")

# -- what is mapped, and how ---------------------------------------------------------------------------------------
top = st.columns([0.8, 0.9, 2.6, 0.75, 1.6], vertical_alignment="bottom")
choice = choose_model(top[0], top[1])
key, data, views, form = choice.key, choice.data, choice.views, Form(LatentSpace, choice)
which = form.ask(
    top[2].segmented_control, "which", "Posterior means of", wrap=True,
    help="all views: the joint posterior. A view: its posterior alone. everything: all of these in one map.")
map_panels.show_first_map(projections(choice))
asked = form.ask(
    top[3].segmented_control, "projection", "Map",
    help="Plane: the two latent dimensions as they are. PCA: the two directions of most spread. t-SNE: who is near "
         "whom, bent into a plane.")
tools = top[4].container(horizontal=True, gap="small")
with tools:
    share.button(form=form)
with tools.popover("Advanced", icon=":material/tune:"):
    options = colorings(which, data)
    if form.ask(st.segmented_control, "coloring", "Colour by", options=options, first=options[0],
                wrap=True) == ATTRIBUTE:
        form.ask(st.selectbox, "attribute", "Attribute")
    if asked == maps.PLANE:
        form.ask(st.selectbox, "background", "Background: decoded as",
                 help="What this view's decoder makes of every place of the plane.")
    elif asked == maps.TSNE:
        form.ask(st.select_slider, "perplexity", "Perplexity of t-SNE",
                 help="About how many neighbours each point should keep.")
        form.ask(st.number_input, "seed", "Seed of t-SNE")
    form.ask(st.radio, "distance", "Nearest neighbours by",
             help="Euclidean: distance of the posteriors' means. W2: of the posteriors, with their widths.")
    form.reset_button()
state = form.state(shown=key)  # but for what is picked and looked at, which is asked where the map is

# -- the map -------------------------------------------------------------------------------------------------------
found = mapping.clouds(key, which)
try:
    placed = mapping.located(key, which, asked, state.perplexity, state.seed)
except ComputationError as error:
    computing.say(error)
    st.stop()
colors = map_panels.colored(state.coloring, found, data, state.attribute)
picked = selection(len(data), "draw a lasso on the map, click a point, or write numbers: 3, 17, 20-24")
called = [data.called(i) for i in range(len(data))]
says, name = map_panels.takeaway(key, which, colors), f"{state.file_name}_{placed.projection}"
title = {maps.PLANE: "The latent plane", maps.PCA: "PCA map", maps.TSNE: "t-SNE map"}[placed.projection]
chart, side = st.columns([1.9, 1], gap="large")
with chart:
    st.html(map_panels.legend(colors, found, placed))
    place = st.container()  # filled last: numbers and pictures do not wait for the plot
    st.markdown(says)
    st.caption(map_panels.notes(state, placed, found, picked))
with side:
    shown = map_panels.selected(data, picked, found.item.tolist())

# -- what lies behind it -------------------------------------------------------------------------------------------
cloud = map_panels.closely(form, data, which, picked or shown, state.wasserstein)
if which == maps.EVERYTHING and len(views) > 1:
    with computing.said():
        map_panels.gap_panel(key, views)
map_panels.files(form.state(shown=key), found, placed, data.y.numpy(), cloud, name)
with place:
    drawn = dataclasses.replace(state, distance=EUCLIDEAN)  # the figure does not depend on it
    marked = picked if which == maps.EVERYTHING else map_panels.to_mark(
        "map_chart", picked, (drawn, placed.projection, placed.made, ink()))
    figure = map_panels.figure(key, found, placed, colors, marked, called,
                               None if state.background == OFF else state.background)
    charts.show(
        figure, "map_chart", f"{title} of {len(found.loc):,} posteriors, coloured by {state.coloring}. {says}",
        lambda: map_panels.table(placed, found, data), name, on_select=lambda: adopt("map_chart"),
        selection_mode=("points", "lasso", "box"))
