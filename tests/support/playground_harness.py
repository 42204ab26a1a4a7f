"""A page with nothing but the playground, for its browser tests: shows which scene Python has."""

import copy
import json

import streamlit as st

from bvae.app.components.playground import playground

st.set_page_config(layout="wide")

FIRST = {
    "v": 1,
    "experts": [
        {"mean": [-1.8, 0.8], "cov": [0.8, 0.35, 0.5], "present": True},
        {"mean": [1.6, 1.2], "cov": [0.4, -0.15, 0.9], "present": True},
        {"mean": [0.4, -1.7], "cov": [1.2, 0.3, 0.4], "present": True},
    ],
    "weights": [1, 1, 1],
    "rules": ["poe", "moe", "wasserstein"],
    "fill": "moe",
    "alpha": 0.5,
    "rho": 0.5,
    "prior": False,
    "layers": {"experts": True, "prior": True, "samples": False, "path": False},
    "view": "plane",
}

state = st.session_state
state.setdefault("revision", 0)
state.setdefault("start", FIRST)
if "scene" in st.query_params and state.revision == 0:
    state.start = json.loads(st.query_params["scene"])

if st.button("Two experts"):
    scene = copy.deepcopy(FIRST)
    scene["experts"] = [
        {"mean": [-3, 0], "cov": [1, 0, 1], "present": True}, {"mean": [3, 0], "cov": [1, 0, 1], "present": True},
    ]
    scene["weights"] = [1, 1]
    scene["fill"] = None
    state.start, state.revision = scene, state.revision + 1

received = playground(state.start, revision=state.revision, key="playground")
st.code(json.dumps(received), language=None)
