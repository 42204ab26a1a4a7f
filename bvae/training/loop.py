"""One training loop for every method, on Lightning Fabric: devices, precision and processes are options."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from bvae.data import MultimodalDataset, dataset
from bvae.data.checks import RANGES
from bvae.gaussians.randomness import BatchGenerator
from bvae.io.locking import locked
from bvae.io.storage import WriteError, write_text
from bvae.models.likelihoods import SUPPORT
from bvae.models.methods import METHODS
from bvae.models.model import MultimodalVAE
from bvae.models.objectives import LossOutput, objective
from bvae.training import resuming
from bvae.training.checkpoint import HISTORY, build_model, save_model
from bvae.training.devices import in_the_type_of_its_weights, make_fabric
from bvae.training.memory import denormals_flushed, memory_kept
from bvae.training.settings import Settings
from bvae.training.state import STATE, read_state
from bvae.training.stopping import StopRequest, TrainingStopped, terminated_as_interrupt

__all__ = ["STATE", "TrainingStopped", "Watched", "make_fabric", "read_state", "terminated_as_interrupt", "train"]

EXPLODED = 10.0
"""A mean loss that is above the best one by so many times the size of the first one is no learning any more."""

COLUMNS = ("step", "epoch", "loss", "reconstruction", "kl", "learning_rate", "items_per_second", "seconds")


BUSY = "wait for it, stop it, or choose another name"


class Watched(NamedTuple):
    """A training between two steps.

    Attributes
    ----------
    step : int
        Finished steps.
    seconds : float
        Of training so far.
    history : list of dict
        Rows of history.csv.
    recent : list of float
        Mean loss, reconstruction and KL since the last row.
    model : MultimodalVAE
        In training mode; to be looked at only.
    """

    step: int
    seconds: float
    history: list[dict[str, Any]]
    recent: list[float]
    model: MultimodalVAE


class TrainingStep(nn.Module):
    """Model and objective as one module, so that Fabric's precision and strategy wrap the whole loss."""

    def __init__(self, model: MultimodalVAE, settings: Settings) -> None:
        super().__init__()
        self.model, self.settings = model, settings
        method = METHODS[settings.method]
        self.objective = objective(method.objective, beta=settings.beta, **method.objective_options)

    def forward(self, x: dict[str, Tensor], present: Tensor, generator: torch.Generator, step: int) -> LossOutput:
        """Loss per item. See `Objective.__call__`."""
        bound = self.objective
        if self.settings.beta_warmup_steps:
            bound = dataclasses.replace(bound, beta=self.settings.beta_at(step))
        return bound(self.model, x, present, generator)


def train(
    settings: Settings,
    folder: Path,
    *,
    resume: bool = False,
    root: str | None = None,
    save_every: float = 60.0,
    progress: bool = True,
    fabric: Fabric | None = None,
    on_step: Callable[[int], None] | None = None,
    watch: Callable[[Watched], None] | None = None,
) -> MultimodalVAE:
    """Train a model and leave a checkpoint in `folder`.

    Parameters
    ----------
    settings : Settings
    folder : Path
        Gets model.safetensors, config.json and history.csv, and while training runs, ``training.safetensors``: all
        that is needed to go on bit for bit (weights, optimiser, counters, generators).
    resume : bool
        Go on from ``training.safetensors``, or, with more steps, from a finished model. The settings must be those
        of that run, up to `steps` and `precision`. What is not exactly as if it had not been stopped is
        said on standard error.
    root : str, optional
        Folder of the data files, for sources that need one.
    save_every : float
        Seconds between saved states.
    progress : bool
        Show a bar with loss, reconstruction, KL, items per second and time left.
    fabric : Fabric, optional
        Devices, strategy and precision, not launched yet; by default see :func:`make_fabric`.
    on_step : callable, optional
        Called with the number of finished steps after each of them.
    watch : callable, optional
        Called with a :class:`Watched` after each step.

    Returns
    -------
    MultimodalVAE
        The trained model, in eval mode.

    Raises
    ------
    TrainingStopped
        On Ctrl-C or SIGTERM, after the state was saved.
    CheckpointError
        If the state to resume from is missing, damaged, or of other settings.
    FloatingPointError
        If the loss is no longer finite, or explodes; the last good state is kept.
    BusyError
        If another process trains in this folder.
    WriteError
        If the disk is full, the folder read-only, and so on; what was saved before is kept.
    """
    fabric = fabric or make_fabric(settings)
    if not os.environ.get("LT_CLI_USED"):  # fabric run has launched it
        fabric.launch()
    folder = Path(folder)
    alone = locked(folder, "training", BUSY) if fabric.is_global_zero else contextlib.nullcontext()
    with alone:
        return _train(settings, folder, fabric, resume, root, save_every, progress, on_step, watch)


def _train(
    settings: Settings, folder: Path, fabric: Fabric, resume: bool, root: str | None, save_every: float,
    progress: bool, on_step: Callable[[int], None] | None, watch: Callable[[Watched], None] | None,
) -> MultimodalVAE:
    options: dict[str, Any] = {"augment": settings.augment} if settings.augment else {}
    data = dataset(settings.dataset, "train", settings.source, **options, **({"root": root} if root else {}))
    cards = [fabric.device] if fabric.device.type == "cuda" else []
    # Networks of others may draw from torch's own generators, which are the user's again afterwards.
    with memory_kept(), denormals_flushed(), torch.random.fork_rng(cards):
        return _Run(settings, folder, data, fabric, watch).go(resume, save_every, progress, on_step)


def check_support(model: MultimodalVAE, data: MultimodalDataset) -> None:
    """Raise ValueError if values of a modality lie where its likelihood is none: the loss would sink without end.

    Looked at are items spread over the split, of kinds that the data set's own check does not know.
    """
    bounded = [name for name, m in model.modalities.items()
               if m.kind not in RANGES and model.likelihood_of(name) in SUPPORT]
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


class _Run:
    def __init__(
        self, settings: Settings, folder: Path, data: MultimodalDataset, fabric: Fabric,
        watch: Callable[[Watched], None] | None = None,
    ) -> None:
        self.watch = watch
        self.settings, self.folder, self.data, self.fabric = settings, folder, data, fabric
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.model = build_model(settings.weigh(list(data.modalities.values())), settings)
        check_support(self.model, data)
        step_module = TrainingStep(self.model, settings)
        optimizer = torch.optim.AdamW(
            step_module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.step_module, self.optimizer = fabric.setup(step_module, optimizer)
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
        self.step, self.seconds, self.cpu_seconds, self.history = 0, 0.0, 0.0, []
        self.sums, self.logged_step = torch.zeros(3, dtype=torch.float64), 0  # since the last row of the history
        self.began = 0  # the step at which the optimiser was new
        self.continued_from: list[dict[str, Any]] = []  # changes of steps, device or precision on the way
        state = self.model.state_dict()  # a mask of infinities may be among the buffers of a network
        self.have_to_be_finite = [n for n in state if state[n].is_floating_point() and bool(state[n].isfinite().all())]
        self.saved_step: int | None = None
        self.whole = True  # between two steps: what is saved is a state from which one goes on exactly

    # -- state ---------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Replace the saved state by this one. See `bvae.training.resuming`."""
        if not self.fabric.is_global_zero:
            return
        resuming.save(self)
        self.saved_step = self.step
        self.write_history()

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

    # -- loop ----------------------------------------------------------------------------------------------------

    def go(
        self, resume: bool, save_every: float, progress: bool, on_step: Callable[[int], None] | None
    ) -> MultimodalVAE:
        if resume:
            resuming.resume(self)
        else:
            resuming.seed_everything_else(self)
        self.remember()
        self.step_module.train()
        bar = tqdm(
            total=self.settings.steps,
            initial=self.step,
            desc=f"{self.settings.dataset} {self.settings.method}",
            unit="step",
            disable=not progress or not self.fabric.is_global_zero,
            dynamic_ncols=True,
        )
        try:
            try:
                with bar, StopRequest() as request:
                    self.loop(save_every, bar, on_step, request)
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
            if not self.good():
                raise self.diverged()
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

    def kept(self) -> str:
        """What is on disk, in words."""
        if self.saved_step is None:
            return "no state had been saved yet"
        return f"the state of step {self.saved_step} is kept in {self.folder / STATE}"

    def loop(
        self, save_every: float, bar: tqdm, on_step: Callable[[int], None] | None, request: StopRequest
    ) -> None:
        s, per_epoch = self.settings, self.data.steps_per_epoch(self.settings.batch_size)
        saved = started = time.perf_counter()
        before, cpu_before = self.seconds, self.cpu_seconds - time.process_time()
        timed_step, timed_at = self.step, started
        own = slice(self.fabric.global_rank, None, self.fabric.world_size)
        while self.step < s.steps:
            epoch, skip = divmod(self.step, per_epoch)
            for batch in self.data.epoch(epoch, s.batch_size, s.seed, self.crops, s.missing, skip, own):
                self.whole = False
                try:
                    self.sums += self.one_step(batch.x, batch.present).cpu()
                except ValueError as error:  # the checks of the aggregator meet NaN before the loss does
                    if self.finite():
                        raise
                    raise self.diverged() from error
                self.step += 1
                self.remember()
                self.whole = True
                now = time.perf_counter()
                self.seconds, self.cpu_seconds = before + now - started, cpu_before + time.process_time()
                bar.update()
                if self.step % per_epoch == 0 or self.step == s.steps:
                    loss, reconstruction, kl = (self.sums / (self.step - self.logged_step)).tolist()
                    rate = (self.step - timed_step) * s.batch_size / (now - timed_at)
                    bar.set_postfix_str(f"loss {loss:.1f}, rec {reconstruction:.1f}, KL {kl:.1f}, {rate:.0f} items/s")
                    row = (self.step, epoch, loss, reconstruction, kl, self.learning_rate_at(self.step - 1), rate,
                           self.seconds)
                    self.history.append({k: float(f"{v:.6g}") if isinstance(v, float) else v
                                         for k, v in zip(COLUMNS, row, strict=True)})
                    if not self.good():
                        raise self.diverged()
                    self.sums, self.logged_step = torch.zeros(3, dtype=torch.float64), self.step
                    timed_step, timed_at = self.step, now
                if now - saved > save_every:
                    if not self.good():
                        raise self.diverged()
                    self.save()
                    saved = now
                if on_step is not None:
                    on_step(self.step)
                if self.watch is not None:
                    recent = (self.sums / max(1, self.step - self.logged_step)).tolist()
                    self.watch(Watched(self.step, self.seconds, self.history, recent, self.model))
                if self.step >= s.steps:
                    break
                request.obey()

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

    def diverged(self) -> FloatingPointError:
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
        return FloatingPointError(
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
        out = self.step_module(x, present, self.noise, self.step)
        # Processes may have one item more or less than others, and their gradients are averaged.
        share = 1.0 if world == 1 else world * present.shape[1] / self.noise.items
        loss = out.loss.mean() if world == 1 else out.loss.mean() * share
        self.fabric.backward(loss)
        self.clip()
        self.optimizer.step()
        means = torch.stack([loss.detach(), out.reconstruction.detach().mean(), out.kl.detach().mean()])
        if world == 1:
            return means
        means[1:] *= share
        return self.fabric.all_reduce(means, reduce_op="mean")

    def clip(self) -> None:
        """Bring the norm of the gradient down to the largest that is allowed."""
        if self.fabric.device.type == "cpu":  # there the norm can be looked at, and most gradients be left alone
            gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
            norm = nn.utils.get_total_norm(gradients)
            if norm + 1e-6 <= self.settings.clip:
                return
            nn.utils.clip_grads_with_norm_(self.model.parameters(), self.settings.clip, norm)
            return
        self.fabric.clip_gradients(self.step_module, self.optimizer, max_norm=self.settings.clip,
                                   error_if_nonfinite=False)
