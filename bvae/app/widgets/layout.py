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


def gallery(blocks: Sequence[str], wide: int = 444) -> Markup:
    """Blocks of HTML of some width in pixels beside each other, as many as fit; each gets narrower where none does."""
    return render("gallery", blocks=blocks, wide=wide)
