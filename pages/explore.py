"""Explore: one item, some of its views, an aggregator; what it believes and what it imagines."""

import numpy as np
import pandas as pd
import streamlit as st

import bvae
from bvae.aggregators import name_of
from bvae.plots import posterior as plots
from bvae.plots import style
from bvae.ui import images, loaders, panels, scene
from bvae.ui.choose import choose_model
from bvae.ui.reproduce import explore_code
from bvae.ui.state import BIND, begin_page, forget

begin_page()
st.title("Explore")
st.markdown("**Switch a view off:** does the joint belief move, widen, or stay? Then try another aggregator on the "
            "same experts.")

# -- four controls -------------------------------------------------------------------------------------------------
top = st.columns([1, 1.3, 1.6, 0.9, 0.9], vertical_alignment="bottom")
data_name, model_name, loaded = choose_model(top[0], top[1])
data, views = loaders.test_data(data_name), list(loaded.model.modalities)
AS_TRAINED = "as-trained"
rule_name = top[2].selectbox(
    "Aggregate with", [AS_TRAINED, *style.ordered(bvae.aggregators())], key="agg", bind=BIND,
    format_func=lambda r: style.short(r) if r != AS_TRAINED else
    f"as trained: {style.short(name_of(loaded.model.aggregator))}",
    help="Any rule can be tried on the same unimodal posteriors. The decoders know only the one they were trained "
         "with.")
item = int(top[3].number_input("Sample", 0, len(data) - 1, min(342, len(data) - 1), key="item", bind=BIND,
                               help=f"One of {len(data)} test items."))
with top[4].popover("Advanced", icon=":material/tune:", width="stretch"):
    plane_name = st.segmented_control("Plane", ["dims", "pca"], default="dims", required=True, key="plane", bind=BIND,
                                      format_func={"dims": "Most disagreeing dimensions", "pca": "PCA"}.get,
                                      help="PCA: the plane in which the experts' means spread most.")
    also = st.pills("Also draw", style.ordered(bvae.aggregators()), selection_mode="multi", key="also", bind=BIND,
                    format_func=style.short)
    num_samples = st.slider("Samples", 1, 8, 4, key="n", bind=BIND)
    seed = int(st.number_input("Seed of the noise", 0, 9999, 0, key="seed", bind=BIND))
    st.button("Reset everything", icon=":material/restart_alt:", on_click=forget,
              args=("model", "agg", "item", "plane", "also", "n", "seed", "views", *(f"w_{m}" for m in views)))

left, middle, right = st.columns([1, 1.75, 1.75], gap="large")

# -- what is observed ----------------------------------------------------------------------------------------------
with left:
    st.subheader("What is observed")
    on = st.pills("Views", views, default=views, selection_mode="multi", key="views", bind=BIND)
    observed, weights, what = [v in on for v in views], [], f"class {data.class_names[data.y[item]]}"
    with st.container(key="observed"):
        for m, view in enumerate(views):
            picture, slider = st.columns([1, 1.25], vertical_alignment="center", wrap=False, gap="small")
            shown = images.content(data, data.x[view][item]) if observed[m] else None
            label = loaded.model.modalities[view].label
            picture.html(images.figure(shown, f"{view}, {label}, " + (what if observed[m] else "absent"),
                                       style.color(m)))
            weights.append(slider.slider(f":gray[weight of] {view}", 0.0, 4.0, 1.0, 0.25, key=f"w_{view}", bind=BIND,
                                         disabled=not observed[m]))
    st.caption(f"This is {what}. {data.story}")

now = scene.build(loaded, item, observed, weights, None if rule_name == AS_TRAINED else rule_name)
loc, scale = now.loc[:, 0].numpy(), now.scale[:, 0].numpy()
aggregates = [*now.drawn(), *(scene.other(now, r) for r in also if r != now.rule_name)]
z, generated, captions = scene.imagine(loaded, now, num_samples, seed, loaders.judges(data_name), data.class_names)
plane = plots.dimension_plane(loc, scale) if plane_name == "dims" else plots.principal_plane(loc)
width_of_experts = float(scale[observed].mean()) if any(observed) else 1.0
width = float(np.sqrt(aggregates[0].variance).mean())

# -- what it believes ----------------------------------------------------------------------------------------------
with middle:
    st.subheader("What it believes")
    panels.belief_charts(plane, views, now, aggregates, z)

# -- what it imagines ----------------------------------------------------------------------------------------------
with right:
    st.subheader("What it imagines")
    for m, view in enumerate(views):
        texts = captions.get(view, [""] * num_samples)
        role = "seen" if observed[m] else "never seen"
        st.html(images.row(f"{view}: {loaded.model.modalities[view].label} ({role})", style.color(m), [
            images.figure(images.content(data, image), f"{view} generated, sample {i + 1}", None, texts[i])
            for i, image in enumerate(generated[view])]))
    st.caption("Each column is one sample of z, decoded into all views. Below: the class that a classifier of "
               "real images sees, and how sure it is.")

# -- numbers -------------------------------------------------------------------------------------------------------
numbers, meaning = st.columns([1.6, 1], gap="large")
with numbers:
    st.subheader("Numbers")
    panels.expert_numbers(views, now)
with meaning:
    st.subheader("What this means")
    st.markdown(
        f"{style.title(now.rule_name)}: on average over {loc.shape[1]} dimensions the joint belief is "
        f"**{width / width_of_experts:.2f} times** as wide as an observed expert "
        f"(standard deviation {width:.2f} against {width_of_experts:.2f})."
    )
    if now.rule.divergence:
        st.markdown(f"It minimises: {now.rule.divergence}.")

with st.expander("The formula with this sample's numbers", icon=":material/function:"):
    st.latex(now.rule.formula)
    d = int(np.argmax(plots.disagreement(loc, scale)))
    effective = np.array(weights) * observed
    effective = effective / effective.sum() if effective.sum() > 0 else np.array(observed) / max(1, sum(observed))
    st.markdown(f"In latent dimension {d}, where the views disagree most, this gives "
                f"**μ = {aggregates[0].mean[d]:.3f}** and **σ = {np.sqrt(aggregates[0].variance[d]):.3f}** from:")
    st.dataframe(pd.DataFrame({"view": views, "μ": loc[:, d], "σ": scale[:, d], "w": effective})[observed],
                 hide_index=True)
with st.expander("Reproduce this picture", icon=":material/code:"):
    st.markdown(f"bvae {bvae.__version__}, weights {loaded.checkpoint.hash[:12]}. The link in the address bar holds "
                "everything that you chose.")
    st.code(explore_code(data_name, model_name, item, [v for v in views if v in on], now, num_samples, seed),
            language="python")
