"""Explore's right column: generations with the distribution of their classes, and how far each z is from the data."""

from __future__ import annotations

import html
from collections.abc import Sequence

import pandas as pd
import streamlit as st
from torch import Tensor

from bvae.app.beliefs import sheet
from bvae.app.beliefs.generation import MARKS, Generated
from bvae.app.widgets import charts, images
from bvae.data import MultimodalDataset
from bvae.maps.latent_distance import BEYOND_THE_DATA, PLACES, LatentCloud
from bvae.plots.walk import LIE

TOP = 3


def distribution(p: Tensor, class_names: Sequence[str], truth: int, lies: Sequence[int] = ()) -> str:
    """The most probable classes as bars with names and numbers, as HTML.

    Parameters
    ----------
    p : Tensor
        (num_classes,).
    class_names : sequence of str
    truth : int
        Bold.
    lies : sequence of int
        Marked with a cross.
    """
    lines = []
    for k in p.argsort(descending=True)[:TOP].tolist():
        name = html.escape(class_names[k])
        name = f"<b>{name}</b>" if k == truth else f'{name} <span style="color:{LIE}">&#10005;</span>' \
            if k in lies else name
        bar = f"{100 * p[k]:.0f}%"
        lines.append(
            '<div style="display:flex;justify-content:space-between;gap:3px;padding:0 3px;margin-top:1px;border-radius:'
            f"2px;background:linear-gradient(to right,rgba(128,128,128,.34) {bar},rgba(128,128,128,.07) {bar})\">"
            f'<span style="white-space:nowrap;overflow:hidden;text-overflow:ellipsis">{name}</span>'
            f"<span>{p[k]:.2f}</span></div>")
    return (f'<div style="font-size:11px;line-height:1.3;font-variant-numeric:tabular-nums">{"".join(lines)}</div>')


def table_html(
    data: MultimodalDataset, views: Sequence[str], observed: Sequence[bool], generated: Generated, truth: int,
    lies: Sequence[int],
) -> str:
    """One column per sample of z, one row per view."""
    count = len(generated)
    cells = []
    for view in views:
        line = []
        for s in range(count):
            judged = generated.judged(view, s)
            alt = f"{view} generated, sample {s + 1}" + (f", judged {data.class_names[judged[0]]}" if judged else "")
            line.append(sheet.picture(images.content(data, view, generated.values[view][s]), alt)
                        + (distribution(generated.classes[view][s], data.class_names, truth, lies) if judged else ""))
        cells.append(line)
    heads = [f"z<sub>{s + 1}</sub> {sheet.far(generated, s)}{sheet.near(generated, s)}" for s in range(count)]
    names = [sheet.head(v, m, f"{data.modalities[v].label} ({'seen' if observed[m] else 'never seen'})")
             for m, v in enumerate(views)]
    return sheet.table(f"{count} samples of z, decoded into {len(views)} views", heads, names, cells, side=84,
                       narrowest=62)


def show(
    data: MultimodalDataset, views: Sequence[str], observed: Sequence[bool], generated: Generated, cloud: LatentCloud,
    truth: int, lies: Sequence[int], file_name: str,
) -> None:
    """The column below its heading."""
    st.html(table_html(data, views, observed, generated, truth, lies))
    guesses = [s + 1 for s, place in enumerate(generated.closeness.place.tolist()) if place == BEYOND_THE_DATA]
    if guesses:
        st.markdown(f"**z {', '.join(map(str, guesses))}: {PLACES[BEYOND_THE_DATA]}.**")
    bars = f"Bars: the {TOP} classes that judges of real views find most probable; bold is the true one" + (
        ", ✕ the lie's. " if lies else ". ") if generated.classes else ""
    st.caption(
        f"Each column is one sample of z, decoded into all views. {bars}Over it: the distance of z to the data, 1 is "
        f"usual ({MARKS[0]} among the data, {MARKS[1]} at their edge, {MARKS[2]} beyond them), and how many of "
        f"{cloud.points.shape[1]:,} test items are near.")
    charts.numbers_button("imagined", lambda: numbers(data, views, generated), file_name)


def numbers(data: MultimodalDataset, views: Sequence[str], generated: Generated) -> pd.DataFrame:
    """The twin of the pictures: one row per sample and view."""
    rows = []
    for s in range(len(generated)):
        for view in views:
            rows.append({
                "sample": s + 1, "view": view, "distance of z to the data": float(generated.closeness.ratio[s]),
                "neighbours": int(generated.closeness.neighbours[s]),
                "place": PLACES[int(generated.closeness.place[s])],
                **({f"p({name})": float(v) for name, v in zip(data.class_names, generated.classes[view][s],
                                                              strict=True)} if view in generated.classes else {}),
            })
    return pd.DataFrame(rows)


def components_html(components: Sequence[tuple[str, float]], most: int = 32) -> str:
    """Components of a mixture with their weights as bars, as HTML."""
    top = max((w for _, w in components), default=1.0)
    lines = "".join(
        '<div style="display:flex;gap:6px;align-items:center">'
        f'<span style="flex:0 0 46%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap">{html.escape(n)}</span>'
        f'<span style="flex:1;height:8px"><span style="display:block;height:8px;width:{100 * w / top:.1f}%;'
        'background:currentColor;opacity:.55;border-radius:2px"></span></span>'
        f'<span style="flex:0 0 48px;text-align:right">{w:.3g}</span></div>' for n, w in components[:most])
    more = f"<div>and {len(components) - most} more</div>" if len(components) > most else ""
    return ('<div role="region" aria-label="Components and their weights" tabindex="0" style="font-size:12px;'
            f'line-height:1.45;max-height:260px;overflow-y:auto">{lines}{more}</div>')
