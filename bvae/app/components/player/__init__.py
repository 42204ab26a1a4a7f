"""An animation of generated modalities: play, pause, single steps; still for those who prefer less motion."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent


@functools.cache
def component():
    """Registered once per process, at the first use."""
    return st.components.v2.component(
        "bvae_player",
        html='<div class="bvae-player"></div>\n<!-- filled by the script -->\n',
        css=(HERE / "player.css").read_text(encoding="utf-8"),
        js=(HERE / "player.js").read_text(encoding="utf-8"),
    )


def player(views: Sequence[dict[str, Any]], captions: Sequence[str], *, key: str) -> None:
    """Show the animation. It plays to and fro by itself, unless the viewer prefers reduced motion.

    Parameters
    ----------
    views : sequence of dict
        ``{"name", "color", "kind": "image" or "text", "frames": [...]}``: frames are data URIs or texts, which the
        browser inserts as text.
    captions : sequence of str
        One for each frame, plain text.
    key : str
        Streamlit's key.
    """
    component()(key=key, data={"views": list(views), "captions": list(captions)})
