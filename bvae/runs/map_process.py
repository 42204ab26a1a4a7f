"""A t-SNE in a process of its own that says how far it is, and can be stopped.

`bvae.runs.isolated` is for computations that take moments; this one takes seconds, and somebody watches it.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from bvae.maps.projections import STEPS, tsne
from bvae.runs.isolated_process import CHILD, GRACE, OUT_OF_MEMORY_SAYS, how_it_ended

TIME_LIMIT = 600.0
ALONE, OUT_OF_TIME, OUT_OF_MEMORY = 3, 4, 5
"""Exit statuses."""
POINTS, RESULT, LOG = "points.npz", "map.npz", "log.txt"


class Computation:
    """A t-SNE in a process of its own, of one thread, that says how far it is and can be stopped.

    The process ends by itself when it is done, when its time is over, or when the process that started it is gone.

    Parameters
    ----------
    points : ndarray
        (N, D).
    perplexity, seed
        See :func:`tsne`.
    limit : float
        Seconds after which it gives up.

    Attributes
    ----------
    state : str
        "running", "done", "stopped" or "failed"; :meth:`poll` brings it up to date.
    result : ndarray or None
        (N, 2) once it is done.
    why : str
        A sentence, once it has failed.
    """

    def __init__(self, points: np.ndarray, perplexity: float, seed: int, limit: float = TIME_LIMIT) -> None:
        self.state, self.result, self.why, self.limit = "running", None, "", limit
        self.started = time.monotonic()
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="bvae-map-")
        folder = Path(self._folder.name)
        np.savez(folder / POINTS, points=np.asarray(points))
        with open(folder / LOG, "wb") as log:
            self._process = subprocess.Popen(
                # -P: beside this file lie others that are no modules of their own
                [sys.executable, "-P", str(CHILD), "map", str(folder), str(perplexity), str(seed), str(limit)],
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"})

    def poll(self) -> str:
        """The state now."""
        with self._lock:
            if self.state == "running" and self.seconds > self.limit + GRACE:  # it should have ended itself
                self._process.kill()
                self._process.wait()
            if self.state == "running" and self._process.poll() is not None:
                code = self._process.returncode
                if code == 0:
                    with contextlib.suppress(OSError, ValueError, KeyError), \
                            np.load(Path(self._folder.name) / RESULT, allow_pickle=False) as file:
                        self.result = file["points"]
                late = code == OUT_OF_TIME or self.seconds > self.limit + GRACE
                self.why = "" if self.result is not None else OUT_OF_MEMORY_SAYS if code == OUT_OF_MEMORY else (
                    how_it_ended(late, code, self.limit))
                self._end("failed" if self.result is None else "done")
            return self.state

    def stop(self) -> None:
        """End it at once, unless it has ended."""
        with self._lock:
            if self.state == "running":
                self._process.kill()
                self._end("stopped")

    def _end(self, state: str) -> None:
        self._process.wait()
        self._process.stdin.close()
        self._folder.cleanup()
        self.state = state

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    @property
    def share(self) -> float:
        """How much is done, in [0, 1]: steps of the gradient descent, as scikit-learn reports every 50th."""
        try:
            text = (Path(self._folder.name) / LOG).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return float(self.state == "done")
        found = re.findall(r"Iteration (\d+)", text)
        return min(1.0, int(found[-1]) / STEPS) if found else 0.0

    def __del__(self) -> None:
        if getattr(self, "state", "") == "running" and hasattr(self, "_process"):
            self.stop()


def compute(folder: str, perplexity: str, seed: str, limit: str) -> None:
    """What the process does, see `bvae.runs.isolated_process`."""
    def give_up(code: int) -> None:
        os._exit(code)

    def until_alone() -> None:
        while os.read(0, 64):  # ends when the other side is closed, by intention or because that process has died
            pass
        give_up(ALONE)

    timer = threading.Timer(float(limit), give_up, args=(OUT_OF_TIME,))
    timer.daemon = True
    timer.start()
    threading.Thread(target=until_alone, daemon=True).start()
    with np.load(Path(folder) / POINTS, allow_pickle=False) as file:
        points = file["points"]
    try:
        result = tsne(points, float(perplexity), int(seed), verbose=2)
    except MemoryError:
        give_up(OUT_OF_MEMORY)
    part = Path(folder) / f"part-{RESULT}"
    np.savez(part, points=result)
    part.replace(Path(folder) / RESULT)
    timer.cancel()

