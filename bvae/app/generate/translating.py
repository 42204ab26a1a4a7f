"""Translate: every view alone into all of them, and a chosen few into others."""

from __future__ import annotations

import streamlit as st

from bvae.app import loaders
from bvae.app.beliefs import sheet
from bvae.app.beliefs.generation import Generated, rows
from bvae.app.generate.generate_panels import Shown, Task, draws_sheet, heads, numbers, widths
from bvae.app.widgets import images
from bvae.metrics.variety import mean_distance, within_class
from bvae.plots import style

HARDLY = 0.05


def translate(c: Task) -> Shown:
    """The matrix of single views, and a chosen subset."""
    item = c.form.answer("item")
    x = c.data.of_item(item)
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        st.subheader("One view goes in")
        rows_of = c.studio.matrix(x, c.seed, [item])
        _matrix(c, item, rows_of)
        st.caption("At the left of a row the view that goes in, beside it what the model makes of it in every view. "
                   "Framed: the view itself, rebuilt. All rows are drawn with the same noise.")
    table = [row for source, g in rows_of.items() for row in rows(g, c.views, c.data.class_names, source=source)]
    generated = list(rows_of.values())
    with right:
        st.subheader("Several views go in")
        chosen_sources = c.form.ask(st.pills, "sources", "From")
        chosen_targets = c.form.ask(st.pills, "targets", "To")
        sources, targets = [v for v in x if v in chosen_sources], [v for v in c.views if v in chosen_targets]
        if sources and targets:
            both = c.studio.translate({v: x[v] for v in sources}, targets, c.num_samples, c.seed, [item])
            draws_sheet(c, both, targets, f"Draws from {', '.join(sources)}", numbers(len(both)))
            st.caption("Each row is another draw from the joint belief of these views.")
            if told := how_varied(c, both, sources):
                st.markdown(told)
            table += rows(both, targets, c.data.class_names, source=" + ".join(sources))
            generated.append(both)
        else:
            st.info("Choose at least one view that goes in and one that comes out.", icon=":material/touch_app:")
    return Shown(table, generated)


def how_varied(c: Task, drawn: Generated, sources: list[str]) -> str:
    """How far the draws are apart in each view of pictures that did not go in, as Markdown; nothing for one draw.

    The scale is that of `bvae.metrics.variety`.
    """
    if len(drawn) < 2 or not c.data.labelled:
        return ""
    apart = {}
    for name, values in drawn.values.items():
        if c.data.modalities[name].kind == "image" and name not in sources:
            scale = real_pictures_apart(c.data.name, loaders.version(c.data.name), name)
            if scale:
                apart[name] = mean_distance(values) / scale
    if not apart:
        return ""
    each = ", ".join(f"{name} **{value:.2f}**" for name, value in apart.items())
    what = ("They hardly differ: each is the average of what could be there."
            if max(apart.values()) < HARDLY else "The more, the less these views say.")
    return f"Distance of two draws, that of two real pictures of one class being 1: {each}. {what}"


@st.cache_data(max_entries=64, show_spinner=False)
def real_pictures_apart(data_name: str, version: int, view: str) -> float:
    """See `bvae.metrics.variety.within_class`; of the test items."""
    return within_class(loaders.test_data(data_name), view)


def _matrix(c: Task, item: int, rows_of: dict[str, Generated]) -> None:
    """Sources in rows, targets in columns."""
    x = c.data.of_item(item)
    observed = [
        sheet.head(v, m) + sheet.picture(images.content(c.data, v, x[v][0]), f"{v} of item {item}, observed",
                                         style.color(m)) + sheet.small(sheet.far(rows_of[v], 0))
        for m, v in enumerate(c.views) if v in x]
    st.html(sheet.table(
        f"Matrix: {len(x)} sources in rows, {len(c.views)} targets in columns", heads(c, c.views), observed,
        [[sheet.cell(c.data, rows_of[source], target, 0, f"{target} generated from {source}",
                     style.color(m) if source == target else None, distance=False)
          for m, target in enumerate(c.views)] for source in x], widths=widths(c, c.views), side=None))
