"""A training: model, data, optimiser and counters, and what is done with them until the checkpoint is complete."""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from bvae.data import MultimodalDataset
from bvae.data.checks import RANGES
from bvae.gaussians.randomness import BatchGenerator
from bvae.io.storage import WriteError, write_text
from bvae.models.likelihoods import SUPPORT
from bvae.models.vae import MultimodalVAE
from bvae.training import resuming
from bvae.training.callbacks import Callback
from bvae.training.checkpoint import HISTORY, build_model, save_model
from bvae.training.devices import in_the_type_of_its_weights
from bvae.training.settings import Settings
from bvae.training.state import STATE
from bvae.training.step import TrainingStep, clip
from bvae.training.stopping import TrainingStopped
from bvae.validation import NotFiniteError

EXPLODED = 10.0
"""A mean loss that is above the best one by so many times the size of the first one is no learning any more."""

COLUMNS = ("step", "epoch", "loss", "reconstruction", "kl", "learning_rate", "items_per_second", "seconds")


class Diverged(FloatingPointError):
    """Loss or parameters are no longer finite, or the loss has exploded; the text says what is kept and what to try."""


def check_support(model: MultimodalVAE, data: MultimodalDataset) -> None:
    """Raise ValueError if values of a modality lie where its likelihood is none: the loss would sink without end.

    Looked at are items spread over the split, of kinds that the data set's own check does not know.
    """
    bounded = [name for name, m in model.modalities.items()
               if m.kind not in RANGES and not m.columns and model.likelihood_of(name) in SUPPORT]
    if not bounded:
        return
    some = torch.linspace(0, len(data) - 1, min(len(data), 2000)).long()
    for m, (name, values) in enumerate(data.subset(some).items()):
        if name not in bounded:
            continue
        likelihood = model.likelihood_of(name)
        low, high = SUPPORT[likelihood]
        there = data.present_in(some)
        seen = values if there is None else values[there[m]]
        if seen.numel() and (float(seen.min()) < low or float(seen.max()) > high):
            raise ValueError(f"modality {name!r}: expected numbers in [{low:g}, {high:g}] for the likelihood "
                             f"{likelihood!r}, got {float(seen.min()):g} to {float(seen.max()):g}; bring them there, "
                             "or choose another --likelihood")


class Trainer:
    """One training run; what callbacks look at.

    Parameters
    ----------
    settings : Settings
    folder : Path
        Of the checkpoint.
    data : MultimodalDataset
    fabric : Fabric
        Launched.
    callbacks : sequence of Callback

    Attributes
    ----------
    step : int
        Finished steps.
    seconds, cpu_seconds : float
        Of training so far.
    history : list of dict
        Rows of history.csv.
    enough : bool
        A callback sets it to end the training here, as if this had been its last step.
    losses : Tensor
        (3,) means over the batch of the last step: loss, reconstruction, KL.
    model : MultimodalVAE
        In training mode; to be looked at only.
    """

    def __init__(
        self, settings: Settings, folder: Path, data: MultimodalDataset, fabric: Fabric,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.callbacks = [c for c in callbacks if fabric.is_global_zero or not c.writes]
        self.settings, self.folder, self.data, self.fabric = settings, folder, data, fabric
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.model = build_model(settings.weigh(list(data.modalities.values())), settings)
        check_support(self.model, data)
        self.model.observe(data)
        step_module = TrainingStep(self.model, settings)
        optimizer = torch.optim.AdamW(
            step_module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.step_module, self.optimizer = fabric.setup(step_module, optimizer)
        # One process on a CPU in float32: Fabric's wrapper has nothing to convert, but a look at all that passes it.
        alone = (fabric.world_size, fabric.device.type, str(fabric._precision.precision)) == (1, "cpu", "32-true")
        self.loss_of = step_module if alone else self.step_module
        if next(self.model.parameters()).dtype != torch.float32:  # bf16-true, 64-true: posteriors stay in float32
            for network in (*self.model.encoders.values(), *self.model.decoders.values()):
                network.register_forward_pre_hook(in_the_type_of_its_weights)
        self.crops = torch.Generator().manual_seed(settings.seed + 1)  # fresh views; on the CPU, where the data are
        self.noise = BatchGenerator(fabric.device)  # the same on all processes: noise belongs to the items
        self.noise.manual_seed(settings.seed + 2)
        self.noise.rank, self.noise.world = fabric.global_rank, fabric.world_size
        self.noise.items = min(settings.batch_size, len(data))
        if self.noise.items < fabric.world_size:
            raise ValueError(f"batch_size: expected at least one item for each of {fabric.world_size} processes, got "
                             f"{self.noise.items}")
        self.step, self.seconds, self.cpu_seconds = 0, 0.0, 0.0
        self.enough = False  # a callback may end the training before its last step, as if that had been it
        self.history: list[dict[str, Any]] = []
        self.sums, self.logged_step = torch.zeros(3, dtype=torch.float64), 0  # since the last row of the history
        self.losses = torch.full((3,), math.nan)
        self.began = 0  # the step at which the optimiser was new
        self.continued_from: list[dict[str, Any]] = []  # changes of steps, device or precision on the way
        state = self.model.state_dict()  # a mask of infinities may be among the buffers of a network
        self.have_to_be_finite = [n for n in state if state[n].is_floating_point() and bool(state[n].isfinite().all())]
        self.saved_step: int | None = None
        self.whole = True  # between two steps: what is saved is a state from which one goes on exactly

    # -- state ---------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Replace the saved state by this one, see `bvae.training.resuming`; raises Diverged if it is no good one."""
        if not self.good():
            raise self.diverged()
        if not self.fabric.is_global_zero:
            return
        resuming.save(self)
        self.saved_step = self.step
        self.write_history()
        self.call("on_save")

    def remember(self) -> None:
        """Keep the generators' states of this step boundary: the next batch may be under way when we save."""
        self.generators_at_step = resuming.remembered(self)

    def learning_rate_at(self, step: int) -> float:
        """That of the settings; a new optimiser in the middle of a run is warmed up as one at its beginning."""
        since, warm = step - self.began + 1, self.settings.warmup_steps
        rate = self.settings.learning_rate_at(step)
        return rate * since / warm if self.began and since < warm else rate

    def write_history(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.history)
        write_text(self.folder / HISTORY, text.getvalue())

    # -- callbacks -----------------------------------------------------------------------------------------------

    def call(self, hook: str) -> None:
        """A hook of all callbacks. An error of one of them comes through, with a note that says what is kept."""
        try:
            for callback in self.callbacks:
                getattr(callback, hook)(self)
        except (Diverged, WriteError):  # of a state that was to be saved; they say it themselves
            raise
        except Exception as error:
            if hook == "on_step" and self.step != self.saved_step and self.good():
                with contextlib.suppress(WriteError):
                    self.save()
            kept = "the checkpoint is complete" if hook == "on_finish" else self.kept()
            note = f"a callback has stopped the training at step {self.step} of {self.settings.steps}: {kept}"
            if note not in getattr(error, "__notes__", ()):
                error.add_note(note)
            raise

    def started(self) -> contextlib.ExitStack:
        """Start all callbacks; they end when this is left, in the reverse order, however it is left."""

        def end(callback: Callback, kind: type | None, error: BaseException | None, traceback: object) -> None:
            callback.on_end(self, error)

        with contextlib.ExitStack() as ends:
            for callback in self.callbacks:
                callback.on_start(self)
                ends.push(functools.partial(end, callback))
            return ends.pop_all()

    @property
    def recent(self) -> list[float]:
        """Mean loss, reconstruction and KL since the last row of the history."""
        return (self.sums / max(1, self.step - self.logged_step)).tolist()

    # -- loop ----------------------------------------------------------------------------------------------------

    def go(self, resume: bool) -> MultimodalVAE:
        """Train until the checkpoint is complete; the model, in eval mode."""
        if resume:
            resuming.resume(self)
        else:
            resuming.seed_everything_else(self)
        self.remember()
        self.step_module.train()
        try:
            try:
                with self.started():
                    self.loop()
                if self.fabric.is_global_zero:
                    self.finish()
            except KeyboardInterrupt:
                raise self.stopped() from None
        except WriteError as error:
            raise WriteError(error.path, error, f"training stopped at step {self.step}: {self.kept()}. Make room, or "
                                                "mend what is wrong, and go on with --resume") from error
        return self.model.eval()

    def stopped(self) -> TrainingStopped:
        """Save where the user stops the run, unless it is in the middle of a step; raises if it has diverged."""
        if not self.whole:
            return TrainingStopped(f"stopped within step {self.step + 1}: {self.kept()}")
        if self.step != self.saved_step:
            self.save()
        return TrainingStopped(f"stopped after step {self.step} of {self.settings.steps}; everything is saved")

    def finish(self) -> None:
        """The checkpoint, complete; a kill on the way leaves the last state, with which one goes on."""
        if self.saved_step != self.step:
            self.save()
        self.write_history()
        facts = {"seconds": round(self.seconds, 1), "cpu_seconds": round(self.cpu_seconds, 1),
                 "threads": torch.get_num_threads(), "device": self.fabric.device.type, "items": len(self.data),
                 "precision": resuming.precision(self)}
        if self.continued_from:
            facts["continued_from"] = self.continued_from
        save_model(self.folder, self.model, self.settings, facts)
        (self.folder / STATE).unlink(missing_ok=True)
        self.call("on_finish")

    def kept(self) -> str:
        """What is on disk, in words."""
        if self.saved_step is None:
            return "no state had been saved yet"
        return f"the state of step {self.saved_step} is kept in {self.folder / STATE}"

    def loop(self) -> None:
        """All steps that are left."""
        s, per_epoch = self.settings, self.data.steps_per_epoch(self.settings.batch_size)
        started = time.perf_counter()
        before, cpu_before = self.seconds, self.cpu_seconds - time.process_time()
        self.timed = self.step, started
        own = slice(self.fabric.global_rank, None, self.fabric.world_size)
        while self.step < s.steps and not self.enough:
            epoch, skip = divmod(self.step, per_epoch)
            for batch in self.data.epoch(epoch, s.batch_size, s.seed, self.crops, s.missing, skip, own):
                self.whole = False
                try:
                    self.losses = self.one_step(batch.x, batch.present).cpu()
                except NotFiniteError as error:  # the checks of the aggregator meet NaN before the loss does
                    if self.finite():
                        raise
                    raise self.diverged() from error
                self.sums += self.losses
                self.step += 1
                self.remember()
                self.whole = True
                now = time.perf_counter()
                self.seconds, self.cpu_seconds = before + now - started, cpu_before + time.process_time()
                if self.step % per_epoch == 0 or self.step == s.steps:
                    self.end_row(epoch, now)
                self.call("on_step")
                if self.enough and self.step != self.logged_step:
                    self.end_row(epoch, now)
                if self.step >= s.steps or self.enough:
                    break

    def end_row(self, epoch: int, now: float) -> None:
        """Complete a row of the history; raises Diverged."""
        loss, reconstruction, kl = self.recent
        rate = (self.step - self.timed[0]) * self.settings.batch_size / (now - self.timed[1])
        row = (self.step, epoch, loss, reconstruction, kl, self.learning_rate_at(self.step - 1), rate, self.seconds)
        self.history.append({k: float(f"{v:.6g}") if isinstance(v, float) else v
                             for k, v in zip(COLUMNS, row, strict=True)})
        if not self.good():
            raise self.diverged()
        self.sums, self.logged_step = torch.zeros(3, dtype=torch.float64), self.step
        self.timed = self.step, now

    def finite(self) -> bool:
        """Whether parameters, and statistics such as those of batch norm, are finite."""
        state = self.model.state_dict()
        return all(bool(torch.isfinite(state[name]).all()) for name in self.have_to_be_finite)

    def good(self) -> bool:
        """Whether loss and parameters are finite, and the loss is not far above what it was."""
        count = self.step - self.logged_step
        mean = self.sums[0].item() / count if count else 0.0
        return bool(torch.isfinite(self.sums).all()) and self.finite() and not (count and self.exploded(mean))

    def exploded(self, mean: float) -> bool:
        """Whether a mean loss is beyond all that was seen. See :data:`EXPLODED`."""
        before = [row["loss"] for row in self.history if row["step"] < self.step and math.isfinite(row["loss"])]
        if not before:
            return False
        best = min(before)
        return mean - best > EXPLODED * max(abs(before[0]), abs(best), 1.0)

    def diverged(self) -> Diverged:
        """What happened, what is kept, and what to try."""
        s = self.settings
        finite = bool(torch.isfinite(self.sums).all()) and self.finite()
        count = max(1, self.step - self.logged_step)
        what = (f"the loss has exploded, to {self.sums[0].item() / count:.3g} on average," if finite else
                "the loss is not finite any more")
        tries = [f"a lower learning rate (--learning-rate {s.learning_rate / 10:g})",
                 f"a longer warm-up (--warmup-steps {max(100, 2 * s.warmup_steps)})",
                 f"a smaller gradient norm (--clip {s.clip / 10:g})"]
        if str(self.fabric._precision.precision) != "32-true":
            tries.append("--precision 32-true")
        return Diverged(
            f"{what} at step {self.step}, learning rate {self.learning_rate_at(max(0, self.step - 1)):.3g}; "
            f"{self.kept()}. Try a lower learning rate first: " + ", or ".join(tries)
        )

    def one_step(self, x: dict[str, Tensor], present: Tensor) -> Tensor:
        """One update with the items of this process; the means of loss, reconstruction and KL over all, (3,)."""
        world = self.fabric.world_size
        x = {name: values.to(self.fabric.device) for name, values in x.items()}
        present = present.to(self.fabric.device)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate_at(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        out = self.loss_of(x, present, self.noise, self.step)
        # Processes may have one item more or less than others, and their gradients are averaged.
        share = 1.0 if world == 1 else world * present.shape[1] / self.noise.items
        loss = out.loss.mean() if world == 1 else out.loss.mean() * share
        self.fabric.backward(loss)
        clip(self.fabric, self.step_module, self.optimizer, self.settings.clip)
        self.optimizer.step()
        means = torch.stack([loss.detach(), out.reconstruction.detach().mean(), out.kl.detach().mean()])
        if world == 1:
            return means
        means[1:] *= share
        together: Any = self.fabric.all_reduce(means, reduce_op="mean")
        return together
