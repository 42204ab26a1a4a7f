"""Computations on data that a visitor brought, in a process of their own: its death is an error message, no more.

Linear algebra and neighbour searches are native code, and a crash there ends the process in which they run; here that
is one of two small processes that wait for work, each with a limit of memory and of time. Whoever comes while both
are at work is served in turn. A process that has died, or had to be ended, is replaced at the next call. Two further
ones are for the maps of models, which take seconds, and which somebody watches and may stop.

The functions are those of `bvae.maps.projections`, `bvae.maps.alignment` and `bvae.maps.modality_gap`, and give the
same results; and files are read whose readers are native code, see `bvae.runs.reading`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bvae.maps.alignment import Alignment, Linked
from bvae.maps.modality_gap import ModalityGap
from bvae.maps.projections import STEPS
from bvae.runs.supervisor import ComputationError, Pool, WatchedComputation

MAP_LIMIT = 600.0
"""Seconds that a watched map may take."""
POOL, MAPS, FILES = Pool(), Pool(warm=False), Pool(most=1, warm=False)
for _pool in (POOL, MAPS, FILES):
    atexit.register(_pool.close)


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


def watched_tsne(
    points: np.ndarray, perplexity: float, seed: int, limit: float = MAP_LIMIT
) -> WatchedComputation | None:
    """See `bvae.maps.projections.tsne`: it runs beside us; None while too many others do."""
    return MAPS.begin("tsne", np.asarray(points), float(perplexity), int(seed), limit=limit, steps=STEPS)


def neighbours(points: np.ndarray, k: int = 15, of: np.ndarray | None = None) -> np.ndarray:
    """See `bvae.maps.alignment.neighbours`."""
    return POOL.call("neighbours", np.asarray(points), int(k), of)


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


def read_all(folder: Path) -> None:
    """See `bvae.runs.reading.read_all`. What a process that survives it has read can be read here."""
    FILES.call("read_all", str(folder))
