"""Playground: drag Gaussian experts and watch every barycenter follow."""

import streamlit as st

from bvae.ui.playground import panels, playground, scenes
from bvae.ui.state import begin_page

begin_page()
SCENE, REVISION, PRESET = "playground_scene", "playground_revision", "playground_preset"

if SCENE not in st.session_state:
    try:
        st.session_state[SCENE] = scenes.decode(st.query_params["scene"])
    except (KeyError, scenes.BadScene):  # no link, or a bad one: the first scene
        st.session_state[SCENE] = scenes.preset(scenes.FIRST)
        st.session_state[PRESET] = scenes.FIRST
    st.session_state[REVISION] = 1


def adopt(scene):
    """Show another scene: the browser takes it over because the revision is a new one."""
    st.session_state[SCENE] = scene
    st.session_state[REVISION] += 1


def adopt_preset():
    """The scene of the chosen button."""
    if st.session_state[PRESET]:
        adopt(scenes.preset(st.session_state[PRESET]))


st.title("Playground")
st.markdown("**Drag the means and the ellipses:** every joint belief follows. Which one would you trust?")
st.pills("Scenes", list(scenes.PRESETS), key=PRESET, on_change=adopt_preset,
         format_func=lambda name: scenes.PRESETS[name].title)
if st.session_state[PRESET]:
    st.info(scenes.PRESETS[st.session_state[PRESET]].look, icon=":material/visibility:")

shown = playground(st.session_state[SCENE], revision=st.session_state[REVISION], key="playground")
try:
    scene = scenes.checked(shown or st.session_state[SCENE])
except scenes.BadScene:  # only a browser that was tampered with sends one
    scene = st.session_state[SCENE]
st.session_state[SCENE] = scene
st.query_params["scene"] = scenes.encode(scene)

panels.divergence_table(scene)
left, right = st.columns([1.2, 1], gap="large")
with left:
    panels.exact(scene)
with right:
    panels.formula(scene)
panels.numbers(scene, adopt)
panels.reproduce(scene)
