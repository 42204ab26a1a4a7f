"""Latent space: every test item as a point, by PCA or t-SNE."""

import numpy as np
import pandas as pd
import streamlit as st

from bvae.plots import style
from bvae.plots.latent import scatter
from bvae.ui import images, loaders, panels
from bvae.ui.choose import choose_model, label
from bvae.ui.state import BIND, begin_page, ink

begin_page()
JOINT, CLOUDS = "joint", "clouds"
st.title("Latent space")
st.markdown("**Draw a lasso around an island:** do its images share the digit, the photograph, or neither?")

top = st.columns([1, 1.3, 2.2, 1.2], vertical_alignment="bottom")
data_name, model_name, loaded = choose_model(top[0], top[1])
data, views = loaders.test_data(data_name), list(loaded.model.modalities)
which = top[2].segmented_control(
    "Posterior means of", [JOINT, *views, CLOUDS], default=JOINT, required=True, key="which", bind=BIND, wrap=True,
    format_func=lambda w: {JOINT: "all views", CLOUDS: "each view alone"}.get(w, w))
projection = top[3].segmented_control("Map", ["pca", "tsne"], default="pca", required=True, key="map", bind=BIND,
                                      format_func={"pca": "PCA", "tsne": "t-SNE"}.get)
with st.expander("Advanced", icon=":material/tune:"):
    perplexity = st.select_slider("Perplexity of t-SNE", [5, 15, 30, 50], 30, key="perplexity", bind=BIND)
    map_seed = int(st.number_input("Seed of t-SNE", 0, 99, 0, key="map_seed", bind=BIND))

whiches = tuple(views) if which == CLOUDS else (which,)
n = min(len(data), 300) if which == CLOUDS else len(data)
key = (data_name, model_name, loaded.checkpoint.hash)
chosen = loaders.spread(len(data), n)
means = np.concatenate([loaders.posterior_means(*key, w)[chosen] for w in whiches])
item, cloud = np.tile(chosen, len(whiches)), np.repeat(np.arange(len(whiches)), n)
labels = data.y.numpy()[item]
called = [f"item {i}, class {data.class_names[k]}" for i, k in enumerate(data.y.tolist())]

if projection == "pca":
    points, shares = loaders.pca(means)
    titles = (f"first principal component ({shares[0]:.0%} of the variance)", f"second ({shares[1]:.0%})")
else:
    with st.status(f"t-SNE of {len(means):,} points, perplexity {perplexity}: about {3 + len(means) // 200} s, once",
                   expanded=False) as progress:
        points = loaders.tsne(*key, whiches, n, perplexity, map_seed)
        progress.update(label=f"t-SNE of {len(means):,} points, perplexity {perplexity}, seed {map_seed}",
                        state="complete")
    titles = ("", "")

colorings = ["class", "view"] if which == CLOUDS else ["class"]
coloring = "class"
if which == CLOUDS:
    coloring = st.segmented_control("Colour by", colorings, default="view", required=True, key="color", bind=BIND)
if coloring == "view":
    group, group_names = cloud, views
    colors, symbols = [style.color(m) for m in range(len(views))], [style.marker(m) for m in range(len(views))]
else:
    group, group_names = labels, list(data.class_names)
    colors, symbols = style.CLASS_COLORS, ["circle"] * data.num_classes

chart, side = st.columns([1.9, 1], gap="large")
with chart:
    figure = scatter(points, group, group_names, colors, symbols, np.stack([item, cloud], axis=1),
                     [called[i] + (f", {views[c]}" if which == CLOUDS else "")
                      for i, c in zip(item, cloud, strict=True)], ink(), titles)
    event = st.plotly_chart(
        figure, width="stretch", key=f"map_{model_name}_{which}_{projection}_{coloring}", on_select="rerun",
        selection_mode=("points", "lasso", "box"), config={"displaylogo": False},
        alt=f"{'PCA' if projection == 'pca' else 't-SNE'} map of {len(means)} posterior means, coloured by {coloring}.")
    st.caption(panels.map_note(projection, len(means), means.shape[1], None if projection == "tsne" else shares,
                               perplexity, map_seed))
with side:
    st.subheader("Selected items")
    picked = [tuple(p["customdata"][:2]) for p in event.selection.points if p.get("customdata")]
    if not picked:
        st.write("Select points with the lasso or by a click: their images appear here. Until then, some of them:")
        picked = [(k, 0) for k in loaders.spread(len(data), 8)[1:-1].tolist()]
    rows = []
    for i, c in picked[:8]:
        seen = [views[int(c)]] if which == CLOUDS else views if which == JOINT else [which]
        rows.append(images.row(called[int(i)], style.CLASS_COLORS[int(data.y[int(i)])], [
            images.figure(images.content(data, data.x[v][int(i)]), f"{called[int(i)]}, {v}",
                          style.color(views.index(v)), side=52) for v in seen]))
    st.html("".join(rows))
    if len(picked) > 8:
        st.caption(f"and {len(picked) - 8} more. Classes: " + ", ".join(
            f"{data.class_names[k]}: {c}"
            for k, c in pd.Series([int(data.y[int(i)]) for i, _ in picked]).value_counts().items()))
    st.page_link("pages/explore.py", label=f"Explore item {int(picked[0][0])}", icon=":material/explore:",
                 query_params={"item": str(int(picked[0][0])), "model": label(model_name)})

table = pd.DataFrame({"item": item, "label": labels, "view": [whiches[c] for c in cloud], "x": points[:, 0],
                      "y": points[:, 1]})
with st.expander("The map as a table", icon=":material/table:"):
    st.dataframe(table, hide_index=True, width="stretch")
    st.download_button("Download as CSV", table.to_csv(index=False),
                       f"{data_name}_{model_name}_{which}_{projection}.csv", "text/csv", icon=":material/download:",
                       on_click="ignore")
