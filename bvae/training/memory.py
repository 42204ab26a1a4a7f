"""Memory that stays with the process from step to step.

A step allocates and frees the same hundreds of blocks of some megabytes. glibc gives such blocks back to the system
when they are free, which then has to find and clear the pages anew in the next step: thousands of page faults, 5 to 7
percent of the time of a step on a CPU. Two thresholds tell it to keep them; no number changes.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import platform
from collections.abc import Iterator

import torch

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of malloc.h
KEPT = 2**31 - 1
LARGEST_USUAL = 32 * 2**20
"""What glibc lets its own threshold grow to."""


@functools.cache
def _libc() -> ctypes.CDLL | None:
    """glibc, where this is it."""
    if platform.libc_ver()[0] != "glibc":
        return None
    try:
        libc = ctypes.CDLL("libc.so.6")
        return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
    except OSError:
        return None


def keep_memory() -> bool:
    """Keep freed blocks from now on; whether this system can."""
    libc = _libc()
    return libc is not None and bool(libc.mallopt(MMAP_THRESHOLD, 2**30) and libc.mallopt(TRIM_THRESHOLD, KEPT))


@contextlib.contextmanager
def memory_kept() -> Iterator[None]:
    """Keep freed blocks inside, give them back to the system at the end."""
    kept = keep_memory()
    try:
        yield
    finally:
        if kept:
            libc = _libc()
            assert libc is not None
            libc.mallopt(MMAP_THRESHOLD, LARGEST_USUAL)
            libc.mallopt(TRIM_THRESHOLD, LARGEST_USUAL)
            libc.malloc_trim(0)


@contextlib.contextmanager
def denormals_flushed() -> Iterator[None]:
    """Numbers below 1e-38 are 0 inside, in this thread and in those that it starts.

    Arithmetic with them is many times slower. They need not be our own: some strided convolutions of oneDNN
    read memory that nobody has written yet, and take three times as long where it looks like such numbers.
    """
    before = bool(torch.tensor(1e-39).mul(1) == 0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
