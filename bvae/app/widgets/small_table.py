"""Tables of a few rows as HTML: there at once, selectable, and read out by screen readers as they stand."""

from __future__ import annotations

import html
import math
import re
from numbers import Real

import numpy as np
import pandas as pd

from bvae.app.state import ink
from bvae.plots.style import DARK, LIGHT

# Once for all cells: in each of them it would be most of what is sent. The first column stays in view under the
# sideways scroll; on a phone the other heads would have a line for every word.
LOOK = (".bvae-small table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}"
        ".bvae-small :is(th,td){padding:4px 8px;border:0;border-bottom:1px solid rgba(128,128,128,.25);"
        "font-weight:400;text-align:left}"
        ".bvae-small .r{text-align:right}.bvae-small tbody .r{white-space:nowrap}"
        ".bvae-small th:first-child{position:sticky;left:0;background:PAPER}"
        ".bvae-small th+th{min-width:5em}")
LONG = (".bvae-small[style*=max-height] thead th{position:sticky;top:0;background:PAPER}"
        ".bvae-small[style*=max-height] thead th:first-child{z-index:1}")
PAPER = f"background:light-dark({LIGHT.paper},{DARK.paper})"
"""Follows the theme at once; a browser that does not know it keeps the colour at the last answer."""
RIGHT = " class=r"
NUMBER = re.compile(r"[-−+]?\d[\d.,]*( ± [\d.,]+)?|–")
"""As a text: such columns stand to the right, too, and break no line."""


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
    numbers = [frame[c].dtype.kind in "fiu" or all(NUMBER.fullmatch(str(v)) for v in frame[c]) for c in frame.columns]
    named_columns = "".join(
        f'<th scope="col"{RIGHT * right}><span style="opacity:.75">{html.escape(str(c))}</span></th>'
        for c, right in zip(frame.columns, numbers, strict=True))
    cells = [("th scope=row", "th"), *[("td", "td")] * (len(numbers) - 1)]
    body = "".join("<tr>" + "".join(
        f"<{opening}{RIGHT * right}>{text(value)}</{closing}>"
        for value, right, (opening, closing) in zip(line, numbers, cells, strict=True)) + "</tr>"
        for line in frame.itertuples(index=False))
    named, look = html.escape(label), (LOOK + LONG).replace("PAPER", f"{ink().paper};{PAPER}")
    limit = "" if height is None else f";max-height:{height}px"
    return (f'<style>{look}</style>'
            f'<div class="bvae-small" role="region" aria-label="{named}" tabindex="0" '
            f'style="overflow:auto;max-width:100%{limit}"><table aria-label="{named}">'
            f"<thead><tr>{named_columns}</tr></thead><tbody>{body}</tbody></table></div>")
