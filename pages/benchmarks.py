"""Benchmarks: the numbers of all trained models, as their metrics.json files hold them."""

import pandas as pd
import streamlit as st

import bvae
from bvae.metrics import CATALOG, PUBLISHED, written
from bvae.plots.metrics import curve_figure
from bvae.training import load_checkpoint
from bvae.ui import loaders
from bvae.ui.choose import FIRST_DATA, label
from bvae.ui.state import BIND, begin_page, ink

begin_page()
st.title("Benchmarks")
st.markdown("**Compare one observed view with four:** which methods gain from every further view, and which pay for it "
            "with overconfidence?")

ready = sorted(bvae.datasets(), key=lambda name: (not loaders.trained(name), name != FIRST_DATA))
top = st.columns([1, 3], vertical_alignment="bottom")
data_name = top[0].selectbox("Data set", ready, key="data", bind=BIND)
names = loaders.trained(data_name)
metrics = {name: load_checkpoint(data_name, name).metrics for name in names}
names = [name for name in names if metrics[name]]
if not names:
    st.info(f"No model of {data_name} has been evaluated yet: `python -m bvae evaluate {data_name} all` does it.")
    st.stop()
chosen = top[1].pills("Methods", names, default=names, selection_mode="multi", key="methods", bind=BIND,
                      format_func=label, wrap=True) or names

curves = [key for key in CATALOG if all(v.isdigit() for n in names for v in metrics[n].get(key, {"x": 0}))]
shown = st.segmented_control("Curve", curves, default=curves[0], required=True, key="curve", bind=BIND, wrap=True,
                             format_func=lambda key: CATALOG[key].title)
figure = CATALOG[shown]
drawn = {label(n): metrics[n][shown] for n in names if n in chosen and shown in metrics[n]}
st.plotly_chart(
    curve_figure(drawn, figure.title, ink(), [label(n) for n in names], figure.target), width="stretch", key="curves",
    config={"displaylogo": False},
    alt=f"{figure.title} by the number of observed views. " + "; ".join(
        f"{method}: " + ", ".join(f"{p['mean']:.3f}" for p in points.values()) for method, points in drawn.items()))
st.caption(f"{figure.meaning} Error bars: two standard errors over the test items; one training run each, so that the "
           "difference between seeds is not in them.")
st.markdown(f"**How it misleads:** {figure.trap}")

st.subheader("All figures")
rows = []
for key, description in CATALOG.items():
    parts = {n: metrics[n][key] for n in chosen if key in metrics[n]}
    if not parts:
        continue
    first = next(iter(parts.values()))
    for part in [None] if "mean" in first else list(first):
        figures = {n: p if part is None else p.get(part) for n, p in parts.items()}
        views = "" if part is None else f"{part} view{'s' * (part != '1')}" if part.isdigit() else part
        arrow = {"higher": "↑", "lower": "↓", "nominal": f"→ {description.target}"}.get(description.better, "")
        rows.append({"figure": f"{description.title} {arrow}".strip(), "of": views, **{
            label(n): written(f) for n, f in figures.items() if f}})
table = pd.DataFrame(rows).fillna("–")
st.dataframe(table, hide_index=True, width="stretch", height=420)
st.caption("Mean ± standard error over the test items. ↑ higher is better, ↓ lower is better. The files: "
           f"`checkpoints/{data_name}/METHOD/metrics.json`, written by `python -m bvae evaluate {data_name} all`.")
st.download_button("Download as CSV", table.to_csv(index=False), f"{data_name}_metrics.csv", "text/csv",
                   icon=":material/download:", on_click="ignore")

facts = []
for n in chosen:
    checkpoint = load_checkpoint(data_name, n)
    s = checkpoint.settings
    facts.append({"method": label(n), "steps": s.steps, "seed": s.seed, "latent dimension": s.latent_dim,
                  "beta": s.beta, "minutes": round(checkpoint.config["seconds"] / 60, 1),
                  "test items": metrics[n]["evaluation"]["test_items"], "weights": checkpoint.hash[:12]})
with st.expander("How these models were trained", icon=":material/info:"):
    st.dataframe(pd.DataFrame(facts), hide_index=True, width="stretch")
    if len({f["steps"] for f in facts}) > 1:
        st.caption("The methods had different numbers of steps: compare them with care.")

published = [row for row in PUBLISHED.get(data_name, ()) if row.metric == shown]
with st.expander("Published numbers, on other data", icon=":material/menu_book:", expanded=False):
    if not published:
        st.write("None that we know for this figure.")
    else:
        st.dataframe(pd.DataFrame([
            {"method": row.method, **{f"{k} view{'s' * (k > 1)}": v for k, v in enumerate(row.values, start=1)},
             "source": row.source} for row in published]), hide_index=True, width="stretch")
        st.caption("Sixty thousand digits, other photographs, larger networks, 300 epochs: not comparable with ours, "
                   "which were trained for minutes on 4,000 digits. The tables of the barycentric paper (Qiu et al., "
                   "2025) could not be read, so no number of theirs is given.")
