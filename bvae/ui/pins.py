"""Runs that a person has pinned: a table of this session, with a link for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from bvae.plots import style
from bvae.ui.state import URL_VERSION

PINNED, MOST = "pinned_runs", 24


@dataclass(frozen=True)
class Run:
    """One contender of a comparison.

    Attributes
    ----------
    data_name, model_name : str
    model : str
        As links hold it.
    rule_name : str
        Registered name of the aggregator.
    rule : str
        As links hold it; empty for the one that the model was trained with.
    views : tuple of str
        Observed.
    item, seed, num_samples : int
    numbers : mapping
        Key numbers, shown; two runs that differ in nothing else are one.
    """

    data_name: str
    model_name: str
    model: str
    rule_name: str
    rule: str
    views: tuple[str, ...]
    item: int
    seed: int
    num_samples: int
    numbers: Mapping[str, float] = field(compare=False)

    @property
    def title(self) -> str:
        """For a person."""
        seen = ", ".join(self.views) or "no view"
        return f"{self.model}, {style.short(self.rule_name)}, item {self.item}, {seen}"

    def parameters(self) -> dict[str, str | tuple[str, ...]]:
        """Of a link to Explore with these settings."""
        return {"v": URL_VERSION, "data": self.data_name, "model": self.model,
                **({"agg": self.rule} if self.rule else {}), "item": str(self.item), "views": self.views,
                "seed": str(self.seed), "n": str(self.num_samples)}

    def link(self) -> str:
        """The address of Explore with these settings, relative to the app's."""
        return "explore?" + urlencode(self.parameters(), doseq=True)


def pinned() -> list[Run]:
    """Of this session."""
    return st.session_state.setdefault(PINNED, [])


def button(runs: Sequence[Run]) -> None:
    """Pin what is shown."""
    st.button("Pin these runs", icon=":material/push_pin:", on_click=_pin, args=(list(runs),),
              help="Keeps the settings and key numbers of every column in a table below, for this session.")


def table() -> None:
    """The pinned runs."""
    st.subheader("Pinned runs")
    runs = pinned()
    if not runs:
        st.caption("None yet. *Pin these runs* puts the settings and key numbers of every column here.")
        return
    shown = pd.DataFrame([{
        "run": i, "data set": run.data_name, "model": run.model,
        "rule": style.short(run.rule_name), "sample": run.item, "views": ", ".join(run.views) or "none",
        "seed": run.seed, "samples": run.num_samples, **run.numbers, "link": run.link(),
    } for i, run in enumerate(runs, start=1)])
    numeric = [c for c in shown.columns if shown[c].dtype.kind == "f"]
    st.dataframe(shown, hide_index=True, width="stretch", column_config={
        c: st.column_config.NumberColumn(format="%.3g") for c in numeric})
    with st.container(horizontal=True):
        for i, run in enumerate(runs, start=1):
            st.page_link("pages/explore.py", label=f"{i}: {run.title}", icon=":material/explore:",
                         query_params=run.parameters(), width="content")
    row = st.columns([2, 1, 1], vertical_alignment="bottom")
    which = row[0].multiselect("Runs to unpin", range(1, len(runs) + 1), key="unpin",
                               format_func=lambda i: f"{i}: {runs[i - 1].title}" if i <= len(runs) else str(i))
    row[1].button("Unpin", icon=":material/keep_off:", on_click=_unpin, disabled=not which, width="stretch",
                  help="The chosen runs, or *Unpin all* of them.")
    row[2].button("Unpin all", on_click=_clear, width="stretch")
    st.download_button("Download as CSV", shown.to_csv(index=False), "pinned_runs.csv", "text/csv",
                       icon=":material/download:", on_click="ignore", key="csv_pins")


def _pin(runs: list[Run]) -> None:
    held = pinned()
    st.session_state[PINNED] = (held + [r for r in runs if r not in held])[-MOST:]


def _unpin() -> None:
    gone = set(st.session_state.get("unpin", []))
    st.session_state[PINNED] = [r for i, r in enumerate(pinned(), start=1) if i not in gone]
    st.session_state["unpin"] = []


def _clear() -> None:
    st.session_state[PINNED] = []
    st.session_state["unpin"] = []
