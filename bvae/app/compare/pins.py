"""Runs that a person has pinned: a table with a link for each. The address holds them: a reload keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

import bvae
from bvae.aggregators import naming
from bvae.app import loaders, pages
from bvae.app.beliefs import item_beliefs, wording
from bvae.app.beliefs.contenders import Contender
from bvae.app.beliefs.judging import imagined
from bvae.app.beliefs.numbers import key_numbers, numbers
from bvae.app.beliefs.quantities import Number
from bvae.app.state import URL_VERSION
from bvae.app.widgets.choose import OWN_RULE, data_label, label
from bvae.io.storage import StorageError
from bvae.plots import posterior as posterior_plots

PINNED, MOST = "pinned_runs", 24
PARAMETER, APART, VIEWS_APART = "pin", "~", "."


@dataclass(frozen=True)
class Run:
    """One contender of a comparison.

    Attributes
    ----------
    data_name, model_name : str
    rule_name : str
        Registered name of the aggregator; empty for the one that the model was trained with.
    views : tuple of str
        Observed.
    item, seed, num_samples : int
    """

    data_name: str
    model_name: str
    rule_name: str
    views: tuple[str, ...]
    item: int
    seed: int
    num_samples: int

    @property
    def rule(self) -> str:
        """For a person."""
        return naming.short(self.rule_name) if self.rule_name else OWN_RULE

    @property
    def title(self) -> str:
        """For a person."""
        seen = ", ".join(self.views) or "no view"
        return f"{label(self.model_name)}, {self.rule}, item {self.item}, {seen}"

    def parameters(self) -> dict[str, str | tuple[str, ...]]:
        """Of a link to Explore with these settings."""
        return {"v": URL_VERSION, "data": data_label(self.data_name), "model": label(self.model_name),
                **({"agg": self.rule} if self.rule_name else {}), "item": str(self.item), "views": self.views,
                "seed": str(self.seed), "n": str(self.num_samples)}

    def link(self) -> str:
        """The address of Explore with these settings, relative to the app's."""
        return "explore?" + urlencode(self.parameters(), doseq=True)

    def text(self) -> str:
        """As the address of Compare holds it, see :func:`read`."""
        return APART.join([self.data_name, self.model_name, self.rule_name, VIEWS_APART.join(self.views),
                           str(self.item), str(self.seed), str(self.num_samples)])


def read(text: str) -> Run | None:
    """The run that a part of an address stands for; None if there is no such run here. All of it is looked up."""
    parts = text[:400].split(APART)
    if len(parts) != 7 or not all(p.isascii() and p.isdigit() and len(p) < 7 for p in parts[4:]):
        return None
    data_name, model_name, rule_name, views = parts[:4]
    item, seed, num_samples = map(int, parts[4:])
    if data_name not in bvae.datasets() or model_name not in loaders.trained(data_name):
        return None
    there = list(loaders.test_data(data_name).modalities)
    seen = tuple(views.split(VIEWS_APART)) if views else ()
    sound = (rule_name in ("", *bvae.aggregators()) and seen == tuple(v for v in there if v in seen)
             and item < len(loaders.test_data(data_name)) and seed <= 9999 and 1 <= num_samples <= 8)
    return Run(data_name, model_name, rule_name, seen, item, seed, num_samples) if sound else None


def pinned() -> list[Run]:
    """Of this session; at its beginning those of the address."""
    if PINNED not in st.session_state:
        runs = [read(text) for text in st.query_params.get_all(PARAMETER)[:MOST]]
        st.session_state[PINNED] = list(dict.fromkeys(run for run in runs if run))
    return st.session_state[PINNED]


@st.cache_data(max_entries=256, show_spinner=False)
def measured(run: Run, key: loaders.ModelKey) -> list[Number]:
    """The key numbers of a run, see `numbers.key_numbers`; `key` is that of its model."""
    loaded = loaders.loaded(key)
    data, views = loaders.test_data(run.data_name), list(loaded.model.modalities)
    now = item_beliefs.build(loaded, run.item, [v in run.views for v in views], [1.0] * len(views),
                             run.rule_name or None)
    plane = posterior_plots.dimension_plane(now.loc[:, 0].numpy(), now.scale[:, 0].numpy())
    [(_, seen)] = imagined([(loaded.model, now)], run.num_samples, run.seed, loaders.judges(run.data_name))
    contender = Contender("run", "run", "run", now, plane)
    found, _ = numbers([contender], views, {"run": seen}, int(data.y[run.item]))
    return key_numbers(found, "run", [v for v in views if v not in run.views])


def button(runs: Callable[[], list[Run]]) -> None:
    """Pin what is chosen when the button is pressed: the page may still show what was chosen before."""
    st.button("Pin these runs", icon=":material/push_pin:", on_click=_pin, args=(runs,),
              help="Keeps the settings and key numbers of every column in a table below and in the address.")


def table() -> None:
    """The pinned runs; nothing where none is."""
    runs = pinned()
    texts = [run.text() for run in runs]
    if st.query_params.get_all(PARAMETER) != texts:
        st.query_params[PARAMETER] = texts
    if not runs:
        return
    st.subheader("Pinned runs")
    rows: list[dict[str, Any]] = []
    told: dict[str, str] = {}
    for i, run in enumerate(runs, start=1):
        row: dict[str, Any] = {"run": i, "data set": run.data_name, "model": label(run.model_name), "rule": run.rule,
               "sample": run.item, "views": ", ".join(run.views) or "none", "seed": run.seed,
               "samples": run.num_samples}
        try:
            for number in measured(run, loaders.load_model(run.data_name, run.model_name).key):
                row[wording.brief(number)] = number.value
                told[wording.brief(number)] = wording.says(number.quantity)
        except StorageError:  # gone or damaged since
            row["model"] += " (cannot be read)"
        rows.append(row | {"link": run.link()})
    shown = pd.DataFrame(rows)
    st.dataframe(shown, hide_index=True, width="stretch", column_config={
        head: st.column_config.NumberColumn(format="%.3g", help=says) for head, says in told.items()})
    with st.container(horizontal=True):
        for i, run in enumerate(runs, start=1):
            st.page_link(pages.script("explore"), label=f"{i}: {run.title}", icon=":material/explore:",
                         query_params=run.parameters(), width="content")
    places = st.columns([2, 1, 1], vertical_alignment="bottom")
    which = places[0].multiselect("Runs to unpin", range(1, len(runs) + 1), key="unpin",
                               format_func=lambda i: f"{i}: {runs[i - 1].title}" if i <= len(runs) else str(i))
    places[1].button("Unpin", icon=":material/keep_off:", on_click=_unpin, disabled=not which, width="stretch",
                     help="The chosen runs, or *Unpin all* of them.")
    places[2].button("Unpin all", on_click=_clear, width="stretch")
    st.download_button("Download as CSV", lambda: shown.to_csv(index=False), "pinned_runs.csv", "text/csv",
                       icon=":material/download:", on_click="ignore", key="csv_pins")


def _pin(runs: Callable[[], list[Run]]) -> None:
    held = pinned()
    st.session_state[PINNED] = (held + [r for r in runs() if r not in held])[-MOST:]


def _unpin() -> None:
    gone = set(st.session_state.get("unpin", []))
    st.session_state[PINNED] = [r for i, r in enumerate(pinned(), start=1) if i not in gone]
    st.session_state["unpin"] = []


def _clear() -> None:
    st.session_state[PINNED] = []
    st.session_state["unpin"] = []
