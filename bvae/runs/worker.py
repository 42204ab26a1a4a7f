"""The process that trains a job of :mod:`bvae.runs.jobs`: ``python -m bvae.runs.worker FOLDER LOCK``.

It is started by the app and outlives it. `LOCK` is the number of an open file, the lock of the folder: as long as this
process lives, the job is running.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bvae.io.compact import shrink
from bvae.io.locking import LOCK
from bvae.io.storage import write_json, write_tensors
from bvae.runs import jobs, limits, queue
from bvae.training.callbacks import Callback

if TYPE_CHECKING:
    from bvae.training.settings import Settings

EVERY, SAMPLES_EVERY, SAVE_EVERY = 1.0, 8.0, 20.0  # seconds
ROWS, NUM_SAMPLES = 300, 8


class Reporter(Callback):
    """Writes progress and samples now and then; a disk that does not take them is no reason to stop training.

    Samples are drawn whenever the state is saved, too: however a run ends, its last pictures are those of the step
    that is kept.
    """

    def __init__(self, folder: Path) -> None:
        from bvae.runs.live_map import LiveMap

        self.folder = folder
        self.map = LiveMap(folder / jobs.MAP)
        self.best_step: int | None = None
        self.told = self.drawn = -1e9
        self.first: tuple[int, float] | None = None
        self.step: int | None = None
        self.drawn_step: int | None = None
        self.full = ""

    def on_step(self, now: Any) -> None:
        """See `Callback.on_step`."""
        moment = time.monotonic()
        self.first, self.step = self.first or (now.step - 1, now.seconds), now.step
        if moment - self.told > EVERY:
            steps = now.step - self.first[0]
            per_step = (now.seconds - self.first[1]) / (steps - 1) if steps > 1 else None
            rows = now.history[:: max(1, len(now.history) // ROWS)]
            self.tell("training", step=now.step, seconds=round(now.seconds, 2), per_step=per_step,
                      history=[{k: row[k] for k in ("step", "loss", "reconstruction", "kl")} for row in rows],
                      recent=[float(f"{v:.6g}") for v in now.recent], validation=self.validation(now))
            self.told = moment
            try:
                limits.room(limits.LIMITS)
            except jobs.JobError as error:  # others write too: better a state that is saved than a disk that is full
                self.full = str(error)
                raise KeyboardInterrupt from None
        if moment - self.drawn > SAMPLES_EVERY:
            self.draw(now)

    def on_save(self, now: Any) -> None:
        """See `Callback.on_save`."""
        if now.step != self.drawn_step:
            self.draw(now)

    def on_finish(self, now: Any) -> None:
        """See `Callback.on_finish`."""
        from bvae.training.validation import KeepBest

        self.best_step = next((c.best_step for c in now.callbacks if isinstance(c, KeepBest)), None)
        if self.best_step not in (None, self.drawn_step):  # the state that is left is not the last one
            self.draw(now, self.best_step)

    @staticmethod
    def validation(now: Any) -> list[tuple[int, float]] | None:
        """Step and loss over the items that are kept from the training; None where none are."""
        from bvae.training.validation import KeepBest

        return next(([(step, float(f"{loss:.6g}")) for step, loss in c.losses] for c in now.callbacks
                     if isinstance(c, KeepBest)), None)

    def tell(self, phase: str, **facts: Any) -> None:
        """Replace progress.json."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: the loss is not finite, which training says itself
            facts = {k: v for k, v in facts.items() if v is not None}
            write_json(self.folder / jobs.PROGRESS, {"phase": phase, **facts})

    def draw(self, now: Any, step: int | None = None) -> None:
        """Samples of the prior, always with the same noise, so that one sees them form; and the map.

        `step`: that of the model's state, by default the last one.
        """
        import torch

        model, step = now.model, now.step if step is None else step
        was = model.training
        model.eval()
        try:
            with torch.inference_mode(), contextlib.suppress(OSError):
                z = torch.randn(NUM_SAMPLES, model.latent_dim, generator=torch.Generator().manual_seed(0))
                z = z.to(next(model.parameters()).device)
                means = model.decode(z)
                write_tensors(self.folder / jobs.SAMPLES, {k: shrink(v.cpu())[0] for k, v in means.items()},
                              {"step": str(step), "views": ",".join(means)})
                self.map.draw(model, now.data)
        finally:
            model.train(was)
        self.drawn, self.drawn_step = time.monotonic(), step


def work(folder: Path) -> None:
    """Train, publish, evaluate; every way in which it can end is written down."""
    jobs.open_data()
    job = jobs.read(folder)
    if job.settings is None:
        raise jobs.JobError(job.message)
    if (folder / jobs.STOP).exists():
        end(folder, "stopped", "Stopped before the first step.")
        return
    from bvae.training.loop import STATE, SaveEvery, TrainingStopped, train

    reporter = Reporter(folder)
    own, published = folder / jobs.MODEL, job.published
    if not own.is_dir() and published.is_dir():  # killed after it was published, or its metrics are wanted now
        end(folder, "finished", job.message)
        fit_the_rest(published)
        evaluate(job, reporter)
        return
    if not job.progress:
        reporter.tell("preparing", step=0)
    try:
        settings = in_time(job)
    except TrainingStopped:
        end(folder, "stopped", "Stopped before the first step.")
        return
    try:
        train(settings, own, resume=(own / STATE).is_file(), progress=False,
              callbacks=[SaveEvery(SAVE_EVERY), reporter])
    except TrainingStopped as stopped:
        if reporter.step is not None:  # the last look was a moment ago
            reporter.tell(**{**jobs.read(folder).progress, "step": reporter.step})
        end(folder, "stopped", f"{str(stopped).capitalize()}. {reporter.full}".strip())
        return
    published.parent.mkdir(parents=True, exist_ok=True)
    if published.exists():
        raise jobs.JobError(f"There is a model {job.name!r} of {job.settings.dataset} by now; this one is in {own}.")
    move(own, published)
    fit_the_rest(published)
    last = reporter.step if reporter.step is not None else settings.steps
    early = "" if last >= settings.steps else (
        f"It stopped early, after step {last:,} of {settings.steps:,}: on the items that are kept from the training it "
        "got no better. ")
    best = reporter.best_step
    left = "" if best in (None, last) else f"The best state is left, that of step {best:,}."
    end(folder, "finished", f"{early}{left}".strip())
    reporter.tell(**{**job.progress, **jobs.read(folder).progress, "phase": "done", "step": last})
    evaluate(jobs.read(folder), reporter)


def fit_the_rest(published: Path) -> None:
    """Fit a model's sampler, and calibrate its intervals; what is wrong goes to the log."""
    from bvae.training import calibrating, sampling

    for fitted in (sampling, calibrating):
        if problem := fitted.after_training(published):
            print(problem, flush=True)


def in_time(job: jobs.Job) -> Settings:
    """The settings of a job, with the steps that fit into its time; they are found once, and kept."""
    from bvae.data import dataset
    from bvae.data.own import OwnData
    from bvae.training.sizing import within

    assert job.settings is not None
    if job.time is None or (job.folder / jobs.FITTED).exists():
        return job.settings
    data = dataset(job.settings.dataset, "train", job.settings.source)
    if not isinstance(data, OwnData):
        return job.settings
    settings, _ = within(data, job.settings, job.time)
    write_json(job.folder / jobs.FITTED, {"steps": settings.steps, "warmup_steps": settings.warmup_steps})
    return settings


def move(own: Path, published: Path) -> None:
    """A finished model to its place, whole or not at all, also to another disk."""
    try:
        os.rename(own, published)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        partial = published.with_name(f".{published.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(own, partial)
        os.rename(partial, published)
        shutil.rmtree(own)


def evaluate(job: jobs.Job, reporter: Reporter) -> None:
    """Compute the metrics of a published model, if that is wanted and not done yet."""
    if not job.evaluate or job.evaluated:
        return
    from bvae.evaluation.evaluation import evaluated
    from bvae.training.checkpoint import METRICS, checkpoints_root, read_checkpoint

    reporter.tell(**{**job.progress, "phase": "evaluating"})
    try:
        write_json(job.published / METRICS, evaluated(read_checkpoint(job.published), checkpoints_root()))
    except Exception as error:
        traceback.print_exc()
        end(job.folder, "finished", f"The model is trained; its metrics could not be computed: {error}")
    reporter.tell(**{**job.progress, "phase": "done"})


def end(folder: Path, state: str, message: str) -> None:
    """The last word; it can be replaced."""
    write_json(folder / jobs.OUTCOME, {"state": state, "message": message})


def main() -> None:
    """See the module."""
    folder = Path(sys.argv[1])
    with contextlib.suppress(OSError, AttributeError):  # Windows has none
        os.nice(19)
    import torch

    torch.set_num_threads(queue.threads())
    try:
        work(folder)
    except (ValueError, OSError, FloatingPointError, KeyError) as error:  # what a person can mend, said in a sentence
        traceback.print_exc()
        end(folder, "failed", str(error))
    except Exception as error:
        traceback.print_exc()
        end(folder, "failed", f"{type(error).__name__}: {error} (all of it is in {folder / jobs.LOG})")
    finally:
        queue.start_next(besides=folder.name)
        with contextlib.suppress(OSError):
            (folder / LOCK).unlink()


if __name__ == "__main__":
    main()
