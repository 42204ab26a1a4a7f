"""What differs between Unix and Windows, in one place: locks of open files, replacing, stopping, processors."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import filelock

WINDOWS = os.name == "nt"
"""There nobody replaces or deletes an open file, a lock keeps others from reading, and folders are no files."""

UNSUPPORTED = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL}
BUSY = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK}
PATIENCE = 2.0  # seconds: a scanner of viruses, or a reader, has a file open for an instant

DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{k}" for kind in ("com", "lpt") for k in range(1, 10))}
"""Names that no file has on Windows."""


def try_lock(handle: int) -> str:
    """Lock an open file, unless another has it; the system releases it when the last copy of the handle is closed.

    Parameters
    ----------
    handle : int
        Open for writing.

    Returns
    -------
    str
        "taken", "busy", or "unsupported" where the file system knows no locks.

    Raises
    ------
    OSError
        For anything else.
    """
    try:
        return "taken" if filelock.lock_descriptor(handle, blocking=False) else "busy"
    except OSError as error:
        if error.errno in BUSY:
            return "busy"
        if error.errno in UNSUPPORTED:
            return "unsupported"
        raise


def replace(source: Path, target: Path) -> None:
    """``os.replace``; on Windows it waits for others who have the target open for an instant."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if not WINDOWS or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def own_group() -> dict[str, Any]:
    """Options of `subprocess.Popen` for a process that Ctrl-C in our terminal does not reach."""
    if WINDOWS:
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    return {"start_new_session": True}


def ask_to_stop(process: subprocess.Popen[Any]) -> None:
    """Let a process of :func:`own_group` save and end: SIGTERM, or on Windows, where that kills, Ctrl-Break."""
    if WINDOWS and hasattr(signal, "CTRL_BREAK_EVENT"):
        process.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        process.terminate()


def kill_group(process: subprocess.Popen[Any]) -> None:
    """End a process of :func:`own_group` and what it has started, at once; nothing if it has ended and we know it."""
    if WINDOWS:
        process.kill()
    elif process.returncode is None:  # until we have asked, nobody else gets its number
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def print_anything() -> None:
    """Letters that the terminal or the file behind it does not know are printed as "?", instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):  # somebody has put something else there
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
