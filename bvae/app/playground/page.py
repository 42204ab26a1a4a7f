"""Playground: drag Gaussian experts and watch every barycenter follow."""

import streamlit as st

from bvae.app import links
from bvae.app.components.playground import playground, scenes
from bvae.app.pages import PAGES
from bvae.app.playground import aggregates, scene_numbers
from bvae.app.playground.state import Playground
from bvae.app.state import Form, begin_page, reset
from bvae.app.widgets import share

begin_page()
SCENE, REVISION, PRESET = "playground_scene", "playground_revision", "playground_preset"
PROBLEM = "playground_problem"  # what is wrong with the scene in the address
SHOWN, HISTORY = "playground_shown", "playground_history"  # the scene of the last run with its button; those before it
MOST_KEPT = 50
LINK = "scene"


def adopt(scene):
    """Show another scene: the browser takes it over because the revision is a new one."""
    st.session_state[SCENE] = scene
    st.session_state[REVISION] = st.session_state.get(REVISION, 0) + 1
    st.session_state[PROBLEM] = ""


def adopt_preset():
    """The scene of the chosen button."""
    if st.session_state[PRESET]:
        adopt(scenes.preset(st.session_state[PRESET]))


def remember(scene):
    """Where another scene is shown than before, keep that for Undo."""
    before = st.session_state.get(SHOWN)
    if before is not None and not scenes.same(before[0], scene):
        st.session_state[HISTORY] = [*st.session_state.get(HISTORY, []), before][-MOST_KEPT:]
    st.session_state[SHOWN] = (scene, st.session_state[PRESET])


def undo():
    """The scene as it was before the last change."""
    *st.session_state[HISTORY], before = st.session_state[HISTORY]
    adopt(before[0])
    st.session_state[SHOWN], st.session_state[PRESET] = before, before[1]


def start_again():
    """The chosen scene as it was; the first one where none is chosen."""
    st.session_state[PRESET] = st.session_state[PRESET] or scenes.FIRST
    adopt_preset()
    reset(Playground.firsts(st.session_state[SCENE]))


if SCENE not in st.session_state:
    adopt(scenes.preset(scenes.FIRST))
    st.session_state[PRESET] = scenes.FIRST
if (link := links.news(LINK)) is not None:  # opened, or gone back to
    try:
        adopt(scenes.decode(*link))
        st.session_state[PRESET] = scenes.ready_made(st.session_state[SCENE])
    except scenes.BadScene as error:
        st.session_state[PROBLEM] = str(error)

screen = st.container(gap="xsmall", key="one_screen")  # all that one needs for playing fits a projector's 720 lines
with screen:
    head = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with head:
        st.title("Playground", width="content")
        st.markdown(PAGES["playground"].lead, width="content")
    st.pills("Scenes", list(scenes.PRESETS), key=PRESET, on_change=adopt_preset, wrap=True,
             label_visibility="collapsed", format_func=lambda name: scenes.PRESETS[name].title)
    about = st.empty()  # filled below, where it is known whether the scene is still the ready-made one
    if st.session_state[PROBLEM]:
        st.caption(f":material/link_off: The scene of the link cannot be read ({st.session_state[PROBLEM]}). It stays "
                   "in the address until the first change.")
    shown = playground(st.session_state[SCENE], revision=st.session_state[REVISION], key="playground",
                       answer=aggregates.answers)
try:
    scene = scenes.checked(shown or st.session_state[SCENE])
except scenes.BadScene:  # only a browser that was tampered with sends one
    scene = st.session_state[SCENE]
st.session_state[SCENE] = scene
remember(scene)
if st.session_state[PRESET]:
    title, look, as_made = scenes.PRESETS[st.session_state[PRESET]]
    changed = "" if scenes.same(scene, as_made) else f"**You changed this scene.** Before, as *{title}*: "
    about.info(changed + look, icon=":material/edit:" if changed else ":material/visibility:")
if shown or not st.session_state[PROBLEM]:
    st.session_state[PROBLEM] = ""
    links.hold({LINK: scenes.encode(scene)})

with head:
    st.button("Undo", icon=":material/undo:", on_click=undo, disabled=not st.session_state.get(HISTORY),
              help="Takes the last change back.")
    st.button("Reset", icon=":material/restart_alt:", on_click=start_again, help="The chosen scene as it was at first.")
    share.button()
st.caption("Every rule has its colour and its line, the same in the whole app.")
form = Form(Playground, scene)
scene_numbers.divergence_table(form)
scene_numbers.exact(scene)
scene_numbers.formula(form)
scene_numbers.numbers(scene, adopt)
scene_numbers.reproduce(scene)
