"""The metrics of a checkpoint as it is on disk, with the facts of the evaluation."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bvae.io.storage import DIGEST
from bvae.metrics import CATALOG, METRICS, EvaluationData, evaluate
from bvae.metrics.base import left_out
from bvae.metrics.classifiers import FOLDER as JUDGES
from bvae.training.checkpoint import EVALUATION, Checkpoint, checkpoints_root, load_weights, metrics_digest
from bvae.version import __version__


def evaluated(
    checkpoint: Checkpoint, root: Path, data_root: str | None = None, seed: int = 0, names: Iterable[str] | None = None
) -> dict[str, Any]:
    """What ``metrics.json`` holds: the figures, and under "evaluation" of which weights, how, and what is left out.

    What the data set cannot have (see `bvae.metrics.base.left_out`) is no error: "left_out" says what it lacks.

    Parameters
    ----------
    checkpoint : Checkpoint
    root : Path
        Folder of all checkpoints, for the judges. Those that ship are taken if it has none: ours serve as well.
    data_root : str, optional
        Folder of the data files, for sources that need one.
    seed : int
    names : iterable of str, optional
        Registered metrics; all by default.

    Raises
    ------
    CheckpointError
        If the weights are damaged.
    """
    name_of_data = checkpoint.settings.dataset
    wanted = list(METRICS if names is None else names)
    started = time.perf_counter()
    judges_root = root if (root / name_of_data / JUDGES).is_dir() else checkpoints_root()
    data = EvaluationData(name_of_data, judges_root, checkpoint.settings.source, data_root)
    figures = evaluate(load_weights(checkpoint), data, seed, wanted)
    without = left_out(data, wanted)
    facts = {"test_items": len(data.test), "seed": seed, "metrics": wanted, "bvae": __version__,
             "sha256": checkpoint.hash, "seconds": round(time.perf_counter() - started, 1)}
    if without:
        facts["left_out"] = without
    metrics = {**figures, EVALUATION: facts}
    facts[DIGEST] = metrics_digest(metrics)
    return metrics


def renewed(
    checkpoint: Checkpoint, root: Path, names: Iterable[str], data_root: str | None = None, seed: int = 0
) -> dict[str, Any]:
    """The metrics that a checkpoint has, those named computed anew: each one has draws of its own.

    All others are dropped if they are of other weights; where a metric is not registered any more, so are the figures
    that the catalog does not know.

    Parameters
    ----------
    checkpoint, root, data_root, seed
        See :func:`evaluated`.
    names : iterable of str
        Registered metrics.
    """
    names = list(names)
    new = evaluated(checkpoint, root, data_root, seed, names)
    facts = new.pop(EVALUATION)
    before = checkpoint.metrics.get(EVALUATION, {})
    if before.get("sha256") != checkpoint.hash:
        before = {}
    whole = set(before.get("metrics", ())) <= set(METRICS)
    kept = {key: figures for key, figures in checkpoint.metrics.items()
            if before and key != EVALUATION and (whole or key in CATALOG)}
    known = {*before.get("metrics", ()), *names}
    without = {name: need for name, need in before.get("left_out", {}).items() if name in METRICS and name not in names}
    without.update(facts.pop("left_out", {}))
    facts["metrics"] = [name for name in METRICS if name in known]
    facts["seconds"] = round(facts["seconds"] + before.get("seconds", 0.0), 1)
    if without:
        facts["left_out"] = without
    found = {**kept, **new}
    metrics = {**{key: found.pop(key) for key in CATALOG if key in found}, **found, EVALUATION: facts}
    facts.pop(DIGEST)
    facts[DIGEST] = metrics_digest(metrics)
    return metrics


def is_evaluated(metrics: Any, weights_hash: str, names: Iterable[str] | None = None) -> bool:
    """Whether these metrics are of the weights with this hash, and none of those named (or of all) is missing."""
    facts = metrics.get("evaluation", {}) if isinstance(metrics, dict) else {}
    return facts.get("sha256") == weights_hash and set(METRICS if names is None else names) <= set(
        facts.get("metrics", ()))
