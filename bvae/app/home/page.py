"""Home: the idea in one screen, live, and three doors."""

import pandas as pd
import streamlit as st
import torch

import bvae
from bvae.aggregators import naming
from bvae.app import reproduce
from bvae.app.home.state import RULES, Home
from bvae.app.state import Form, begin_page, ink
from bvae.app.widgets import charts, share
from bvae.plots.posterior import Aggregate, density_figure

begin_page()
NAMES = ("image", "sound", "text")

st.title("How do several senses become one belief?", width="stretch")
st.markdown(
    "A multimodal VAE turns every modality into a Gaussian belief about the same hidden cause **z**. The joint belief "
    "is a **barycenter** of them, and the divergence decides what it looks like: reverse KL gives the *geometric mean* "
    "(the product, PoE, is the same with every expert counted in full), forward KL the *mixture*, the Wasserstein "
    "distance the *average shape*. **Move the text expert away from the others:** which joint belief moves, which "
    "splits, which stays too sure of itself?"
)

controls, picture = st.columns([1, 2.4], gap="large")
form = Form(Home)
with controls:
    form.ask(st.slider, "place", "Where the text expert believes z to be")
    form.ask(st.slider, "width", "How unsure it is (standard deviation)")
    form.ask(st.pills, "rules", "Joint beliefs")
    form.reset_button()
state = form.state()

loc = torch.tensor(state.loc).view(3, 1, 1)  # (M, B, D) = (3, 1, 1)
scale = torch.tensor(state.scale).view(3, 1, 1)
aggregates, joint = [], {}
for rule in RULES:
    q = bvae.aggregator(rule)(loc, scale)
    joint[rule] = (q.mean.item(), q.variance.sqrt().item())
    if rule in state.rules:
        aggregates.append(Aggregate(rule, naming.title(rule), q.weights[:, 0].numpy(), q.loc[:, 0].numpy(),
                                    q.scale[:, 0].numpy()))
with picture:
    charts.show_lines(
        density_figure(NAMES, loc.flatten().numpy(), scale.flatten().numpy(), aggregates, ink(), (-5.5, 5.5), 380),
        "idea", "Densities of three experts and their joint beliefs. " + "; ".join(
            f"{naming.title(r)}: mean {m:.2f}, standard deviation {s:.2f}" for r, (m, s) in joint.items()),
        lambda: pd.DataFrame([*zip(NAMES, loc.flatten().tolist(), scale.flatten().tolist(), strict=True),
                              *((naming.title(r), *joint[r]) for r in RULES)],
                             columns=["belief", "mean", "standard deviation"]), "joint_beliefs")
    st.markdown(" · ".join(f"{naming.short(r)} **{m:.2f} ± {s:.2f}**" for r, (m, s) in joint.items())
                + " (mean ± standard deviation)")
    st.caption("PoE is as sure of itself in a quarrel as in agreement: its width knows only the experts' widths.")

doors: tuple[tuple[str, str, str, str, str, dict[str, str | list[str]]], ...] = (
    ("Learn", "Eight lessons of a few minutes, each with a question before its answer.",
     "learn", "Why is a product too sure?", ":material/school:", {"lesson": "poe", "step": "1"}),
    ("Explore", "Five photographs of one digit in five handwritings. Hide some, make one lie, and see what the model "
                "imagines.", "explore", "Hide four of the five views", ":material/explore:", {"views": "m0"}),
    ("Compare", "Rules or trained models side by side: one sample, the same noise, the same axes.",
     "compare", "Three rules in a quarrel", ":material/compare:", {"views": ["m0", "m4"]}),
)
for place_of, (title, about, page, action, icon, query) in zip(st.columns(3, gap="medium"), doors, strict=True):
    with place_of.container(border=True, height="stretch"):
        st.markdown(f"#### {title}")
        st.markdown(about)
        st.page_link(f"pages/{page}.py", label=f"**{action}**", icon=icon, query_params={"v": "1", **query})
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    for page, action, icon in (
        ("playground", "Drag experts in the plane", ":material/toys:"),
        ("generate", "Draw a digit, see it in five styles", ":material/brush:"),
        ("latent_space", "Open the map of a latent space", ":material/scatter_plot:"),
        ("your_data", "Bring posteriors of your own", ":material/upload_file:"),
        ("benchmarks", "See the numbers", ":material/monitoring:"),
    ):
        st.page_link(f"pages/{page}.py", label=action, icon=icon, width="content")
    share.button(form=form)
reproduce.show(state.script(), "home.py")
