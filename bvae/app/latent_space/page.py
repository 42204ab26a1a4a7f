"""Latent space: maps of all test items, what lies near what, and the gap between the modalities."""

import streamlit as st

from bvae.app import loaders
from bvae.app.beliefs.selection import adopt, selection
from bvae.app.latent_space import map_panels, mapping
from bvae.app.latent_space.map_panels import ATTRIBUTE
from bvae.app.state import BIND, begin_page, ink, keep_offered, reset
from bvae.app.widgets import charts, computing, share
from bvae.app.widgets.choose import choose_model, first_model
from bvae.maps import maps
from bvae.runs.isolated import ComputationError

begin_page()
OFF = "off"
st.title("Latent space")
st.markdown("**Draw a lasso around an island:** what do its items have in common, and what not?")

# -- what is mapped, and how ---------------------------------------------------------------------------------------
top = st.columns([0.8, 0.9, 2.6, 0.75, 1.6], vertical_alignment="bottom")
data_name, model_name, loaded = choose_model(top[0], top[1])
data, views = loaders.test_data(data_name), list(loaded.model.modalities)
key = (data_name, model_name, loaded.checkpoint.hash)
means_of = [maps.JOINT, *views, maps.EVERYTHING]
keep_offered("which", means_of, maps.JOINT)
which = top[2].segmented_control(
    "Posterior means of", means_of, default=maps.JOINT, required=True, key="which",
    bind=BIND, wrap=True, format_func=lambda w: {maps.JOINT: "all views"}.get(w, w),
    help="all views: the joint posterior. A view: its posterior alone. everything: all of these in one map.")
projections = [maps.PLANE] * (loaded.model.shared_dim == 2) + [maps.PCA, maps.TSNE]
map_panels.show_first_map(projections)
asked = top[3].segmented_control(
    "Map", projections, default=projections[0], required=True, key="map", bind=BIND,
    format_func={maps.PLANE: "Plane", maps.PCA: "PCA", maps.TSNE: "t-SNE"}.get,
    help="Plane: the two latent dimensions as they are. PCA: the two directions of most spread. t-SNE: who is near "
         "whom, bent into a plane.")
tools = top[4].container(horizontal=True, gap="small")
with tools:
    share.button()
options = map_panels.colorings(which, data)
keep_offered("color", options, options[0])
attribute, perplexity, seed, background = None, 30, 0, OFF
with tools.popover("Advanced", icon=":material/tune:"):
    coloring = st.segmented_control("Colour by", options, default=options[0], required=True, key="color", bind=BIND,
                                    wrap=True)
    if coloring == ATTRIBUTE:
        attribute = st.selectbox("Attribute", data.attribute_names, key="attribute", bind=BIND,
                                 format_func=lambda a: a.replace("_", " ").lower())
    if asked == maps.PLANE:
        keep_offered("background", [*views, OFF], views[0])
        background = st.selectbox("Background: decoded as", [*views, OFF], key="background", bind=BIND,
                                  help="What this view's decoder makes of every place of the plane.")
    elif asked == maps.TSNE:
        perplexity = st.select_slider("Perplexity of t-SNE", maps.PERPLEXITIES, 30, key="perplexity", bind=BIND,
                                      help="About how many neighbours each point should keep.")
        seed = int(st.number_input("Seed of t-SNE", 0, 99, 0, key="map_seed", bind=BIND))
    distance = st.radio("Nearest neighbours by", ["Euclidean", "W2"], key="distance", bind=BIND,
                        help="Euclidean: distance of the posteriors' means. W2: of the posteriors, with their widths.")
    st.button("Reset everything", icon=":material/restart_alt:", on_click=reset, args=({
        "model": first_model(data_name), "which": maps.JOINT, "map": projections[0],
        "color": map_panels.colorings(maps.JOINT, data)[0],
        "attribute": (data.attribute_names or [None])[0], "perplexity": 30, "map_seed": 0, "background": views[0],
        "distance": "Euclidean", "picked": ""},))

# -- the map -------------------------------------------------------------------------------------------------------
found = mapping.clouds(*key, which)
try:
    placed = mapping.located(key, which, asked, perplexity, seed)
except ComputationError as error:
    computing.say(error)
    st.stop()
colors = map_panels.colored(coloring, found, data, attribute)
picked = selection(len(data), "draw a lasso on the map, click a point, or write numbers: 3, 17, 20-24")
called = [data.called(i) for i in range(len(data))]
says, name = map_panels.takeaway(key, which, colors), f"{data_name}_{model_name}_{which}_{placed.projection}"
title = {maps.PLANE: "The latent plane", maps.PCA: "PCA map", maps.TSNE: "t-SNE map"}[placed.projection]
chart, side = st.columns([1.9, 1], gap="large")
with chart:
    st.html(map_panels.legend(colors, found, placed))
    place = st.container()  # filled last: numbers and pictures do not wait for the plot
    st.markdown(says)
    st.caption(map_panels.notes(placed, found, coloring, background != OFF and placed.projection == maps.PLANE,
                                perplexity, seed, picked))
with side:
    shown = map_panels.selected(data, picked, found.item)

# -- what lies behind it -------------------------------------------------------------------------------------------
item, cloud = map_panels.closely(key, loaded, data, which, picked or shown, distance == "W2")
if which == maps.EVERYTHING and len(views) > 1:
    with computing.said():
        map_panels.gap_panel(key, views)
map_panels.files(
    key, found, placed, data.y.numpy(), asked,
    map_panels.code(key, which, asked, perplexity, seed, item, cloud, distance == "W2"),
    map_panels.command(key, which, asked, perplexity, seed), name)
with place:
    marked = picked if which == maps.EVERYTHING else map_panels.to_mark("map_chart", picked, (
        key, which, placed.projection, placed.made, perplexity, seed, coloring, attribute, background, ink()))
    figure = map_panels.figure(key, found, placed, colors, marked, called, None if background == OFF else background)
    charts.show(
        figure, "map_chart", f"{title} of {len(found.loc):,} posteriors, coloured by {coloring}. {says}",
        lambda: map_panels.table(placed, found, data), name, on_select=lambda: adopt("map_chart"),
        selection_mode=("points", "lasso", "box"))
