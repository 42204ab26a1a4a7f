"""Data sets. A new one is one file in this folder that registers itself with :data:`DATASETS`."""

from __future__ import annotations

import sys
from typing import Any

from bvae.data.base import DATASETS, DataError, Modality, MultimodalDataset
from bvae.data.checks import checked
from bvae.data.columns import Column
from bvae.data.shards import open_shards
from bvae.registry import import_submodules

__all__ = ["DATASETS", "Column", "DataError", "Modality", "MultimodalDataset", "dataset", "datasets"]


def datasets() -> list[str]:
    """Names of the data sets that :func:`dataset` accepts."""
    return DATASETS.names()


def dataset(name: str, split: str = "test", source: str = "embedded", **options: Any) -> MultimodalDataset:
    """A data set by name.

    Parameters
    ----------
    name : str
        One of :func:`datasets`.
    split : {"train", "test"}
    source : str
        "embedded" needs no download; the other sources are listed in the data set's own docstring. "shards" are files
        that any of them was written to, see :mod:`bvae.data.shards`.
    **options
        Passed on, for example ``root`` for files on disk.

    Raises
    ------
    UnknownName
        If there is no such data set.
    DataError
        If a file is missing, unreadable or not of the expected form, or the data set is not as `MultimodalDataset`
        describes it; see :mod:`bvae.data.checks`.
    """
    if source == "shards":
        DATASETS[name]  # raises for an unknown name
        return open_shards(name, split, options.pop("root", None), **options)
    return checked(opened(name, split, source, **options))


COMES_WITH_DATA = ("PIL", "mlxtend", "skimage", "matplotlib", "python_avatars", "resvg_py", "torchvision")
"""What the extra "data" installs."""


def opened(name: str, split: str, source: str, **options: Any) -> MultimodalDataset:
    """An instance of a registered data set, before it is checked. What its own code raises says whose it is."""
    kind: Any = DATASETS[name]  # each has options of its own
    try:
        data = kind(split=split, source=source, **options)
    except (DataError, OSError, MemoryError):
        raise
    except ModuleNotFoundError as error:
        if error.name in COMES_WITH_DATA:
            raise DataError(f"data set {name!r} needs {error.name}: pip install 'bvae[data]'") from error
        raise DataError(f"data set {name!r}, split {split!r}: {error}") from error
    except Exception as error:
        raise DataError(f"data set {name!r}, split {split!r}: its own code ({kind.__module__}.{kind.__qualname__}) "
                        f"raised {type(error).__name__}: {error}") from error
    for part in ("modalities", "x", "split"):
        if not hasattr(kind, part) and getattr(data, part, None) is None:  # of a property its class is asked
            raise DataError(f"data set {name!r}: expected it to set {part!r}, see bvae.data.MultimodalDataset")
    return data


import_submodules(sys.modules[__name__])
