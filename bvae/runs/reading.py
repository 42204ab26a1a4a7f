"""Files whose readers are native code, or may ask for much, read once where that costs nothing: `isolated` calls this.

It is called in a process of its own, so that it imports what it needs when it is needed.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

APART = (".parquet", ".xlsx", ".h5ad", ".h5mu")
"""Endings of tables that Arrow's and HDF5's libraries read, or that are packed XML."""


def needed(folder: Path) -> list[str]:
    """Names of what in a folder is to be read by :func:`read_all` first: such tables, and folders."""
    return sorted(p.name for p in folder.iterdir() if p.suffix.lower() in APART or p.is_dir())


def read_all(folder: str) -> int:
    """Read all such files of a folder, and pictures and sounds in the folders in it; returns how many there were.

    What a reader refuses is refused again where the data are read for good: here nothing is said of it.
    """
    from bvae.data.base import DataError
    from bvae.data.own import readers  # noqa: F401  # they register themselves
    from bvae.data.own.readers.pictures import pictures_in, read_pictures
    from bvae.data.own.readers.sounds import read_sounds, sounds_in
    from bvae.data.own.tables import READERS, suffix_of

    names = needed(Path(folder))
    for name in names:
        path = Path(folder) / name
        with contextlib.suppress(DataError):
            if not path.is_dir():
                READERS[suffix_of(path)](path, ())
            elif pictures_in(path):
                read_pictures(path)
            elif sounds_in(path):
                read_sounds(path)
    return len(names)
