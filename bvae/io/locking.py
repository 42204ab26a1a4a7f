"""One process at a time in a folder: a lock that the system itself releases when the process dies.

It is `filelock.lock_descriptor`'s, of a file that is ours, and not `filelock.FileLock`: a lock has to pass from the app
to the process that it starts, and FileLock, when one lets go of it, unlocks the file for whoever has inherited it. What
is added here is who has it, since when and what for, a file that is gone afterwards, and a way where the file system
knows no locks.
"""

from __future__ import annotations

import contextlib
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

from bvae.io import system
from bvae.io.storage import StorageError, WriteError, sweep

LOCK = ".lock"
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
        release(folder, handle)


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
        os.lseek(handle, 0, os.SEEK_SET)
        # Windows keeps others from reading the first byte of a locked file: it is none of the text.
        os.write(handle, b"\n" + json.dumps(facts).encode())


def release(folder: Path, handle: int) -> None:
    """Give the lock of a folder back, and delete its file."""
    path = folder / LOCK
    with contextlib.suppress(OSError):
        if not system.WINDOWS:  # before others can take it
            path.unlink()
    os.close(handle)
    with contextlib.suppress(OSError):
        if system.WINDOWS:  # where nobody deletes a file that another has open, so that it is nobody's by now
            path.unlink()


def _take(path: Path, doing: str, hint: str) -> int:
    deadline = time.monotonic() + PATIENCE
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        try:
            outcome = system.try_lock(handle)
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


def holder(folder: Path) -> dict[str, Any] | None:
    """Who works in a folder: {"pid", "host", "doing", "command", "since"}, or None if nobody does.

    The dictionary is empty where the holder has not introduced itself yet.
    """
    path = folder / LOCK
    deadline = time.monotonic() + PATIENCE
    while True:
        outcome, facts = _look(path)
        if outcome != "busy":  # without locks, whether the process that the file names is there
            return facts if outcome == "unsupported" and facts and _alive(facts) else None
        # Another who only looks, as we do, holds the lock for an instant; the file then names somebody who is gone.
        if not facts or _alive(facts) or facts.get("pid") == os.getpid() or time.monotonic() > deadline:
            return facts
        time.sleep(0.01)


def _look(path: Path) -> tuple[str, dict[str, Any]]:
    """What :func:`bvae.io.system.try_lock` says of a lock file, and its text; "taken" if there is none."""
    handle = -1
    try:
        with contextlib.suppress(PermissionError):  # another user's
            handle = os.open(path, os.O_RDWR)
        if handle < 0:
            handle = os.open(path, os.O_RDONLY)
        return system.try_lock(handle), _facts(path)
    except OSError:
        return "unsupported" if path.exists() else "taken", _facts(path)
    finally:
        if handle >= 0:
            os.close(handle)


def _same(handle: int, path: Path) -> bool:
    if system.WINDOWS:  # nobody deletes an open file there
        return True
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _facts(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb", buffering=0) as file:
            try:
                text = file.read()
            except PermissionError:  # Windows, see `introduce`
                file.seek(1)
                text = file.read()
        found = json.loads(text.decode("utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _alive(facts: dict[str, Any]) -> bool:
    """Whether the process that a lock file names runs on this machine; of another machine nobody knows."""
    pid = facts.get("pid")
    if facts.get("host") != socket.gethostname():
        return True
    if not isinstance(pid, int) or pid <= 0 or pid == os.getpid() or system.WINDOWS:
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
