"""One legend for several charts."""

from __future__ import annotations

import html
from collections.abc import Sequence

SYMBOLS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "x": "✖", "star": "★",
           "cross": "✚", "triangle-down": "▼", "pentagon": "⬟", "hexagram": "✶"}


def legend(names: Sequence[str], colors: Sequence[str], symbols: Sequence[str], further: str = "") -> str:
    """One legend for several charts, as HTML."""
    entries = "".join(f'<span style="white-space:nowrap"><span style="color:{c}">{SYMBOLS.get(s, "●")}</span> '
                      f"{html.escape(n)}</span>" for n, c, s in zip(names, colors, symbols, strict=True))
    return ('<div style="display:flex;flex-wrap:wrap;gap:2px 14px;font-size:13px" role="group" aria-label="legend">'
            f"{entries}<span>{html.escape(further)}</span></div>")
