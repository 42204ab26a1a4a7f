"""Ctrl-C and SIGTERM: training ends between two steps, so that its state is exact."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bvae.training.callbacks import Callback

if TYPE_CHECKING:
    from bvae.training.trainer import Trainer

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))
"""Those that ask for an end; SIGBREAK is Ctrl-Break on Windows, which has no other for processes of a group."""


class TrainingStopped(KeyboardInterrupt):
    """The user stopped the run; the text says what is on disk."""


class StopOnSignal(Callback):
    """SIGINT and SIGTERM are kept until the step is done; a second signal interrupts at once.

    Where handlers cannot be set (outside the main thread), signals do what they do anyway.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def on_start(self, run: Trainer) -> None:
        """See `Callback.on_start`."""
        for number in SIGNALS:
            with contextlib.suppress(ValueError):
                if signal.getsignal(number) is not signal.SIG_IGN:  # as in the background of a shell
                    self._before[number] = signal.signal(number, self._ask)

    def on_step(self, run: Trainer) -> None:
        """Raises KeyboardInterrupt if somebody has asked, unless that was the last step."""
        if self.asked and run.step < run.settings.steps:
            raise KeyboardInterrupt

    def on_end(self, run: Trainer, error: BaseException | None) -> None:
        """See `Callback.on_end`."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


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
