"""What the model has to know of one modality: its name, kind, shape, and where it is a table its columns."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bvae.data.columns import OF_COLUMNS, Column, as_plain, checked_columns, from_plain, named

NAME = re.compile(r"\w(?:[\w .:+()'-]{0,58}[\w)+'])?")
"""Names of modalities: letters of any alphabet, digits, and a few marks inside; at most 60 characters."""
KEPT_NAMES = ("joint", "everything")
"""Names that no modality may have: lists of clouds of points use them beside those of the modalities."""


@dataclass(frozen=True)
class Modality:
    """What the model has to know of one modality.

    Parameters
    ----------
    name : str
        See :data:`NAME`; none of :data:`KEPT_NAMES`.
    kind : str
        Chooses the networks, see :mod:`bvae.models.networks`. "image": floats in [0, 1]. "text": one-hot characters.
    shape : tuple of int
        Shape of one item, without the batch axis, for example (3, 28, 28); at least one number.
    label : str
        A few words for a person.
    weight : float
        Weight of its log-likelihood in training, 1 for the bound itself.
    likelihood : str
        One of `bvae.models.likelihoods.LIKELIHOODS` where the modality asks for its own; "" leaves it to the model.
    columns : tuple of Column
        Of a modality that is a table: what its cells are, in order; their widths are the shape together. Its values
        are in the data's own units, and NaN in all cells of a column is a gap. Kinds of `bvae.data.columns.OF_COLUMNS`
        always have some: where a type goes without saying, those not named are called c0, c1, ...

    Raises
    ------
    ValueError
        If one of them is not as described.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    label: str = ""
    weight: float = 1.0
    likelihood: str = ""
    columns: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name) or self.name.lower() in KEPT_NAMES:
            raise ValueError(
                "name of a modality: expected 1 to 60 letters, digits, blanks or . : + ( ) ' _ - between them, none of "
                f"{', '.join(KEPT_NAMES)}, got {self.name!r}")
        what = f"modality {self.name!r}"
        if not isinstance(self.kind, str) or not self.kind:
            raise ValueError(f"{what}: expected a kind, for example 'image', got {self.kind!r}")
        try:
            shape = tuple(int(size) for size in self.shape)
            if not shape or min(shape) < 1 or shape != tuple(self.shape):
                raise ValueError("not positive integers")
        except (TypeError, ValueError) as error:
            raise ValueError(f"{what}: expected a shape of positive integers, got {self.shape!r}") from error
        object.__setattr__(self, "shape", shape)
        if isinstance(self.weight, bool) or not isinstance(self.weight, (int, float)) or not (
                0 <= self.weight < math.inf):
            raise ValueError(f"{what}: expected a weight of at least 0, got {self.weight!r}")
        if not isinstance(self.label, str) or not isinstance(self.likelihood, str):
            raise ValueError(f"{what}: expected texts as label and likelihood, got {self.label!r}, {self.likelihood!r}")
        try:
            object.__setattr__(self, "columns", checked_columns(self.kind, shape, self.columns))
        except ValueError as error:
            raise ValueError(f"{what}: {error}") from error

    @property
    def takes_gaps(self) -> bool:
        """Whether single cells of an item may be missing (NaN): those of modalities with columns may."""
        return bool(self.columns)

    def as_plain(self) -> dict[str, Any]:
        """Plain values, for JSON; columns that have names of their own only."""
        out = {"name": self.name, "kind": self.kind, "shape": list(self.shape), "label": self.label,
               "weight": self.weight, "likelihood": self.likelihood}
        own = self.columns and (OF_COLUMNS.get(self.kind) is None or self.columns != named(self.kind, *self.shape))
        return {**out, "columns": as_plain(self.columns)} if own else out

    @classmethod
    def from_plain(cls, given: Mapping[str, Any]) -> Modality:
        """The inverse of :meth:`as_plain`. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(given["name"], given["kind"], tuple(given["shape"]), given["label"], given.get("weight", 1.0),
                   given.get("likelihood", ""), from_plain(given.get("columns", ())))
