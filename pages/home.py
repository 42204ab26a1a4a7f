"""Home: the idea in one screen, live."""

import numpy as np
import pandas as pd
import streamlit as st
import torch

import bvae
from bvae.plots import style
from bvae.plots.posterior import Aggregate, density_figure
from bvae.ui import charts
from bvae.ui.state import BIND, begin_page, ink

begin_page()
RULES = ("poe", "moe", "wasserstein")
NAMES = ("image", "sound", "text")

st.title("How do several senses become one belief?")
st.markdown(
    "A multimodal VAE turns every modality into a Gaussian belief about the same hidden cause. The joint belief is a "
    "**barycenter** of them, and the divergence one measures with decides what it looks like: reverse KL gives the "
    "*product*, forward KL the *mixture*, the Wasserstein distance the *average shape*."
)
st.markdown("**Try it:** drag the text expert away from the other two. Which joint belief moves, which splits, "
            "which stays too sure of itself?")

controls, picture = st.columns([1, 2.6], gap="large")
with controls:
    place = st.slider("Where the text expert believes z to be", -4.0, 4.0, 2.5, 0.1, key="place", bind=BIND)
    width = st.slider("How unsure it is (standard deviation)", 0.2, 2.5, 0.7, 0.1, key="width", bind=BIND)
    shown = st.pills("Joint beliefs", RULES, default=list(RULES), selection_mode="multi", key="rules", bind=BIND,
                     format_func=style.short)

loc = torch.tensor([-1.5, -0.8, place]).view(3, 1, 1)  # (M, 1, 1)
scale = torch.tensor([0.8, 0.5, width]).view(3, 1, 1)
aggregates, widths = [], {}
for rule in RULES:
    q = bvae.aggregator(rule)(loc, scale)
    widths[rule] = (q.mean.item(), q.variance.sqrt().item())
    if rule in shown:
        aggregates.append(Aggregate(rule, style.title(rule), q.weights[:, 0].numpy(), q.loc[:, 0].numpy(),
                                    q.scale[:, 0].numpy()))
with picture:
    figure = density_figure(NAMES, loc.flatten().numpy(), scale.flatten().numpy(), aggregates, ink(), (-5.5, 5.5))
    charts.show(
        figure, "idea", "Densities of three experts and their joint beliefs. " + "; ".join(
            f"{style.title(r)}: mean {m:.2f}, standard deviation {s:.2f}" for r, (m, s) in widths.items()),
        lambda: pd.DataFrame([*(("expert: " + n, m, s) for n, m, s in zip(NAMES, loc.flatten().tolist(),
                                                                          scale.flatten().tolist(), strict=True)),
                              *((style.title(r), *widths[r]) for r in RULES)],
                             columns=["belief", "mean", "standard deviation"]), "joint_beliefs")
with controls:
    st.markdown("\n".join(
        ["| joint belief | mean | std |", "|---|---:|---:|",
         *(f"| {style.title(r)} | {m:.2f} | {s:.2f} |" for r, (m, s) in widths.items())]
    ))
    spread = float(np.std(loc.flatten().numpy()))
    st.caption(f"The experts' means differ by {spread:.2f} (standard deviation). PoE's width does not depend on that: "
               "it is as sure of itself in a quarrel as in agreement.")

st.divider()
first, second = st.columns(2, gap="large")
with first:
    st.subheader("Explore a trained model")
    st.write("Five photographs with the same digit in five handwritings. Hide some, lie about others, and see what "
             "the barycenter believes and what the model imagines.")
    st.page_link("pages/explore.py", label="Hide four of the five views", icon=":material/explore:",
                 query_params={"views": "m0"})
with second:
    st.subheader("Look at the whole latent space")
    st.write("A thousand test items as points. Do the modalities land in the same place, or is there a gap?")
    st.page_link("pages/latent_space.py", label="Open the map", icon=":material/scatter_plot:")
