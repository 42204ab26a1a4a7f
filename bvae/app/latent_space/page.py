"""Latent space: maps of all test items, what lies near what, a walk on the plane, and who says what."""

import streamlit as st

from bvae.app.latent_space import finding, flat, map_view, position, walk_panel, who_panel
from bvae.app.latent_space.coloring import classes
from bvae.app.latent_space.state import (
    ATTRIBUTE,
    CELL,
    LABEL,
    MAP,
    OF_THE_MAP,
    WALK,
    WHO,
    LatentSpace,
    colorings,
    looks,
    projections,
)
from bvae.app.state import Form, begin_page
from bvae.app.widgets import share
from bvae.app.widgets.choose import choose_model
from bvae.maps import maps
from bvae.plots.latent import MOST_COLORS

begin_page()
screen = st.container(gap="small", key="one_screen")
line = screen.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small")
line.title("Latent space", width="content")  # the rest of the line when it is known what is shown

# -- what is shown, and how ----------------------------------------------------------------------------------------
# Beside each other as wide as they are, so that what has no room begins a new line and nothing is cut off.
top = screen.container(horizontal=True, vertical_alignment="bottom", gap="small")
choice = choose_model(top.container(width=160), top.container(width=160))
form = Form(LatentSpace, choice)
look, which, asked = MAP, maps.JOINT, maps.PLANE
if len(looks(choice)) > 1:
    look = form.ask(top.segmented_control, "look", "Look at it as")
if look == MAP:
    which = form.ask(
        top.segmented_control, "which", "Beliefs of", wrap=True,
        help="all views: the joint belief (the joint posterior). A view: its belief alone. everything: all of these in "
             "one map. Every point is the mean of one item's belief.")
    map_view.show_first_map(projections(choice))
    asked = form.ask(
        top.segmented_control, "projection", "Map", wrap=True,
        help="Plane: the two latent dimensions as they are. PCA: the two directions of most spread. t-SNE: who is "
             "near whom, bent into a plane.")
elif look == WALK:
    walk_panel.choose(form, top)
else:
    for name in OF_THE_MAP:
        form.keep(name)
told = ("**Draw a lasso around an island:** what do its items have in common, and what not?" if look == MAP else
        who_panel.TASK if look == WHO else walk_panel.task(form))
leads = None if flat.is_flat(choice.loaded.model) else flat.nearest(choice)
line.container(width=440 if leads else 600).markdown(told)
with line.container(horizontal=True, gap="small", width=430 if leads else 285):
    if leads:
        flat.offer(choice, *leads)
    share.button(form=form)
    with st.popover("Advanced", icon=":material/tune:", width="content"):
        if look == MAP:
            options = colorings(which, choice.data)
            by = form.ask(st.segmented_control, "coloring", "Colour by", options=options, first=options[0], wrap=True)
            if by == ATTRIBUTE:
                form.ask(st.selectbox, "attribute", "Attribute")
            elif by == LABEL:
                form.ask(st.selectbox, "label", "Label column")
            elif by == CELL:
                form.ask(st.selectbox, "cell", "Column of a view")
            words = classes(by, choice.data, form.answer({LABEL: "label", CELL: "cell"}[by]) if by in (
                LABEL, CELL) else None)
            if len(words) > MOST_COLORS:
                form.ask(st.multiselect, "chosen", "Which have colours", options=words, max_selections=MOST_COLORS - 1,
                         placeholder=f"the {MOST_COLORS - 1} largest", help="All others are grey.")
        if look != WHO and asked == maps.PLANE:
            form.ask(st.selectbox, "background", "Background: decoded as",
                     help="What this view's decoder makes of every place of the plane.")
        elif asked == maps.TSNE:
            form.ask(st.select_slider, "perplexity", "Perplexity of t-SNE",
                     help="About how many neighbours each point should keep.")
            form.ask(st.number_input, "seed", "Seed of t-SNE")
        if look == MAP:
            form.ask(st.radio, "distance", "Nearest neighbours by",
                     help="Euclidean: distance of the beliefs' means. W2: of the beliefs, with their widths.")
        if look == WALK:
            walk_panel.reset_button(form)
        else:
            form.reset_button((finding.KEY,))

if look == WALK:
    with screen:
        walk_panel.show(form)
elif look == WHO:
    position.unlink()
    who_panel.show(form)
else:
    position.unlink()
    map_view.show(form, which, asked)
