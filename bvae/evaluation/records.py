"""Records: the metrics of runs whose weights do not ship, ``<root>/<dataset>/records/<name>.json``.

Other seeds, shares of missing modalities, and methods of which the figures are enough cost a file of a few kilobytes
each. What several runs say together (the mean over seeds, the curves over missing modalities) is computed here from
records and ``metrics.json`` files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvae.io.storage import DIGEST, StorageError, read_json, write_json
from bvae.training.checkpoint import (
    FORMAT,
    Checkpoint,
    CheckpointError,
    check_metrics,
    checkpoints,
    checkpoints_root,
    in_order,
    is_figure,
    load_checkpoint,
    registered,
)
from bvae.training.settings import Settings

FOLDER, SEEDS = "records", "seeds.json"


@dataclass(frozen=True)
class Record:
    """A run that left its metrics only.

    Attributes
    ----------
    name : str
        Of the file, for example "mwb-vae-seed-1".
    settings : Settings
    config : mapping
        What config.json of the weights said: format, versions, machine, seconds, sha256 of the weights.
    metrics : mapping
        See ``metrics.json``: figures, and "evaluation" with the facts about it.
    """

    name: str
    settings: Settings
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """SHA-256 of the weights that were evaluated, hexadecimal."""
        return self.config["sha256"]

    @classmethod
    def of(cls, name: str, checkpoint: Checkpoint, metrics: Mapping[str, Any]) -> Record:
        """The record of a checkpoint and its metrics, under a name."""
        config = {k: v for k, v in checkpoint.config.items() if k not in ("modalities", "settings", DIGEST)}
        return cls(name, checkpoint.settings, config, metrics)


def folder_of(dataset: str, root: Path | None = None) -> Path:
    """Where the records of a data set are, or would be."""
    return (root or checkpoints_root()) / registered(dataset) / FOLDER


def write(record: Record, root: Path | None = None) -> Path:
    """Write a record, whole or not at all; returns its path."""
    path = folder_of(record.settings.dataset, root) / f"{record.name}.json"
    write_json(path, {**record.config, "settings": record.settings.as_dict(), "metrics": record.metrics})
    return path


def read(path: Path) -> Record:
    """Read a record. Raises CheckpointError with the path if it is missing, damaged or of another format."""
    try:
        content = read_json(path)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            found = content.get("format") if isinstance(content, dict) else type(content).__name__
            raise CheckpointError(f"{path}: expected format {FORMAT}, got {found!r}")
        settings, metrics = Settings.from_mapping(content.pop("settings")), content.pop("metrics")
        if not (isinstance(content["sha256"], str) and isinstance(content["seconds"], (int, float))):
            raise TypeError("sha256 is not a text or seconds is not a number")
        if metrics["evaluation"]["sha256"] != content["sha256"]:
            raise ValueError("its metrics are of other weights")
        check_metrics(metrics)
    except CheckpointError:
        raise
    except StorageError as error:
        raise CheckpointError(str(error)) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path}: damaged ({error})") from error
    return Record(path.stem, settings, content, metrics)


def records(dataset: str, root: Path | None = None) -> list[Record]:
    """All records of a data set, by name. Raises CheckpointError for a damaged one."""
    return [read(path) for path in sorted(folder_of(dataset, root).glob("*.json"))]


def together(
    dataset: str, models: Mapping[str, Checkpoint], root: Path | None = None
) -> dict[str, Checkpoint | Record]:
    """The checkpoints of a data set, and the records that stand for a model of their own, in the order of methods.

    A record that has a larger seed or a larger share of missing modalities than another record, or than a checkpoint,
    of otherwise the same settings says more of that one and is not among them. A checkpoint that was not evaluated
    gives way to a record of its name. Raises CheckpointError as :func:`records` does.
    """
    there = records(dataset, root)
    families: dict[Settings, list[Settings]] = {}
    for settings in (run.settings for runs in (there, models.values()) for run in runs):
        families.setdefault(dataclasses.replace(settings, seed=0, missing=0.0), []).append(settings)
    more = {s for family in families.values() for s in family for other in family
            if s != other and s.seed >= other.seed and s.missing >= other.missing}
    evaluated = {name: model for name, model in models.items() if model.metrics}
    found: dict[str, Checkpoint | Record] = {
        **models, **{r.name: r for r in there if r.settings not in more}, **evaluated}
    return {name: found[name] for name in in_order(found)}


def known(dataset: str, root: Path | None = None) -> dict[str, Checkpoint | Record]:
    """:func:`together` of all checkpoints of a data set. Raises CheckpointError for a damaged one."""
    return together(dataset, {name: load_checkpoint(dataset, name, root) for name in checkpoints(dataset, root)}, root)


def results(dataset: str, root: Path | None = None) -> dict[str, Checkpoint | Record]:
    """What was evaluated of :func:`known`: models, and figures of models whose weights are not there."""
    return {name: model for name, model in known(dataset, root).items() if model.metrics}


# -- several runs together -------------------------------------------------------------------------------------------


def keyed(value: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    """A metric as key -> figure; a metric of one number has the key ""."""
    return {"": value} if is_figure(value) else dict(value)


def over_seeds(dataset: str, root: Path | None = None) -> dict[str, dict[str, dict[str, Any]]]:
    """Mean over seeds and its standard error, from a model and what differs from it in `seed` alone.

    A model is a checkpoint, or a record that stands for one. What differs are records, and checkpoints of larger seeds,
    as a sweep leaves them. The standard error is the sample standard deviation of the runs over the square root of
    their number. A figure that only one run has is left out.

    Returns
    -------
    dict
        Name of the model -> metric -> key (none for a metric of one number) -> {"mean", "se_seeds", "n",
        "values": seed -> that run's figure}; the content of ``seeds.json``.
    """
    models = known(dataset, root)
    others: list[Record | Checkpoint] = [*records(dataset, root), *(m for m in models.values() if m.metrics)]
    of_family: dict[Settings, dict[int, Mapping[str, Any]]] = {}  # settings but for the seed -> seed -> metrics
    for run in others:
        of_family.setdefault(dataclasses.replace(run.settings, seed=0), {})[run.settings.seed] = run.metrics
    first: dict[Settings, int] = {}
    for model in models.values():
        if model.metrics:
            family = dataclasses.replace(model.settings, seed=0)
            first[family] = min(model.settings.seed, first.get(family, model.settings.seed))
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for name, model in models.items():
        seed, family = model.settings.seed, dataclasses.replace(model.settings, seed=0)
        if first.get(family, seed) < seed:
            continue  # it counts where the model of the smallest seed stands
        runs = dict(sorted({**of_family.get(family, {}), seed: model.metrics}.items()))
        table: dict[str, dict[str, Any]] = {}
        for metric, value in model.metrics.items():
            if metric == "evaluation":
                continue
            for key in keyed(value):
                values = {str(s): keyed(m[metric])[key]["mean"] for s, m in runs.items()
                          if key in keyed(m.get(metric, {}))}
                if len(values) < 2:
                    continue
                if key:
                    table.setdefault(metric, {})[key] = mean_over_seeds(values)
                else:
                    table[metric] = mean_over_seeds(values)
        if table:
            out[name] = table
    return out


def mean_over_seeds(values: Mapping[str, float]) -> dict[str, Any]:
    """{"mean", "se_seeds", "n", "values"} of at least two runs: seed -> figure."""
    numbers = list(values.values())
    n, mean = len(numbers), sum(numbers) / len(numbers)
    deviation = (sum((v - mean) ** 2 for v in numbers) / (n - 1)) ** 0.5
    return {"mean": round(mean, 6), "se_seeds": round(deviation / n**0.5, 6), "n": n, "values": dict(values)}


def over_missing(dataset: str, root: Path | None = None) -> dict[str, dict[int, Mapping[str, Any]]]:
    """Runs that differ in the share of modalities missing in training alone.

    Returns
    -------
    dict
        Name of the checkpoint, or of the record that stands for a model, -> percent missing in training, rising ->
        metrics. One without such records has its own share only, if its metrics have the curve over missing modalities.
    """
    others = records(dataset, root)
    out: dict[str, dict[int, Mapping[str, Any]]] = {}
    for name, model in known(dataset, root).items():
        mine = model.settings
        runs = {r.settings.missing: r.metrics for r in others
                if dataclasses.replace(r.settings, missing=mine.missing) == mine}
        runs[mine.missing] = model.metrics
        curves = {round(100 * share): metrics for share, metrics in sorted(runs.items())
                  if "latent_accuracy_missing" in metrics}
        if curves:
            out[name] = curves
    return out


def write_seeds(dataset: str, root: Path | None = None) -> dict[str, dict[str, dict[str, Any]]]:
    """Write ``seeds.json`` of a data set if any of its checkpoints has other seeds. Returns :func:`over_seeds`."""
    table = over_seeds(dataset, root)
    if table:
        write_json((root or checkpoints_root()) / dataset / SEEDS, table)
    return table
