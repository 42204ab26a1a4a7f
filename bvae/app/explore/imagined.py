"""Explore's right column: generations with the distribution of their classes, and how far each z is from the data."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from torch import Tensor

from bvae.app.beliefs import sheet
from bvae.app.beliefs.generation import MARKS, Generated
from bvae.app.templates import Markup, render
from bvae.app.widgets import charts, images
from bvae.data import MultimodalDataset
from bvae.maps.latent_distance import BEYOND_THE_DATA, PLACES, LatentCloud
from bvae.plots.walk import LIE

TOP = 3


def distribution(p: Tensor, class_names: Sequence[str], truth: int, lies: Sequence[int] = ()) -> Markup:
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
    lines = [(class_names[k], f"{100 * p[k]:.0f}%", f"{p[k]:.2f}",
              "truth" if k == truth else "lie" if k in lies else "")
             for k in p.argsort(descending=True)[:TOP].tolist()]
    return render("distribution", lines=lines, lie_color=LIE)


def table_html(
    data: MultimodalDataset, views: Sequence[str], observed: Sequence[bool], generated: Generated, truth: int,
    lies: Sequence[int],
) -> Markup:
    """One column per draw of z, one row per view."""
    count = len(generated)
    cells = []
    for view in views:
        line = []
        for s in range(count):
            judged = generated.judged(view, s)
            alt = f"{view} decoded, draw {s + 1}" + (f", judged {data.class_names[judged[0]]}" if judged else "")
            line.append(sheet.picture(images.content(data, view, generated.values[view][s]), alt)
                        + (distribution(generated.classes[view][s], data.class_names, truth, lies) if judged else ""))
        cells.append(line)
    heads = [render("sample_head", number=s + 1, far=sheet.far(generated, s), near=sheet.near(generated, s))
             for s in range(count)]
    names = [sheet.head(v, m, f"{data.modalities[v].label} ({'seen' if observed[m] else 'hidden'})")
             for m, v in enumerate(views)]
    return sheet.table(f"{count} draws of z in detail, decoded into {len(views)} views", heads, names, cells, side=84,
                       narrowest=62)


def pictures_html(
    data: MultimodalDataset, views: Sequence[str], observed: Sequence[bool], generated: Generated, truth: int,
) -> Markup:
    """The pictures alone, one row per view; only where the judges see another class than the truth is that said."""
    count = len(generated)
    cells, names = [], []
    for m, view in enumerate(views):
        line = []
        for s in range(count):
            judged = generated.judged(view, s)
            alt = f"{view} generated, draw {s + 1}" + (f", judged {data.class_names[judged[0]]}" if judged else "")
            wrong = judged is not None and data.labelled and judged[0] != truth
            line.append(sheet.picture(images.content(data, view, generated.values[view][s]), alt)
                        + (sheet.said(f"{data.class_names[judged[0]]}?") if judged and wrong else ""))
        cells.append(line)
        sure = (f"{float(generated.classes[view][:, truth].mean()):.0%}"
                if view in generated.classes and data.labelled else "")
        names.append(sheet.head(view, m, " · ".join(part for part in ("" if observed[m] else "hidden", sure) if part)))
    return sheet.table(f"{count} draws of z, decoded into {len(views)} views", [str(s + 1) for s in range(count)],
                       names, cells, side=64 if max(map(len, views)) < 10 else 88, narrowest=48)


def show(
    data: MultimodalDataset, views: Sequence[str], observed: Sequence[bool], generated: Generated, truth: int,
    file_name: str,
) -> None:
    """The column below its heading."""
    st.html(pictures_html(data, views, observed, generated, truth))
    guesses = [s + 1 for s, place in enumerate(generated.closeness.place.tolist()) if place == BEYOND_THE_DATA]
    if guesses:
        st.markdown(f"**Draw {', '.join(map(str, guesses))}: {PLACES[BEYOND_THE_DATA]}.**")
    judged = (f" Beside a view: how sure judges, who learned from real views, are that its pictures show the true "
              f"class, {data.class_names[truth]}; under a picture what they take it for, where that is another one."
              if generated.classes and data.labelled else "")
    st.caption(f"Each column is one draw from the joint belief, turned into every view.{judged}")
    charts.numbers_button("imagined", lambda: numbers(data, views, generated), file_name)


def details(
    data: MultimodalDataset, views: Sequence[str], observed: Sequence[bool], generated: Generated, cloud: LatentCloud,
    truth: int, lies: Sequence[int],
) -> None:
    """The same pictures with what the judges see in each, and how far each draw is from the data."""
    st.html(table_html(data, views, observed, generated, truth, lies))
    bars = f"Bars: the {TOP} classes that judges of real views find most probable; bold is the true one" + (
        ", ✕ the lie's. " if lies else ". ") if generated.classes else ""
    st.caption(
        f"Each column is one draw z, decoded into all views. {bars}Over it: the distance of z to the data, 1 is "
        f"usual ({MARKS[0]} among the data, {MARKS[1]} at their edge, {MARKS[2]} beyond them), and how many of "
        f"{cloud.points.shape[1]:,} test items are near.")


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


def components_html(components: Sequence[tuple[str, float]], most: int = 32) -> Markup:
    """Components of a mixture with their weights as bars, as HTML."""
    top = max((w for _, w in components), default=1.0)
    lines = [(name, f"{100 * w / top:.1f}", f"{w:.3g}") for name, w in components[:most]]
    return render("components", lines=lines, more=len(components) - most)
