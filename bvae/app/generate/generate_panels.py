"""The four tasks of the Generate page: each shows its widgets, asks `Studio`, and shows pictures and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st
import torch

from bvae.aggregators import name_of, naming
from bvae.app.beliefs import sheet
from bvae.app.beliefs.generation import IN_STRIP, Generated, Studio, count_places, rows, spoken
from bvae.app.components.draw import canvas
from bvae.app.components.player import player
from bvae.app.generate import film
from bvae.app.generate.state import Generate, drawn_as, kinds
from bvae.app.generate.tasks import DRAW, ITEMS, WEIGHTS, WRITE
from bvae.app.state import Form, ink
from bvae.app.widgets import charts, images
from bvae.data import DataError, MultimodalDataset, drawings
from bvae.maps.latent_distance import AMONG_THE_DATA, AT_THE_EDGE, BEYOND_THE_DATA, PLACES, LatentCloud
from bvae.plots import closeness, style

DRAWING, REVISION = "generate_drawing", "generate_revision"
LINK, PROBLEM = "generate_link", "generate_problem"  # the drawing's text in the address, and what is wrong with it
FIRST_DRAWING = "a 7"
ASK = {DRAW: "**Draw a figure:** it becomes one view. What do the other views make of it?",
       WRITE: "**Type a text:** it becomes one view. What do the other views make of it? Then misspell it."}


@dataclass(frozen=True)
class Task:
    """What all tasks share: the page's controls, and a model to generate with."""

    form: Form[Generate]
    studio: Studio

    @property
    def data(self) -> MultimodalDataset:
        """The test items."""
        return self.form.about.data

    @property
    def views(self) -> list[str]:
        """All modalities."""
        return list(self.data.modalities)

    @property
    def num_samples(self) -> int:
        """How many samples are drawn."""
        return self.form.answer("num_samples")

    @property
    def seed(self) -> int:
        """Of the noise."""
        return self.form.answer("seed")


@dataclass(frozen=True)
class Shown:
    """What the page adds below a task: a table of the numbers, and all that was generated."""

    table: list[dict]
    generated: list[Generated]


def heads(c: Task, names: list[str]) -> list[str]:
    """Heads of columns: targets."""
    return [sheet.head(name, c.views.index(name), c.data.modalities[name].label) for name in names]


def widths(c: Task, names: list[str]) -> list[int]:
    """Of columns of targets."""
    return [sheet.width_of(c.data, name) for name in names]


def samples_sheet(c: Task, generated: Generated, names: list[str], label: str, row_heads: list[str]) -> None:
    """Rows are samples, columns are targets."""
    row_heads = [name + sheet.near(generated, s) for s, name in enumerate(row_heads)]
    st.html(sheet.table(label, heads(c, names), row_heads, [
        [sheet.cell(c.data, generated, name, s, f"{name} generated, sample {s + 1}") for name in names]
        for s in range(len(generated))], widths=widths(c, names)))


def translate(c: Task) -> Shown:
    """The matrix of single views, and a chosen subset."""
    item = c.form.answer("item")
    x = c.data.of_item(item)
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        st.subheader("Every view alone as the source")
        rows_of = c.studio.matrix(x, c.seed, [item])
        observed = [
            sheet.head(v, m) + sheet.picture(images.content(c.data, v, x[v][0]), f"{v} of item {item}, observed",
                                             style.color(m)) + sheet.near(rows_of[v], 0)
            for m, v in enumerate(c.views) if v in x]
        st.html(sheet.table(
            f"Matrix: {len(x)} sources in rows, {len(c.views)} targets in columns", heads(c, c.views), observed,
            [[sheet.cell(c.data, rows_of[source], target, 0, f"{target} generated from {source}",
                         style.color(m) if source == target else None) for m, target in enumerate(c.views)]
             for source in x], widths=widths(c, c.views), side=None))
        st.caption("Left the view that the model sees, in its row what it makes of it. The framed diagonal is the "
                   "view itself, rebuilt. All rows have the same noise.")
    with right:
        st.subheader("Several views as the source")
        sources = c.form.ask(st.pills, "sources", "From")
        targets = c.form.ask(st.pills, "targets", "To")
        sources, targets = [v for v in x if v in sources], [v for v in c.views if v in targets]
        shown = list(rows_of.values())
        if sources and targets:
            both = c.studio.translate({v: x[v] for v in sources}, targets, c.num_samples, c.seed, [item])
            samples_sheet(c, both, targets, f"Samples from {', '.join(sources)}", numbers(len(both)))
            shown.append(both)
        else:
            st.info("Choose at least one source and one target.", icon=":material/touch_app:")
    table = [row for source, g in rows_of.items() for row in rows(g, c.views, c.data.class_names, source=source)]
    if sources and targets:
        table += rows(both, targets, c.data.class_names, source=" + ".join(sources))
    return Shown(table, shown)


def numbers(count: int) -> list[str]:
    """Heads of rows."""
    return [str(s + 1) for s in range(count)]


# -- draw or write -------------------------------------------------------------------------------------------------


def adopt(drawing: torch.Tensor) -> None:
    """Show another drawing: the canvas takes it over because the revision is a new one."""
    st.session_state[DRAWING] = drawing
    st.session_state[REVISION] = st.session_state.get(REVISION, 0) + 1
    st.session_state[PROBLEM] = ""


def adopt_example() -> None:
    """The drawing of the chosen button."""
    if st.session_state["example"]:
        adopt(drawings.EXAMPLES[st.session_state["example"]])
    st.session_state["example"] = None  # a button that can be pressed again


def adopt_upload() -> None:
    """The uploaded picture, if it is one."""
    upload = st.session_state["upload"]
    if upload is None:
        return
    try:
        adopt(drawings.read_picture(upload.getvalue()))
    except drawings.BadDrawing as error:
        st.session_state[PROBLEM] = f"The upload was not taken: {error}."


def adopt_link() -> None:
    """What the address holds, when it was opened or gone back to; else the first example."""
    if DRAWING not in st.session_state:
        adopt(drawings.EXAMPLES[FIRST_DRAWING])
    link = st.query_params.get("drawing")
    if link is not None and link != st.session_state.get(LINK):
        st.session_state[LINK] = link
        try:
            adopt(drawings.decode(link))
        except drawings.BadDrawing as error:
            st.session_state[PROBLEM] = f"The drawing of the link cannot be read: {error}."


def forget_link() -> None:
    """Another task: its address holds no drawing."""
    st.query_params.pop("drawing", None)
    st.session_state.pop(LINK, None)


def draw_or_write(c: Task, about: Any) -> Shown | None:
    """A drawing or a typed text becomes a modality and is translated; `about` is the place for what to look at."""
    offered = kinds(c.form.about)
    if not offered:
        about.markdown("**Draw or write:** what do the other views make of it?")
        forget_link()
        st.info("This data set has no view that can be drawn or typed. Choose another data set.",
                icon=":material/info:")
        return None
    left, right = st.columns([1, 1.7], gap="large")
    with left:
        st.subheader("Your input")
        if len(offered) > 1:
            c.form.ask(st.segmented_control, "kind", "Input", label_visibility="collapsed")
        kind = c.form.answer("kind")
        about.markdown(ASK[kind])
        made = _drawn(c) if kind == DRAW else _typed(c)
    if made is None:
        return None
    view, value, told = made
    with right:
        st.subheader("What the model makes of it")
        m = c.views.index(view)
        given, caption = st.columns([1, 3.2], vertical_alignment="center", wrap=False)
        given.html(sheet.picture(images.content(c.data, view, value[0]), f"your input as {view}", style.color(m)))
        caption.html(sheet.head(f"{view}: {c.data.modalities[view].label}", m,
                                "your input, as the model sees it; below, each row is another sample of z"))
        generated = c.studio.translate({view: value}, c.views, c.num_samples, c.seed)
        samples_sheet(c, generated, c.views, f"Your input in all {len(c.views)} views", numbers(len(generated)))
    return Shown(rows(generated, c.views, c.data.class_names, source=told), [generated])


def _drawn(c: Task) -> tuple | None:
    """The canvas, what else fills it, and how the drawing enters."""
    adopt_link()
    try:
        sent = canvas(st.session_state[DRAWING], revision=st.session_state[REVISION], key="canvas")
    except drawings.BadDrawing:  # only a browser that was tampered with sends one
        sent = None
    if sent is not None and not torch.equal(sent, st.session_state[DRAWING]):
        st.session_state[DRAWING], st.session_state[PROBLEM] = sent, ""
    st.pills("Or take", list(drawings.EXAMPLES), key="example", on_change=adopt_example, wrap=True)
    with st.expander("Upload a picture", icon=":material/upload:"):
        st.file_uploader("A digit on even paper, dark or light", ["png", "jpg", "jpeg"], key="upload",
                         on_change=adopt_upload, max_upload_size=drawings.MOST_BYTES // 2**20,
                         help=f"PNG or JPEG, at most {drawings.MOST_BYTES // 2**20} MB and {drawings.MOST_PIXELS} "
                              "pixels a side. It is reduced to 28 x 28 cells and kept nowhere.")
    if st.session_state[PROBLEM]:
        st.warning(st.session_state[PROBLEM], icon=":material/image_not_supported:")
    if len(drawn_as(c.form.about)) > 1:
        c.form.ask(st.segmented_control, "view", "It enters as view")
    view = c.form.answer("view")
    as_mnist = c.form.ask(st.toggle, "centre", "Centre and scale it",
                          help="As MNIST's digits are: it fits 20 x 20 pixels, with the centre of mass in the middle. "
                               "The model has seen no others.")
    drawing = st.session_state[DRAWING]
    if not st.session_state[PROBLEM]:
        st.session_state[LINK] = st.query_params["drawing"] = drawings.encode(drawing)
    if not bool(drawing.any()):
        st.info("The canvas is empty: draw something, or take an example.", icon=":material/draw:")
        return None
    used = drawings.centred(drawing) if as_mnist else drawing
    value = c.data.from_drawing(used, view, torch.Generator().manual_seed(c.seed))
    return view, value, f"drawing as {view}"


def drawing_code() -> str:
    """The drawing on the canvas as links hold it; empty where there is none."""
    drawing = st.session_state.get(DRAWING)
    return "" if drawing is None else drawings.encode(drawing)


def _typed(c: Task) -> tuple | None:
    """A text field."""
    forget_link()
    view = c.data.takes_text[0]
    length = c.data.modalities[view].shape[0]
    text = c.form.ask(st.text_input, "text", f"{view}: {c.data.modalities[view].label}", max_chars=length,
                      help=f"At most {length} characters; it is placed in the middle.")
    try:
        value = c.data.encode_text(text)
    except DataError as error:
        st.warning(f"This cannot be the {error}.", icon=":material/spellcheck:")
        return None
    return view, value, f"text as {view}"


# -- interpolate ---------------------------------------------------------------------------------------------------


def interpolate(c: Task) -> Shown:
    """A path of posteriors as a strip and as an animation."""
    top = st.columns([1.6, 1.4, 1], vertical_alignment="bottom")
    item = c.form.answer("item")
    x = c.data.of_item(item)
    way = c.form.ask(top[0].segmented_control, "path", "Path", options=[ITEMS, WEIGHTS] if len(x) > 1 else [ITEMS])
    noise = c.seed if c.form.ask(
        top[2].toggle, "noise", "With noise", help="Off: z is the mean of each posterior. On: a sample, with the same "
        "noise along the whole path.") else None
    if way == ITEMS:
        other = c.form.ask(top[1].number_input, "second", "Second item")
        path = c.studio.between_items(x, c.data.of_item(other))
        mixed = c.studio.posterior(x).num_components > 1
        ends, made_of = (f"item {item}", f"item {other}"), [item, other]
    else:
        with top[1].container(horizontal=True):
            start = c.form.ask(st.selectbox, "start", "From view", options=list(x), first=next(iter(x)))
            end = c.form.ask(st.selectbox, "end", "to view", options=list(x), first=list(x)[1])
        path = c.studio.between_views(x, start, end)
        mixed = path.num_components > 1
        ends, made_of = (f"{start} alone", f"{end} alone"), [item]
    generated = c.studio.along(path, noise, made_of)
    t = torch.linspace(0, 1, len(generated)).tolist()
    frames = {v: [images.content(c.data, v, value) for value in generated.values[v]] for v in c.views}

    screen, chart = st.columns([1.5, 1], gap="large")
    with screen:
        st.subheader("It moves")
        player([{"name": v, "color": style.color(m), "kind": "image" if frames[v] and not isinstance(frames[v][0], str)
                 else "text", "frames": [f if isinstance(f, str) else images.data_uri(f) for f in frames[v]]}
                for m, v in enumerate(c.views)],
               [f"{1 - p:.0%} {ends[0]}, {p:.0%} {ends[1]}: z is {spoken(generated.closeness, i)}"
                for i, p in enumerate(t)], key="player")
        st.caption(_explain(c, way, mixed, noise is not None))
    with chart:
        st.subheader("How far z is from the data")
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
        f"Strip from {ends[0]} to {ends[1]}", [f"{t[i]:.0%}" + sheet.near(generated, i) for i in steps],
        [sheet.head(v, m) for m, v in enumerate(c.views)],
        [[sheet.cell(c.data, generated, v, i, f"{v} generated at {t[i]:.0%} of the path") for i in steps]
         for v in c.views],
        widths=[max(widths(c, c.views))] * len(steps), narrowest=66, side=52))
    with st.container(horizontal=True):
        st.download_button("Animation as GIF", lambda: film.gif(frames), "path.gif", "image/gif", on_click="ignore",
                           icon=":material/animated_images:")
        strip = {v: f[::IN_STRIP] for v, f in frames.items()}
        st.download_button("Strip as PNG", lambda: film.png(strip), "path.png", "image/png", on_click="ignore",
                           icon=":material/image:")
    return Shown(rows(generated, c.views, c.data.class_names, numbered=False, position=t), [generated])


def _explain(c: Task, way: str, mixed: bool, noise: bool) -> str:
    """What the path is."""
    z = "a sample of each posterior, with the same noise" if noise else "the mean of each posterior"
    rule, inside = (naming.title(name_of(r)) for r in (c.studio.rule, c.studio.rule.conditional()))
    views = "all" if way == ITEMS else "both"
    of = f"{rule}'s component of {views} views, by {inside}" if rule != inside else rule
    if way == ITEMS:
        return (f"The Wasserstein geodesic between the two items' joint posteriors ({of}"
                f"{', a mixture: the Gaussian with its mean and variance' if mixed else ''}). Decoded: {z}.")
    jump = " With products, the ends jump: an expert counts as soon as it takes part." \
        if c.studio.rule.counts_experts else ""
    between = " The joint posterior is a mixture: its mean need not be a place that any view believes in." \
        if mixed else ""
    return (f"Only the two views take part; the weight moves from one to the other. Rule: {of}. "
            f"Decoded: {z}.{jump}{between}")


# -- invent --------------------------------------------------------------------------------------------------------


def invent(c: Task) -> Shown:
    """Samples of the prior, decoded into all views."""
    generated = c.studio.invent(c.num_samples, c.seed)
    row_heads: list[str] = []
    agreed = 0
    for s in range(len(generated)):
        k = generated.agreement(s)
        agreed += k is not None
        verdict = "" if not generated.classes else f"all {c.data.class_names[k]}" if k is not None else "differ"
        row_heads.append(str(s + 1) + sheet.small(verdict))
    samples_sheet(c, generated, c.views, f"{len(generated)} inventions in {len(c.views)} views", row_heads)
    if generated.classes:
        st.markdown(f"In **{agreed} of {len(generated)}** inventions the judges see the same class in all "
                    f"{len(c.views)} views. One z makes all pictures of a row, so they should agree.")
    return Shown(rows(generated, c.views, c.data.class_names), [generated])


# -- below every task ----------------------------------------------------------------------------------------------


def warn(shown: list[Generated], cloud: LatentCloud) -> None:
    """Where the decoder is guessing, said under the pictures."""
    among, edge, beyond = count_places(shown)
    if beyond:
        st.markdown(f"**{beyond} of {among + edge + beyond} z lie {PLACES[BEYOND_THE_DATA]}.**")
    else:
        st.markdown(f"Of {among + edge} z, {among} lie {PLACES[AMONG_THE_DATA]} and {edge} {PLACES[AT_THE_EDGE]}; none "
                    "lies beyond, where the decoder could only guess.")
    count, n = cloud.points.shape[:2]
    st.caption(sheet.LEGEND.format(k=cloud.k, n=n, clouds="" if count == 1 else
                                   f", in the nearest of the {count} groups of views that the decoder was trained on"))


def numbers_table(table: list[dict], name: str) -> None:
    """The twin of the pictures."""
    frame = pd.DataFrame(table)
    st.dataframe(frame, hide_index=True, width="stretch", column_config={
        head: st.column_config.NumberColumn(format="%.3g") for head in frame.select_dtypes("floating").columns})
    st.download_button("Download as CSV", lambda: frame.to_csv(index=False), f"{name}.csv", "text/csv",
                       icon=":material/download:", on_click="ignore")
