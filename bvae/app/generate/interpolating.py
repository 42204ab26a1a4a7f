"""Interpolate: a path between two items, or between two views of one, as an animation and as a strip."""

from __future__ import annotations

import pandas as pd
import streamlit as st
import torch

from bvae.aggregators import name_of, naming
from bvae.app.beliefs import sheet
from bvae.app.beliefs.generation import IN_STRIP, rows, spoken
from bvae.app.components.player import player
from bvae.app.generate import film
from bvae.app.generate.generate_panels import Shown, Task, widths
from bvae.app.generate.tasks import ITEMS, WEIGHTS
from bvae.app.state import ink
from bvae.app.widgets import charts, images
from bvae.plots import closeness, style


def interpolate(c: Task) -> Shown:
    """A path of beliefs as an animation and as a strip."""
    with st.container(key="after_picture_path"):
        top = st.columns([1.6, 1.4, 1], vertical_alignment="bottom")
    item = c.form.answer("item")
    x = c.data.of_item(item)
    way = c.form.ask(top[0].segmented_control, "path", "Path", wrap=True,
                     options=[ITEMS, WEIGHTS] if len(x) > 1 else [ITEMS])
    noise = c.seed if c.form.ask(
        top[2].toggle, "noise", "With noise", help="Off: the mean of each belief on the way is decoded. On: a draw of "
        "each, with the same noise all the way.") else None
    if way == ITEMS:
        other = c.form.ask(top[1].number_input, "second", "Second item")
        path = c.studio.between_items(x, c.data.of_item(other))
        seen = [v for v in x if v in c.data.of_item(other)]
        mixed = c.studio.posterior(x).num_components > 1
        ends, made_of = (f"item {item}", f"item {other}"), [item, other]
    else:
        with top[1].container(horizontal=True):
            start = c.form.ask(st.selectbox, "start", "From view", options=list(x), first=next(iter(x)))
            end = c.form.ask(st.selectbox, "end", "to view", options=list(x), first=list(x)[1])
        path = c.studio.between_views(x, start, end)
        mixed, seen = path.num_components > 1, [start, end]
        ends, made_of = (f"{start} alone", f"{end} alone"), [item]
    generated = c.studio.along(path, noise, made_of, seen)
    t = torch.linspace(0, 1, len(generated)).tolist()
    frames = {v: [images.content(c.data, v, value) for value in generated.values[v]] for v in c.views}

    screen, chart = st.columns([1.5, 1], gap="large")
    with screen:
        st.subheader("On the way")
        player([{"name": v, "color": style.color(m), "kind": "image" if frames[v] and not isinstance(frames[v][0], str)
                 else "text", "frames": [f if isinstance(f, str) else images.data_uri(f) for f in frames[v]]}
                for m, v in enumerate(c.views)],
               [f"{1 - p:.0%} {ends[0]}, {p:.0%} {ends[1]}: z is {spoken(generated.closeness, i)}"
                for i, p in enumerate(t)], key="player")
        st.caption(_explain(c, way, mixed, noise is not None))
    with chart:
        st.subheader("How far from the data")
        values, edge, beyond = (v.tolist() for v in generated.closeness[:3])
        charts.show_lines(
            closeness.along(t, values, edge, beyond, ends, ink()), "distance_chart",
            f"Distance of z to the data along the path, from {values[0]:.3g} over at most {max(values):.3g} to "
            f"{values[-1]:.3g}; 99 % of the data are below {min(beyond):.3g}.",
            lambda: pd.DataFrame({"position": t, "distance of z to the data": values, "90 % of the data": edge,
                                  "99 % of the data": beyond}), "distance_along_the_path")
    st.subheader("Frame by frame")
    steps = range(0, len(generated), IN_STRIP)
    st.html(sheet.table(
        f"Strip from {ends[0]} to {ends[1]}", [f"{t[i]:.0%}" + sheet.small(sheet.far(generated, i)) for i in steps],
        [sheet.head(v, m) for m, v in enumerate(c.views)],
        [[sheet.cell(c.data, generated, v, i, f"{v} generated at {t[i]:.0%} of the way", distance=False)
          for i in steps]
         for v in c.views],
        widths=[max(widths(c, c.views))] * len(steps), narrowest=66, side=52))
    with st.container(horizontal=True):
        st.download_button("Animation as GIF", lambda: film.gif(frames), "path.gif", "image/gif", on_click="ignore",
                           icon=":material/animated_images:")
        strip = {v: f[::IN_STRIP] for v, f in frames.items()}
        st.download_button("Strip as PNG", lambda: film.png(strip), "path.png", "image/png", on_click="ignore",
                           icon=":material/image:")
    return Shown(rows(generated, c.views, c.data.class_names, numbered=False, position=t), [generated], "step")


def _explain(c: Task, way: str, mixed: bool, noise: bool) -> str:
    """What the path is."""
    z = "a draw of each belief on the way, with the same noise" if noise else "the mean of each belief on the way"
    rule, inside = (naming.title(name_of(r)) for r in (c.studio.rule, c.studio.rule.conditional()))
    views = "all" if way == ITEMS else "both"
    of = f"{inside}, the part of the {rule} that has seen {views} views" if rule != inside else rule
    if way == ITEMS:
        return ("The joint belief of the one item moves and stretches into that of the other, along the shortest way "
                f"(the Wasserstein geodesic). What is decoded: {z}. Rule: {of}."
                f"{' It is a mixture: taken is the Gaussian with its mean and variance.' if mixed else ''}")
    jump = " With products the ends jump: a view counts in full as soon as it takes part." \
        if c.studio.rule.counts_experts else ""
    between = " The joint belief is a mixture: its mean may lie where no view believes z to be." if mixed else ""
    return (f"Only these two views take part: the weight moves from the one to the other. What is decoded: {z}. "
            f"Rule: {of}.{jump}{between}")
