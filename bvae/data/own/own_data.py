"""`OwnData`: items of one's own, as every other part of the package takes a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bvae.data.base import DataError, Modality, MultimodalDataset
from bvae.data.checks import checked
from bvae.data.columns import places
from bvae.data.own.words import check_ids, is_gap, word
from bvae.data.sparse import SparseRows, Values

SPLITS = ("train", "test")
UNLABELLED = "unknown"
"""Class of the items that have no word in the column of the classes."""
MOST_CLASSES = 200
"""Label columns of more different words are kept, but make no classes."""


class Classes(NamedTuple):
    """What the classes are, of a data set and of all its parts.

    Attributes
    ----------
    column : str
        The label column that they stand in; "" if there are none.
    words : tuple of str
    """

    column: str = ""
    words: tuple[str, ...] = ()


class OwnData(MultimodalDataset):
    """Items with ids, seen through the modalities that a person brought.

    Parameters
    ----------
    name : str
        As it shall be called in lists and in addresses.
    modalities : sequence of Modality
    x : mapping of str to array
        name -> (N, ...), NaN where a cell, or a whole view, is missing.
    mask : array, optional
        (M, N) bool: which items have which views; by default those with a cell that is there.
    ids : sequence of str, optional
        N different ones; by default "0", "1", ...
    labels : mapping, optional
        Name of a label column -> N words, or N numbers; None or NaN where there is none. The first column of words
        with 2 to :data:`MOST_CLASSES` different ones makes the classes.
    split : str
        "train", "test", or "all" for what is not split.
    story, alphabet : str
        Of the texts: their characters in order.
    notes : sequence of str
        What was left out or changed when the data came in.

    Raises
    ------
    DataError
        If the parts do not fit together.
    """

    name = "own"  # of each instance its own
    version: ClassVar[int] = 0
    """Of a registered data set: another number each time that the name is registered, for what is cached by name."""
    x: Values

    def __init__(
        self, name: str, modalities: Sequence[Modality], x: Mapping[str, Any], mask: Any = None,
        ids: Sequence[str] | None = None, labels: Mapping[str, Any] | None = None, split: str = "all",
        story: str = "", alphabet: str = "", notes: Sequence[str] = (), classes: Classes | None = None,
    ) -> None:
        self.name, self.split, self.source = name, split, "own"  # type: ignore[misc]
        self.title = name  # type: ignore[misc]
        self.story, self.alphabet, self.notes = story, alphabet, tuple(notes)
        self.modalities = {m.name: m for m in modalities}
        self.x = Values(x)
        count = len(next(iter(self.x.held.values()))) if self.x else 0
        self.ids = tuple(map(str, range(count))) if ids is None else tuple(map(str, ids))
        if len(self.ids) != count:
            raise DataError(f"ids: expected {count:,} of them, one an item, got {len(self.ids):,}")
        check_ids("ids", self.ids)
        self.mask = mask
        self.label_columns = {key: np.asarray(values, dtype=object) for key, values in (labels or {}).items()}
        for key, values in self.label_columns.items():
            if len(values) != count:
                raise DataError(f"label column {key!r}: expected {count:,} values, one an item, got {len(values):,}")
        self.classes = classes or found_classes(self.label_columns)
        self.num_classes = max(1, len(self.classes.words))
        self.y = self._y()  # type: ignore[assignment]  # until the checks have filled it
        checked(self)

    @property
    def class_column(self) -> str:
        """Name of the label column whose words are the classes; "" if there is none."""
        return self.classes.column

    def _y(self) -> Tensor | None:
        if not self.classes.words:
            return None
        number = {w: k for k, w in enumerate(self.classes.words)}
        values = self.label_columns[self.classes.column]
        return torch.tensor([number[UNLABELLED if is_gap(v) else word(v)] for v in values])

    @property
    def class_names(self) -> tuple[str, ...]:
        """See `MultimodalDataset.class_names`."""
        return self.classes.words or ("0",)

    def called(self, item: int) -> str:
        """See `MultimodalDataset.called`."""
        of_class = f", {self.class_column} {self.class_names[int(self.y[item])]}" if self.labelled else ""
        return f"item {self.ids[item]}{of_class}"

    def read_text(self, text: Tensor) -> list[str]:  # type: ignore[override]
        """See `MultimodalDataset.read_text`."""
        if not self.alphabet:
            raise DataError("this data set has no text modality")
        return ["".join(self.alphabet[k] for k in row) for row in text.argmax(-1).tolist()]

    def subset(self, index: Any) -> dict[str, Tensor]:
        """See `MultimodalDataset.subset`. What is kept sparse is dense for these items only."""
        return self.x.of_items(index)

    def rows_of(self, modality: str, index: Any) -> Tensor | SparseRows:
        """See `MultimodalDataset.rows_of`. What is kept sparse stays so."""
        held = self.x.held[modality]
        return held.rows(index) if isinstance(held, SparseRows) else held[index]

    def first_cells(self, modality: str, count: int) -> Tensor:
        """The first cells of the items that have a modality of columns, (n, at most `count`)."""
        held, there = self.x.held[modality], self.present[list(self.modalities).index(modality)]
        return (held.cells(slice(count)) if isinstance(held, SparseRows) else held[:, :count])[there]

    def rows(self, index: Any, split: str = "all") -> OwnData:
        """Some of the items, as a data set of its own with the same classes.

        Parameters
        ----------
        index : sequence of int, or (N,) bool
        split : str
            What to call the part.

        Raises
        ------
        DataError
            If there would be no item, or one that is not there.
        """
        index, count = np.asarray(index), len(self.ids)
        if index.dtype == bool and index.shape != (count,):
            raise DataError(f"index: expected a truth value for each of {count:,} items, got shape {index.shape}")
        index = np.flatnonzero(index) if index.dtype == bool else index.astype(int)
        if not len(index):
            raise DataError(f"index: expected at least one of {count:,} items, got none")
        if index.min() < -count or index.max() >= count:
            raise DataError(f"index: expected positions of {count:,} items, from 0 to {count - 1:,}, got "
                            f"{int(index.max() if index.max() >= count else index.min()):,}")
        chosen = torch.from_numpy(index)
        return OwnData(
            self.name, list(self.modalities.values()), self.x.rows(chosen).held,
            None if self.mask is None else self.mask[:, chosen], [self.ids[k] for k in index],
            {key: values[index] for key, values in self.label_columns.items()}, split, self.story, self.alphabet,
            self.notes, self.classes)

    def splits(self, test: float = 0.2, assigned: Sequence[str | None] | None = None) -> dict[str, OwnData]:
        """Training and test items.

        Parameters
        ----------
        test : float
            Share of the test items. Whether an item is one follows from its id alone, so that more items move none.
        assigned : sequence, optional
            "train" or "test" for each item, instead.

        Raises
        ------
        DataError
            If a part would be empty, or the training items would lack a modality.
        """
        if assigned is None:
            if not 0 < test < 1:
                raise DataError(f"test: expected a share between 0 and 1, got {test!r}")
            chosen = np.array([share_of(i) < test for i in self.ids])
            if (len(chosen) > 1 and chosen.all()) or not chosen.any():  # few items: the one whose turn comes first
                order = np.argsort([share_of(i) for i in self.ids])
                chosen = np.isin(np.arange(len(chosen)), order[: max(1, round(test * len(chosen)))])
        else:
            strange = sorted({str(a) for a in assigned} - set(SPLITS))
            if strange:
                raise DataError(f"split: expected train or test for every item, got {', '.join(strange[:3])}")
            chosen = np.array([a == "test" for a in assigned])
        if chosen.all() or not chosen.any():
            raise DataError(f"expected items to train on and items to test, at least one each, got "
                            f"{int((~chosen).sum()):,} and {int(chosen.sum()):,}")
        out = {"train": self.rows(~chosen, "train"), "test": self.rows(chosen, "test")}
        notes: list[str] = []
        for m, name in enumerate(self.modalities):
            if not bool(out["train"].present[m].any()):
                raise DataError(f"modality {name!r}: expected items that have it among those to train on, got none of "
                                f"{len(out['train']):,}; choose another split")
            if not bool(out["test"].present[m].any()):
                notes.append(f"no item to test has {name!r}: how well it is imputed cannot be told")
        seen = set(out["train"].y.tolist())
        lacking = [w for k, w in enumerate(self.classes.words) if k not in seen]
        if lacking:
            shown = ", ".join(map(repr, lacking[:3])) + ", ..." * (len(lacking) > 3)
            notes.append(f"no item to train on has {self.class_column} {shown}: "
                         + ("with one class only, how well classes are told apart cannot be said"
                            if len(seen) < 2 else "a probe cannot learn what it looks like"))
        for part in out.values():
            part.notes = (*part.notes, *notes)
        return out

    def patterns(self) -> list[tuple[tuple[str, ...], int]]:
        """Which views the items have together: (names, number of items), the commonest first."""
        rows, counts = torch.unique(self.present.T, dim=0, return_counts=True)
        names = list(self.modalities)
        found = [(tuple(n for n, there in zip(names, row.tolist(), strict=True) if there), int(c))
                 for row, c in zip(rows, counts, strict=True)]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def gaps(self, modality: str) -> float:
        """Share of a modality's columns' cells that are missing in the items that have the modality."""
        there, held = self.present[list(self.modalities).index(modality)], self.x.held[modality]
        if isinstance(held, SparseRows):
            have = held.rows(there)
            return float(np.isnan(have.matrix.data).sum() / max(1, np.prod(have.shape, dtype=float)))
        have = held[there]
        first = [place.start for place in places(self.modalities[modality].columns)]
        return float(have[:, first].isnan().float().mean()) if len(have) and first else 0.0


def share_of(item: str) -> float:
    """A number in [0, 1) that follows from an id alone."""
    return int.from_bytes(hashlib.sha256(item.encode()).digest()[:6], "big") / 2**48


def found_classes(labels: Mapping[str, np.ndarray]) -> Classes:
    """The first label column with few different words, or whole numbers, as classes."""
    for column, values in labels.items():
        if _makes_classes(values):
            words = sorted({word(v) for v in values if not is_gap(v)},
                           key=lambda t: (not t.isdigit(), t.zfill(12) if t.isdigit() else "", t))
            lacking = any(map(is_gap, values)) and UNLABELLED not in words
            return Classes(column, (*words, UNLABELLED) if lacking else tuple(words))
    return Classes()


def _makes_classes(values: np.ndarray) -> bool:
    words = {word(v) for v in values if not is_gap(v)}
    whole = all(not isinstance(v, float) or v.is_integer() for v in values if not is_gap(v))
    return whole and 2 <= len(words) <= MOST_CLASSES and len(words) <= max(2, len(values) // 2)
