"""Benchmarks: the numbers of all trained models, as their metrics.json files and the records hold them."""

import streamlit as st

from bvae.app import loaders, reproduce
from bvae.app.results import benchmark_panels, imputed, tables
from bvae.app.results.state import SEEDS, About, Benchmarks
from bvae.app.state import Form, begin_page, ink
from bvae.app.widgets import charts, methods_told, share, small_table
from bvae.app.widgets.choose import data_box, data_label, label, ready
from bvae.app.widgets.markdown import plain
from bvae.data import DATASETS
from bvae.data.own import OwnData
from bvae.data.own.manifest import MODELS
from bvae.data.own.registering import FOLDERS
from bvae.evaluation import records
from bvae.io.storage import StorageError
from bvae.metrics import CATALOG
from bvae.plots.metrics import FEW, curve_figure
from bvae.training import Checkpoint, load_checkpoint

begin_page()
screen = st.container(gap="small", key="one_screen")
head = screen.container(horizontal=True, vertical_alignment="center", gap="small")
head.title("Benchmarks", width="content")
task = head.container(width=500).empty()  # written where it is known how many views can be observed

form = Form(Benchmarks)
tools = head.container(horizontal=True, gap="small", width=310)
with tools:
    share.button(form=form)
# Beside each other as wide as they are, so that what has no room begins a new line and nothing is cut off.
top = screen.container(horizontal=True, vertical_alignment="bottom", gap="small")
data_name = data_box(top.container(width=170), ready())
checkpoints: dict[str, Checkpoint] = {}
problems = []
for name in loaders.trained(data_name):
    try:
        checkpoints[name] = load_checkpoint(data_name, name)
    except StorageError as error:
        problems.append(f"{plain(label(name))} is left out: {plain(str(error))}")
models: dict[str, Checkpoint | records.Record]
try:
    models = records.together(data_name, checkpoints)
except StorageError:
    models = {**checkpoints}  # that the records cannot be read is said below
if problems:
    st.warning("\n\n".join(problems), icon=":material/warning:")
metrics = {name: model.metrics for name, model in models.items()}
names = [name for name in metrics if metrics[name]]
if not names:
    st.info(f"No model of {data_label(data_name)} has been evaluated yet: `python -m bvae evaluate {data_name} all` "
            "does it.")
    st.stop()
curves = [key for key in CATALOG if CATALOG[key].key == "views"
          and all(v.isdigit() for n in names for v in metrics[n].get(key, {"x": 0}))] or list(CATALOG)[:1]
own = issubclass(DATASETS[data_name], OwnData)
if own:  # with tables one comes for what is imputed
    curves.sort(key=lambda key: not key.startswith("imputation"))
form.about = about = About(data_name, names, curves)
shown = form.ask(top.container(width=330).selectbox, "curve", "Curve")
some = [n for n in st.session_state.get(form.key("methods"), ()) if n in names]
with top.popover(f"Methods: {len(some)} of {len(names)}" if some else "Methods: all", icon=":material/checklist:",
                 width="content"):
    chosen = form.ask(st.pills, "methods", "Methods", wrap=True) or names
figure = CATALOG[shown]
with tools:
    form.reset_button()
try:
    seeds, over_missing = records.over_seeds(data_name), records.over_missing(data_name)
except StorageError as error:
    st.error(f"The records of other runs cannot be read: {error}", icon=":material/error:")
    seeds, over_missing = {}, {}
if len(chosen) > FEW:
    form.ask(top.selectbox, "highlight", "Highlight", options=chosen, width=200,
             first=first if (first := about.paired(0)) in chosen else chosen[0])
highlight = form.answer("highlight")
if seeds:
    form.ask(top.segmented_control, "bars", "Error bars",
             help="Over the test items of one training run, or over training runs.")
bars = form.answer("bars")
if bars == SEEDS:
    points = {n: seeds[n][shown] for n in names if n in chosen and shown in seeds.get(n, {})}
    drawn = {n: {k: {"mean": p["mean"], "se": p["se_seeds"]} for k, p in of.items()} for n, of in points.items()}
    runs = {n: {k: p["values"] for k, p in of.items()} for n, of in points.items()}
    counts = " or ".join(map(str, sorted({p["n"] for of in points.values() for p in of.values()}))) or "no"
    said = (f"Lines: mean over {counts} seeds; error bars: two standard errors over them; rings: the runs. So few "
            "runs give a rough idea of the spread only. Methods with one run are left out.")
else:
    drawn = {n: metrics[n][shown] for n in names if n in chosen and shown in metrics[n]}
    runs = {}
    said = ("Error bars: two standard errors over the test items; one training run each, so that the difference "
            "between seeds is not in them.")
task.markdown(benchmark_panels.headline(drawn))
if own:
    imputed.show(metrics, chosen, data_name)
charts.show_lines(
    curve_figure(drawn, figure.title, ink(), names, figure.target, runs=runs or None, called=label,
                 highlight=highlight), "curves",
    f"{figure.title} by the number of observed views. {benchmark_panels.spoken(drawn)}",
    lambda drawn=drawn: tables.curve(drawn, "observed views", bars == SEEDS), f"{data_name}_{shown}",
    zoom=True)
st.caption(f"{figure.meaning} {said}")
st.markdown(f"**How it misleads:** {figure.trap}")

if not own:
    imputed.show(metrics, chosen, data_name)

st.subheader("All figures")
table = tables.figures({n: seeds.get(n, {}) if bars == SEEDS else metrics[n] for n in chosen})
st.html(small_table.table(table, "All figures", height=420))
st.caption(f"Mean ± standard error over {bars}. ↑ higher is better, ↓ lower is better. The files: "
           + (f"`{MODELS}/{data_name}/METHOD/metrics.json` in the folder of the data, written by `python -m bvae "
              "evaluate FOLDER all`." if data_name in FOLDERS else
              f"`checkpoints/{data_name}/METHOD/metrics.json`, written by `python -m bvae evaluate {data_name} all`, "
              "and `records/RUN.json` where no weights ship, written by `python -m bvae checkpoints --rebuild`."))
st.download_button("Download as CSV", lambda: table.to_csv(index=False), f"{data_name}_metrics.csv", "text/csv",
                   icon=":material/download:", on_click="ignore")

benchmark_panels.differences(form)
benchmark_panels.missing(form, over_missing, chosen, highlight)
benchmark_panels.training(chosen, models, metrics)
methods_told.show(models[n].settings.method for n in chosen)
benchmark_panels.published(data_name, shown)
reproduce.show(
    form.state(data_name=data_name, methods=tuple(chosen)).script(), "benchmarks.py",
    checkpoints=[f"{plain(n)} {models[n].hash[:12]}" for n in chosen],
    commands=[("python -m bvae report", "prints all tables of all data sets"),
              (f"python -m bvae evaluate {data_name} all", "computes the figures again, from the weights"),
              (f"python -m bvae checkpoints --rebuild --only '{data_name}/*'", "trains the models again")])
