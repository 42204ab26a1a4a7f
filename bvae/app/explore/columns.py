"""Views of columns on Explore: what was measured, beside what the joint belief makes of it, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
import torch
from torch import Tensor

from bvae.app.beliefs import item_beliefs, sheet
from bvae.app.beliefs.item_beliefs import ItemBeliefs
from bvae.app.templates import Markup, render
from bvae.app.widgets import charts, fold, small_table, tiles
from bvae.data import MultimodalDataset
from bvae.data.columns import Column, places
from bvae.models.vae import MultimodalVAE
from bvae.plots import style

DRAWS = 64
"""Of z, over which means and variances are taken."""
WIDE = 1.645
"""Standard deviations on both sides of the mean between which a normal value lies with 90 percent."""
AT_FIRST = 12
"""Columns of a view that are shown at once."""
IN_THE_COLUMN = 12
"""Columns of all views together that have room beside the plane."""
WORDS = 3
"""Of a column of words, how many are shown with their probabilities."""


@dataclass(frozen=True)
class Cell:
    """One column of one item.

    Attributes
    ----------
    column : Column
    given, true : Tensor
        Its cells as the view shows them, and as they are; NaN for a gap.
    mean, scale : Tensor
        Of p(x | what is observed); probabilities for words.
    ends : tuple of float
        The least and the greatest value among the test items, of a number.
    """

    column: Column
    given: Tensor
    true: Tensor
    mean: Tensor
    scale: Tensor
    ends: tuple[float, float]

    @property
    def interval(self) -> tuple[float, float]:
        """The 90 percent interval of a number; a count is not below 0."""
        low, high = (float(self.mean[0] + s * WIDE * self.scale[0]) for s in (-1, 1))
        return (max(0.0, low) if self.column.type == "count" else low), high

    @property
    def words(self) -> list[tuple[str, float]]:
        """Of a column of words, with their probabilities."""
        return tiles.words(self.column, self.mean)

    def believed(self) -> str:
        """In a few letters."""
        if self.words:
            return ", ".join(f"{w} {p:.0%}" for w, p in self.words[:WORDS])
        low, high = self.interval
        return f"{tiles.number(float(self.mean[0]))} ({tiles.number(low)} to {tiles.number(high)})"

    def bar(self) -> tuple[float, float, float, float | None]:
        """Percent of the width at which the interval begins, how long it is, the mean, and the measured value."""
        low, high = self.interval
        true = float(self.given[0])
        there = [low, high, *self.ends] + ([] if self.given.isnan()[0] else [true])
        start, span = min(there), (max(there) - min(there)) or 1.0

        def at(value: float) -> float:
            return round(100 * (value - start) / span, 1)

        return at(low), round(at(high) - at(low), 1), at(float(self.mean[0])), (
            None if self.given.isnan()[0] else at(true))


@torch.inference_mode()
def cells(
    model: MultimodalVAE, data: MultimodalDataset, item: int, scene: ItemBeliefs, shown: Mapping[str, Tensor], seed: int
) -> dict[str, list[Cell]]:
    """Every column of every view that has columns: view -> its cells.

    The mean and the variance are those over z of the joint belief, the likelihood's variance included, as
    `bvae.models.imputation.impute` has them for what is missing.

    Parameters
    ----------
    model : MultimodalVAE
    data : MultimodalDataset
    item : int
    scene : ItemBeliefs
    shown : mapping of str to Tensor
        Observed view -> (1, ...).
    seed : int
    """
    names = [n for n, m in data.modalities.items() if m.columns]
    z, chance = item_beliefs.draw(scene, DRAWS, seed).z, torch.Generator().manual_seed(seed)
    out = {}
    for name, decoded in model.decode(z, names).items():
        likelihood, modality = model.likelihood(name), data.modalities[name]
        true = data.x[name][item] if data.has(name, item) else torch.full(modality.shape, torch.nan)
        given = shown[name][0] if name in shown else true
        known = given if name in shown else torch.full_like(given, torch.nan)
        means = likelihood.at_size_of(known.unsqueeze(0), decoded.unsqueeze(1), chance)[:, 0]  # (S, P)
        scale = (likelihood.variance(means).mean(0) + means.var(0, correction=0)).sqrt()
        low, high = ends(data, name)
        out[name] = [Cell(c, given[at], true[at], means.mean(0)[at], scale[at], (low[at.start], high[at.start]))
                     for c, at in zip(modality.columns, places(modality.columns), strict=True)]
    return out


def ends(data: MultimodalDataset, name: str) -> tuple[list[float], list[float]]:
    """The least and the greatest value of every cell among some of the test items; 0 of what all lack."""
    have = data.x[name][: tiles.SOME]
    gaps = have.isnan()
    low = have.masked_fill(gaps, torch.inf).amin(0)
    high = have.masked_fill(gaps, -torch.inf).amax(0)
    return (torch.where(low.isfinite(), low, 0.0).tolist(), torch.where(high.isfinite(), high, 0.0).tolist())


def narrow(found: Mapping[str, Sequence[Cell]]) -> bool:
    """Whether all columns have room beside the plane."""
    return sum(map(len, found.values())) <= IN_THE_COLUMN


def html(
    data: MultimodalDataset, found: Mapping[str, Sequence[Cell]], observed: Mapping[str, bool], lying: Sequence[str],
) -> Markup:
    """One block a view: a line for each of its first columns, with a bar."""
    views = list(data.modalities)
    blocks = []
    for view, all_of in found.items():
        m = views.index(view)
        lines = []
        for cell in all_of[:AT_FIRST]:
            told = tiles.written(cell.column, cell.given)
            lines.append({
                "name": tiles.called(cell.column), "given": told, "believed": cell.believed(), "bar": cell.bar(),
                "words": [(w, f"{100 * p:.0f}", f"{p:.0%}", w == told) for w, p in cell.words[:WORDS]]})
        there = not all(bool(cell.true.isnan().all()) for cell in all_of)
        state = "lies" if view in lying else "seen" if observed[view] else "hidden" if there else "not there"
        blocks.append({
            "head": sheet.head(view, m, f"{data.modalities[view].label} ({state})" if data.modalities[view].label
                               else state),
            "name": view, "color": style.color(m), "hidden": not observed[view], "lines": lines,
            "given": {"lies": "it says", "seen": "seen", "hidden": "true, hidden", "not there": "not there"}[state],
            "more": len(all_of) - len(lines)})
    return render("columns", blocks=blocks, narrow=narrow(found))


def frame(found: Mapping[str, Sequence[Cell]], observed: Mapping[str, bool]) -> pd.DataFrame:
    """All columns as a table: one row each."""
    rows = []
    for view, all_of in found.items():
        for cell in all_of:
            number = not cell.words
            low, high = cell.interval if number else (None, None)
            rows.append({
                "column": tiles.called(cell.column), "view": view,
                "of the view": "seen" if observed[view] else "hidden",
                "true": tiles.written(cell.column, cell.true), "joint belief": (
                    tiles.number(float(cell.mean[0])) if number else cell.believed()),
                "from": None if low is None else tiles.number(low), "to": None if high is None else tiles.number(high)})
    return pd.DataFrame(rows).fillna("–")


def show(
    data: MultimodalDataset, found: Mapping[str, Sequence[Cell]], observed: Mapping[str, bool], lying: Sequence[str],
    file_name: str,
) -> None:
    """The blocks and how to read them; all columns one click away where some are left out."""
    if not narrow(found):
        st.subheader("Column by column")
    st.html(html(data, found, observed, lying))
    there = [v for v in found if not observed[v]]
    of = ("For a view that is hidden or not there the belief is what is imputed; a true value was not shown to the "
          "model. " if there
          else "Hide a view to see what is imputed in its place. ")
    words = "Words: their probabilities." if any(c.words for all_of in found.values() for c in all_of) else ""
    st.caption(f"Dot: the value measured. Line and band: what the joint belief makes of it, mean and 90 % interval, in "
               f"the column's own unit, on an axis that reaches over all items. {of}{words}")
    if all(len(all_of) <= AT_FIRST for all_of in found.values()):
        charts.numbers_button("columns", lambda: frame(found, observed), file_name)
        return

    def all_columns() -> None:
        """The table of all of them."""
        st.html(small_table.table(frame(found, observed), "All columns", height=420))

    fold.show(f"All {sum(map(len, found.values())):,} columns as numbers", "table_rows", "explore_columns", all_columns)
