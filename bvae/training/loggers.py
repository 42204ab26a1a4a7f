"""Losses to a logger, step by step: CSV, TensorBoard, Weights & Biases, or any logger of Lightning.

>>> from bvae.training.loggers import Log
>>> callbacks = [Log("tensorboard")]  # of bvae.training.loop.train  # doctest: +SKIP

The packages of TensorBoard and Weights & Biases are no dependencies: ``pip install "bvae[loggers]"``.
"""

from __future__ import annotations

import contextlib
import importlib.util
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bvae.registry import MissingPackage, Registry
from bvae.training.callbacks import Callback

if TYPE_CHECKING:
    from lightning_fabric.loggers.logger import Logger

    from bvae.training.trainer import Trainer

LOGGERS: Registry[Callable[[Path, str], Logger]] = Registry("logger")
"""Name -> how to make one for a folder and the name of a training."""

NEEDS = {"tensorboard": "tensorboard", "wandb": "wandb"}
"""Logger -> the package that it is of."""

NAMES = ("loss", "reconstruction", "kl")


@LOGGERS.register("csv")
def csv(folder: Path, name: str) -> Logger:
    """``metrics.csv`` in a new folder for each time that the training goes on: csv/version_0, version_1, ..."""
    from lightning_fabric.loggers.csv_logs import CSVLogger

    return CSVLogger(folder, name="csv")


@LOGGERS.register("tensorboard")
def tensorboard(folder: Path, name: str) -> Logger:
    """Event files: ``tensorboard --logdir FOLDER``."""
    from lightning_fabric.loggers.tensorboard import TensorBoardLogger

    return TensorBoardLogger(folder, name="tensorboard")


@LOGGERS.register("wandb")
def wandb(folder: Path, name: str) -> Logger:
    """A run of Weights & Biases in the project "bvae"; its own settings, such as WANDB_MODE, are heeded."""
    import wandb as package
    from lightning_fabric.loggers.logger import Logger

    class WeightsAndBiases(Logger):
        def __init__(self) -> None:
            folder.mkdir(parents=True, exist_ok=True)
            self.run = package.init(project="bvae", group=name, dir=str(folder))

        @property
        def name(self) -> str:
            return name

        @property
        def version(self) -> str:
            return str(self.run.id)

        def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
            self.run.config.update(dict(params) if isinstance(params, dict) else vars(params))

        def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
            self.run.log(metrics, step=step)

        def finalize(self, status: str) -> None:
            self.run.finish(exit_code=0 if status == "success" else 1)

    return WeightsAndBiases()


class Log(Callback):
    """Loss, reconstruction, KL and learning rate of steps to a logger, the settings too where it takes them.

    Parameters
    ----------
    logger : str or Logger
        A name of `LOGGERS`, which writes to ``logs`` in the folder of the checkpoint, or a logger of Lightning.
    every : int
        Steps from one entry to the next; the last step has one always.

    Raises
    ------
    UnknownName
        If there is no logger of this name.
    MissingPackage
        If its package is not installed; says how to install it.
    """

    writes: ClassVar[bool] = True

    def __init__(self, logger: str | Logger, every: int = 10) -> None:
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ValueError(f"every: expected a positive integer, got {every!r}")
        self.asked, self.every = logger, every
        if isinstance(logger, str):
            LOGGERS[logger]  # raises for an unknown name
            needed = NEEDS.get(logger)
            spec = importlib.util.find_spec(needed) if needed else None
            if needed and (spec is None or spec.origin is None):  # any folder of this name is found too, without origin
                raise MissingPackage(f"logger {logger!r}: needs the package {needed}, which is not installed; install "
                                     'it with: pip install "bvae[loggers]"')

    def on_start(self, run: Trainer) -> None:
        """See `Callback.on_start`."""
        name = f"{run.settings.dataset}/{run.folder.name}"
        self.logger = LOGGERS[self.asked](run.folder / "logs", name) if isinstance(self.asked, str) else self.asked
        with contextlib.suppress(NotImplementedError):  # CSV: config.json holds them anyway
            self.logger.log_hyperparams(run.settings.as_dict())

    def on_step(self, run: Trainer) -> None:
        """See `Callback.on_step`."""
        if run.step % self.every and run.step != run.settings.steps:
            return
        values = dict(zip(NAMES, run.losses.tolist(), strict=True))
        self.logger.log_metrics({**values, "learning_rate": run.learning_rate_at(run.step - 1)}, run.step)

    def on_end(self, run: Trainer, error: BaseException | None) -> None:
        """See `Callback.on_end`."""
        self.logger.finalize("success" if error is None else "aborted")
