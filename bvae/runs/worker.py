"""The process that trains a job of :mod:`bvae.runs.jobs`: ``python -m bvae.runs.worker FOLDER LOCK``.

It is started by the app and outlives it. `LOCK` is the number of an open file, the lock of the folder: as long as this
process lives, the job is running.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from bvae.io.compact import shrink
from bvae.io.locking import LOCK
from bvae.io.storage import write_json, write_tensors
from bvae.runs import jobs
from bvae.training.callbacks import Callback

EVERY, SAMPLES_EVERY, SAVE_EVERY = 1.0, 8.0, 20.0  # seconds
ROWS, NUM_SAMPLES = 300, 8


class Reporter(Callback):
    """Writes progress and samples now and then; a disk that does not take them is no reason to stop training.

    Samples are drawn whenever the state is saved, too: however a run ends, its last pictures are those of the step
    that is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
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
                      recent=[float(f"{v:.6g}") for v in now.recent])
            self.told = moment
            try:
                jobs.room(jobs.LIMITS)
            except jobs.JobError as error:  # others write too: better a state that is saved than a disk that is full
                self.full = str(error)
                raise KeyboardInterrupt from None
        if moment - self.drawn > SAMPLES_EVERY:
            self.draw(now.model, now.step)

    def on_save(self, now: Any) -> None:
        """See `Callback.on_save`."""
        if now.step != self.drawn_step:
            self.draw(now.model, now.step)

    def tell(self, phase: str, **facts: Any) -> None:
        """Replace progress.json."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: the loss is not finite, which training says itself
            facts = {k: v for k, v in facts.items() if v is not None}
            write_json(self.folder / jobs.PROGRESS, {"phase": phase, **facts})

    def draw(self, model: Any, step: int) -> None:
        """Samples of the prior, always with the same noise, so that one sees them form."""
        import torch

        was = model.training
        model.eval()
        try:
            with torch.inference_mode(), contextlib.suppress(OSError):
                z = torch.randn(NUM_SAMPLES, model.latent_dim, generator=torch.Generator().manual_seed(0))
                z = z.to(next(model.parameters()).device)
                means = model.decode(z)
                write_tensors(self.folder / jobs.SAMPLES, {k: shrink(v.cpu())[0] for k, v in means.items()},
                              {"step": str(step), "views": ",".join(means)})
        finally:
            model.train(was)
        self.drawn, self.drawn_step = time.monotonic(), step


def work(folder: Path) -> None:
    """Train, publish, evaluate; every way in which it can end is written down."""
    job = jobs.read(folder)
    if job.settings is None:
        raise jobs.JobError(job.message)
    if (folder / jobs.STOP).exists():
        end(folder, "stopped", "Stopped before the first step.")
        return
    from bvae.training.loop import STATE, SaveEvery, TrainingStopped, train

    reporter = Reporter(folder)
    own, published = folder / jobs.MODEL, jobs.own_models() / job.settings.dataset / job.name
    if not own.is_dir() and published.is_dir():  # killed after it was published
        end(folder, "finished", "")
        return
    if not job.progress:
        reporter.tell("preparing", step=0)
    try:
        train(job.settings, own, resume=(own / STATE).is_file(), progress=False,
              callbacks=[SaveEvery(SAVE_EVERY), reporter])
    except TrainingStopped as stopped:
        if reporter.step is not None:  # the last look was a moment ago
            reporter.tell(**{**jobs.read(folder).progress, "step": reporter.step})
        end(folder, "stopped", f"{str(stopped).capitalize()}. {reporter.full}".strip())
        return
    published.parent.mkdir(parents=True, exist_ok=True)
    if published.exists():
        raise jobs.JobError(f"There is a model {job.name!r} of {job.settings.dataset} by now; this one is in {own}.")
    last = jobs.read(folder).progress
    os.rename(own, published)
    end(folder, "finished", "")
    done = {**last, "step": job.settings.steps, "per_step": last.get("per_step")}
    if job.evaluate:
        from bvae.evaluation.evaluation import evaluated
        from bvae.training.checkpoint import METRICS, checkpoints_root, read_checkpoint

        reporter.tell(**{**done, "phase": "evaluating"})
        try:
            write_json(published / METRICS, evaluated(read_checkpoint(published), checkpoints_root()))
        except Exception as error:
            traceback.print_exc()
            end(folder, "finished", f"The model is trained; its metrics could not be computed: {error}")
    reporter.tell(**{**done, "phase": "done"})


def end(folder: Path, state: str, message: str) -> None:
    """The last word; it can be replaced."""
    write_json(folder / jobs.OUTCOME, {"state": state, "message": message})


def main() -> None:
    """See the module."""
    folder = Path(sys.argv[1])
    with contextlib.suppress(OSError, AttributeError):  # Windows has none
        os.nice(19)
    import torch

    torch.set_num_threads(jobs.threads())
    try:
        work(folder)
    except (ValueError, OSError, FloatingPointError, KeyError) as error:  # what a person can mend, said in a sentence
        traceback.print_exc()
        end(folder, "failed", str(error))
    except Exception as error:
        traceback.print_exc()
        end(folder, "failed", f"{type(error).__name__}: {error} (all of it is in {folder / jobs.LOG})")
    finally:
        jobs.start_next(besides=folder.name)
        with contextlib.suppress(OSError):
            (folder / LOCK).unlink()


if __name__ == "__main__":
    main()
