"""The one place that starts processes, watches them and ends them: trainings, computations and runs of a sweep.

A :class:`Process` is started in a group of its own, is asked to stop before it is killed, and takes with it what it has
started itself. A :class:`Child` is one that computes what it is asked for (`bvae.runs.isolated_process`), with limits
of memory, of time and of what it may answer; a :class:`Pool` has at most so many of them, serves those who wait in
turn, and replaces the dead. A :class:`WatchedComputation` is one that somebody looks at and may stop. :func:`in_turn`
has many commands done, at most so many at a time.

The queue of trainings is none of these: it outlives the app, so that it lies in files, see `bvae.runs.jobs`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from bvae.io import system
from bvae.runs.isolated_process import ADVICE, CHILD, OUT_OF_MEMORY_SAYS, how_it_ended, receive, send

MOST_AT_ONCE = 2
LIMIT = 60.0
"""Seconds that one computation may take."""
PATIENCE = 120.0
"""Seconds after which a call that has not had its turn gives up."""
LARGEST_ANSWER = 256 * 1024**2
"""Bytes. What a process says that went wrong is not to be believed."""
LOOKS_EVERY = 0.2  # seconds
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class ComputationError(RuntimeError):
    """A computation that was not done; one sentence for the person who asked for it."""


class RefusedError(ComputationError):
    """What was given cannot be computed, such as numbers that are not finite; nothing has failed."""


# -- one process -----------------------------------------------------------------------------------------------------


class Process:
    """A command in a process group of its own: what ends us, or Ctrl-C in our terminal, does not reach it.

    Parameters
    ----------
    command : sequence of str
    threads : int or None
        Of its libraries for linear algebra; None for what the environment says.
    log : Path or None
        The file to which its output is appended; without one, its input and output are pipes to us.
    environment : mapping
        What differs from ours.
    keep : sequence of int
        Open files that it inherits (none on Windows).

    Raises
    ------
    OSError
        If it cannot be started.
    """

    def __init__(
        self, command: Sequence[str], threads: int | None = None, log: Path | None = None,
        environment: Mapping[str, str] | None = None, keep: Sequence[int] = (),
    ) -> None:
        self.late, self._ended = False, False
        limited = {} if threads is None else dict.fromkeys(THREADS, str(threads))
        options: dict[str, Any] = {
            "env": {**os.environ, **limited, **(environment or {})},
            **system.own_group(), **({"pass_fds": tuple(keep)} if keep else {})}
        if log is None:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             stderr=subprocess.DEVNULL, **options)
            return
        with open(log, "ab") as file:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, **options)

    @property
    def pid(self) -> int:
        """Of the process, and of its group."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Exit status, minus the number of the signal that ended it; None while it runs."""
        return self._process.poll()

    @property
    def alive(self) -> bool:
        """Whether it runs, and has not been told to end."""
        return not self._ended and self.code is None

    @contextlib.contextmanager
    def within(self, limit: float) -> Iterator[None]:
        """End it if what is done inside takes more seconds than that; :attr:`late` tells then."""
        def end() -> None:
            self.late = True
            self.kill()

        timer = threading.Timer(limit, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def ask(self) -> None:
        """Let it save and end."""
        if self.code is None:
            system.ask_to_stop(self._process)

    def kill(self) -> None:
        """End it and all that it has started, at once."""
        self._ended = True
        system.kill_group(self._process)

    def wait(self, patience: float | None = None) -> int:
        """Its exit status, once it has ended; kills it after `patience` seconds."""
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def close(self) -> None:
        """Kill it, and wait until it is gone."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not sent yet cannot be sent any more
                if pipe is not None:
                    pipe.close()


def ask(pid: int) -> None:
    """Let a process that another of us has started, which may be gone, save and end. See :meth:`Process.ask`."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM)


def kill_group_of(pid: int) -> None:
    """End such a process and all that it has started, at once. See :meth:`Process.kill`."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:  # otherwise its group is that of others too
            os.killpg(pid, signal.SIGKILL)


def in_turn(commands: Mapping[str, Callable[[], Process]], most: int) -> Generator[tuple[str, int | None]]:
    """Start processes, at most so many at a time: yields (name, None) of each that was started and (name, its exit
    status) of each that has ended.

    However it is left, those that still run are asked to stop, and waited for.
    """
    waiting = deque(commands.items())
    running: dict[str, Process] = {}
    try:
        while waiting or running:
            while waiting and len(running) < most:
                name, start = waiting.popleft()
                running[name] = start()
                yield name, None
            for name, process in list(running.items()):
                if (code := process.code) is not None:
                    del running[name]
                    yield name, code
            time.sleep(LOOKS_EVERY)
    finally:
        for process in running.values():
            process.ask()
        for process in running.values():
            process.wait()


# -- processes that compute ------------------------------------------------------------------------------------------


class Child(Process):
    """A process that computes, one call at a time.

    Parameters
    ----------
    for_tests : bool
        Whether it can be asked to die, see `bvae.runs.isolated_process.TESTS`.
    """

    def __init__(self, for_tests: bool = False) -> None:
        # -P: beside that file lie others that are no modules of their own
        super().__init__([sys.executable, "-P", str(CHILD), *(["--for-tests"] if for_tests else [])], threads=1)

    def call(
        self, function: str, arguments: Sequence[Any], limit: float, watch: Callable[[int], None] | None = None
    ) -> Any:
        """The result of a function; raises ComputationError, after which :attr:`alive` says if it can be used again.

        `watch` gets the steps that it says are done.
        """
        try:
            with self.within(limit):
                send(cast(BinaryIO, self._process.stdin), {
                    "function": function, "arguments": list(arguments), "limit": limit, "watched": watch is not None})
                while "steps" in (answer := self._answer()):
                    if watch is not None:
                        watch(int(answer["steps"]))
        except (EOFError, OSError, ValueError) as error:  # ValueError: the pipe is closed, or the steps are no number
            self.close()
            raise ComputationError(how_it_ended(self.late, self.code, limit)) from error
        except BaseException:  # such as Ctrl-C here: the answer to this call must not be taken for that to another
            self.close()
            raise
        if not self.alive:  # it was done at the very last moment, and is ended all the same
            self.close()
        if "result" in answer:
            return answer["result"]
        kind, says = answer.get("error"), answer.get("says")
        if kind == "refused":
            raise RefusedError(f"This cannot be computed: {says}.")
        self.close()  # memory that was short may still be: another process starts afresh
        raise ComputationError(
            OUT_OF_MEMORY_SAYS if kind == "memory" else f"The computation failed ({says}): {ADVICE}.")

    def _answer(self) -> dict[str, Any]:
        answer = receive(cast(BinaryIO, self._process.stdout), LARGEST_ANSWER)
        if not isinstance(answer, dict) or isinstance(answer.get("steps", 0), (list, dict)):
            raise EOFError("no message")
        return answer


class Pool:
    """At most so many children, and those who wait for one in the order in which they came.

    Parameters
    ----------
    most : int
        Processes at once.
    warm : bool
        Whether a process that has computed stays for the next call.
    for_tests : bool
        See :class:`Child`.
    """

    def __init__(self, most: int = MOST_AT_ONCE, warm: bool = True, for_tests: bool = False) -> None:
        self.most, self.warm, self.for_tests = most, warm, for_tests
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

    def begin(self, function: str, *arguments: Any, limit: float, steps: int) -> WatchedComputation | None:
        """The same beside us, for a function that says how far it is; None where nobody is free now.

        Raises
        ------
        ComputationError
            If no process can be started.
        """
        with self._turns:
            if self._waiting or len(self._at_work) >= self.most:
                return None
            child = self._one()
        return WatchedComputation(self, child, function, arguments, limit, steps)

    def processes(self) -> list[int]:
        """The process numbers of all children, those at work first."""
        with self._turns:
            return [c.pid for c in [*self._at_work, *self._idle]]

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
                return self._one()
            finally:
                self._waiting.remove(ticket)
                self._turns.notify_all()

    def _one(self) -> Child:
        """A child, from now on at work; the caller has the turn."""
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

    def _give_back(self, child: Child) -> None:
        if not self.warm:
            child.close()
        with self._turns:
            self._at_work.discard(child)
            if child.alive:
                self._idle.append(child)
            self._turns.notify_all()


class WatchedComputation:
    """A computation beside us, which :meth:`Pool.begin` has started: it says how far it is, and can be stopped.

    Attributes
    ----------
    state : str
        "running", "done", "stopped" or "failed".
    result : Any
        Once it is done.
    why : str
        A sentence, once it has failed.
    share : float
        How much is done, in [0, 1], by its steps.
    """

    def __init__(
        self, pool: Pool, child: Child, function: str, arguments: Sequence[Any], limit: float, steps: int
    ) -> None:
        self.state, self.result, self.why, self.share = "running", None, "", 0.0
        self.started = time.monotonic()
        self._pool, self._child, self._steps, self._lock = pool, child, steps, threading.Lock()
        self._thread = threading.Thread(target=self._run, args=(function, arguments, limit), daemon=True,
                                        name=f"bvae.runs.supervisor.{function}")
        self._thread.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._child.pid

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    def stop(self) -> None:
        """End it at once, unless it has ended."""
        if self._end("stopped"):
            self._child.kill()
            self._thread.join()

    def wait(self, patience: float | None = None) -> str:
        """The state once it has ended, or `patience` seconds later."""
        self._thread.join(patience)
        return self.state

    def _run(self, function: str, arguments: Sequence[Any], limit: float) -> None:
        try:
            result = self._child.call(function, arguments, limit, self._tell)
            self._pool._give_back(self._child)
            self._end("done", result=result, share=1.0)
        except Exception as error:  # also what is no ComputationError: nobody else would hear of it
            self._pool._give_back(self._child)
            self._end("failed", why=str(error) if isinstance(error, ComputationError) else (
                f"The computation failed ({type(error).__name__}: {error}): {ADVICE}."))

    def _tell(self, steps: int) -> None:
        self.share = min(1.0, max(0, steps) / self._steps)

    def _end(self, state: str, **facts: Any) -> bool:
        with self._lock:
            if self.state != "running":
                return False
            for name, value in facts.items():
                setattr(self, name, value)
            self.state = state
            return True
