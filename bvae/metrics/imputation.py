"""What a model says of cells that it was not shown, beside what simpler methods say of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bvae.data import Modality, MultimodalDataset
from bvae.data.columns import places
from bvae.data.sparse import SparseRows
from bvae.metrics.base import METRICS, TABLES, EvaluationData, all_subsets, needs
from bvae.models.blocks import Block, Dense, Sparse
from bvae.models.imputation import impute
from bvae.models.statistics import at_most
from bvae.models.vae import MultimodalVAE

DRAWS = 32
FEWEST_COUNT_DRAWS, COUNT_DRAWS = 16, 128
"""For means of logarithms of counts, which draws of single cells give; fewer of many cells, whose errors average."""
DRAWN = 2**26
"""Cells that are drawn for that, unless the least number of draws makes more,"""
DRAWN_AT_ONCE = 2**25
"""and how many of them together."""
MOST_SUBSETS = 40
"""Sets of observed modalities that are tried; spread over all, where there are more."""
MOST_ITEMS = 1000
FIT_ON, FIT_CELLS = 5000, 2**23
"""Training items that simpler methods are fitted on at most, and cells, unless those of 500 items are more."""
NEIGHBOURS = 10
WITHIN = 1.6449
"""Standard deviations within which 90 percent of a normal density lies."""


class Errors(NamedTuple):
    """Of one modality, item by item; NaN where an item does not have it.

    Attributes
    ----------
    squared, spread : Tensor
        (N,) mean over an item's numbers and counts that are there: squared error of the prediction, and of the mean of
        the training items, both in units of the column's variance (counts as log(1 + x)).
    right : Tensor
        (N,) share of an item's binary columns and categories that are predicted rightly.
    within : Tensor
        (N,) share of an item's numbers within the 90 percent interval.
    """

    squared: Tensor
    spread: Tensor
    right: Tensor
    within: Tensor


class Scale(NamedTuple):
    """How the cells of a modality are compared: which are numbers, their means and standard deviations in training."""

    numbers: Tensor
    counts: Tensor
    words: list[slice]
    mean: Tensor
    deviation: Tensor


def scale_of(modality: Modality, values: Tensor | SparseRows) -> Scale:
    """Of the training items that have the modality: (n, P), NaN for gaps. What is sparse is not made dense."""
    p = values.shape[1]
    numbers, counts = torch.zeros(p, dtype=torch.bool), torch.zeros(p, dtype=torch.bool)
    words = []
    for column, place in zip(modality.columns, places(modality.columns), strict=True):
        if column.type in ("number", "count"):
            numbers[place], counts[place] = True, column.type == "count"
        else:
            words.append(place)
    alike = bool(counts.all()) or not bool(counts.any())
    x: Block
    if isinstance(values, SparseRows) and alike:
        x = Sparse.of(values, torch.arange(p)).of_each(lambda v: as_compared(v.double(), counts[:1]))
    else:
        x = Dense(as_compared(values[:].double(), counts))
    there = x.there()
    mean = (x.total() / there).nan_to_num()
    deviation = (x.squares(mean) / there).sqrt().nan_to_num()
    numbers &= deviation > 1e-9 * mean.abs().clamp_min(1e-30)  # nothing can be said of a constant
    return Scale(numbers, counts, words, mean, deviation.clamp_min(1e-30))


def as_compared(values: Tensor, counts: Tensor) -> Tensor:
    """Numbers as they are, counts as log(1 + x): (n, P), (P,) bool."""
    return torch.where(counts, values.clamp_min(0).log1p(), values)


def errors(scale: Scale, truth: Tensor, mean: Tensor, deviation: Tensor | None = None) -> Errors:
    """Of predictions (N, P) in the data's units, where the truth is NaN nothing is asked."""
    truth, mean = truth.double(), mean.double()
    there = ~truth.isnan() & scale.numbers
    true, said = (as_compared(v, scale.counts) for v in (truth, mean))
    count = there.sum(1)

    def averaged(cells: Tensor, mask: Tensor = there, of: Tensor = count) -> Tensor:
        return torch.where(mask, cells, 0.0).sum(1) / torch.where(of > 0, of, torch.nan)

    squared = averaged(((true - said) / scale.deviation).square())
    spread = averaged(((true - scale.mean) / scale.deviation).square())
    right = torch.full((len(truth),), torch.nan, dtype=torch.float64)
    if scale.words:
        hits, asked = torch.zeros(len(truth)), torch.zeros(len(truth))
        for place in scale.words:
            known = ~truth[:, place].isnan().any(1)
            one = place.stop - place.start == 1
            same = ((truth[:, place][:, 0] > 0.5) == (mean[:, place][:, 0] > 0.5)) if one else (
                truth[:, place].nan_to_num().argmax(1) == mean[:, place].argmax(1))
            hits, asked = hits + (same & known), asked + known
        right = hits.double() / torch.where(asked > 0, asked.double(), torch.nan)
    within = torch.full_like(right, torch.nan)
    if deviation is not None:
        plain = there & ~scale.counts
        within = averaged(((truth - mean).abs() <= WITHIN * deviation.double()).double(), plain, plain.sum(1))
    return Errors(squared, spread, right, within)


def r2(found: Errors) -> dict[str, float] | None:
    """1 - mean squared error / mean spread over the items, with its standard error (of the ratio); None without any."""
    there = ~found.squared.isnan()
    n = int(there.sum())
    if n < 2 or float(found.spread[there].mean()) <= 0:
        return None
    e, d = found.squared[there], found.spread[there]
    ratio = e.mean() / d.mean()
    return {"mean": round(float(1 - ratio), 6), "se": round(float((e - ratio * d).std() / d.mean() / n**0.5), 6)}


def mean_of(values: Tensor) -> dict[str, float] | None:
    """Mean and standard error of those items that have a value."""
    values = values[~values.isnan()]
    if not len(values):
        return None
    error = values.std() / len(values) ** 0.5 if len(values) > 1 else torch.zeros(())
    return {"mean": round(float(values.mean()), 6), "se": round(float(error), 6)}


def features(
    data: MultimodalDataset, names: Sequence[str], index: Tensor, like: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Observed modalities of some items side by side for simpler methods, standardised, gaps at the mean: (n, F)."""
    blocks, x = [], data.subset(index)
    for name in names:
        values = x[name].flatten(1).double()
        values[~data.present[list(data.modalities).index(name), index]] = torch.nan
        blocks.append(as_compared(values, torch.tensor(data.modalities[name].kind == "counts")))
    wide = torch.cat(blocks, 1).numpy()
    if like is None:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # columns of gaps only
            mean, deviation = np.nan_to_num(np.nanmean(wide, 0)), np.nan_to_num(np.nanstd(wide, 0))
        like = mean, np.where(deviation > 0, deviation, 1.0)
    return np.nan_to_num((wide - like[0]) / like[1]), like


def ridge() -> Any:
    """Ridge regression, its penalty by generalised cross-validation."""
    from sklearn.linear_model import RidgeCV

    return RidgeCV(alphas=(0.1, 1.0, 10.0, 100.0, 1000.0))


def neighbours() -> Any:
    """Mean of the nearest training items."""
    from sklearn.neighbors import KNeighborsRegressor

    return KNeighborsRegressor(NEIGHBOURS, weights="distance")


BASELINES: dict[str, Callable[[], Any]] = {"ridge": ridge, "neighbours": neighbours}
"""Beside the mean, which an R2 of 0 is, and the commonest word."""


@METRICS.register("imputation")
@needs(TABLES)
def imputation(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Modalities of columns predicted from the others, in the data's own units.

    Returns
    -------
    dict
        "imputation_r2", "imputation_accuracy", "imputation_coverage_90": modality, given all others -> {"mean", "se"};
        "imputation_coverage_90_uncalibrated": the same of the model's own intervals, if it has calibrated ones;
        "imputation_r2_ridge", "imputation_r2_neighbours", "imputation_accuracy_ridge", "imputation_accuracy_mode", ...:
        the same of simpler methods; "imputation_r2_views": number of observed views -> mean over the modalities that
        are not among them.
    """
    names = list(model.modalities)
    tables = [n for n in names if model.modalities[n].columns]
    have = {n: data.train.present[names.index(n)].nonzero()[:, 0] for n in tables}
    scales = {n: scale_of(model.modalities[n], data.train.rows_of(n, have[n])) for n in tables}
    some = torch.linspace(0, len(data.test) - 1, min(MOST_ITEMS, len(data.test))).round().long()
    x, present = data.test.subset(some), data.test.present[:, some]
    out: dict[str, dict[str, Any]] = {}

    def add(figure: str, key: str, value: dict[str, float] | None) -> None:
        if value is not None:
            out.setdefault(figure, {})[key] = value

    for name in tables if len(names) > 1 else ():
        m = names.index(name)
        others = [o for o in names if o != name]
        asked = present[m] & present[[names.index(o) for o in others]].any(0)
        if not bool(asked.any()):
            continue
        said = predicted(model, x, present, others, [name], asked, generator)[name]
        found = errors(scales[name], x[name][asked], *said)
        add("imputation_r2", name, r2(found))
        add("imputation_accuracy", name, mean_of(found.right))
        add("imputation_coverage_90", name, mean_of(found.within))
        if model.calibration is not None and name in model.calibration.factors:
            bare = predicted(model, x, present, others, [name], asked, generator, calibrated=False)[name]
            within = errors(scales[name], x[name][asked], *bare).within
            add("imputation_coverage_90_uncalibrated", name, mean_of(within))
        for kind, guess in simpler(data.train, data.test, name, others, some[asked]).items():
            simple = errors(scales[name], x[name][asked], guess)
            if kind != "mode":
                add(f"imputation_r2_{kind}", name, r2(simple))
            add(f"imputation_accuracy_{kind}", name, mean_of(simple.right))
    for key, value in by_views(model, x, present, scales, generator).items():
        add("imputation_r2_views", key, value)
    return out


def predicted(
    model: MultimodalVAE, x: dict[str, Tensor], present: Tensor, given: Sequence[str], targets: Sequence[str],
    items: Tensor, generator: torch.Generator, calibrated: bool = True,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean and standard deviation of the targets' cells from the modalities given, of the chosen items.

    Of counts, which are compared as log(1 + x), what has the mean of that: the expected count would lie above it.
    """
    rows = [list(model.modalities).index(g) for g in given]
    seen = torch.zeros_like(present[:, items])
    seen[rows] = present[rows][:, items]
    x_given = {g: x[g][items] for g in given}
    out = {}
    for name in targets:
        counts = torch.tensor([c.type == "count" for c in model.modalities[name].columns for _ in range(c.width)])
        cells = len(counts) * seen.shape[1]
        draws = max(FEWEST_COUNT_DRAWS, min(COUNT_DRAWS, DRAWN // max(1, cells))) if bool(counts.any()) else 0
        pieces = []
        for at in torch.arange(seen.shape[1]).split(max(1, DRAWN_AT_ONCE // (len(counts) * max(1, draws)))):
            found = impute(model, {g: v[at] for g, v in x_given.items()}, seen[:, at], max(DRAWS, draws), draws,
                           generator, [name], calibrated=calibrated)[name]
            mean = torch.where(counts, found.samples.log1p().mean(0).expm1(), found.mean) if draws else found.mean
            pieces.append((mean, found.scale))
        mean, scale = (torch.cat(part) for part in zip(*pieces, strict=True))
        out[name] = mean, scale
    return out


def simpler(
    train: MultimodalDataset, test: MultimodalDataset, name: str, others: Sequence[str], items: Tensor
) -> dict[str, Tensor]:
    """What simpler methods say of a modality from the others: name of the method -> (n, P) of the chosen test items."""
    width = sum(math.prod(train.modalities[o].shape) for o in others)
    most = min(FIT_ON, max(500, FIT_CELLS // width))
    have = torch.nonzero(train.present[list(train.modalities).index(name)]).flatten()
    have = have[at_most(have, most)]
    like = features(train, others, at_most(train, most))[1]
    wide = features(train, others, have, like)[0]
    goal = as_compared(train.subset(have)[name].double(), torch.tensor(train.modalities[name].kind == "counts"))
    middle = goal.nanmean(0).nan_to_num()
    whole = torch.where(goal.isnan(), middle, goal).numpy()
    asked = features(test, others, items, like)[0]
    out = {"mode": middle.expand(len(items), -1)}
    for kind, make in BASELINES.items():
        if kind == "neighbours" and len(have) < NEIGHBOURS:
            continue
        said = torch.from_numpy(np.asarray(make().fit(wide, whole).predict(asked))).view(len(items), -1)
        out[kind] = said.expm1() if train.modalities[name].kind == "counts" else said
    return out


def by_views(
    model: MultimodalVAE, x: dict[str, Tensor], present: Tensor, scales: dict[str, Scale], generator: torch.Generator
) -> dict[str, dict[str, float]]:
    """R2 by the number of observed views: over all sets of so many, and all tables that are not among them."""
    names = list(model.modalities)
    subsets = [s for s in all_subsets(len(names)) if len(s) < len(names)]
    chosen: list[int] = np.linspace(0, len(subsets) - 1, min(MOST_SUBSETS, len(subsets))).round().astype(int).tolist()
    gathered: dict[int, list[Errors]] = {}
    for members in (subsets[k] for k in chosen):
        given = [names[k] for k in members]
        targets = [n for n in scales if n not in given]
        items = present[list(members)].all(0)
        if not targets or not bool(items.any()):
            continue
        said = predicted(model, x, present, given, targets, items, generator)
        for name in targets:
            truth = torch.where(present[names.index(name)][items].unsqueeze(1), x[name][items], torch.nan)
            whole = Errors(*(torch.full((present.shape[1],), torch.nan, dtype=torch.float64) for _ in range(4)))
            for place, found in zip(whole, errors(scales[name], truth, *said[name]), strict=True):
                place[items] = found
            gathered.setdefault(len(members), []).append(whole)
    out = {}
    for k in sorted(gathered):
        mean = Errors(*(torch.stack(values).nanmean(0) for values in zip(*gathered[k], strict=True)))
        if (value := r2(mean)) is not None:
            out[str(k)] = value
    return out
