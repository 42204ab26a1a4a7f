"""The results as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bvae.evaluation.differences import Difference


def print_table(name_of_data: str, names: Sequence[str], root: Path | None) -> None:
    """The metrics of what was evaluated, by name, as a table: mean +- standard error over the test items."""
    from bvae.evaluation.records import keyed, results

    rows: dict[str, dict[str, str]] = {}
    known = results(name_of_data, root)
    for name in names:
        metrics = known[name].metrics if name in known else {}
        for metric, value in metrics.items():
            if metric == "evaluation":
                continue
            for key, figure in keyed(value).items():
                rows.setdefault(row_label(metric, key), {})[name] = f"{figure['mean']:.3f} ±{figure['se']:.3f}"
    print_rows(rows, names)


def print_seeds(table: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """What `bvae.evaluation.records.over_seeds` gives, as a table."""
    from bvae.evaluation.records import keyed

    if not table:
        print("\nNo run of another seed is recorded; python -m bvae checkpoints --rebuild makes those that ship.")
        return
    rows: dict[str, dict[str, str]] = {}
    for name, metrics in table.items():
        for metric, value in metrics.items():
            for key, figure in keyed(value).items():
                rows.setdefault(row_label(metric, key), {})[name] = (
                    f"{figure['mean']:.3f} ±{figure['se_seeds']:.3f} n={figure['n']}")
    print("\nmean over n training seeds ± its standard error over seeds")
    print_rows(rows, list(table))


def print_differences(first: str, second: str, found: Sequence[Difference]) -> None:
    """What `bvae.evaluation.differences.differences` gives, as a table."""
    rows = {row_label(d.metric, d.key): {
        f"{first} - {second}": of_difference(d, d.mean), "95 % interval": interval(d), "pairs": pairs(d),
        "": told(d)} for d in found}
    print(f"{first} less {second}, paired by the seed of training, or by test item; intervals by Student's t over the "
          "pairs")
    print_rows(rows, [f"{first} - {second}", "95 % interval", "pairs", ""])


def pairs(d: Difference) -> str:
    """What a difference is paired over: "3 seeds"; a dash for one run each."""
    return "–" if d.half_width is None else f"{d.n} {d.over}"


def of_difference(d: Difference, value: float) -> str:
    """A number with its sign, to the second digit of the interval's half width; to the third of itself without one."""
    size = abs(d.mean) / 10 if d.half_width is None else d.half_width
    digits = 3 if not size > 0 else min(6, max(0, 1 - math.floor(math.log10(size))))
    return f"{value:+,.{digits}f}"


def interval(d: Difference) -> str:
    """The ends of a difference's interval; a dash where one run each gives none."""
    if d.half_width is None:
        return "–"
    return f"{of_difference(d, d.mean - d.half_width)} to {of_difference(d, d.mean + d.half_width)}"


def told(d: Difference) -> str:
    """What a difference says, in words."""
    return "one run each" if d.half_width is None else "told apart" if d.told_apart else "may be chance"


def print_missing(name_of_data: str, names: Sequence[str], root: Path | None) -> None:
    """Rows: method and share missing in training; columns: share missing in the test. Only where runs are recorded."""
    from bvae.evaluation.records import over_missing

    runs = {name: curves for name, curves in over_missing(name_of_data, root).items()
            if name in names and len(curves) > 1}
    for metric in ("latent_accuracy_missing", "coherence_missing") if runs else ():
        rows: dict[str, dict[str, str]] = {}
        for name, curves in runs.items():
            for percent, metrics in curves.items():
                rows[f"{name}, {percent} % missing in training"] = {
                    f"{key} % missing": f"{figure['mean']:.3f} ±{figure['se']:.3f}"
                    for key, figure in metrics.get(metric, {}).items()}
        print(f"\n{metric.replace('_', ' ')}, by the share missing in the test")
        print_rows(rows, list(dict.fromkeys(column for row in rows.values() for column in row)))


def row_label(metric: str, key: str) -> str:
    """A metric and its key as the tables name them: "coherence, 1 view"."""
    from bvae.metrics import CATALOG

    of = CATALOG[metric].of(key) if metric in CATALOG else key
    return metric.replace("_", " ") + (f", {of}" if key else "")


def print_rows(rows: Mapping[str, Mapping[str, str]], columns: Sequence[str]) -> None:
    """A table with aligned columns; "-" where a row has no entry."""
    first = max(map(len, rows), default=0)
    widths = {c: max([len(c), 12, *(len(row.get(c, "")) for row in rows.values())]) for c in columns}
    print(" " * first + "".join(f"  {c:>{widths[c]}}" for c in columns))
    for label, row in rows.items():
        print(f"{label:<{first}}" + "".join(f"  {row.get(c, '-'):>{widths[c]}}" for c in columns))
