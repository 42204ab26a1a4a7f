"""How much memory a benchmark's process had."""

from __future__ import annotations


def peak_memory() -> float:
    """The most that this process ever had, in KB; NaN where the system does not tell, as on Windows."""
    try:
        import resource
    except ImportError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
