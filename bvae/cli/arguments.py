"""Types of arguments that several commands take."""

from __future__ import annotations

import argparse
from pathlib import Path

from bvae.data import DATASETS, DataError, datasets
from bvae.data.own import models_of, register
from bvae.training.checkpoint import checkpoints_root
from bvae.training.settings import SEEDS


def seed(text: str) -> int:
    """A seed of random numbers from the command line."""
    value = int(text)
    if not 0 <= value < SEEDS:
        raise argparse.ArgumentTypeError(f"expected an integer from 0 to {SEEDS - 1}, got {text}")
    return value


def positive(text: str) -> int:
    """A positive integer from the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text}")
    return value


UNITS = {"s": 1, "m": 60, "h": 3600}


def duration(text: str) -> float:
    """A time from the command line, such as 90s, 5m or 2h, in seconds."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in UNITS else (text, "s")
    try:
        value = float(number) * UNITS[unit]
    except ValueError:
        value = 0.0
    if not 1 <= value <= 30 * 24 * 3600:
        raise argparse.ArgumentTypeError(f"expected a time such as 90s, 5m or 2h, got {text!r}")
    return value


class DataName(str):
    """Name of a data set, as the command line takes it.

    Attributes
    ----------
    given : str
        What was typed: the name, or the folder that is registered under it.
    """

    given: str


def data_name(text: str) -> DataName:
    """A data set from the command line: the name of one of ours, or a folder with a ``bvae.toml``."""
    if text in DATASETS:
        name = DataName(text)
    elif Path(text).is_dir():
        try:
            name = DataName(register(Path(text)))
        except DataError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
    else:
        raise argparse.ArgumentTypeError(
            f"expected a data set ({', '.join(datasets())}) or a folder with a bvae.toml, got {text!r}")
    name.given = text
    return name


def models_root(dataset: str, given: Path | None = None) -> Path:
    """Where the checkpoints of a data set are: the folder given, that beside its own data, or that of all others."""
    return given or models_of(dataset) or checkpoints_root()
