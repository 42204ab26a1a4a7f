"""What ships in ``checkpoints/``, as data, and what of it is there."""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bvae.data import DATASETS, DataError
from bvae.data import dataset as make
from bvae.data.own import OwnData
from bvae.evaluation import records
from bvae.evaluation.evaluation import is_evaluated
from bvae.io.storage import StorageError, sha256
from bvae.metrics import METRICS
from bvae.models.methods import METHODS, methods
from bvae.training import calibrating, sampling
from bvae.training.checkpoint import (
    WEIGHTS,
    Checkpoint,
    CheckpointError,
    read_checkpoint,
    read_metrics,
)
from bvae.training.settings import Settings

CORE = ("mvae", "mmvae", "mopoe-vae", "wb-vae", "mwb-vae", "mvtcae")
SEEDED = (*CORE, "wb-vae-tc", "mwb-vae-plus")
"""Methods with more seeds on PolyMNIST."""
WORK = ".work"
RECORDED = ("coherence", "joint_coherence", "latent_accuracy", "latent_accuracy_one_probe", "missing",
            "attributes")
"""Metrics of a run whose weights do not ship, of those that are registered."""
OF_PRIVATE = ("inventions", "translations")
"""And of those with private latents, which are there for these."""
INVENTING = ("mopoe-vae", "wb-vae", "mwb-vae")
"""Methods of whose other seeds inventions are counted too."""

PLANE = {"latent_dim": 2, "reconstruction_weights": "3.918,0.1,40"}
"""Settings of the models of MNIST-SVHN-TEXT with two latent dimensions, which are for looking at the whole plane.

With the recipe's weights (3.918, 1 and 384) the texts' posteriors lie ten standard deviations of the prior away from
those of the images, and the joint posteriors between them tell less of the class than one view does.
"""

SHIPPED = ("polymnist", "mnist-svhn-text", "celeba")
"""Data sets of which every method ships, of those that are registered."""

ONLY: Mapping[str, tuple[str, ...]] = {
    "mwb-vae-plus": ("polymnist",), "wb-vae-plus": (), "hoelder-vae-plus": (), "hoelder-vae-plus-plus": ("polymnist",),
    "joint-flow-vae": (), "mwb-vae-hierarchical": (), "mmvae-plus-dreg": ()}
"""Methods that ship for some of the data sets of pictures only."""

NEWER = ("mmjsd", "mmvm-vae", "sum-pooling-vae", "self-attention-vae")
FIGURES_ONLY: Mapping[str, tuple[str, ...]] = {
    "polymnist": ("wb-vae-unimodal", "hoelder-vae", "mmvae-dreg", "hoelder-vae-plus-plus", *NEWER),
    "mnist-svhn-text": ("wb-vae-unimodal", "helvae", "hoelder-vae", "code-vae", "mmvae-dreg", "mmvae-plus", *NEWER,
                        "mopoe-vae-2d", "mvtcae-2d"),
    "celeba": ("wb-vae-unimodal", "helvae", "hoelder-vae", "code-vae", "mmvae-dreg", *NEWER)}
"""Data set -> embedded runs of which the figures ship and the weights do not: ``checkpoints/`` is to stay below 80 MB.

On PolyMNIST Hölder-VAE and MMVAE with DReG, whose figures are near MMVAE's, and WB-VAE with single views, which lies
between the two others, and Hölder++; on the other two data sets what PolyMNIST has to be opened; and `NEWER`.
"""

BEFORE: Mapping[tuple[str, str], Mapping[str, Any]] = {
    (dataset, "mmvae-plus"): {"private_dim": 16, "auxiliary": "free", "beta": 2.5, "likelihood_scale": 0.3,
                              "batch_size": 128} for dataset in ("mnist-svhn-text", "celeba")}
"""(Data set, method) -> settings of embedded runs that were trained before their method's settings became others."""

TABLES = ("penguins", "breast-cancer", "mfeat", "simulated-cells")
"""Data sets of tables, of which the core methods ship, trained as ``bvae train NAME METHOD`` does."""

CHANGES: Mapping[str, Mapping[str, Any]] = {"celeba": {"width": 48}}
"""Data set -> settings of all its embedded runs that differ from the defaults of `Settings`.

`steps` are those of a method with the usual number; a method with settings of its own keeps its share of them.
"""


@dataclass(frozen=True)
class Official:
    """The published size of a data set.

    Parameters
    ----------
    source : str
    epochs, items : int
        Epochs of the published recipe and training items in one of them.
    judge_epochs : int
        Epochs of the judges: about as many steps as on the embedded data.
    changes : mapping
        Further settings.
    """

    source: str
    epochs: int
    items: int
    judge_epochs: int = 5
    changes: Mapping[str, Any] = field(default_factory=lambda: {"batch_size": 256})

    @property
    def settings(self) -> dict[str, Any]:
        """Source, steps and the changes."""
        steps = self.epochs * (self.items // self.changes["batch_size"])
        return {"source": self.source, "steps": steps, **self.changes}


OFFICIAL: Mapping[str, Official] = {
    "polymnist": Official("published", epochs=300, items=60_000),
    # An epoch of the published recipe pairs each of the 60,000 handwritten digits with 20 street numbers.
    "mnist-svhn-text": Official("official", epochs=200, items=20 * 60_000),
    "celeba": Official("official", epochs=250, items=162_770),
}


@dataclass(frozen=True)
class ShippedRun:
    """One run of the plan.

    Parameters
    ----------
    dataset, name : str
        Of the checkpoint, or of the record.
    settings : Settings
    ships_weights : bool
        Whether the checkpoint ships, or a record of its metrics only.
    metrics : tuple of str or None
        Registered metrics to compute; None for all.
    """

    dataset: str
    name: str
    settings: Settings
    ships_weights: bool = True
    metrics: tuple[str, ...] | None = None

    def folder(self, root: Path) -> Path:
        """Where it is trained."""
        place = root / self.dataset
        return place / self.name if self.ships_weights else place / WORK / self.name

    def __str__(self) -> str:
        return f"{self.dataset}/{self.name}"


def plan(size: Literal["embedded", "official"] = "embedded") -> list[ShippedRun]:
    """Everything that ships, or the same list at the published sizes.

    Every method, but for those of `ONLY`, on every data set of pictures, some with their figures alone; on PolyMNIST
    two more seeds of the core methods and of two more, and two shares of missing modalities of the core methods, of
    which the metrics ship; models with two latent dimensions of MNIST-SVHN-TEXT; the core methods on the data sets of
    tables that are there, which have one size only.
    """
    if size not in ("embedded", "official"):
        raise ValueError(f"size: expected 'embedded' or 'official', got {size!r}")
    runs = []
    for dataset in (name for name in SHIPPED if name in DATASETS):
        changes = dict(CHANGES.get(dataset, {}) if size == "embedded" else OFFICIAL[dataset].settings)
        figures_only = FIGURES_ONLY.get(dataset, ()) if size == "embedded" else ()
        for method in (name for name in methods() if dataset in ONLY.get(name, SHIPPED)):
            others = BEFORE.get((dataset, method), {}) if size == "embedded" else {}
            own = settings_of(dataset, method, {**changes, **others})
            runs.append(ShippedRun(dataset, method, own, method not in figures_only))
        if dataset == "mnist-svhn-text":
            runs += [ShippedRun(dataset, f"{method}-2d", settings_of(dataset, method, {**changes, **PLANE}),
                                f"{method}-2d" not in figures_only) for method in CORE]
        if dataset == "polymnist":
            varied: dict[str, dict[str, Any]] = {"seed-1": {"seed": 1}, "seed-2": {"seed": 2},
                                                 "missing-20": {"missing": 0.2}, "missing-50": {"missing": 0.5}}
            for what, change in varied.items():
                for method in (SEEDED if "seed" in change else CORE):
                    settings = settings_of(dataset, method, {**changes, **change})
                    counted = OF_PRIVATE[:1] if method in INVENTING and "seed" in change else ()
                    figures = (*RECORDED, *(OF_PRIVATE if settings.private_dim else counted))
                    runs.append(ShippedRun(dataset, f"{method}-{what}", settings, False,
                                           tuple(name for name in figures if name in METRICS)))
    for dataset in (name for name in TABLES if name in DATASETS):
        runs += [ShippedRun(dataset, method, settings_of(dataset, method, sized_for(dataset)))
                 for method in CORE if sized_for(dataset)]
    return runs


@functools.cache
def sized_for(dataset: str) -> Mapping[str, Any]:
    """What follows from a data set of tables, see `bvae.training.sizing`; nothing where its package is not there."""
    from bvae.training.sizing import sized

    try:
        data = make(dataset, "train")
    except DataError:
        return {}
    return sized(data).settings if isinstance(data, OwnData) else {}


def settings_of(dataset: str, method: str, changes: Mapping[str, Any]) -> Settings:
    """The defaults of a method with the changes of its data set; its share of the usual steps stays its own.

    Of tables the steps are those that follow from the data.
    """
    changes = dict(changes)
    if "steps" in changes and dataset not in TABLES:
        share = METHODS[method].settings.get("steps", Settings.steps) / Settings.steps
        changes["steps"] = max(1, round(changes["steps"] * share))
    return Settings.for_method(dataset, method, **changes)


# -- what is there ---------------------------------------------------------------------------------------------------


def trained(run: ShippedRun, folder: Path) -> Checkpoint | None:
    """The weights of this run in a folder: of its settings, with the hash that config.json states; else None."""
    try:
        checkpoint = read_checkpoint(folder, with_metrics=False)
        whole = sha256(folder / WEIGHTS) == checkpoint.hash
    except (StorageError, OSError):
        return None
    return checkpoint if whole and checkpoint.settings == run.settings else None


def metrics_in(folder: Path) -> dict[str, Any]:
    """What metrics.json of a folder holds; nothing if it is missing or damaged."""
    try:
        return read_metrics(folder)
    except StorageError:
        return {}


def state(run: ShippedRun, root: Path) -> Literal["done", "evaluate", "train"]:
    """What remains to be done for a run: nothing, its sampler or metrics, or its training too."""
    folder = run.folder(root)
    if not run.ships_weights:
        try:
            record = records.read(records.folder_of(run.dataset, root) / f"{run.name}.json")
            if record.settings == run.settings and is_evaluated(record.metrics, record.hash, run.metrics):
                return "done"
        except CheckpointError:  # missing or damaged: made again
            pass
        return "evaluate" if trained(run, folder) else "train"
    checkpoint = trained(run, folder)
    if checkpoint is None:
        return "train"
    fitted = sampling.state(checkpoint) == "ready" and calibrating.state(checkpoint) in ("ready", "none")
    complete = fitted and is_evaluated(metrics_in(folder), checkpoint.hash, run.metrics)
    return "done" if complete else "evaluate"


def done(run: ShippedRun, root: Path) -> bool:
    """Whether a run's weights (if they ship) and its metrics are there and belong together. See :func:`state`."""
    return state(run, root) == "done"


def stopped_at(run: ShippedRun, folder: Path) -> int | None:
    """The step at which a run of just these settings was stopped in a folder; None if there is none to go on with."""
    from bvae.training.loop import STATE, read_state

    try:
        _, progress, settings = read_state(folder / STATE)
        return int(progress["step"]) if settings == run.settings.as_dict() else None
    except (StorageError, KeyError, TypeError, ValueError):
        return None


def chosen(runs: Iterable[ShippedRun], globs: Sequence[str]) -> list[ShippedRun]:
    """The runs of which DATASET/NAME, or NAME alone, fits one of the patterns; all without any.

    Raises ValueError for a pattern that fits none.
    """
    runs = list(runs)
    for glob in globs:
        if not any(fits(run, glob) for run in runs):
            raise ValueError(f"--only {glob}: fits no run of the plan, for example {', '.join(map(str, runs[:3]))}")
    return [run for run in runs if not globs or any(fits(run, glob) for glob in globs)]


def fits(run: ShippedRun, glob: str) -> bool:
    """See :func:`chosen`."""
    return fnmatch.fnmatchcase(str(run), glob) or fnmatch.fnmatchcase(run.name, glob)
