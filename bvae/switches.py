"""Settings of this process that are on or off, for good or inside a ``with``."""

from __future__ import annotations


class Switch:
    """Something that is on or off in this process, all its threads included.

    Parameters
    ----------
    on : bool
        What it is at first.

    Examples
    --------
    >>> light = Switch(on=True)
    >>> with light.set(False):
    ...     bool(light)
    False
    >>> bool(light)
    True
    """

    def __init__(self, on: bool) -> None:
        self.on = on

    def __bool__(self) -> bool:
        return self.on

    def set(self, on: bool) -> Changed:
        """Switch on or off from now on; as a context manager, until the end of the ``with``."""
        return Changed(self, on)


class Changed:
    """A change that is made already, and is taken back where a ``with`` ends."""

    def __init__(self, switch: Switch, on: bool) -> None:
        self.switch, self.before = switch, switch.on
        switch.on = bool(on)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self.switch.on = self.before
