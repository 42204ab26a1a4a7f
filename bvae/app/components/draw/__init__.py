"""A canvas of 28 x 28 cells to draw on: mouse, pen, finger or keys. What it sends is checked here.

See :mod:`bvae.data.drawings` for what a drawing is.
"""

from __future__ import annotations

import functools
from pathlib import Path

import streamlit as st
from torch import Tensor

from bvae.data import drawings

HERE = Path(__file__).parent


@functools.cache
def component():
    """Registered once per process, at the first use."""
    return st.components.v2.component(
        "bvae_draw",
        html='<div class="bvae-draw"></div>\n<!-- filled by the script -->\n',
        css=(HERE / "draw.css").read_text(encoding="utf-8"),
        js=(HERE / "draw.js").read_text(encoding="utf-8"),
    )


def canvas(drawing: Tensor, *, example: bool, revision: int, key: str) -> Tensor | None:
    """Show the canvas and return what the browser last sent.

    Parameters
    ----------
    drawing : Tensor
        (28, 28) uint8, what to show.
    example : bool
        Whether it is ours: the first stroke begins on an empty field then, and undoing that stroke brings it back.
    revision : int
        The browser adopts `drawing` and `example` when it first appears and whenever this number changes, and at no
        other time: a rerun never takes away a stroke.
    key : str
        Streamlit's key.

    Returns
    -------
    Tensor or None
        (28, 28) uint8; None before the first stroke since `revision` changed.

    Raises
    ------
    bvae.data.drawings.BadDrawing
        If the browser sent anything else than a drawing.
    """
    result = component()(key=key, data={"digits": drawings.digits_of(drawing), "example": example,
                                        "revision": revision}, on_drawing_change=lambda: None)
    return received(result.drawing, revision)


def received(sent, revision: int) -> Tensor | None:
    """The drawing in what the browser sent, see :func:`canvas`."""
    if sent is None:
        return None
    if not isinstance(sent, dict) or set(sent) != {"digits", "revision"}:
        raise drawings.BadDrawing("expected an object with digits and revision")
    if sent["revision"] != revision:
        return None  # a stroke on a drawing that has been replaced since
    return drawings.parse(sent["digits"])
