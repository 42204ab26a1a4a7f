"""Computations on data that a visitor brought, in a process of their own: its death is an error message, no more.

Linear algebra and neighbour searches are native code, and a crash there ends the process in which they run; here that
is one of two small processes that wait for work, each with a limit of memory and of time. Whoever comes while both
are at work is served in turn. A process that has died, or had to be ended, is replaced at the next call.

The functions are those of `bvae.maps.projections`, `bvae.maps.alignment` and `bvae.maps.modality_gap`, and give the
same results.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from bvae.maps.alignment import Alignment, Linked
from bvae.maps.modality_gap import ModalityGap
from bvae.runs.isolated_process import ADVICE, CHILD, OUT_OF_MEMORY_SAYS, how_it_ended, receive, send

MOST_AT_ONCE = 2
LIMIT = 60.0
"""Seconds that one computation may take."""
PATIENCE = 120.0
"""Seconds after which a call that has not had its turn gives up."""
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class ComputationError(RuntimeError):
    """A computation that was not done; one sentence for the person who asked for it."""


class RefusedError(ComputationError):
    """What was given cannot be computed, such as numbers that are not finite; nothing has failed."""


class Child:
    """A process that computes, one call at a time."""

    def __init__(self, for_tests: bool = False) -> None:
        # -P: beside that file lie others that are no modules of their own
        command = [sys.executable, "-P", str(CHILD), *(["--for-tests"] if for_tests else [])]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **ENVIRONMENT})

    @property
    def alive(self) -> bool:
        """Whether it can take a call."""
        return self.process.poll() is None

    def call(self, function: str, arguments: Sequence[Any], limit: float) -> Any:
        """The result of a function; raises ComputationError, after which :attr:`alive` says if it can be used again."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self.process.kill()

        timer = threading.Timer(limit, end)
        timer.daemon = True
        timer.start()
        try:
            send(self.process.stdin, {"function": function, "arguments": list(arguments), "limit": limit})
            answer = receive(self.process.stdout)
        except (EOFError, OSError, ValueError) as error:  # ValueError: what came is no JSON, or the pipe is closed
            self.close()
            raise ComputationError(how_it_ended(late.is_set(), self.process.returncode, limit)) from error
        finally:
            timer.cancel()
        if late.is_set():  # it was done at the very last moment, and is ended all the same
            self.close()
        if "error" not in answer:
            return answer["result"]
        if answer["error"] == "refused":
            raise RefusedError(f"This cannot be computed: {answer['says']}.")
        self.close()  # memory that was short may still be: another process starts afresh
        if answer["error"] == "memory":
            raise ComputationError(OUT_OF_MEMORY_SAYS)
        raise ComputationError(f"The computation failed ({answer['says']}): {ADVICE}.")

    def close(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):  # what was not sent yet cannot be sent any more
                pipe.close()


class Pool:
    """At most so many children, and those who wait for one in the order in which they came.

    Parameters
    ----------
    most : int
        Processes at once.
    for_tests : bool
        Whether the processes can be asked to die, see `bvae.runs.isolated_process.TESTS`.
    """

    def __init__(self, most: int = MOST_AT_ONCE, for_tests: bool = False) -> None:
        self.most, self.for_tests = most, for_tests
        self._idle: list[Child] = []
        self._at_work: set[Child] = set()
        self._waiting: deque[object] = deque()
        self._turns = threading.Condition()

    def call(self, function: str, *arguments: Any, limit: float = LIMIT, patience: float = PATIENCE) -> Any:
        """The result of one of `bvae.runs.isolated_process.FUNCTIONS`.

        Raises
        ------
        ComputationError
            If the process died or was ended, its time or memory did not suffice, the function refused the arguments,
            or nobody was free within `patience` seconds.
        """
        child = self._take(patience)
        try:
            return child.call(function, arguments, limit)
        finally:
            self._give_back(child)

    def processes(self) -> list[int]:
        """The process numbers of all children, those at work first."""
        with self._turns:
            return [c.process.pid for c in [*self._at_work, *self._idle]]

    def close(self) -> None:
        """End all of them."""
        with self._turns:
            children = [*self._idle, *self._at_work]
            self._idle.clear()
        for child in children:
            child.close()

    def _take(self, patience: float) -> Child:
        ticket, until = object(), time.monotonic() + patience
        with self._turns:
            self._waiting.append(ticket)
            try:
                while self._waiting[0] is not ticket or len(self._at_work) >= self.most:
                    if not self._turns.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                        raise ComputationError(f"Others have been computing for {patience:g} seconds, and this did not "
                                               "get its turn: try again in a while.")
                child = self._idle.pop() if self._idle else None
                if child is not None and not child.alive:  # it died while it had nothing to do
                    child.close()
                    child = None
                try:
                    child = child or Child(self.for_tests)
                except OSError as error:
                    raise ComputationError(f"No process could be started to compute this ({error}): try again in a "
                                           "while.") from error
                self._at_work.add(child)
                return child
            finally:
                self._waiting.remove(ticket)
                self._turns.notify_all()

    def _give_back(self, child: Child) -> None:
        with self._turns:
            self._at_work.discard(child)
            if child.alive:
                self._idle.append(child)
            self._turns.notify_all()


POOL = Pool()
atexit.register(POOL.close)


@functools.cache
def prepare() -> None:
    """Beside everything else, start a process and let it import what it will need: the first call then does not wait.

    Only the first call of this function does something.
    """
    def start() -> None:
        with contextlib.suppress(ComputationError):
            POOL.call("prepare")

    threading.Thread(target=start, name="bvae.runs.isolated.prepare", daemon=True).start()


# -- what can be computed --------------------------------------------------------------------------------------------


def pca(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """See `bvae.maps.projections.pca`."""
    coordinates, shares = POOL.call("pca", np.asarray(points))
    return coordinates, shares


def tsne(points: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    """See `bvae.maps.projections.tsne`."""
    return POOL.call("tsne", np.asarray(points), float(perplexity), int(seed))


def neighbours(points: np.ndarray, k: int = 15) -> np.ndarray:
    """See `bvae.maps.alignment.neighbours`."""
    return POOL.call("neighbours", np.asarray(points), int(k))


def procrustes(points: np.ndarray, reference: np.ndarray) -> Alignment:
    """See `bvae.maps.alignment.procrustes`."""
    return Alignment(*POOL.call("procrustes", np.asarray(points), np.asarray(reference)))


def linked(spaces: Sequence[np.ndarray], flat: Sequence[np.ndarray], k: int = 15) -> list[Linked]:
    """See `bvae.maps.alignment.linked`."""
    found = POOL.call("linked", [np.asarray(s) for s in spaces], [np.asarray(f) for f in flat], int(k))
    return [Linked(Alignment(*aligned), changed) for aligned, changed in found]


def gaps(clouds: Sequence[np.ndarray]) -> np.ndarray:
    """See `bvae.maps.alignment.gaps`."""
    return POOL.call("gaps", [np.asarray(c) for c in clouds])


def modality_gap(clouds: Sequence[np.ndarray], items: Sequence[np.ndarray] | None = None) -> ModalityGap:
    """See `bvae.maps.modality_gap.modality_gap`."""
    return ModalityGap(*POOL.call("modality_gap", [np.asarray(c) for c in clouds],
                                  None if items is None else [np.asarray(i) for i in items]))
