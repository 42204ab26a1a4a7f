"""What ships in ``checkpoints/``, as data, and the work that makes it again."""

from __future__ import annotations

import fnmatch
import functools
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bvae.data import DATASETS, DataError
from bvae.data import dataset as make
from bvae.data.own import OwnData
from bvae.evaluation import records
from bvae.evaluation.evaluation import evaluated, is_evaluated
from bvae.io.storage import StorageError, sha256, write_atomically, write_json
from bvae.metrics import METRICS
from bvae.metrics import classifiers as judges
from bvae.models.methods import METHODS, methods
from bvae.training.checkpoint import (
    CONFIG,
    HISTORY,
    WEIGHTS,
    Checkpoint,
    CheckpointError,
    checkpoints_root,
    read_checkpoint,
    read_metrics,
    training_seconds,
)
from bvae.training.checkpoint import METRICS as METRICS_FILE
from bvae.training.settings import Settings

CORE = ("mvae", "mmvae", "mopoe-vae", "wb-vae", "mwb-vae", "mvtcae")
SEEDED = (*CORE, "wb-vae-tc")
"""Methods with more seeds on PolyMNIST."""
WORK = ".work"
RECORDED = ("coherence", "joint_coherence", "latent_accuracy", "latent_accuracy_one_probe", "missing",
            "attributes")
"""Metrics of a run whose weights do not ship, of those that are registered."""

PLANE = {"latent_dim": 2, "reconstruction_weights": "3.918,0.1,40"}
"""Settings of the models of MNIST-SVHN-TEXT with two latent dimensions, which are for looking at the whole plane.

With the recipe's weights (3.918, 1 and 384) the texts' posteriors lie ten standard deviations of the prior away from
those of the images, and the joint posteriors between them tell less of the class than one view does.
"""

SHIPPED = ("polymnist", "mnist-svhn-text", "celeba")
"""Data sets of which every method ships, of those that are registered."""

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

    Every method on every data set of pictures; on PolyMNIST two more seeds of the core methods and of one more, and two
    shares of missing modalities of the core methods, of which the metrics ship; models with two latent dimensions of
    MNIST-SVHN-TEXT; the core methods on the data sets of tables that are there, which have one size only.
    """
    if size not in ("embedded", "official"):
        raise ValueError(f"size: expected 'embedded' or 'official', got {size!r}")
    runs = []
    for dataset in (name for name in SHIPPED if name in DATASETS):
        changes = dict(CHANGES.get(dataset, {}) if size == "embedded" else OFFICIAL[dataset].settings)
        runs += [ShippedRun(dataset, method, settings_of(dataset, method, changes)) for method in methods()]
        if dataset == "mnist-svhn-text":
            runs += [ShippedRun(dataset, f"{method}-2d", settings_of(dataset, method, {**changes, **PLANE}))
                     for method in CORE]
        if dataset == "polymnist":
            others: dict[str, dict[str, Any]] = {"seed-1": {"seed": 1}, "seed-2": {"seed": 2},
                                                 "missing-20": {"missing": 0.2}, "missing-50": {"missing": 0.5}}
            known = tuple(name for name in RECORDED if name in METRICS)
            runs += [
                ShippedRun(dataset, f"{method}-{what}", settings_of(dataset, method, {**changes, **change}), False,
                           known)
                for what, change in others.items() for method in (SEEDED if "seed" in change else CORE)
            ]
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
    """What remains to be done for a run: nothing, its metrics, or its training too."""
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
    return "done" if is_evaluated(metrics_in(folder), checkpoint.hash, run.metrics) else "evaluate"


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


# -- work ------------------------------------------------------------------------------------------------------------


def train_run(run: ShippedRun, root: Path, data_root: str | None = None, **options: Any) -> Path:
    """Train a run where :meth:`ShippedRun.folder` says, going on with a stopped one of the same settings.

    `options` go to `bvae.training.loop.train`, whose errors it raises. Returns the folder.
    """
    from bvae.training.loop import train

    folder = run.folder(root)
    train(run.settings, folder, resume=stopped_at(run, folder) is not None, root=data_root, **options)
    return folder


def finish(run: ShippedRun, folder: Path, root: Path, data_root: str | None = None) -> None:
    """Evaluate the trained weights of a run and keep them, or their record, below `root`.

    Metrics of these very weights that are in the folder already are taken as they are. A folder elsewhere is left as
    it was; the run's own work folder is deleted once its record is on disk.

    Raises
    ------
    CheckpointError
        If the folder does not hold complete weights of this run.
    """
    from bvae.training.loop import STATE

    checkpoint = trained(run, folder)
    if checkpoint is None:
        raise CheckpointError(f"{folder}: does not hold the finished weights of {run} with the settings of the plan")
    own = run.folder(root)
    elsewhere = folder.resolve() != own.resolve()
    metrics = metrics_in(folder)
    if run.ships_weights and elsewhere:
        for name in (WEIGHTS, HISTORY, CONFIG):  # config.json last, as in training
            if (folder / name).is_file():
                write_atomically(own / name, functools.partial(shutil.copyfile, folder / name))
        (own / STATE).unlink(missing_ok=True)
    if not is_evaluated(metrics, checkpoint.hash, run.metrics):
        metrics = evaluated(checkpoint, root, data_root, names=run.metrics)
    if run.ships_weights:
        write_json(own / METRICS_FILE, metrics)
        return
    records.write(records.Record.of(run.name, checkpoint, metrics), root)
    if not elsewhere:
        shutil.rmtree(own)
        if not any(own.parent.iterdir()):
            own.parent.rmdir()


# -- time ------------------------------------------------------------------------------------------------------------


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


# -- all of it -------------------------------------------------------------------------------------------------------


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


def rebuild(
    runs: Sequence[ShippedRun], root: Path, data_root: Path | None = None, dry_run: bool = False,
    report: Callable[[str], None] = print, **options: Any,
) -> list[ShippedRun]:
    """Do what remains to be done of a plan, in its order; judges that are missing come first.

    It can be stopped at any time and called again. The plan and an estimate of its time are reported before the work
    begins, and the rest of the time after each run.

    Parameters
    ----------
    runs : sequence of ShippedRun
    root : Path
        Folder of all checkpoints.
    data_root : Path, optional
        Folder of the data files, or of a folder for each data set, for sources that need one.
    dry_run : bool
        Report only.
    report : callable
        Gets the lines for a person.
    **options
        To `bvae.training.loop.train`.

    Returns
    -------
    list of ShippedRun
        Those whose training diverged; the others were done.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C or SIGTERM; what was trained is saved.
    """
    from bvae.training.loop import terminated_as_interrupt

    todo = {run: state(run, root) for run in runs}
    steps = {run: stopped_at(run, run.folder(root)) or 0 for run in runs}

    def estimates() -> dict[ShippedRun, float | None]:
        shipped_too = [] if root.resolve() == checkpoints_root().resolve() else measured(checkpoints_root())
        known = [*measured(root), *shipped_too]
        return {run: estimate(run, todo[run], known, steps[run]) for run in runs if todo[run] != "done"}

    expected = estimates()
    for run in runs:
        going_on = f" from step {steps[run]:,} on" * (steps[run] > 0)
        what = {"done": "done", "evaluate": "only its metrics are missing",
                "train": f"{run.settings.steps:,} steps{going_on}"}[todo[run]]
        report(f"{run}: {what}" + (f", {in_words([expected[run]])}" if run in expected else ""))
    lacking = [name for name in dict.fromkeys(run.dataset for run in expected)
               if name not in TABLES and not (root / name / judges.FOLDER / "model.safetensors").is_file()]
    for name in lacking:
        report(f"{name}: judges of coherence are trained first, unknown time")
    report(f"{len(runs) - len(expected)} of {len(runs)} are done."
           + (f" The other {len(expected)} will take {in_words(expected.values())}." if expected else ""))
    if dry_run:
        return []
    failed = []
    with terminated_as_interrupt():
        for name in lacking:
            official = next(run.settings.source for run in expected if run.dataset == name) != "embedded"
            sizes: dict[str, Any] = {"epochs": OFFICIAL[name].judge_epochs, "source": OFFICIAL[name].source}
            judges.train(root, name, data_root=files_of(name, data_root), **sizes if official else {})
        for run in list(expected):
            files = files_of(run.dataset, data_root)
            try:
                if todo[run] == "train":
                    train_run(run, root, files, **options)
                finish(run, run.folder(root), root, files)
            except FloatingPointError as error:
                failed.append(run)
                report(f"{run}: {error}")
            todo[run] = "done"
            rest = estimates()
            report(f"{run}: {'failed' if run in failed else 'finished'}. "
                   + (f"{len(rest)} to go, {in_words(rest.values())}" if rest else "That was the last one."))
    for name in dict.fromkeys(run.dataset for run in runs):
        records.write_seeds(name, root)
    return failed


def files_of(dataset: str, data_root: Path | None) -> str | None:
    """The folder of a data set's files: the one of its name inside `data_root`, if there is one, else `data_root`."""
    if data_root is None:
        return None
    return str(data_root / dataset if (data_root / dataset).is_dir() else data_root)
