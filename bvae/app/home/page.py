"""Home: a story of one minute. Five photographs, five beliefs; move one, hide one: which picture comes out?"""

import contextlib

import pandas as pd
import streamlit as st

from bvae.aggregators import aggregator, naming
from bvae.app import links, reproduce
from bvae.app.components.playground import default_styles, playground, scenes
from bvae.app.home import state, story
from bvae.app.pages import PAGES
from bvae.app.state import begin_page
from bvae.app.widgets import fold, share, small_table
from bvae.models.methods import title_of

begin_page()
START, SCENE, REVISION = "home_start", "home_scene", "home_revision"  # what the browser took over, what it shows now
LINK, PROBLEM = "scene", "home_problem"  # what the address holds it as, and what is wrong with a link's
CANVAS = "home_story"
OLDER = ("place", "width", "rules")  # keys of addresses of earlier versions


def adopt(scene):
    """Show another scene: the browser takes it over because the revision is a new one."""
    st.session_state[START] = st.session_state[SCENE] = scene
    st.session_state[REVISION] = st.session_state.get(REVISION, 0) + 1


def start_again():
    """The story from its beginning."""
    adopt(story.beliefs())
    st.session_state[PROBLEM] = ""


if links.news(LINK) is not None or SCENE not in st.session_state:  # opened, or gone back to
    st.session_state[PROBLEM] = ""
    try:
        adopt(state.arrived(st.query_params.to_dict(), st.query_params.get_all("rules")))
    except scenes.BadScene as error:
        adopt(story.beliefs())
        st.session_state[PROBLEM] = str(error)
elif CANVAS not in st.session_state:  # come back from another page
    adopt(st.session_state[SCENE])

screen = st.container(gap="xsmall", key="one_screen")
with screen:
    head = st.container(horizontal=True, vertical_alignment="center", gap="medium")
    head.title(story.TITLE, width="content")
    st.markdown(PAGES["home"].lead)
    told = story.told()
    styles = default_styles()
    styles["rules"] = {rule: styles["rules"][rule] for rule in story.RULES}
    shown = playground(st.session_state[START], revision=st.session_state[REVISION], key=CANVAS, styles=styles,
                       story=story.for_browser())
    if st.session_state[PROBLEM] and not shown:
        st.caption(f":material/link_off: The scene of the link cannot be read ({st.session_state[PROBLEM]}): the story "
                   "starts at its beginning. The link stays in the address until the first change.")
if shown:
    with contextlib.suppress(scenes.BadScene):  # only a browser that was tampered with sends one
        st.session_state[SCENE] = scenes.checked(shown)
    st.session_state[PROBLEM] = ""
scene = st.session_state[SCENE]
for key in OLDER:
    st.query_params.pop(key, None)
changed = not scenes.same(scene, story.beliefs())
if changed or not st.session_state[PROBLEM]:
    links.hold({LINK: scenes.encode(scene) if changed else ""})
with head:
    st.button("Reset", icon=":material/restart_alt:", on_click=start_again, help="The story from its beginning.")
    share.button()

st.subheader("Where to go from here")
for name, page in list(PAGES.items())[1:]:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"way_{name}"):
        st.page_link(f"pages/{name}.py", label=f"**{page.title}**", icon=page.icon, width=170)
        st.markdown(page.help, width="stretch")
        if name == "learn":
            st.page_link(f"pages/{name}.py", label="For teachers", icon=":material/co_present:", width="content",
                         query_params={"class": "1"})


def numbers(scene=scene):
    """Means and widths of the hills, and what the pictures are."""
    loc, covariance, present, weights = scenes.tensors(scene)
    rows = [(f"photograph {scenes.NAMES[m]}" + ("" if e["present"] else ", hidden"), e["mean"][0], e["cov"][0] ** 0.5)
            for m, e in enumerate(scene["experts"])]
    for rule in scene["rules"]:
        q = aggregator(rule)(loc, covariance.squeeze(-1).sqrt(), present, weights)
        rows.append((naming.title(rule), q.mean.item(), q.variance.sqrt().item()))
    st.html(small_table.table(pd.DataFrame(rows, columns=["belief", "middle", "width"]), "Beliefs on the line"))
    st.caption(
        "Middle: the mean along the line; width: the standard deviation. The line leads through the latent space of "
        f"{title_of(told['model'])} (PolyMNIST), which ships with the app, from test item {told['items'][0]} to test "
        f"item {told['items'][1]}. A hill is the shadow on the line of what the model believes of a photograph; the "
        "pictures below the line are what the model decodes there. A second network reads which digit a picture "
        "shows. In all dimensions at once: Explore.")


fold.show("Numbers, and how this was made", "table", "home_numbers", numbers)
reproduce.show(state.script(scene), "home.py")
