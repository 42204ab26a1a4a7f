"""Two methods compared: differences paired by seed, or by item, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bvae.data.own import as_typed
from bvae.evaluation.records import keyed, over_seeds, results
from bvae.training.checkpoint import EVALUATION, load_checkpoint

LEVEL = 0.95
SEEDS, ITEMS = "seeds", "items"


class Difference(NamedTuple):
    """One figure of two checkpoints of a data set, first less second.

    Attributes
    ----------
    metric, key : str
        See `bvae.metrics.CATALOG`; the key is "" for a metric of one number.
    mean : float
        Over the pairs.
    half_width : float or None
        Of the interval that holds the expected difference with 95 percent, by Student's t; None for one pair.
    n : int
        Pairs.
    over : str
        What the pairs are: "seeds" that both have been trained with, or test "items" of one run each, which says
        nothing about other seeds.
    """

    metric: str
    key: str
    mean: float
    half_width: float | None
    n: int
    over: str = SEEDS

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves out 0: not chance, as far as so few seeds can tell."""
        return self.half_width is not None and abs(self.mean) > self.half_width


def paired_difference(first: Sequence[float], second: Sequence[float]) -> tuple[float, float | None]:
    """Mean of the differences of pairs, and half the width of its 95 percent interval; None for one pair.

    A seed draws the same data order, noise and initial networks for both, so that what it does to both cancels. With
    three seeds the factor is 4.30 standard errors, not 1.96.

    Raises
    ------
    ValueError
        If there is no pair, or the sequences are not of the same length.
    """
    from scipy.stats import t

    if len(first) != len(second) or not first:
        raise ValueError(f"expected pairs, at least one, got {len(first)} and {len(second)} numbers")
    differences = [a - b for a, b in zip(first, second, strict=True)]
    n, mean = len(differences), sum(differences) / len(differences)
    if n == 1:
        return mean, None
    deviation = (sum((d - mean) ** 2 for d in differences) / (n - 1)) ** 0.5
    return mean, float(t.ppf((1 + LEVEL) / 2, n - 1)) * deviation / n**0.5


def differences(dataset: str, first: str, second: str, root: Path | None = None) -> list[Difference]:
    """All figures that two checkpoints, or records that stand for a model, both have, in the order of the first's file.

    Figures that the records of other seeds have too are paired by seed; then those that are there item by item
    ("values", of the same items) by item; the others are those of one run each, without an interval.

    Raises
    ------
    CheckpointError
        If one of them is missing or damaged.
    ValueError
        If they are the same, or one was not evaluated.
    """
    if first == second:
        raise ValueError(f"expected two checkpoints, got {first!r} twice")
    known = results(dataset, root)
    metrics = {name: (known.get(name) or load_checkpoint(dataset, name, root)).metrics for name in (first, second)}
    for name, found in metrics.items():
        if not found:
            raise ValueError(f"{dataset}/{name}: not evaluated yet: python -m bvae evaluate {as_typed(dataset)} "
                             f"{name}")
    seeds = over_seeds(dataset, root)
    out = []
    for metric, value in metrics[first].items():
        others = keyed(metrics[second].get(metric) or {})
        if metric != EVALUATION:
            out += [difference(metric, key, figure, others[key],
                               common(seeds.get(first, {}), seeds.get(second, {}), metric, key))
                    for key, figure in keyed(value).items() if key in others]
    return out


def difference(
    metric: str, key: str, first: Mapping[str, Any], second: Mapping[str, Any], seeds: Sequence[tuple[float, float]]
) -> Difference:
    """One figure of two checkpoints, first less second.

    Parameters
    ----------
    metric, key : str
        See `Difference`.
    first, second : mapping
        The figures: "mean", and "values" where they are there item by item.
    seeds : sequence
        The two figures for each seed that both have.
    """
    if len(seeds) > 1:
        return Difference(metric, key, *paired_difference(*zip(*seeds, strict=True)), len(seeds))
    items = first.get("values") or (), second.get("values") or ()
    if items[0] and len(items[0]) == len(items[1]):
        return Difference(metric, key, *paired_difference(*items), len(items[0]), ITEMS)
    return Difference(metric, key, first["mean"] - second["mean"], None, 1)


def common(first: Mapping[str, Any], second: Mapping[str, Any], metric: str, key: str) -> list[tuple[float, float]]:
    """A figure's values for each seed that both tables over seeds have."""
    one, other = (keyed_values(table.get(metric), key) for table in (first, second))
    return [(one[seed], other[seed]) for seed in one if seed in other]


def keyed_values(entry: Mapping[str, Any] | None, key: str) -> Mapping[str, float]:
    """Seed -> figure of a metric in a table over seeds; nothing where it has none."""
    if not entry:
        return {}
    found = entry if not key else entry.get(key, {})
    return found.get("values", {})
