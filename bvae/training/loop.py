"""One training loop for every method, on Lightning Fabric: devices, precision and processes are options."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from bvae.data import MultimodalDataset, dataset
from bvae.methods import METHODS
from bvae.model import MultimodalVAE
from bvae.objectives import LossOutput, objective
from bvae.randomness import BatchGenerator
from bvae.storage import read_tensors_and_metadata, write_atomically, write_tensors
from bvae.training.checkpoint import HISTORY, CheckpointError, build_model, save_model
from bvae.training.memory import memory_kept
from bvae.training.settings import Settings

STATE = "training.safetensors"
COLUMNS = ("step", "epoch", "loss", "reconstruction", "kl", "learning_rate", "items_per_second", "seconds")


class TrainingStopped(KeyboardInterrupt):
    """The user stopped the run; its state is on disk."""


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


def automatic_precision() -> str:
    """bfloat16 autocast where the hardware computes in it, else float32."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    return "bf16-mixed" if torch.cpu.get_capabilities().get("avx512_bf16") else "32-true"


def make_fabric(
    settings: Settings, accelerator: str = "auto", devices: int | None = None, strategy: str = "auto",
    nodes: int | None = None,
) -> Fabric:
    """Fabric for a run, with the precision of its settings. See `lightning_fabric.Fabric` for the others.

    Devices are those of a machine, nodes the machines. By default it is one of each, or what ``torchrun`` or
    ``fabric run`` started this process for.
    """
    precision = automatic_precision() if settings.precision == "auto" else settings.precision
    if devices is None and os.environ.get("LT_CLI_USED"):  # fabric run says the rest itself
        chosen = None if settings.precision == "auto" and "LT_PRECISION" in os.environ else precision
        return Fabric(accelerator=accelerator, strategy=strategy, precision=chosen)
    if devices is None and "TORCHELASTIC_RUN_ID" in os.environ:
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
        strategy = "ddp" if strategy == "auto" and devices * nodes > 1 else strategy
    return Fabric(accelerator=accelerator, devices=devices or 1, num_nodes=nodes or 1, strategy=strategy,
                  precision=precision)


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
) -> MultimodalVAE:
    """Train a model and leave a checkpoint in `folder`.

    Parameters
    ----------
    settings : Settings
    folder : Path
        Gets model.safetensors, config.json and history.csv, and while training runs, ``training.safetensors``: all
        that is needed to go on bit for bit (weights, optimiser, counters, generators).
    resume : bool
        Go on from ``training.safetensors``. The settings must be those of the stopped run.
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
        If the loss is no longer finite; the last saved state is kept.
    """
    fabric = fabric or make_fabric(settings)
    if not os.environ.get("LT_CLI_USED"):  # fabric run has launched it
        fabric.launch()
    options: dict[str, Any] = {"augment": settings.augment} if settings.augment else {}
    data = dataset(settings.dataset, "train", settings.source, **options, **({"root": root} if root else {}))
    with memory_kept():
        return _Run(settings, Path(folder), data, fabric).go(resume, save_every, progress, on_step)


class _Run:
    def __init__(self, settings: Settings, folder: Path, data: MultimodalDataset, fabric: Fabric) -> None:
        self.settings, self.folder, self.data, self.fabric = settings, folder, data, fabric
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.model = build_model(tuple(data.modalities.values()), settings)
        step_module = TrainingStep(self.model, settings)
        optimizer = torch.optim.AdamW(
            step_module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.step_module, self.optimizer = fabric.setup(step_module, optimizer)
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

    # -- state ---------------------------------------------------------------------------------------------------

    def save(self) -> None:
        if not self.fabric.is_global_zero:
            return
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for i, state in self.optimizer.state_dict()["state"].items():
            tensors.update({f"optimizer.{i}.{key}": value for key, value in state.items()})
        tensors["generator.crops"] = self.crops_at_step
        tensors["generator.noise"] = self.noise_at_step
        progress = {"step": self.step, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds,
                    "history": self.history,
                    "sums": self.sums.tolist(), "logged_step": self.logged_step}
        metadata = {"progress": json.dumps(progress), "settings": json.dumps(self.settings.as_dict())}
        write_tensors(self.folder / STATE, tensors, metadata)
        self.write_history()

    def restore(self) -> None:
        path = self.folder / STATE
        if not path.is_file():
            raise CheckpointError(f"{path}: nothing to resume; start without --resume")
        tensors, metadata = read_tensors_and_metadata(path)
        try:
            progress, stored = json.loads(metadata["progress"]), json.loads(metadata["settings"])
            mine = self.settings.as_dict()
            for key in {**stored, **mine}:
                if stored.get(key) != mine.get(key):
                    raise CheckpointError(
                        f"{path}: was trained with {key} = {stored.get(key)!r}, not {mine.get(key)!r}; "
                        "resume with the same settings, or start again without --resume"
                    )
            self.model.load_state_dict(
                {name[6:]: value for name, value in tensors.items() if name.startswith("model.")}
            )
            state: dict[int, dict[str, Tensor]] = {}
            parameters = list(self.step_module.parameters())
            for name, value in tensors.items():
                if name.startswith("optimizer."):
                    _, i, key = name.split(".")
                    # The layout (channels_last) of the parameter, as in the run that was stopped.
                    like = parameters[int(i)] if value.shape == parameters[int(i)].shape else value
                    state.setdefault(int(i), {})[key] = torch.empty_like(like, dtype=value.dtype).copy_(value)
            groups = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict({"state": state, "param_groups": groups})
            self.crops.set_state(tensors["generator.crops"])
            self.noise.set_state(tensors["generator.noise"])
            self.step, self.seconds = progress["step"], progress["seconds"]
            self.cpu_seconds = progress["cpu_seconds"]
            self.history, self.logged_step = progress["history"], progress["logged_step"]
            self.sums = torch.tensor(progress["sums"], dtype=torch.float64)
        except (KeyError, RuntimeError, IndexError, json.JSONDecodeError) as error:
            raise CheckpointError(f"{path}: damaged, or of another model ({error})") from error

    def remember(self) -> None:
        """Keep the generators' states of this step boundary: the next batch may be under way when we save."""
        self.crops_at_step, self.noise_at_step = self.crops.get_state(), self.noise.get_state()

    def write_history(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.history)
        write_atomically(self.folder / HISTORY, lambda path: path.write_text(text.getvalue(), encoding="utf-8"))

    # -- loop ----------------------------------------------------------------------------------------------------

    def go(
        self, resume: bool, save_every: float, progress: bool, on_step: Callable[[int], None] | None
    ) -> MultimodalVAE:
        if resume:
            self.restore()
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
            with bar, terminated_as_interrupt():
                self.loop(save_every, bar, on_step)
        except KeyboardInterrupt:
            self.save()
            raise TrainingStopped(f"stopped after step {self.step} of {self.settings.steps}") from None
        if self.fabric.is_global_zero:
            self.write_history()
            facts = {"seconds": round(self.seconds, 1), "cpu_seconds": round(self.cpu_seconds, 1),
                     "threads": torch.get_num_threads(), "device": self.fabric.device.type, "items": len(self.data),
                     "precision": str(self.fabric._precision.precision)}
            save_model(self.folder, self.model, self.settings, facts)
            (self.folder / STATE).unlink(missing_ok=True)
        return self.model.eval()

    def loop(self, save_every: float, bar: tqdm, on_step: Callable[[int], None] | None) -> None:
        s, per_epoch = self.settings, self.data.steps_per_epoch(self.settings.batch_size)
        saved = started = time.perf_counter()
        before, cpu_before = self.seconds, self.cpu_seconds - time.process_time()
        timed_step, timed_at = self.step, started
        own = slice(self.fabric.global_rank, None, self.fabric.world_size)
        while self.step < s.steps:
            epoch, skip = divmod(self.step, per_epoch)
            for batch in self.data.epoch(epoch, s.batch_size, s.seed, self.crops, s.missing, skip, own):
                try:
                    self.sums += self.one_step(batch.x, batch.present).cpu()
                except ValueError as error:  # the checks of the aggregator meet NaN before the loss does
                    if self.finite():
                        raise
                    raise self.diverged() from error
                self.step += 1
                self.remember()
                now = time.perf_counter()
                self.seconds, self.cpu_seconds = before + now - started, cpu_before + time.process_time()
                bar.update()
                if self.step % per_epoch == 0 or self.step == s.steps:
                    loss, reconstruction, kl = (self.sums / (self.step - self.logged_step)).tolist()
                    rate = (self.step - timed_step) * s.batch_size / (now - timed_at)
                    bar.set_postfix_str(f"loss {loss:.1f}, rec {reconstruction:.1f}, KL {kl:.1f}, {rate:.0f} items/s")
                    row = (self.step, epoch, loss, reconstruction, kl, s.learning_rate_at(self.step - 1), rate,
                           self.seconds)
                    self.history.append({k: float(f"{v:.6g}") if isinstance(v, float) else v
                                         for k, v in zip(COLUMNS, row, strict=True)})
                    if not torch.isfinite(self.sums).all():
                        raise self.diverged()
                    self.sums, self.logged_step = torch.zeros(3, dtype=torch.float64), self.step
                    timed_step, timed_at = self.step, now
                if now - saved > save_every and torch.isfinite(self.sums).all():
                    self.save()
                    saved = now
                if on_step is not None:
                    on_step(self.step)
                if self.step >= s.steps:
                    break

    def finite(self) -> bool:
        """Whether all parameters are finite."""
        return all(bool(torch.isfinite(p).all()) for p in self.model.parameters())

    def diverged(self) -> FloatingPointError:
        """What happened and what to try."""
        return FloatingPointError(
            f"the loss is not finite any more at step {self.step}; the last saved state is kept in {self.folder}. "
            f"Try a lower learning rate (now {self.settings.learning_rate:g}) or --precision 32-true"
        )

    def one_step(self, x: dict[str, Tensor], present: Tensor) -> Tensor:
        """One update with the items of this process; the means of loss, reconstruction and KL over all, (3,)."""
        world = self.fabric.world_size
        x = {name: values.to(self.fabric.device) for name, values in x.items()}
        present = present.to(self.fabric.device)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate_at(self.step)
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


@contextlib.contextmanager
def terminated_as_interrupt() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt too, where handlers can be set (the main thread)."""

    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    try:
        previous = signal.signal(signal.SIGTERM, stop)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
