"""Playground: drag Gaussian experts and watch every barycenter follow."""

import streamlit as st

from bvae.ui import share
from bvae.ui.playground import panels, playground, scenes
from bvae.ui.state import begin_page

begin_page()
SCENE, REVISION, PRESET = "playground_scene", "playground_revision", "playground_preset"
LINK, PROBLEM = "playground_link", "playground_problem"  # the address that is known, and what is wrong with it


def adopt(scene):
    """Show another scene: the browser takes it over because the revision is a new one."""
    st.session_state[SCENE] = scene
    st.session_state[REVISION] = st.session_state.get(REVISION, 0) + 1
    st.session_state[PROBLEM] = ""


def adopt_preset():
    """The scene of the chosen button."""
    if st.session_state[PRESET]:
        adopt(scenes.preset(st.session_state[PRESET]))


def start():
    """What the page opens on."""
    adopt(scenes.preset(scenes.FIRST))
    st.session_state[PRESET] = scenes.FIRST


if SCENE not in st.session_state:
    start()
link = st.query_params.get("scene")
if link is not None and link != st.session_state.get(LINK):  # opened, or gone back to
    st.session_state[LINK] = link
    try:
        adopt(scenes.decode(link))
        st.session_state[PRESET] = None
    except scenes.BadScene as error:
        st.session_state[PROBLEM] = str(error)

st.title("Playground")
st.markdown("**Drag the means and the ellipses:** every joint belief follows. Which one would you trust?")
st.pills("Scenes", list(scenes.PRESETS), key=PRESET, on_change=adopt_preset, wrap=True,
         format_func=lambda name: scenes.PRESETS[name].title)
told = st.container()  # filled when it is known whether the scene is still the preset's

if st.session_state[PROBLEM]:
    st.caption(f":material/link_off: The scene of the link cannot be read ({st.session_state[PROBLEM]}). It stays in "
               "the address until the first change.")

shown = playground(st.session_state[SCENE], revision=st.session_state[REVISION], key="playground")
try:
    scene = scenes.checked(shown or st.session_state[SCENE])
except scenes.BadScene:  # only a browser that was tampered with sends one
    scene = st.session_state[SCENE]
st.session_state[SCENE] = scene
if shown or not st.session_state[PROBLEM]:
    st.session_state[PROBLEM] = ""
    st.session_state[LINK] = st.query_params["scene"] = scenes.encode(scene)

preset = st.session_state[PRESET]
with told:
    if preset and scenes.encode(scene) == scenes.encode(scenes.preset(preset)):
        st.info(scenes.PRESETS[preset].look, icon=":material/visibility:")
    elif preset:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"You have changed *{scenes.PRESETS[preset].title}*.", width="content")
            st.button("Start it again", icon=":material/replay:", on_click=adopt_preset, type="tertiary")
with st.container(horizontal=True):
    share.button()
    st.button("Reset everything", icon=":material/restart_alt:", on_click=start)
st.caption("Rules have colours here, because many of them can lie on each other; their lines are those of the other "
           "pages, where a joint posterior is black or white.")
panels.divergence_table(scene)
left, right = st.columns([1.2, 1], gap="large")
with left:
    panels.exact(scene)
with right:
    panels.formula(scene)
panels.numbers(scene, adopt)
panels.reproduce(scene)
