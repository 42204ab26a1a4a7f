"""How well views of columns are predicted from the others, beside simpler methods: from metrics.json alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bvae.models.methods import title_of

SIMPLER = {"ridge": "ridge regression", "neighbours": "nearest neighbours", "mode": "commonest word"}
"""Ending of a figure's key -> what it is the figure of."""
FIGURES = {"imputation_r2": "Numbers: share of the variance that is predicted (R2)",
           "imputation_accuracy": "Words: share that is predicted rightly"}
COVERAGE, UNCALIBRATED = "imputation_coverage_90", "imputation_coverage_90_uncalibrated"


@dataclass(frozen=True)
class Row:
    """One view: what each method, and each simpler one, reaches.

    Attributes
    ----------
    view : str
    values : dict of str to mapping
        Name for a person -> {"mean", "se"}; methods first.
    """

    view: str
    values: dict[str, Mapping[str, float]]

    @property
    def leading(self) -> frozenset[str]:
        """Whose mean is the greatest, and who is tied with it."""
        best = max(self.values.values(), key=lambda value: value["mean"])
        return frozenset(name for name, value in self.values.items() if tied(best, value))


def tied(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether two figures may differ by chance: by no more than two standard errors of their difference.

    Both are of the same items, so that the true error of the difference is rather smaller.
    """
    return abs(one["mean"] - other["mean"]) <= 2 * math.hypot(one["se"], other["se"])


def said(figure: Mapping[str, float]) -> str:
    """Mean and standard error of a share, such as "0.555 ± 0.084", all of a table with the same digits."""
    return f"{round(figure['mean'], 3) + 0.0:.3f} ± {figure['se']:.3f}"


def rows(metrics: Mapping[str, Mapping[str, Any]], chosen: Sequence[str], figure: str) -> list[Row]:
    """One figure of every view.

    Parameters
    ----------
    metrics : mapping
        Name of the checkpoint -> metrics.json.
    chosen : sequence of str
        The methods that are shown.
    figure : str
        Key of :data:`FIGURES`.
    """
    out = []
    for view in dict.fromkeys(v for name in chosen for v in metrics[name].get(figure, {})):
        values = {title_of(name): metrics[name][figure][view] for name in chosen
                  if view in metrics[name].get(figure, {})}
        for ending, called in SIMPLER.items():
            known = (metrics[name].get(f"{figure}_{ending}", {}).get(view) for name in chosen)
            if (value := next(filter(None, known), None)) is not None:
                values[called] = value
        out.append(Row(view, values))
    return out
