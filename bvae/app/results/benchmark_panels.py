"""The lower half of Benchmarks: missing modalities, how the models were trained, published numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from bvae.app.results import tables
from bvae.app.results.state import About, Benchmarks
from bvae.app.state import Form, ink
from bvae.app.widgets import charts, fold, small_table
from bvae.app.widgets.choose import label
from bvae.app.widgets.markdown import plain
from bvae.data import DATASETS
from bvae.data.own import OwnData
from bvae.evaluation import differences as paired
from bvae.evaluation.records import Record
from bvae.evaluation.tables import interval, of_difference, pairs, told
from bvae.io.storage import StorageError
from bvae.metrics import CATALOG, PUBLISHED
from bvae.plots.metrics import curve_figure
from bvae.training import Checkpoint
from bvae.training.checkpoint import training_seconds

IN_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MISSING = {"latent_accuracy_missing": "latent accuracy", "coherence_missing": "coherence"}


def spoken(curves: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """The numbers of a figure, by names of checkpoints, as a text, for those who do not see it."""
    return "; ".join(f"{label(method)}: " + ", ".join(f"{p['mean']:.3f}" for p in points.values())
                     for method, points in curves.items())


def headline(curves: Mapping[str, Mapping[str, Any]]) -> str:
    """What to look for in curves over the number of observed views: checkpoint -> that number -> value. Markdown."""
    counts = sorted({int(count) for points in curves.values() for count in points if count.isdigit()})
    if len(counts) < 2:
        return "**Compare the methods:** how much do they make of what they see?"
    few, many = (IN_WORDS[n] if n < len(IN_WORDS) else str(n) for n in (counts[0], counts[-1]))
    return (f"**Compare {few} observed view{'s' if counts[0] > 1 else ''} with {many}:** which methods gain from every "
            "further view, and which pay for it with overconfidence?")


def missing(
    form: Form[Benchmarks], over_missing: Mapping[str, Mapping[int, Mapping[str, Any]]], chosen: Sequence[str],
    highlight: str | None,
) -> None:
    """Curves and table over the share of views that are missing; nothing where no such figure was computed.

    Parameters
    ----------
    form : Form
    over_missing : mapping
        See `bvae.evaluation.records.over_missing`.
    chosen : sequence of str
        The methods that are shown.
    highlight : str or None
        The one that keeps its colour where many are drawn.
    """
    data_name, names = form.about.data_name, form.about.names
    st.subheader("Missing views")
    by_share = {n: curves for n, curves in over_missing.items() if n in chosen}
    shares = sorted({percent for curves in over_missing.values() for percent in curves})
    if len(shares) < 2 and issubclass(DATASETS[data_name], OwnData):
        st.caption("How models fare that learned with views taken away shows here when one was trained so: on the "
                   "page *Train*, under *Advanced*, *Share of views that are missing in training*.")
    elif len(shares) < 2:
        st.info("Models that were trained with missing views are not recorded for this data set yet: `python -m "
                "bvae checkpoints --rebuild --only '*-missing-*'` makes those of PolyMNIST.")
    if not any(of.get(key) for key in MISSING for curves in by_share.values() for of in curves.values()):
        return
    percent = shares[0]
    if len(shares) > 1:
        percent = form.ask(st.segmented_control, "missing", "Missing in training", options=shares, first=percent)
    known = {key: short for key, short in MISSING.items()
             if any(of.get(key) for curves in by_share.values() for of in curves.values())}
    for place, (key, short) in zip(st.columns(2), known.items(), strict=False):
        drawn = {n: curves[percent][key] for n, curves in by_share.items() if curves.get(percent, {}).get(key)}
        charts.show_lines(
            curve_figure(drawn, short, ink(), names, height=360, called=label,
                         across="percent of views missing in the test", highlight=highlight), key,
            f"{CATALOG[key].title} by the percent of views missing in the test, after training with {percent} "
            f"percent missing. {spoken(drawn)}",
            lambda drawn=drawn: tables.curve(drawn, "percent missing in the test"), f"{data_name}_{key}", place=place)
        place.caption(f"**{CATALOG[key].title}.** {CATALOG[key].meaning} {CATALOG[key].trap}")
    table = tables.missing(by_share, known)
    st.html(small_table.table(table, "Missing views"))
    st.caption("Missing completely at random, in training always the same views of an item. Mean ± standard error "
               "over the test items, error bars: two of them; one training run each.")
    st.download_button("Download as CSV", lambda: table.to_csv(index=False), f"{data_name}_missing.csv", "text/csv",
                       icon=":material/download:", on_click="ignore", key="missing_csv")


def training(
    chosen: Sequence[str], models: Mapping[str, Checkpoint | Record], metrics: Mapping[str, Mapping[str, Any]]
) -> None:
    """How the chosen models were trained."""
    facts = []
    for n in chosen:
        checkpoint, s = models[n], models[n].settings
        facts.append({"method": label(n), "steps": s.steps, "seed": s.seed, "latent dimension": s.latent_dim,
                      "beta": s.beta, "minutes": round(training_seconds(checkpoint.config) / 60, 1),
                      "test items": metrics[n].get("evaluation", {}).get("test_items"),
                      "weights": checkpoint.hash[:12]})
    def content() -> None:
        st.dataframe(pd.DataFrame(facts), hide_index=True, width="stretch", column_config=tables.pinned("method"))
        if len({f["steps"] for f in facts}) > 1:
            st.caption("The methods had different numbers of steps: compare them with care.")

    fold.show("How these models were trained", "info", "how_trained", content)


def differences(form: Form[Benchmarks]) -> None:
    """Two methods side by side: every figure's difference with its interval over the seeds of training."""
    st.subheader("Two methods compared")
    first_box, second_box = st.columns(2)
    about: About = form.about
    if about.paired(1) is None:
        st.info("One model alone has nothing to be compared with.")
        return
    first = form.ask(first_box.selectbox, "first", "First")
    second = form.ask(second_box.selectbox, "second", "Second")
    if first == second:
        st.info("Choose two different methods.")
        return
    try:
        found = paired.differences(about.data_name, first, second)
    except (StorageError, ValueError) as error:
        st.error(f"They cannot be compared: {plain(str(error))}", icon=":material/error:")
        return
    known = [d for d in found if d.metric in CATALOG]
    st.html(small_table.table(pd.DataFrame([{
        "figure": CATALOG[d.metric].title, "of": CATALOG[d.metric].of(d.key) if d.key else "",
        "first less second": of_difference(d, d.mean), "95 % interval": interval(d), "paired over": pairs(d),
        "": told(d),
    } for d in sorted(known, key=lambda d: d.half_width is None)]), "Two methods compared", height=420))
    st.caption("Runs of both with the same seed are one pair: what the seed does to both cancels in their difference. "
               "Intervals by Student's t; with three pairs its factor is 4.3. Log-likelihoods are paired by test item, "
               "of one run each: that says nothing of other seeds. Where there are no pairs there is no interval, and "
               f"no saying what is chance. The same table: `python -m bvae compare {first} {second} "
               f"--dataset {about.data_name}`.")


def published(data_name: str, metric: str) -> None:
    """Numbers of the literature for this figure."""
    rows = [row for row in PUBLISHED.get(data_name, ()) if row.metric == metric]
    def content() -> None:
        if not rows:
            st.write("None that we know for this figure.")
            return
        st.dataframe(pd.DataFrame([
            {"method": row.method, **{f"{k} view{'s' * (k > 1)}": v for k, v in enumerate(row.values, start=1)},
             "source": row.source} for row in rows]), hide_index=True, width="stretch")
        st.caption("Sixty thousand digits, other photographs, larger networks, 300 epochs: not comparable with ours, "
                   "which were trained for minutes on 4,000 digits. The tables of the barycentric paper (Qiu et al., "
                   "2025) could not be read, so no number of theirs is given.")

    fold.show("Published numbers, on other data", "menu_book", "published", content)
