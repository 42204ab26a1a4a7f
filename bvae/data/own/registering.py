"""Own data under a name, for everything that takes the name of a data set, in this process."""

from __future__ import annotations

import itertools
import shlex
from pathlib import Path
from typing import Any

from bvae.data.base import DATASETS, DataError
from bvae.data.own.folder import Folder
from bvae.data.own.manifest import DATASET_NAME, MODELS
from bvae.data.own.own_data import OwnData

_TIMES = itertools.count(1)
FOLDERS: dict[str, Path] = {}
"""Name of a registered data set -> its folder, for those that have one."""


def register(data: OwnData | Folder | Path | str) -> str:
    """Enter own data, or a folder with a ``bvae.toml``, into the registry; returns its name.

    The same name may be entered again. A folder is read when a split is first asked for.

    Raises
    ------
    DataError
        If the name is that of a data set of ours, or the folder cannot be read.
    """
    folder = Folder(Path(data)) if isinstance(data, (str, Path)) else data if isinstance(data, Folder) else None
    name = data.name if isinstance(data, OwnData) else folder.manifest.name  # type: ignore[union-attr]
    story = data.story if isinstance(data, OwnData) else folder.manifest.story  # type: ignore[union-attr]
    if not DATASET_NAME.fullmatch(name):
        raise DataError(f"name: expected small letters, digits and hyphens, got {name[:60]!r}")
    if name in DATASETS and not issubclass(DATASETS[name], OwnData):
        raise DataError(f"name: expected one that no data set of ours has, got {name!r}; choose another")
    parts: dict[str, OwnData] = {}

    def opened(split: str) -> OwnData:
        if not parts:
            parts.update(folder.splits() if folder is not None else data.splits())  # type: ignore[union-attr]
            if folder is not None:
                folder.forget()
        if split not in parts:
            raise DataError(f"split: expected {' or '.join(parts)}, got {split!r}")
        return parts[split]

    def start(self: OwnData, split: str = "test", source: str = "embedded", root: Any = None,
              augment: bool = False) -> None:  # there is no variation of a person's own items
        self.__dict__.update(opened(split).__dict__)

    kind = type("Registered", (OwnData,), {"name": name, "title": name, "story": story, "__init__": start,
                                           "version": next(_TIMES)})
    DATASETS.register(name)(kind)
    if folder is not None:
        FOLDERS[name] = folder.path.resolve()
    return name


def models_of(name: str) -> Path | None:
    """The folder of a data set's models, beside its data; None unless it was registered from a folder."""
    return FOLDERS[name] / MODELS if name in FOLDERS else None


def as_typed(name: str) -> str:
    """What a command takes for a data set: the folder that it was registered from, as a shell reads it, or its name."""
    return shlex.quote(str(FOLDERS[name])) if name in FOLDERS else name


def unregister(name: str) -> None:
    """Take a data set that was registered from a folder out of the registry; its files stay."""
    if FOLDERS.pop(name, None) is not None:
        DATASETS.remove(name)
