"""Benchmarks: the numbers of all trained models, as their metrics.json files and the records hold them."""

import pandas as pd
import streamlit as st

import bvae
from bvae.metrics import CATALOG, PUBLISHED
from bvae.plots.metrics import curve_figure
from bvae.storage import StorageError
from bvae.training import load_checkpoint, records
from bvae.training.checkpoint import training_seconds
from bvae.ui import charts, loaders, reproduce, share, tables
from bvae.ui.choose import FIRST_DATA, label
from bvae.ui.panels import plain
from bvae.ui.state import BIND, begin_page, ink

MISSING = {"latent_accuracy_missing": "latent accuracy", "coherence_missing": "coherence"}


def spoken(curves: dict) -> str:
    """The numbers of a figure as a text, for those who do not see it."""
    return "; ".join(f"{method}: " + ", ".join(f"{p['mean']:.3f}" for p in points.values())
                     for method, points in curves.items())


begin_page()
st.title("Benchmarks")
st.markdown("**Compare one observed view with four:** which methods gain from every further view, and which pay for it "
            "with overconfidence?")

ready = sorted(bvae.datasets(), key=lambda name: (not loaders.trained(name), name != FIRST_DATA))
top = st.columns([1, 3, 0.5], vertical_alignment="bottom")
with top[2]:
    share.button()
data_name = top[0].selectbox("Data set", ready, key="data", bind=BIND)
models, problems = {}, []
for name in loaders.trained(data_name):
    try:
        models[name] = load_checkpoint(data_name, name)
    except StorageError as error:
        problems.append(f"{plain(label(name))} is left out: {plain(str(error))}")
if problems:
    st.warning("\n\n".join(problems), icon=":material/warning:")
metrics = {name: model.metrics for name, model in models.items()}
names = [name for name in metrics if metrics[name]]
if not names:
    st.info(f"No model of {data_name} has been evaluated yet: `python -m bvae evaluate {data_name} all` does it.")
    st.stop()
chosen = top[1].pills("Methods", names, default=names, selection_mode="multi", key="methods", bind=BIND,
                      format_func=label, wrap=True) or names

curves = [key for key in CATALOG if CATALOG[key].key == "views"
          and all(v.isdigit() for n in names for v in metrics[n].get(key, {"x": 0}))] or list(CATALOG)[:1]
shown = st.segmented_control("Curve", curves, default=curves[0], required=True, key="curve", bind=BIND, wrap=True,
                             format_func=lambda key: CATALOG[key].title)
figure = CATALOG[shown]
try:
    seeds, over_missing = records.over_seeds(data_name), records.over_missing(data_name)
except StorageError as error:
    st.error(f"The records of other runs cannot be read: {error}", icon=":material/error:")
    seeds, over_missing = {}, {}
bars = "test items"
if seeds:
    bars = st.segmented_control("Error bars", ["test items", "seeds"], default="test items", required=True, key="bars",
                                bind=BIND, help="Over the test items of one training run, or over training runs.")
if bars == "seeds":
    points = {label(n): seeds[n][shown] for n in names if n in chosen and shown in seeds.get(n, {})}
    drawn = {n: {k: {"mean": p["mean"], "se": p["se_seeds"]} for k, p in of.items()} for n, of in points.items()}
    runs = {n: {k: p["values"] for k, p in of.items()} for n, of in points.items()}
    counts = " or ".join(map(str, sorted({p["n"] for of in points.values() for p in of.values()}))) or "no"
    about = (f"Lines: mean over {counts} seeds; error bars: two standard errors over them; rings: the runs. So few "
             "runs give a rough idea of the spread only. Methods with one run are left out.")
else:
    drawn, runs = {label(n): metrics[n][shown] for n in names if n in chosen and shown in metrics[n]}, None
    about = ("Error bars: two standard errors over the test items; one training run each, so that the difference "
             "between seeds is not in them.")
charts.show(
    curve_figure(drawn, figure.title, ink(), [label(n) for n in names], figure.target, runs=runs), "curves",
    f"{figure.title} by the number of observed views. {spoken(drawn)}",
    lambda drawn=drawn: tables.curve(drawn, "observed views", bars == "seeds"), f"{data_name}_{shown}")
st.caption(f"{figure.meaning} {about}")
st.markdown(f"**How it misleads:** {figure.trap}")

st.subheader("All figures")
table = tables.figures({n: seeds.get(n, {}) if bars == "seeds" else metrics[n] for n in chosen})
st.dataframe(table, hide_index=True, width="stretch", height=420, column_config=tables.pinned("figure", "of"))
st.caption(f"Mean ± standard error over {bars}. ↑ higher is better, ↓ lower is better. The files: "
           f"`checkpoints/{data_name}/METHOD/metrics.json`, written by `python -m bvae evaluate {data_name} all`, and "
           "`records/RUN.json` where no weights ship, written by `python -m bvae checkpoints --rebuild`.")
st.download_button("Download as CSV", table.to_csv(index=False), f"{data_name}_metrics.csv", "text/csv",
                   icon=":material/download:", on_click="ignore")

st.subheader("Missing modalities")
by_share = {n: curves for n, curves in over_missing.items() if n in chosen}
shares = sorted({percent for curves in over_missing.values() for percent in curves})
if len(shares) < 2:
    st.info("Models that were trained with missing modalities are not recorded for this data set yet: `python -m bvae "
            "checkpoints --rebuild --only '*-missing-*'` makes those of PolyMNIST.")
if shares:
    percent = shares[0]
    if len(shares) > 1:
        percent = st.segmented_control("Missing in training", shares, default=percent, required=True, key="missing",
                                     bind=BIND, format_func=lambda percent: f"{percent} percent")
    for place, (key, short) in zip(st.columns(2), MISSING.items(), strict=True):
        drawn = {label(n): curves[percent][key] for n, curves in by_share.items() if key in curves.get(percent, {})}
        charts.show(
            curve_figure(drawn, short, ink(), [label(n) for n in names], height=360,
                         across="percent of modalities missing in the test"), key,
            f"{CATALOG[key].title} by the percent of modalities missing in the test, after training with {percent} "
            f"percent missing. {spoken(drawn)}",
            lambda drawn=drawn: tables.curve(drawn, "percent missing in the test"), f"{data_name}_{key}", place=place)
        place.caption(f"**{CATALOG[key].title}.** {CATALOG[key].meaning} {CATALOG[key].trap}")
    table = tables.missing(by_share, MISSING)
    st.dataframe(table, hide_index=True, width="stretch", column_config=tables.pinned("method"))
    st.caption("Missing completely at random, in training always the same modalities of an item. Mean ± standard error "
               "over the test items, error bars: two of them; one training run each.")
    st.download_button("Download as CSV", table.to_csv(index=False), f"{data_name}_missing.csv", "text/csv",
                       icon=":material/download:", on_click="ignore", key="missing_csv")

facts = []
for n in chosen:
    checkpoint, s = models[n], models[n].settings
    facts.append({"method": label(n), "steps": s.steps, "seed": s.seed, "latent dimension": s.latent_dim,
                  "beta": s.beta, "minutes": round(training_seconds(checkpoint.config) / 60, 1),
                  "test items": metrics[n].get("evaluation", {}).get("test_items"), "weights": checkpoint.hash[:12]})
with st.expander("How these models were trained", icon=":material/info:"):
    st.dataframe(pd.DataFrame(facts), hide_index=True, width="stretch", column_config=tables.pinned("method"))
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

reproduce.show(
    reproduce.benchmark_code(data_name, chosen, shown), "benchmarks.py",
    checkpoints=[f"{plain(n)} {models[n].hash[:12]}" for n in chosen],
    commands=[("python -m bvae report", "prints all tables of all data sets"),
              (f"python -m bvae evaluate {data_name} all", "computes the figures again, from the weights"),
              (f"python -m bvae checkpoints --rebuild --only '{data_name}/*'", "trains the models again")])
