"""Models for browsers, exported when a page first needs one: once for each, in a process of its own, one at a time.

They are kept in a folder for caches. `$BVAE_LIVE=off` switches live views off, for servers that have other work.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import torch

from bvae.app.components.live import runtime
from bvae.data.own import as_typed
from bvae.export.description import FILE, FORMAT
from bvae.export.graphs import NEEDED
from bvae.training import Checkpoint
from bvae.version import __version__

SECONDS = 900
_offered: dict[str, Path] = {}
_failed: set[str] = set()
_waiting: queue.Queue[tuple[str, list[str]]] = queue.Queue()
_worker: list[threading.Thread] = []
_lock = threading.Lock()


def possible() -> bool:
    """Whether there are live views here: what executes models has been fetched, and what exports them is installed."""
    return (os.environ.get("BVAE_LIVE", "").lower() not in ("off", "0", "no") and runtime.folder() is not None
            and all(importlib.util.find_spec(name) for name in NEEDED))


def root() -> Path:
    """The folder of all exported models: in `$BVAE_CACHE`, else in the platform's folder for caches."""
    import platformdirs

    chosen = os.environ.get("BVAE_CACHE")
    return (Path(chosen) if chosen else platformdirs.user_cache_path("bvae", appauthor=False)) / "live"


def offer(data_name: str, checkpoint: Checkpoint) -> str:
    """The address of a checkpoint's exported model, relative to the server's; it is prepared unless it is there.

    The address is of these weights alone, and only what a page offered is served.
    """
    name = hashlib.sha256(f"{checkpoint.hash} {FORMAT} {__version__} {torch.__version__}".encode()).hexdigest()[:32]
    with _lock:
        if name not in _offered:
            _offered[name] = root() / name
            if not (_offered[name] / FILE).is_file():
                _waiting.put((name, command(data_name, checkpoint, _offered[name])))
                if not _worker:
                    _worker.append(threading.Thread(target=_work, name="bvae-export", daemon=True))
                    _worker[0].start()
    return f"live/models/{name}/"


def folder(name: str) -> Path | None:
    """Where an offered model is, or will be; None for all others."""
    return _offered.get(name)


def failed(name: str) -> bool:
    """Whether a model could not be exported."""
    return name in _failed


def command(data_name: str, checkpoint: Checkpoint, to: Path) -> list[str]:
    """What exports a checkpoint, with less claim to the processor than pages have."""
    quiet = [nice, "-n", "10"] if (nice := shutil.which("nice")) else []
    return [*quiet, sys.executable, "-m", "bvae", "export", as_typed(data_name), checkpoint.name, "--to", str(to),
            "--out", str(checkpoint.folder.parent.parent)]


def _work() -> None:
    while True:
        name, asked = _waiting.get()
        try:
            done = subprocess.run(asked, capture_output=True, text=True, encoding="utf-8", errors="replace",
                                  timeout=SECONDS, check=False,
                                  env={**os.environ, "OMP_NUM_THREADS": "1"})
            problem = done.stderr.strip().splitlines()[-1:] if done.returncode else []
        except (OSError, subprocess.SubprocessError) as error:
            problem = [str(error)]
        if problem:
            _failed.add(name)
            print(f"bvae: no live view of this model: {problem[0]}", file=sys.stderr)
