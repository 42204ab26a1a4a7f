"""A page with nothing but a map of many points, for its browser tests: shows which items Python has."""

import json

import numpy as np
import streamlit as st

from bvae.app.components import point_map
from bvae.app.components.point_map import Points, Scenery
from bvae.plots import style

COUNT, MOST = 6_000, 200
st.set_page_config(layout="wide")


def adopt():
    """What was selected becomes what is marked."""
    st.session_state.marked = point_map.picked("map", COUNT, MOST)


if st.button("Mark 3 and 17"):
    st.session_state.marked = [3, 17]
marked = st.session_state.get("marked", [])
across, up = (v.ravel() for v in np.meshgrid(np.linspace(-3, 3, 100), np.linspace(-2, 2, 60)))
points = Points(np.stack([across, up], axis=1), np.arange(COUNT), np.full(COUNT, 0.25), np.arange(COUNT) / 100,
                np.arange(COUNT) % 2, np.arange(COUNT) % 2, style.CLASS_COLORS[:2], ["circle", "square"],
                point_map.named([f"item {k}, class <b>{k % 2}</b>" for k in range(COUNT)]))
scenery = Scenery(((-3.0, 3.0), (-2.0, 2.0)), ("first", "second"), prior=True)
point_map.show(point_map.packed(points, scenery, marked, MOST, style.LIGHT, "A map of 6,000 points.", "map"),
               key="map", on_picked=adopt)
st.code(json.dumps(marked), language=None)
