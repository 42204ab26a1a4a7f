"""Draw or write: a drawing or a typed text becomes a view, and is translated into the others."""

from __future__ import annotations

from typing import Any

import streamlit as st
import torch

from bvae.app import links
from bvae.app.beliefs import sheet
from bvae.app.beliefs.generation import rows
from bvae.app.components.draw import canvas
from bvae.app.generate import under_the_pen
from bvae.app.generate.generate_panels import Shown, Task, draws_sheet, numbers
from bvae.app.generate.state import drawn_as, kinds
from bvae.app.generate.tasks import DRAW, WRITE
from bvae.app.widgets import images
from bvae.data import DataError, drawings
from bvae.plots import style

DRAWING, REVISION = "generate_drawing", "generate_revision"
PROBLEM = "generate_problem"  # what is wrong with the drawing in the address
LINK = "drawing"
FIRST_DRAWING = "a 7"
ASK = {DRAW: "**Draw a figure:** it becomes one view. What do the other views make of it?",
       WRITE: "**Type a text:** it becomes one view. What do the other views make of it? Then misspell it."}


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
    if (link := links.news(LINK)) is not None:
        try:
            adopt(drawings.decode(*link))
        except drawings.BadDrawing as error:
            st.session_state[PROBLEM] = f"The drawing of the link cannot be read: {error}."


def forget_link() -> None:
    """Another task: its address holds no drawing."""
    links.hold({LINK: ""})


def draw_or_write(c: Task, about: Any) -> Shown | None:
    """A drawing or a typed text becomes a view and is translated; `about` is the place for what to look at."""
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
        strip = st.container()
        made = _drawn(c) if kind == DRAW else _typed(c)
    if made is None:
        return None
    view, value, told = made
    if kind == DRAW:
        with strip:
            under_the_pen.show(c, view, value, st.session_state[DRAWING])
    with right:
        st.subheader("What the model makes of it")
        m = c.views.index(view)
        given, caption = st.columns([1, 3.2], vertical_alignment="center", wrap=False)
        given.html(sheet.picture(images.content(c.data, view, value[0]), f"your input as {view}", style.color(m)))
        caption.html(sheet.head(f"{view}: {c.data.modalities[view].label}", m, "your input, as the model sees it"))
        generated = c.studio.translate({view: value}, c.views, c.num_samples, c.seed)
        draws_sheet(c, generated, c.views, f"Your input in all {len(c.views)} views", numbers(len(generated)))
        st.caption("Each row is another draw from what this one view makes the model believe.")
    return Shown(rows(generated, c.views, c.data.class_names, source=told), [generated])


def _drawn(c: Task) -> tuple | None:
    """The canvas, what else fills it, and how the drawing enters."""
    adopt_link()
    shown = st.session_state[DRAWING]
    try:
        sent = canvas(shown, example=is_example(shown), revision=st.session_state[REVISION], key="canvas")
    except drawings.BadDrawing:  # only a browser that was tampered with sends one
        sent = None
    if sent is not None and not torch.equal(sent, shown):
        st.session_state[DRAWING], st.session_state[PROBLEM] = sent, ""
    drawing = st.session_state[DRAWING]
    with st.container(key="after_picture_drawing"):
        _fill(c)
    if not st.session_state[PROBLEM]:
        links.hold({LINK: drawings.encode(drawing)})
    if not bool(drawing.any()):
        st.info("The canvas is empty: draw something, or take an example.", icon=":material/draw:")
        return None
    view = c.form.answer("view")
    used = drawings.centred(drawing) if c.form.answer("centre") else drawing
    value = c.data.from_drawing(used, view, torch.Generator().manual_seed(c.seed))
    return view, value, f"drawing as {view}"


def _fill(c: Task) -> None:
    """What else fills the canvas, and as what the drawing enters."""
    st.pills("Or take", list(drawings.EXAMPLES), key="example", on_change=adopt_example, wrap=True)
    with st.expander("Upload a picture", icon=":material/upload:"):
        st.file_uploader("A digit on even paper, dark or light", ["png", "jpg", "jpeg"], key="upload",
                         on_change=adopt_upload, max_upload_size=drawings.MOST_BYTES // 2**20,
                         help=f"PNG or JPEG, at most {drawings.MOST_BYTES // 2**20} MB and {drawings.MOST_PIXELS} "
                              "pixels a side. It is reduced to 28 x 28 cells and kept nowhere.")
    if st.session_state[PROBLEM]:
        st.warning(st.session_state[PROBLEM], icon=":material/image_not_supported:")
    if len(drawn_as(c.form.about)) > 1:
        c.form.ask(st.segmented_control, "view", "It enters as view", wrap=True)
    c.form.ask(st.toggle, "centre", "Centre and scale it",
               help="As the digits are that the model has learned from: 20 x 20 pixels, with the centre of mass in "
                    "the middle.")


def is_example(drawing: torch.Tensor) -> bool:
    """Whether it is one of ours, and not a visitor's own."""
    return any(torch.equal(drawing, example) for example in drawings.EXAMPLES.values())


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
