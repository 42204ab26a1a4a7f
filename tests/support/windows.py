"""Python as it is on Windows, as far as that can be had elsewhere: for processes that tests start.

``python -m tests.support.windows MODULE ARGUMENT ...`` runs a module so. Libraries of others are imported first: they
have their own ways on Windows, which are not ours to test.
"""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "spwd", "crypt", "nis", "ossaudiodev",
           "readline", "_posixshmem")
"""What Python has on Unix only."""

LIBRARIES = ("torch", "lightning_fabric", "filelock", "numpy", "scipy.stats", "sklearn.linear_model",
             "safetensors.torch", "tqdm", "PIL.Image", "mlxtend.data", "skimage.data", "multiprocessing", "tempfile",
             "asyncio", "zipfile", "concurrent.futures")
OF_THE_APP = ("pandas", "plotly", "streamlit", "sklearn.manifold", "ot", "webbrowser")

FUNCTIONS = ("fork", "forkpty", "getuid", "geteuid", "getgid", "getegid", "getpgid", "getpgrp", "setsid", "setpgid",
             "killpg", "nice", "getpriority", "setpriority", "sched_getaffinity", "sched_setaffinity", "getloadavg",
             "uname", "chown", "fchown", "lchown", "fchmod", "mkfifo", "mknod", "pread", "pwrite", "sysconf", "statvfs",
             "fstatvfs", "wait", "wait3", "wait4", "WIFSIGNALED", "WIFEXITED", "posix_fallocate", "posix_fadvise",
             "sendfile", "openpty", "ttyname", "ctermid", "sync", "fdatasync", "chroot", "getsid", "O_CLOEXEC",
             "O_NONBLOCK", "O_DIRECTORY", "O_NOFOLLOW", "O_SYNC", "O_DSYNC", "O_TMPFILE")
"""What `os` has on Unix only."""

SIGNALS = ("SIGKILL", "SIGHUP", "SIGQUIT", "SIGSTOP", "SIGCONT", "SIGTSTP", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGCHLD",
           "SIGPIPE", "alarm", "setitimer", "pause", "sigwait", "pthread_kill", "pthread_sigmask")
"""What `signal` has on Unix only."""


def pretend(libraries: tuple[str, ...] = LIBRARIES) -> None:
    """From now on this process is on Windows, as far as our own code can see."""
    import importlib

    if os.name == "nt":  # no need to pretend
        return
    for name in libraries:
        importlib.import_module(name)
    for name in MODULES:
        sys.modules[name] = None
    for module, names in ((os, FUNCTIONS), (signal, SIGNALS)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    refuse_open_files()
    refuse_options_of_processes()
    write_as_windows_does()
    import filelock

    filelock.lock_descriptor = lock_first_byte
    from bvae.io import system

    system.WINDOWS = True


def is_open(path: object) -> bool:
    """Whether this process has a file open, as another would see it."""
    try:
        wanted = os.stat(path)
    except (OSError, TypeError, ValueError):
        return False
    for handle in os.listdir("/proc/self/fd"):
        try:
            if os.path.samestat(os.fstat(int(handle)), wanted):
                return True
        except OSError:
            continue
    return False


def refuse_open_files() -> None:
    """Nobody deletes, renames or replaces an open file; folders cannot be opened; ":" and others are no names."""

    def guarded(function, count):
        def call(*arguments, **options):
            for path in arguments[:count]:
                check_name(path)
                if os.path.isfile(path) and is_open(path):
                    raise PermissionError(13, "The process cannot access the file because it is being used", str(path))
            return function(*arguments, **options)
        return call

    os.replace, os.rename = guarded(os.replace, 2), guarded(os.rename, 2)
    os.unlink, os.remove = guarded(os.unlink, 1), guarded(os.remove, 1)
    opened, made, fsync = os.open, os.mkdir, os.fsync

    def open_(path, flags, *rest, **options):
        check_name(path)
        if os.path.isdir(path) and not options:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *rest, **options)

    def mkdir(path, *rest, **options):
        check_name(path)
        return made(path, *rest, **options)

    def flush(handle):
        if not flags_of(handle) & (os.O_WRONLY | os.O_RDWR):
            raise OSError(9, "Bad file descriptor")
        return fsync(handle)

    os.open, os.mkdir, os.fsync = open_, mkdir, flush


def flags_of(handle: int) -> int:
    """How a file was opened."""
    text = Path(f"/proc/self/fdinfo/{handle}").read_bytes().decode()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("flags:")), 8)


def check_name(path: object) -> None:
    """Raises OSError for a name that Windows does not take."""
    if isinstance(path, (str, bytes, os.PathLike)):
        text = os.fsdecode(path)
        if not text.startswith(("/proc/", "/dev/", "/sys/")) and set(text) & set('<>:"|?*\\'):
            raise OSError(22, "The filename, directory name, or volume label syntax is incorrect", text)


def refuse_options_of_processes() -> None:
    """`subprocess` knows neither handles to be inherited by number nor functions to be called before it starts."""
    real = subprocess.Popen.__init__

    def init(self, *arguments, **options):
        if options.get("pass_fds") or options.get("preexec_fn"):
            raise ValueError("pass_fds and preexec_fn are not supported on Windows platforms")
        options.pop("creationflags", None)
        real(self, *arguments, **options)

    subprocess.Popen.__init__ = init


def write_as_windows_does() -> None:
    """A text file that names no encoding is in the machine's, which is not UTF-8, and its lines end otherwise."""
    import builtins
    import io

    real = io.open

    def open_(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, *rest, **options):
        if "b" not in mode:
            ours = sys._getframe(1).f_code.co_filename
            if encoding in (None, "locale") and str(ROOT) in ours and ".venv" not in ours:
                encoding = "cp1252"
            if newline is None and set(mode) & set("wax"):
                newline = "\r\n"
        return real(file, mode, buffering, encoding, errors, newline, *rest, **options)

    builtins.open = io.open = open_


LOCKED: dict[tuple[int, int], int] = {}


def lock_first_byte(handle: int, blocking: bool = True) -> bool:
    """A lock belongs to a handle, keeps others of this process away too, and ends when the handle is closed."""
    facts = os.fstat(handle)
    if not flags_of(handle) & (os.O_WRONLY | os.O_RDWR):
        raise OSError(13, "Access is denied")
    place = (facts.st_dev, facts.st_ino)
    holder = LOCKED.get(place)
    if holder is not None and holder != handle:
        try:
            if os.path.samestat(os.fstat(holder), facts):
                return False
        except OSError:
            pass
    LOCKED[place] = handle
    return True


if __name__ == "__main__":
    pretend()
    module, sys.argv = sys.argv[1], sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
