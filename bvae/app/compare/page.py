"""Compare: two to six methods or rules side by side on one item, with the same noise; and all rules against a lie."""


import streamlit as st

from bvae.app import loaders
from bvae.app.compare import pins, side
from bvae.app.compare.fooling import panel
from bvae.app.compare.state import FOOL, MAPS, NUMBERS, OF_MAPS, PARTS, RULES, SIDE, About, Compare
from bvae.app.state import Form, begin_page
from bvae.app.widgets import by_id, share
from bvae.app.widgets.choose import FOR_A_NETWORK, choose_data, choose_model

FOOL_LINK = "fool"
"""In a short address: `compare?fool=1`."""
ASKS = {
    SIDE: "**Hide another view, or add a rule:** who becomes unsure, who splits into several opinions, who does not "
          "notice?",
    NUMBERS: "**Hide another view, or add a rule:** which numbers follow? One column for each contender.",
    MAPS: "**Draw a lasso in one map:** where are its items in the others?",
    FOOL: "**Let one view lie.** The others tell the truth. Which rules still find it in the views that nobody shows "
          "them, and which follow the liar?",
}


def arrive() -> None:
    """Open the part that an address means without naming it: the short one of the game, and those of the maps, which
    once stood below everything else."""
    given = st.query_params
    game = given.pop(FOOL_LINK, None)
    if "part" in given or "part" in st.session_state:
        return
    means = FOOL if game in ("1", "true") else MAPS if any(key in given for key in OF_MAPS) else None
    if means is not None:
        given["part"] = PARTS[means]  # a widget takes its first value from the address that a run began with
        st.rerun()


begin_page()
screen = st.container(gap="small", key="one_screen")
head = screen.container(horizontal=True, vertical_alignment="center", gap="small")
head.title("Compare", width="content")
arrive()
form = Form(Compare)
part = form.ask(head.segmented_control, "part", "What is shown", label_visibility="collapsed")
head.container(width=500).markdown(ASKS[part])

# -- controls ------------------------------------------------------------------------------------------------------
top = screen.container(horizontal=True, vertical_alignment="bottom", key="compare_top")
data_place, method_place = top.container(width=170), top.container(width=170)
if part == FOOL:
    form.keep("mode")
else:
    form.ask(top.container(width="content").segmented_control, "mode", "Compare",
             help="Rules: several of them on the same encoders, so in one latent space. Trained models: each with "
                  "encoders, rule and decoders of its own.")
of_rules = part == FOOL or form.answer("mode") == RULES
base: loaders.Loaded | None = None
if of_rules:
    choice = choose_model(data_place, method_place)
    data_name, base = choice.data_name, choice.loaded
    trained = [base.key.model_name]
    if not base.model.aggregator.keeps_one:
        screen.caption(FOR_A_NETWORK)
else:
    data_name, trained = choose_data(data_place)
    method_place.caption("Each model with the rule it was trained with.")
data = loaders.test_data(data_name)
form.about = About(data_name, data, trained)
item = form.ask(top.container(width=140).number_input, "item", "Item", help=f"One of {len(data)} test items.")
by_id.choose(top, data, form.key("item"))
tools = top.container(horizontal=True, width=268, gap="small")
with tools:
    share.button(form=form)
with tools.popover("Advanced", icon=":material/tune:", width="content"):
    if part == FOOL:
        form.keep("plane")
        form.keep("num_samples")
    else:
        form.ask(st.segmented_control, "plane", "Plane")
        form.ask(st.slider, "num_samples", "Draws of z")
    form.ask(st.number_input, "seed", "Seed of the noise")
    further = st.container()
    form.reset_button()

if base is not None and part == FOOL:
    side.keep(form)
    panel.show(form, base)
else:
    panel.keep(form)
    side.show(form, base, screen, further)
    pins.table()
