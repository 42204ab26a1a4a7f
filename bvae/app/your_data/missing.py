"""A picture of what is missing: which views items have together, and in which columns cells are empty."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from bvae.app.templates import Markup, render
from bvae.app.widgets import charts
from bvae.app.your_data.understood import Gaps, Understood
from bvae.plots import style

PATTERNS, VIEWS, COLUMNS = 10, 20, 12
"""What is drawn at most; the table twins hold all."""


def show(found: Understood) -> None:
    """Both pictures, each with its numbers."""
    st.html(presence(found))
    st.caption(_further(found))
    charts.numbers_button("bring_presence", lambda: patterns_table(found), "which_views")
    gaps = with_gaps(found)
    if gaps:
        st.html(gaps_by_column(found, gaps))
        more = len(gaps) - COLUMNS
        st.caption("Of the items that have the view, how many lack a value in this column."
                   + (f" {more:,} further columns have gaps." if more > 0 else ""))
    elif found.columns:
        st.caption("Inside of the views that items have, no cell is empty.")
    if found.columns:
        charts.numbers_button("bring_gaps", lambda: columns_table(found), "columns", title="All columns")


def presence(found: Understood) -> Markup:
    """The patterns of presence, the commonest first."""
    shown = found.patterns[:PATTERNS]
    most = max((count for _, count in shown), default=1)
    views = []
    for m, view in enumerate(found.views[:VIEWS]):
        dots = [_dot([v.name in names for v in found.views[:VIEWS]], m) for names, _ in shown]
        views.append({"name": view.name, "have": f"{view.items:,}", "color": style.color(m), "dots": dots,
                      "share": round(100 * view.items / max(1, found.items))})
    return render("presence", alt=presence_said(found), views=views,
                  bars=[(f"{count:,}", round(80 * count / most, 1)) for _, count in shown])


def presence_said(found: Understood) -> str:
    """The takeaway of the picture in a sentence."""
    whole = sum(count for names, count in found.patterns if len(names) == len(found.views))
    rarest = min(found.views, key=lambda v: v.items)
    return (f"Which views items have together: {whole:,} of {found.items:,} items have all {len(found.views)} views; "
            f"{rarest.name} is there for {rarest.items:,}.")


def _dot(has: list[bool], m: int) -> str:
    """How a view is drawn in a pattern: had, or not, and whether the line between those that are had goes through."""
    on = [k for k, there in enumerate(has) if there]
    if not on or not on[0] <= m <= on[-1]:
        return "off"
    if not has[m]:
        return "through"
    return "only" if len(on) == 1 else "first" if m == on[0] else "last" if m == on[-1] else "has"


def _further(found: Understood) -> str:
    """What the picture shows, and what there is beside."""
    whole = sum(count for names, count in found.patterns if len(names) == len(found.views))
    said = (f"A column is a group of items: its dots are the views that they have. {whole:,} of {found.items:,} items "
            f"have {'their one view' if len(found.views) == 1 else 'all views'}.")
    if len(found.patterns) > PATTERNS:
        rest = sum(count for _, count in found.patterns[PATTERNS:])
        said += f" {len(found.patterns) - PATTERNS:,} rarer groups, {rest:,} items in all, are not drawn."
    if len(found.views) > VIEWS:
        said += f" {len(found.views) - VIEWS:,} further views are not drawn."
    return said


def patterns_table(found: Understood) -> pd.DataFrame:
    """A line for each pattern: views by yes and no, and the number of items."""
    return pd.DataFrame([{**{v.name: "yes" if v.name in names else "no" for v in found.views}, "items": count}
                         for names, count in found.patterns])


def with_gaps(found: Understood) -> list[Gaps]:
    """Columns with empty cells, the emptiest first."""
    return sorted((c for c in found.columns if c.share > 0), key=lambda c: -c.share)


def gaps_by_column(found: Understood, gaps: list[Gaps]) -> Markup:
    """A bar for each of the emptiest columns."""
    colors = {view.name: style.color(m) for m, view in enumerate(found.views)}
    lines = [{"column": c.column, "view": c.view, "said": f"{c.share:.1%}", "width": round(100 * c.share, 1),
              "color": colors[c.view]} for c in gaps[:COLUMNS]]
    return render("gaps", label="Gaps by column", lines=lines)


def columns_table(found: Understood) -> pd.DataFrame:
    """A line for each column."""
    return pd.DataFrame([{"view": c.view, "column": c.column, "type": c.type, "gaps": c.share, "what is in it": c.told}
                         for c in found.columns])
