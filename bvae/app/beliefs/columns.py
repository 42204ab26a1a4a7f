"""Views of columns, column by column: what was measured or filled in, beside what the joint belief makes of it.

It knows no Streamlit: reports have it too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from bvae.app.beliefs import sheet
from bvae.app.templates import Markup, render
from bvae.app.widgets import tiles
from bvae.data import MultimodalDataset
from bvae.data.columns import Column, places
from bvae.models.calibration import seen
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
    emptied : bool
        Whether a person took the value away: `given` is a gap, `true` is what stood there.
    """

    column: Column
    given: Tensor
    true: Tensor
    mean: Tensor
    scale: Tensor
    ends: tuple[float, float]
    emptied: bool = False

    @property
    def dot(self) -> Tensor:
        """What is drawn as a dot: what the view shows, or what was taken away."""
        return self.true if self.emptied else self.given

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
        true = float(self.dot[0])
        there = [low, high, *self.ends] + ([] if math.isnan(true) else [true])
        start, span = min(there), (max(there) - min(there)) or 1.0

        def at(value: float) -> float:
            return round(100 * (value - start) / span, 1)

        return at(low), round(at(high) - at(low), 1), at(float(self.mean[0])), (
            None if math.isnan(true) else at(true))


@torch.inference_mode()
def of_draws(
    model: MultimodalVAE, data: MultimodalDataset, z: Tensor, shown: Mapping[str, Tensor], true: Mapping[str, Tensor],
    calibrated: bool = True,
) -> dict[str, list[Cell]]:
    """Every column of every view that has columns: view -> its cells.

    The mean and the variance are those over z of the joint belief, the likelihood's variance included, as
    `bvae.models.imputation.impute` has them for what is missing, calibrated where that is.

    Parameters
    ----------
    model : MultimodalVAE
    data : MultimodalDataset
    z : Tensor
        (S, L) draws of the joint belief.
    shown : mapping of str to Tensor
        Observed view -> (1, ...).
    true : mapping of str to Tensor
        View -> (...), as the item has it.
    calibrated : bool
        Whether the joint belief is the model's own, for which its calibration was found.
    """
    observed = seen(shown, None, list(data.modalities), 1)
    names = [n for n, m in data.modalities.items() if m.columns]
    chance = torch.Generator().manual_seed(0)  # of the sizes of counts that nobody saw
    out = {}
    for name, decoded in model.decode(z, names).items():
        likelihood, modality = model.likelihood(name), data.modalities[name]
        real = true.get(name, torch.full(modality.shape, torch.nan))
        given = shown[name][0] if name in shown else real
        known = given if name in shown else torch.full_like(given, torch.nan)
        means = likelihood.at_size_of(known.unsqueeze(0), decoded.unsqueeze(1), chance)[:, 0]  # (S, P)
        scale = (likelihood.variance(means).mean(0) + means.var(0, correction=0)).sqrt()
        scale = scale * _factor(model, list(data.modalities).index(name), observed, known) if calibrated else scale
        low, high = ends(data, name)
        out[name] = [Cell(c, given[at], real[at], means.mean(0)[at], scale[at], (low[at.start], high[at.start]))
                     for c, at in zip(modality.columns, places(modality.columns), strict=True)]
    return out


def _factor(model: MultimodalVAE, m: int, observed: Tensor, known: Tensor) -> Tensor:
    """By what the standard deviations of a view's cells (P,) are multiplied: 1 for those that are known."""
    there, name = observed[m], list(model.modalities)[m]
    of = model.calibration
    factor = None if of is None else of.of(name, observed.sum(0) - there.long(), there)
    return torch.ones_like(known) if factor is None else torch.where(known.isnan(), factor[0], 1.0)


def ends(data: MultimodalDataset, name: str) -> tuple[list[float], list[float]]:
    """The least and the greatest value of every cell among some of the test items that have it; 0 of what all lack."""
    have = data.x[name][data.present[list(data.modalities).index(name)]][: tiles.SOME]
    if not len(have):
        return [0.0] * have.shape[1], [0.0] * have.shape[1]
    gaps = have.isnan()
    low = have.masked_fill(gaps, torch.inf).amin(0)
    high = have.masked_fill(gaps, -torch.inf).amax(0)
    return (torch.where(low.isfinite(), low, 0.0).tolist(), torch.where(high.isfinite(), high, 0.0).tolist())


def narrow(found: Mapping[str, Sequence[Cell]]) -> bool:
    """Whether all columns have room beside the plane."""
    return sum(map(len, found.values())) <= IN_THE_COLUMN


SEEN, LIES, HIDDEN, NOT_THERE = "seen", "lies", "hidden", "not there"
FILLED_IN, LEFT_OPEN = "filled in", "left open"
GIVEN = {SEEN: "seen", LIES: "it says", HIDDEN: "true, hidden", NOT_THERE: "not there", FILLED_IN: "filled in",
         LEFT_OPEN: "as it was"}
"""How a view enters -> the head of the column of its values."""


def state(all_of: Sequence[Cell], observed: bool, lies: bool) -> str:
    """How a view of an item enters on Explore."""
    there = not all(bool(cell.true.isnan().all()) for cell in all_of)
    return LIES if lies else SEEN if observed else HIDDEN if there else NOT_THERE


def html(data: MultimodalDataset, found: Mapping[str, Sequence[Cell]], states: Mapping[str, str]) -> Markup:
    """One block a view: a line for each of its first columns, with a bar. `states`: view -> a key of :data:`GIVEN`."""
    views = list(data.modalities)
    blocks = []
    for view, all_of in found.items():
        m, entered = views.index(view), states[view]
        hidden = entered in (HIDDEN, NOT_THERE, LEFT_OPEN)
        lines = []
        for cell in all_of[:AT_FIRST]:
            told = tiles.written(cell.column, cell.dot)
            lines.append({
                "name": tiles.called(cell.column), "given": f"empty, was {told}" if cell.emptied else told,
                "believed": cell.believed(), "bar": cell.bar(), "hollow": hidden or cell.emptied,
                "words": [(w, f"{100 * p:.0f}", f"{p:.0%}", w == told) for w, p in cell.words[:WORDS]]})
        blocks.append({
            "head": sheet.head(view, m, data.modalities[view].label), "name": view,
            "color": style.color(m), "lines": lines, "given": GIVEN[entered], "more": len(all_of) - len(lines)})
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
