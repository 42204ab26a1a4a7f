"""How long runs will take, from what those that are finished took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bvae.data import DATASETS
from bvae.evaluation import records
from bvae.io.storage import StorageError
from bvae.runs.shipped import ShippedRun, metrics_in
from bvae.training.checkpoint import CONFIG, read_checkpoint, training_seconds
from bvae.training.settings import Settings


@dataclass(frozen=True)
class Measured:
    """What a finished run took.

    Attributes
    ----------
    settings : Settings
    seconds : float
        Of training.
    evaluation : float or None
        Seconds of its metrics.
    ships_weights : bool
        Whether these were all metrics, or those of a record.
    """

    settings: Settings
    seconds: float
    evaluation: float | None = None
    ships_weights: bool = True


def measured(root: Path) -> list[Measured]:
    """What the checkpoints and records below `root` say of themselves; damaged ones say nothing."""
    out = []
    for dataset in DATASETS:
        for path in [*(root / dataset).glob(f"*/{CONFIG}"), *records.folder_of(dataset, root).glob("*.json")]:
            try:
                if path.name == CONFIG:
                    found: Any = read_checkpoint(path.parent, with_metrics=False)
                    metrics = metrics_in(path.parent)
                else:
                    found = records.read(path)
                    metrics = found.metrics
                evaluation = metrics.get("evaluation", {}).get("seconds")
                out.append(Measured(found.settings, training_seconds(found.config), evaluation, path.name == CONFIG))
            except (StorageError, KeyError, TypeError, ValueError, AttributeError):
                continue  # judges have a config.json of another form
    return out


def estimate(
    run: ShippedRun, todo: Literal["done", "evaluate", "train"], known: Sequence[Measured], step: int = 0
) -> float | None:
    """Seconds that a run will take, from what others took.

    Training: seconds per step of the same settings where they were measured, else the mean over runs of the same
    method, else over all runs, each on the same data and with the same batch size. Metrics: the mean of those that were
    measured on the same data.

    Parameters
    ----------
    run : ShippedRun
    todo : {"done", "evaluate", "train"}
    known : sequence of Measured
    step : int
        At which a stopped run goes on.

    Returns
    -------
    float or None
        None if nothing was measured. Metrics of which nothing is known are left out beside training.
    """
    if todo == "done":
        return 0.0
    s = run.settings
    on_it = [m for m in known if (m.settings.dataset, m.settings.source) == (s.dataset, s.source)]
    evaluations = {ships: [m.evaluation for m in on_it if m.evaluation is not None and m.ships_weights == ships]
                   for ships in (True, False)}
    evaluation = average(evaluations[run.ships_weights] or evaluations[not run.ships_weights])
    if todo == "evaluate":
        return evaluation
    alike = [m for m in on_it if m.settings.batch_size == s.batch_size]
    nearest = ([m for m in alike if m.settings == s] or [m for m in alike if m.settings.method == s.method] or alike)
    per_step = average([m.seconds / m.settings.steps for m in nearest])
    return None if per_step is None else per_step * (s.steps - step) + (evaluation or 0.0)


def average(values: Sequence[float]) -> float | None:
    """None of nothing."""
    return sum(values) / len(values) if values else None


def in_words(estimates: Iterable[float | None]) -> str:
    """The sum of some estimates for a person: "about 1 h 20 min", "at least ..." if some are unknown."""
    estimates = list(estimates)
    known = [e for e in estimates if e is not None]
    if estimates and not known:
        return "unknown time"
    seconds = sum(known)
    minutes = round(seconds / 60)
    text = f"{seconds:.0f} s" if seconds < 90 else f"{minutes} min" if minutes < 90 else (
        f"{minutes // 60} h {minutes % 60} min")
    return f"about {text}" if len(known) == len(estimates) else f"at least {text}"
