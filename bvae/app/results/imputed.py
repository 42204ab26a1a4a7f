"""What is imputed, on Benchmarks: every view of columns predicted from the others, beside simpler methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from bvae.app.templates import Markup, render
from bvae.app.widgets import charts
from bvae.app.widgets.choose import label
from bvae.evaluation.imputed import COVERAGE, FIGURES, SIMPLER, UNCALIBRATED, Row, rows, said
from bvae.metrics import CATALOG


def html(found: Sequence[Row], title: str) -> Markup:
    """A table with a bar in every cell: one row a view, one column a method."""
    names = list(dict.fromkeys(name for row in found for name in row.values))
    lines = [(row.view, [None if (v := row.values.get(name)) is None else (
        said(v), f"{100 * min(1.0, max(0.0, v['mean'])):.1f}", name in row.leading) for name in names])
        for row in found]
    return render("imputed", title=title, names=[(n, n in SIMPLER.values()) for n in names], lines=lines)


def frame(metrics: Mapping[str, Mapping[str, Any]], chosen: Sequence[str]) -> pd.DataFrame:
    """All of it as a table: one row a figure, view and method."""
    return pd.DataFrame([
        {"figure": title, "view": row.view, "method": name, "mean": value["mean"], "standard error": value["se"]}
        for figure, title in FIGURES.items() for row in rows(metrics, chosen, figure)
        for name, value in row.values.items()])


def show(metrics: Mapping[str, Mapping[str, Any]], chosen: Sequence[str], data_name: str) -> None:
    """The tables; nothing where no view has columns.

    Parameters
    ----------
    metrics : mapping
        Name of the checkpoint -> metrics.json.
    chosen : sequence of str
    data_name : str
        Of the data set, for files.
    """
    found = {figure: rows(metrics, chosen, figure) for figure in FIGURES}
    if not any(found.values()):
        return
    st.subheader("What is imputed, beside simpler methods")
    st.markdown("**Hide one view, predict it from all others:** does the model beat methods that were made for just "
                "this view?")
    for figure, of in found.items():
        if of:
            st.html(html(of, FIGURES[figure]))
    st.caption("Mean ± standard error over test items; bold: the greatest of a row, and what is tied with it (no "
               "further off than two standard errors of the difference). An R2 of 0 is the column's mean. "
               "The simpler methods are fitted anew for each view, where one model answers for all of them; none of "
               "them says how sure it is." + _coverage(metrics, chosen))
    charts.numbers_button("imputed", lambda: frame(metrics, chosen), f"{data_name}_imputed")


def _coverage(metrics: Mapping[str, Mapping[str, Any]], chosen: Sequence[str]) -> str:
    """How often the models' intervals hold what was hidden."""
    told = [f"{label(name)} " + ", ".join(f"{v['mean']:.0%} ({view})" for view, v in metrics[name][COVERAGE].items())
            for name in chosen if metrics[name].get(COVERAGE)]
    after = any(metrics[name].get(UNCALIBRATED) for name in chosen)
    which = f"{CATALOG[COVERAGE].target:.0%} intervals{', calibrated,' if after else ''}"
    return f" The models' {which} hold: {'; '.join(told)}." if told else ""
