"""What is raised where data are not as they should be."""

from __future__ import annotations


class DataError(ValueError):
    """A data file is missing, unreadable or not of the expected form; the text says how to repair it."""
