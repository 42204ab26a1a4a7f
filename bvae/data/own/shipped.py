"""Data sets of tables that packages carry: how each becomes `OwnData` under a name of its own."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from bvae.data.base import DATASETS, DataError
from bvae.data.own.own_data import OwnData
from bvae.data.own.weights import balanced


class TableData(OwnData):
    """A data set that :meth:`whole` makes, split by the ids of its items.

    Parameters
    ----------
    split : {"train", "test"}
    source : {"embedded"}
    """

    test: ClassVar[float] = 0.2

    def __init__(self, split: str = "test", source: str = "embedded", **_: Any) -> None:
        if source != "embedded":
            raise DataError(f"source: expected 'embedded', got {source!r}")
        parts = _parts(type(self))
        if split not in parts:
            raise DataError(f"split: expected {' or '.join(parts)}, got {split!r}")
        self.__dict__.update({**parts[split].__dict__, "source": source})

    @classmethod
    def whole(cls) -> OwnData:
        """All items."""
        raise NotImplementedError


_READ: dict[str, dict[str, OwnData]] = {}


def _parts(kind: type[TableData]) -> dict[str, OwnData]:
    """Both splits of a data set, read once; nobody changes what they hold."""
    if kind.name not in _READ:
        whole = kind.whole()
        whole.modalities = {m.name: m for m in balanced(list(whole.modalities.values()))}
        _READ[kind.name] = whole.splits(kind.test)
    return _READ[kind.name]


def ship(name: str) -> Callable[[type[TableData]], type[TableData]]:
    """Decorator: enter a data set of tables under a name."""

    def enter(kind: type[TableData]) -> type[TableData]:
        kind.name = name
        return DATASETS.register(name)(kind)  # type: ignore[return-value]

    return enter


def file_of(package: str, path: str, install: str) -> Path:
    """A file that an installed package carries, found without importing the package.

    Raises DataError, which says how to install it, if it is not there.
    """
    found = importlib.util.find_spec(package)
    places = [] if found is None else list(found.submodule_search_locations or [])
    for place in places:
        if (file := Path(place).joinpath(*path.split("/"))).is_file():
            return file
    raise DataError(f"these data come with the package {package}, which is not installed: {install}")
