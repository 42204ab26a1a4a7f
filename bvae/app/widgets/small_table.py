"""Tables of a few rows as HTML: there at once, selectable, and read out by screen readers as they stand."""

from __future__ import annotations

import math
import re
from numbers import Integral, Real

import numpy as np
import pandas as pd

from bvae.app.templates import Markup, render

NUMBER = re.compile(r"[-−+]?\d[\d.,]*( ± [\d.,]+)?|–")
"""As a text: such columns stand to the right, too, and break no line."""


def text(value: object, whole: bool = False) -> str:
    """A cell: three significant digits (a whole number if all of its column are), yes or no, – for what is missing."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if not isinstance(value, Real):
        return str(value)
    number, exact = float(value), whole or isinstance(value, Integral)
    if math.isnan(number):
        return "–"
    if math.isfinite(number) and (exact or abs(number) >= 999.5):
        return f"{round(number):,}" if abs(number) >= 10_000 else str(round(number))
    return f"{number:#.3g}".rstrip(".")


def whole(column: pd.Series) -> bool:
    """Whether a column has only whole numbers, and gaps."""
    return column.dtype.kind in "iu" or (column.dtype.kind == "f" and bool((column.dropna() % 1 == 0).all()))


def table(frame: pd.DataFrame, label: str, height: int | None = None, stacks: bool = False) -> Markup:
    """A table whose first column names the rows and stays in view where the others have to be scrolled to.

    Parameters
    ----------
    frame : DataFrame
    label : str
        What it shows, for screen readers.
    height : int, optional
        Pixels at most; of a longer table the rest is scrolled to, under its heads.
    stacks : bool
        Whether on narrow screens each row is a block with the heads beside its cells, so that nothing is scrolled to.
    """
    numbers = [frame[c].dtype.kind in "fiu" or all(NUMBER.fullmatch(str(v)) for v in frame[c]) for c in frame.columns]
    heads = list(zip(map(str, frame.columns), numbers, strict=True))
    wholes = [whole(frame[c]) for c in frame.columns]
    lines = [list(zip(map(text, line, wholes), numbers, strict=True)) for line in frame.itertuples(index=False)]
    return render("small_table", label=label, height=height, stacks=stacks, heads=heads, lines=lines)
