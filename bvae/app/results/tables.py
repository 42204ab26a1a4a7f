"""The tables of the Benchmarks page: metrics in, one row a figure, one column a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from bvae.app.widgets.choose import label
from bvae.evaluation.records import keyed
from bvae.metrics import CATALOG, written


def figures(metrics: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """All figures of the catalogue that any of the models has.

    Parameters
    ----------
    metrics : mapping
        Name of the checkpoint -> metrics.json, or what `bvae.evaluation.records.over_seeds` says of it: then the
        standard error is that over seeds, and their number is a column.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    seeds: dict[tuple[str, str], dict[float, None]] = {}
    for metric, figure in CATALOG.items():
        arrow = {"higher": "↑", "lower": "↓", "nominal": f"→ {figure.target}"}.get(figure.better, "")
        for name, of_model in metrics.items():
            for key, value in keyed(of_model.get(metric, {})).items():
                row = rows.setdefault((metric, key), {
                    "figure": f"{figure.title} {arrow}".strip(), "of": figure.of(key) if key else "",
                    **({"seeds": ""} if "n" in value else {})})
                if "n" in value:
                    counts = seeds.setdefault((metric, key), {})
                    counts[value["n"]] = None
                    row["seeds"] = " or ".join(map(str, counts))
                se = value["se_seeds"] if "se_seeds" in value else value["se"]
                row[label(name)] = written({"mean": value["mean"], "se": se})
    ordered = sorted(rows, key=lambda k: list(CATALOG).index(k[0]))
    return pd.DataFrame([rows[k] for k in ordered]).fillna("–")


def missing(curves: Mapping[str, Mapping[int, Mapping[str, Any]]], metrics: Mapping[str, str]) -> pd.DataFrame:
    """One row a method and share missing in training, one column a figure and share missing in the test.

    Parameters
    ----------
    curves : mapping
        See `bvae.evaluation.records.over_missing`.
    metrics : mapping
        Figures of the catalogue that are given by percent missing -> a short name for the heads of columns.
    """
    return pd.DataFrame([
        {"method": label(name), "missing in training": f"{percent} %",
         **{f"{short}, {CATALOG[m].of(key)}": written(v) for m, short in metrics.items()
            for key, v in of_run.get(m, {}).items()}}
        for name, by_share in curves.items() for percent, of_run in by_share.items()
    ]).fillna("–")


def curve(drawn: Mapping[str, Mapping[str, Mapping[str, float]]], across: str, per_run: bool = False) -> pd.DataFrame:
    """What `bvae.plots.metrics.curve_figure` draws: one row a method and place on the horizontal axis.

    Parameters
    ----------
    drawn : mapping
        Name of the checkpoint -> place -> {"mean", "se"}.
    across : str
        What the horizontal axis shows.
    per_run : bool
        Whether the standard error is that over runs of training, not over test items.
    """
    error = "standard error over " + ("seeds" if per_run else "test items")
    return pd.DataFrame([{"method": label(method), across: int(place), "mean": value["mean"], error: value["se"]}
                         for method, points in drawn.items() for place, value in points.items()])


def pinned(*columns: str) -> dict[str, Any]:
    """Columns that stay in view while the others scroll sideways."""
    return {column: st.column_config.TextColumn(pinned=True) for column in columns}
