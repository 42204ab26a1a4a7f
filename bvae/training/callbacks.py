"""What happens beside the steps of a training: show, save, watch, stop. Those that log are `bvae.training.loggers`.

A callback gets the `bvae.training.trainer.Trainer` and may look at all of it: `step` (finished steps), `losses` (of
this step), `recent` (means since the last row of the history), `history`, `seconds`, `settings`, `folder`, `model`. It
may call `Trainer.save`, and it stops the training by raising: KeyboardInterrupt as a person does, who gets a saved
state and how to go on; any other error comes through as it is, once the state is saved.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor
from tqdm import tqdm

if TYPE_CHECKING:
    from bvae.training.trainer import Trainer


class Callback:
    """Base of all callbacks: does nothing, everywhere. They are called in their order, ended in the reverse one."""

    writes: ClassVar[bool] = False
    """Whether it writes or shows something: then, of several processes that train together, only the first calls it."""
    kept: ClassVar[str] = ""
    """Under which name a saved state holds what :meth:`to_keep` gives; "" for nothing."""

    def to_keep(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors, and plain values for JSON, that a stopped training needs to go on as if it had not been stopped."""
        return {}, {}

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Take what :meth:`to_keep` gave, before :meth:`on_start`. Raises KeyError or TypeError for anything else."""

    def on_start(self, run: Trainer) -> None:
        """Before the first step, when what was saved has been restored."""

    def on_step(self, run: Trainer) -> None:
        """After each step, between two of which all that is saved belongs together."""

    def on_save(self, run: Trainer) -> None:
        """After a state was saved, in the process that saves."""

    def on_end(self, run: Trainer, error: BaseException | None) -> None:
        """When there are no more steps, all done or broken off by `error`: whatever was started ends here.

        Not called if its own :meth:`on_start` raised.
        """

    def on_finish(self, run: Trainer) -> None:
        """When the checkpoint is complete, in the process that writes it."""


class OnStep(Callback):
    """Calls a function after each step.

    Parameters
    ----------
    function : callable
        Of the trainer.
    """

    def __init__(self, function: Callable[[Trainer], object]) -> None:
        self.function = function

    def on_step(self, run: Trainer) -> None:
        """See `Callback.on_step`."""
        self.function(run)


class SaveEvery(Callback):
    """Saves the state now and then.

    Parameters
    ----------
    seconds : float
        Between two states; 0 saves after each step.
    """

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds
        self.saved = 0.0

    def on_start(self, run: Trainer) -> None:
        """See `Callback.on_start`."""
        self.saved = time.perf_counter()

    def on_step(self, run: Trainer) -> None:
        """See `Callback.on_step`."""
        now = time.perf_counter()
        if now - self.saved > self.seconds:
            run.save()
            self.saved = now


class ProgressBar(Callback):
    """A bar on standard error with loss, reconstruction, KL, items per second and time left."""

    writes: ClassVar[bool] = True

    def on_start(self, run: Trainer) -> None:
        """See `Callback.on_start`."""
        s = run.settings
        self.rows = len(run.history)
        self.bar = tqdm(total=s.steps, initial=run.step, desc=f"{s.dataset} {s.method}", unit="step",
                        dynamic_ncols=True)

    def on_step(self, run: Trainer) -> None:
        """See `Callback.on_step`."""
        self.bar.update()
        if len(run.history) > self.rows:
            self.rows, row = len(run.history), run.history[-1]
            self.bar.set_postfix_str(f"loss {row['loss']:.1f}, rec {row['reconstruction']:.1f}, KL {row['kl']:.1f}, "
                                     f"{row['items_per_second']:.0f} items/s")

    def on_end(self, run: Trainer, error: BaseException | None) -> None:
        """See `Callback.on_end`."""
        self.bar.close()
