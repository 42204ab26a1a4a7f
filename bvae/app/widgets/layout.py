"""Where things stand: places and blocks beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from bvae.app.templates import Markup, render


def columns(count: int, most: int = 3) -> list:
    """Places beside each other, at most three in a row: of more, nobody reads the figures.

    A fourth one begins a new row, so that the first three stay where they are and need not be drawn anew.
    """
    wide = min(count, most)
    rows = [st.columns(wide, gap="medium") for _ in range(0, count, wide)]
    return [place for row in rows for place in row][:count]


def strip(count: int, key: str, most: int = 3) -> list:
    """Places beside each other, at most `most` in a row; on a phone all in one line that one swipes through.

    What it looks like is in ``app.css``; `key` is Streamlit's, of the line.
    """
    line = st.container(horizontal=True, gap="medium", key=f"{key}_strip{min(count, most)}")
    return [line.container() for _ in range(count)]


def gallery(blocks: Sequence[str], wide: int = 444) -> Markup:
    """Blocks of HTML of some width in pixels beside each other, as many as fit; each gets narrower where none does."""
    return render("gallery", blocks=blocks, wide=wide)
