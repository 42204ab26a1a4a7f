"""One process at a time in a folder: a lock that the system itself releases when the process dies."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from bvae.storage import StorageError, WriteError, sweep

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LOCK = ".lock"
UNSUPPORTED = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL}
PATIENCE = 0.5  # seconds: somebody who only looks who is there holds the lock for an instant

_mine: dict[Path, tuple[tuple[int, int], int]] = {}  # folder -> (process and thread, how many times it was taken)


class BusyError(StorageError):
    """Another process works in the folder; the text names it and says what to do."""


@contextlib.contextmanager
def locked(folder: Path, doing: str = "working", hint: str = "wait for it, or stop it") -> Iterator[None]:
    """Keep other processes out of a folder, and remove what killed ones left there.

    A thread may take the lock of a folder several times. Where the file system knows no locks, the process that the
    lock file names is asked for instead, and if it is gone, one goes on with a warning.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    doing : str
        What others are told: "training".
    hint : str
        What they are advised to do.

    Raises
    ------
    BusyError
        If another process, or another thread, has it.
    WriteError
        If the folder cannot be written.
    """
    folder = folder.resolve()
    me = (os.getpid(), threading.get_ident())  # a forked child inherits the dictionary, not the right
    if folder in _mine and _mine[folder][0] == me:
        _mine[folder] = (me, _mine[folder][1] + 1)
        try:
            yield
        finally:
            _mine[folder] = (me, _mine[folder][1] - 1)
        return
    handle = take(folder, doing, hint)
    introduce(handle, os.getpid(), doing, _command())
    _mine[folder] = (me, 1)
    try:
        sweep(folder)
        yield
    finally:
        del _mine[folder]
        with contextlib.suppress(OSError):
            (folder / LOCK).unlink()
        os.close(handle)


def take(folder: Path, doing: str, hint: str = "wait for it, or stop it") -> int:
    """The lock of a folder as an open file: who closes it last releases it, also a child that has inherited it.

    See :func:`locked`, which is what one wants unless the lock is for another process.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _take(folder / LOCK, doing, hint)
    except OSError as error:
        raise WriteError(folder, error) from error


def introduce(handle: int, pid: int, doing: str, command: str) -> None:
    """Write into a lock file who has it."""
    facts = {"pid": pid, "host": socket.gethostname(), "doing": doing, "command": command,
             "since": datetime.now().strftime("%Y-%m-%d %H:%M:%S")}
    with contextlib.suppress(OSError):  # a full disk: the lock holds, only its text is missing
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(facts).encode(), 0)


def _take(path: Path, doing: str, hint: str) -> int:
    deadline = time.monotonic() + PATIENCE
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        try:
            outcome = _try(handle)
            there = outcome == "taken" and _same(handle, path)  # else its last owner has just deleted it
            if outcome == "unsupported":
                facts = _facts(path)
                if facts and _alive(facts):
                    raise BusyError(_sentence(path.parent, facts, hint))
                print(f"bvae: {path.parent}: this file system knows no locks; see to it yourself that no second "
                      f"process is {doing} there", file=sys.stderr)
                there = True
            if there:
                handle, kept = -1, handle
                return kept
            if outcome == "busy" and time.monotonic() > deadline:
                raise BusyError(_sentence(path.parent, _facts(path), hint))
        finally:
            if handle >= 0:
                os.close(handle)
        time.sleep(0.02)


def _try(handle: int) -> str:
    if fcntl is None:
        return "unsupported"
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "busy"
    except OSError as error:
        if error.errno in UNSUPPORTED:
            return "unsupported"
        raise
    return "taken"


def holder(folder: Path) -> dict[str, Any] | None:
    """Who works in a folder: {"pid", "host", "doing", "command", "since"}, or None if nobody does.

    The dictionary is empty where the holder has not introduced itself yet.
    """
    path = folder / LOCK
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            except BlockingIOError:
                return _facts(path)
            except OSError:
                pass
        facts = _facts(path)
        return facts if facts and _alive(facts) else None
    finally:
        os.close(handle)


def _same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _facts(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _alive(facts: dict[str, Any]) -> bool:
    """Whether the process that a lock file names runs on this machine; of another machine nobody knows."""
    pid = facts.get("pid")
    if facts.get("host") != socket.gethostname():
        return True
    if not isinstance(pid, int) or pid <= 0 or pid == os.getpid() or os.name == "nt":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sentence(folder: Path, facts: dict[str, Any], hint: str) -> str:
    who = (f"process {facts.get('pid')} on {facts.get('host')} is {facts.get('doing', 'working')} there since "
           f"{facts.get('since')} ({facts.get('command')})" if facts else "another process is working there")
    return f"{folder}: {who}; {hint}"


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:300] if sys.argv and sys.argv[0] else "python"
