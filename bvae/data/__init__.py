"""Data sets. A new one is one file in this folder that registers itself with :data:`DATASETS`."""

from __future__ import annotations

import sys

from bvae.data.base import DATASETS, DataError, Modality, MultimodalDataset
from bvae.data.shards import open_shards
from bvae.registry import import_submodules

__all__ = ["DATASETS", "DataError", "Modality", "MultimodalDataset", "dataset", "datasets"]


def datasets() -> list[str]:
    """Names of the data sets that :func:`dataset` accepts."""
    return DATASETS.names()


def dataset(name: str, split: str = "test", source: str = "embedded", **options) -> MultimodalDataset:
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
        If a file is missing, unreadable or not of the expected form.
    """
    if source == "shards":
        DATASETS[name]  # raises for an unknown name
        return open_shards(name, split, options.pop("root", None), **options)
    return DATASETS[name](split=split, source=source, **options)


import_submodules(sys.modules[__name__])
