"""One legend for several charts."""

from __future__ import annotations

from collections.abc import Sequence

from bvae.app.templates import Markup, render

SYMBOLS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "x": "✖", "star": "★",
           "cross": "✚", "triangle-down": "▼", "pentagon": "⬟", "hexagram": "✶"}


def legend(names: Sequence[str], colors: Sequence[str], symbols: Sequence[str], further: str = "") -> Markup:
    """One legend for several charts, as HTML."""
    entries = [(n, c, SYMBOLS.get(s, "●")) for n, c, s in zip(names, colors, symbols, strict=True)]
    return render("legend", entries=entries, further=further)
