"""Tables that are mostly 0, such as counts of genes: kept as they came, dense only for the items that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

MOST_DENSE = 0.25
"""A sparse matrix with a larger share of cells that are not 0 takes no less memory than a dense one."""


class SparseRows:
    """(N, P) float32 numbers of which most are 0.

    Parameters
    ----------
    matrix : scipy.sparse array or matrix
        (N, P); NaN in a cell is a gap.
    gaps : ndarray, optional
        (N,) bool: rows that are gaps as a whole.

    Attributes
    ----------
    known : dict
        What takes long and was computed of these rows, for who asks again.
    """

    def __init__(self, matrix: Any, gaps: np.ndarray | None = None) -> None:
        from scipy.sparse import csr_array

        self.known: dict[Any, Any] = {}
        self.matrix = csr_array(matrix, dtype=np.float32)
        self.gaps = np.zeros(self.matrix.shape[0], bool) if gaps is None else gaps

    @property
    def shape(self) -> torch.Size:
        """(N, P)."""
        return torch.Size(self.matrix.shape)

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def __getitem__(self, index: Any) -> Tensor:
        """Some rows, as tensors are asked for them, dense: (n, P), or (P,) of one."""
        if isinstance(index, int | np.integer) or (isinstance(index, Tensor) and not index.ndim):
            return self[[int(index)]][0]
        rows = self.rows(index)
        out = rows.matrix.toarray()
        out[rows.gaps] = np.nan
        return torch.from_numpy(out)

    def rows(self, index: Any) -> SparseRows:
        """Some rows: a slice, positions, or (N,) bool."""
        at = index.numpy() if isinstance(index, Tensor) else index if isinstance(index, slice) else np.asarray(index)
        if isinstance(at, np.ndarray) and not at.size:
            at = at.astype(np.int64)
        return SparseRows(self.matrix[at], self.gaps[at])

    def cells(self, at: Any) -> SparseRows:
        """Some cells of every row: a slice, or positions."""
        return SparseRows(self.matrix[:, at.numpy() if isinstance(at, Tensor) else at], self.gaps)

    def some_gaps(self) -> bool:
        """Whether there are gaps: NaN, or rows that are gaps as a whole."""
        return bool(self.gaps.any() or np.isnan(self.matrix.data).any())

    def empty(self) -> Tensor:
        """(N,) bool: rows that hold nothing but gaps."""
        lacking = self.matrix.copy()
        lacking.data = np.isnan(lacking.data).astype(np.float32)
        return torch.from_numpy(self.gaps | ((lacking.sum(1) == self.shape[1]) & (self.shape[1] > 0)))

    def blank(self, present: Tensor) -> SparseRows:
        """With 0 in the rows that are missing, see `bvae.data.checks.blank`."""
        there = present.numpy()
        matrix = self.matrix
        if not there.all():
            matrix = matrix.copy()
            matrix.data[~np.repeat(there, np.diff(matrix.indptr))] = 0.0
            matrix.eliminate_zeros()
        return SparseRows(matrix, self.gaps & there)

    def spread(self, index: np.ndarray, count: int) -> SparseRows:
        """These rows as the rows `index` of `count`; the others are gaps."""
        order = np.full(count, -1)
        order[index] = np.arange(len(self))
        lacking = order < 0
        out = self.rows(np.where(lacking, 0, order)).blank(torch.from_numpy(~lacking))
        return SparseRows(out.matrix, out.gaps | lacking)


class SparseColumns(Mapping[str, np.ndarray]):
    """The columns of a sparse table by name: each a dense (N,) float64 while it is looked at.

    Parameters
    ----------
    matrix : scipy.sparse array or matrix
        (N, P).
    names : sequence of str
        P different ones.
    gaps : ndarray, optional
        (N,) bool: rows that are gaps as a whole.
    """

    def __init__(self, matrix: Any, names: Sequence[str], gaps: np.ndarray | None = None) -> None:
        from scipy.sparse import csc_array

        self.matrix = csc_array(matrix)
        self.matrix.sum_duplicates()
        self.places = {name: k for k, name in enumerate(names)}
        self.gaps = np.zeros(self.matrix.shape[0], bool) if gaps is None else gaps

    def __getitem__(self, name: str) -> np.ndarray:
        at = self.matrix.indptr[self.places[name] : self.places[name] + 2]
        out = np.zeros(self.matrix.shape[0])
        out[self.matrix.indices[at[0] : at[1]]] = self.matrix.data[at[0] : at[1]]
        out[self.gaps] = np.nan
        return out

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def only(self, names: Sequence[str]) -> SparseColumns:
        """Some of the columns."""
        if list(names) == list(self.places):
            return self
        return SparseColumns(self.matrix[:, [self.places[name] for name in names]], names, self.gaps)

    def as_rows(self) -> SparseRows:
        """All of them, for who asks for items."""
        return SparseRows(self.matrix, self.gaps)


class Values(MutableMapping[str, Tensor]):
    """Name of a modality -> (N, ...) values, as `MultimodalDataset.x` has them.

    What is kept sparse is made dense each time that it is asked for as a whole: who needs some items takes
    :meth:`of_items`.
    """

    def __init__(self, held: Mapping[str, Any]) -> None:
        self.held = dict(held)

    def __getitem__(self, name: str) -> Tensor:
        found = self.held[name]
        return found[:] if isinstance(found, SparseRows) else found

    def __setitem__(self, name: str, values: Any) -> None:
        self.held[name] = values

    def __delitem__(self, name: str) -> None:
        del self.held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)

    def of_items(self, index: Any) -> dict[str, Tensor]:
        """Some items, dense: name -> (n, ...)."""
        return {name: values[index] for name, values in self.held.items()}

    def rows(self, index: Any) -> Values:
        """Some items, what is sparse still sparse."""
        return Values({name: values.rows(index) if isinstance(values, SparseRows) else values[index]
                       for name, values in self.held.items()})
