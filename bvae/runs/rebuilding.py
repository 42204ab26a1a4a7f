"""The work that makes again what ships; it can be stopped, and goes on where it was."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bvae.evaluation import records
from bvae.evaluation.evaluation import evaluated, is_evaluated
from bvae.io.storage import write_atomically, write_json
from bvae.metrics import classifiers as judges
from bvae.runs.estimates import estimate, in_words, measured
from bvae.runs.shipped import OFFICIAL, TABLES, ShippedRun, metrics_in, state, stopped_at, trained
from bvae.training import calibrating, sampling
from bvae.training.checkpoint import CONFIG, HISTORY, WEIGHTS, CheckpointError, checkpoints_root, read_checkpoint
from bvae.training.checkpoint import METRICS as METRICS_FILE


def train_run(run: ShippedRun, root: Path, data_root: str | None = None, **options: Any) -> Path:
    """Train a run where :meth:`ShippedRun.folder` says, going on with a stopped one of the same settings.

    `options` go to `bvae.training.loop.train`, whose errors it raises. Returns the folder.
    """
    from bvae.training.loop import train

    folder = run.folder(root)
    train(run.settings, folder, resume=stopped_at(run, folder) is not None, root=data_root, **options)
    return folder


def finish(run: ShippedRun, folder: Path, root: Path, data_root: str | None = None) -> None:
    """Fit the sampler of trained weights, evaluate them and keep them, or their record alone, below `root`.

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
    if run.ships_weights:
        checkpoint = read_checkpoint(own)
    # What is known of inventions, and of a model with private latents, is known of what its samplers draw.
    drawn = run.settings.private_dim or run.metrics is None or "inventions" in run.metrics
    if (run.ships_weights or (drawn and not elsewhere)) and sampling.state(checkpoint) != "ready":
        sampling.make(checkpoint, sampling.training_items(run.settings, data_root))
    if run.ships_weights and calibrating.state(checkpoint) in ("missing", "stale"):
        calibrating.make(checkpoint, data_root)
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
        what = {"done": "done", "evaluate": "its sampler or metrics are missing",
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
