"""Points of many dimensions in the plane: principal components, and t-SNE, also in a process that can be stopped.

This file imports nothing of bvae: the process that computes runs it alone, so that it starts without PyTorch.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

STEPS = 1000
"""Steps of t-SNE's gradient descent, at most."""
TIME_LIMIT = 600.0
POINTS, RESULT, LOG = "points.npz", "map.npz", "log.txt"


def pca(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First two principal components: (N, D) -> coordinates (N, 2) and their shares of the variance (2,)."""
    from sklearn.decomposition import PCA

    if len(points) < 2 or np.ptp(points, axis=0).max() == 0:
        return np.zeros((len(points), 2)), np.array([1.0, 0.0])
    fit = PCA(n_components=min(2, points.shape[1]), random_state=0)
    coordinates = fit.fit_transform(points)
    if coordinates.shape[1] == 1:
        return np.pad(coordinates, ((0, 0), (0, 1))), np.array([1.0, 0.0])
    return coordinates, fit.explained_variance_ratio_


def tsne(points: np.ndarray, perplexity: float, seed: int, verbose: int = 0) -> np.ndarray:
    """t-SNE that starts from the principal components: (N, D) -> (N, 2).

    It runs in one thread: with several, sums are rounded in another order and the map is another one every time.

    Parameters
    ----------
    points : ndarray
        (N, D).
    perplexity : float
        About how many neighbours each point should keep; lowered to (N - 1) / 3 for very few points.
    seed : int
        Of the little that is random: the solver of the first components, the directions of ties.
    verbose : int
        See `sklearn.manifold.TSNE`.

    References
    ----------
    van der Maaten & Hinton, JMLR 2008.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if len(points) < 4 or np.ptp(points, axis=0).max() == 0:
        return pca(points)[0]
    init = "pca" if points.shape[1] > 1 else "random"
    lowered = min(perplexity, (len(points) - 1) / 3)
    with threadpool_limits(limits=1):
        fit = TSNE(perplexity=lowered, init=init, random_state=seed, max_iter=STEPS, verbose=verbose)
        return fit.fit_transform(np.asarray(points, dtype=np.float32))


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
    """

    def __init__(self, points: np.ndarray, perplexity: float, seed: int, limit: float = TIME_LIMIT) -> None:
        self.state, self.result = "running", None
        self.started = time.monotonic()
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="bvae-map-")
        folder = Path(self._folder.name)
        np.savez(folder / POINTS, points=np.asarray(points, dtype=np.float32))
        with open(folder / LOG, "wb") as log:
            self._process = subprocess.Popen(
                # -P: beside this file lie others that are no modules of their own
                [sys.executable, "-P", __file__, str(folder), str(perplexity), str(seed), str(limit)],
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"})

    def poll(self) -> str:
        """The state now."""
        with self._lock:
            if self.state == "running" and self._process.poll() is not None:
                path = Path(self._folder.name) / RESULT
                if self._process.returncode == 0 and path.is_file():
                    with np.load(path, allow_pickle=False) as file:
                        self.result = file["points"]
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


def _compute(folder: str, perplexity: str, seed: str, limit: str) -> None:
    """What the process does."""
    def give_up(code: int) -> None:
        os._exit(code)

    def until_alone() -> None:
        while os.read(0, 64):  # ends when the other side is closed, by intention or because that process has died
            pass
        give_up(3)

    timer = threading.Timer(float(limit), give_up, args=(4,))
    timer.daemon = True
    timer.start()
    threading.Thread(target=until_alone, daemon=True).start()
    with np.load(Path(folder) / POINTS, allow_pickle=False) as file:
        points = file["points"]
    result = tsne(points, float(perplexity), int(seed), verbose=2)
    part = Path(folder) / f"part-{RESULT}"
    np.savez(part, points=result)
    part.replace(Path(folder) / RESULT)
    timer.cancel()


if __name__ == "__main__":
    _compute(*sys.argv[1:])
