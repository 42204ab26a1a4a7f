"""Tables of a few rows as HTML: there at once, selectable, and read out by screen readers as they stand."""

from __future__ import annotations

import html
import math
from numbers import Real

import numpy as np
import pandas as pd

from bvae.ui.state import ink

CELL = "padding:4px 8px;border:0;border-bottom:1px solid rgba(128,128,128,.25);"
HEAD_WIDTH = "min-width:5em;"
"""Of the heads of all columns but the first: on a phone they would have a line for every word."""
SIDES = {"right": "text-align:right;white-space:nowrap", "left": "text-align:left"}


def text(value: object) -> str:
    """A cell: three significant digits, yes or no, – for what is missing."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if not isinstance(value, Real):
        return html.escape(str(value))
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def table(frame: pd.DataFrame, label: str, height: int | None = None) -> str:
    """A table whose first column names the rows and stays in view where the others have to be scrolled to.

    Parameters
    ----------
    frame : DataFrame
    label : str
        What it shows, for screen readers.
    height : int, optional
        Pixels at most; of a longer table the rest is scrolled to, under its heads.
    """
    sides = ["right" if frame[c].dtype.kind in "fiu" else "left" for c in frame.columns]
    plain, paper = f"{CELL}font-weight:400;", f"background:{ink().paper};"
    stays = f"position:sticky;left:0;{paper}"  # under the sideways scroll
    head, corner, limit = plain, f"{plain}{stays}", ""
    if height is not None:
        head, limit = f"{plain}position:sticky;top:0;{paper}", f";max-height:{height}px"
        corner = f"{plain}{stays}top:0;z-index:1;"
    heads = [corner, *[head + HEAD_WIDTH] * (len(sides) - 1)]
    named_columns = "".join(
        f'<th scope="col" style="{style}text-align:{side}"><span style="opacity:.75">{html.escape(str(c))}</span></th>'
        for c, style, side in zip(frame.columns, heads, sides, strict=True))
    cells = [("th scope=row", "th", plain + stays), *[("td", "td", plain)] * (len(sides) - 1)]
    body = "".join("<tr>" + "".join(
        f'<{opening} style="{style}{SIDES[side]}">{text(value)}</{closing}>'
        for value, side, (opening, closing, style) in zip(line, sides, cells, strict=True)) + "</tr>"
        for line in frame.itertuples(index=False))
    named = html.escape(label)
    return (f'<div role="region" aria-label="{named}" tabindex="0" style="overflow:auto;max-width:100%{limit}">'
            f'<table aria-label="{named}" style="border-collapse:collapse;width:100%;font-size:14px;'
            f'font-variant-numeric:tabular-nums"><thead><tr>{named_columns}</tr></thead><tbody>{body}</tbody></table></div>')
