"""Ctrl-C and SIGTERM: training ends between two steps, so that its state is exact."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))
"""Those that ask for an end; SIGBREAK is Ctrl-Break on Windows, which has no other for processes of a group."""


class TrainingStopped(KeyboardInterrupt):
    """The user stopped the run; the text says what is on disk."""


class StopRequest:
    """While it is entered, SIGINT and SIGTERM are kept until :meth:`obey`; a second signal interrupts at once.

    Where handlers cannot be set (outside the main thread), signals do what they do anyway.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def obey(self) -> None:
        """Raises KeyboardInterrupt if somebody has asked."""
        if self.asked:
            raise KeyboardInterrupt

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __enter__(self) -> StopRequest:
        for number in SIGNALS:
            with contextlib.suppress(ValueError):
                if signal.getsignal(number) is not signal.SIG_IGN:  # as in the background of a shell
                    self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


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
