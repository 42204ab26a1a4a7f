"""AnnData and MuData (the optional extra "cells"): their matrices as modalities, their index as ids."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bvae.data.base import DataError
from bvae.data.own.tables import (
    MAX_FILE,
    READERS,
    Table,
    Views,
    check_columns,
    check_extent,
    check_size,
    columns_of_matrix,
    told,
)
from bvae.data.sparse import SparseColumns

KEY = "X_bvae"
"""Name of the latent positions in obsm."""


def from_anndata(given: Any, name: str = "x") -> tuple[dict[str, Any], Sequence[Any], dict[str, Any]]:
    """Modalities, ids and label columns of an AnnData: `X`, and each matrix of `obsm` that holds no embedding."""
    parts: dict[str, Any] = {}
    if given.X is not None:
        parts[name] = matrix(name, given.X, list(given.var_names))
    for key, values in given.obsm.items():
        if key.startswith("X_"):  # an embedding, by scverse's custom
            continue
        titles = list(values.columns) if hasattr(values, "columns") else [f"{key}_{k}" for k in range(values.shape[1])]
        parts[key] = matrix(key, values.to_numpy() if hasattr(values, "to_numpy") else values, titles)
    return parts, list(map(str, given.obs_names)), labels_of(given.obs)


def from_mudata(given: Any) -> tuple[dict[str, Any], Sequence[Any], dict[str, Any]]:
    """Modalities, ids and label columns of a MuData; cells that a modality lacks are rows of gaps."""
    ids = list(map(str, given.obs_names))
    places = {i: k for k, i in enumerate(ids)}
    parts: dict[str, Any] = {}
    for key, one in given.mod.items():
        table = matrix(key, one.X, list(one.var_names))
        strange = [str(i) for i in one.obs_names if str(i) not in places]
        if strange:
            raise DataError(f"{key}: expected observations of the whole, got {strange[0]!r}")
        rows = np.array([places[str(i)] for i in one.obs_names], dtype=int)
        parts[key] = Table(key, spread(table.columns, rows, len(ids)), 0)
    return parts, ids, labels_of(given.obs)


def spread(columns: Mapping[str, np.ndarray], rows: np.ndarray, count: int) -> Mapping[str, np.ndarray]:
    """The rows of some columns as the rows `rows` of `count`; the others are gaps."""
    if isinstance(columns, SparseColumns):
        whole = columns.as_rows().spread(rows, count)
        return SparseColumns(whole.matrix, list(columns), whole.gaps)
    out = {}
    for title, values in columns.items():
        out[title] = np.full(count, np.nan)
        out[title][rows] = values
    return out


def matrix(where: str, values: Any, titles: Sequence[Any]) -> Table:
    """A matrix, dense or sparse, as a table."""
    check_extent(where, *values.shape)
    return Table(where, columns_of_matrix(where, values, check_columns(where, titles)), 0)


def labels_of(obs: Any) -> dict[str, np.ndarray]:
    """Columns of words of a table of annotations."""
    return {str(key): np.array([None if v is None or v != v else str(v) for v in obs[key]], dtype=object)
            for key in obs.columns if obs[key].dtype.kind not in "fiu"}


def _read(path: Path, gaps: tuple[str, ...] = ()) -> Views:
    """A ``.h5ad`` or ``.h5mu`` file. HDF5 links to other files are not followed."""
    found = _opened(path)
    try:
        parts, ids, labels = from_mudata(found) if path.suffix.lower() == ".h5mu" else from_anndata(found, path.stem)
    except DataError as error:
        raise DataError(f"{path.name}: {error}") from error
    except Exception as error:  # what a damaged file holds may be of any kind
        raise DataError(f"{path.name}: expected matrices of numbers, got what cannot be read as such "
                        f"({type(error).__name__}: {told(error)})") from error
    tables = dict(parts)
    tables[""] = Table(path.name, {"id": np.array(ids, dtype=object), **labels}, 0)
    return Views(tables, ids={key: list(ids) for key in parts})


def _opened(path: Path) -> Any:
    """An AnnData or a MuData, without what lies outside its file."""
    check_size(path, MAX_FILE)
    try:
        import h5py

        with h5py.File(path, "r") as file:
            outside(path.name, file)
        if path.suffix.lower() == ".h5mu":
            import mudata

            return mudata.read_h5mu(path)
        import anndata

        return anndata.read_h5ad(path)
    except DataError:
        raise
    except ModuleNotFoundError as error:
        raise DataError(f"{path.name}: reading it needs {error.name}: pip install 'bvae[cells]'") from error
    except Exception as error:  # h5py, anndata and mudata raise errors of many kinds for damaged files
        raise DataError(f"{path.name}: expected an HDF5 file of AnnData or MuData, got one that cannot be read "
                        f"({type(error).__name__}: {told(error)})") from error


def embedded(path: Path, ids: Sequence[str], mean: np.ndarray) -> int:
    """Write latent positions into ``obsm["X_bvae"]`` of a file that is there, by the names of its observations.

    Parameters
    ----------
    path : Path
        Ends with .h5ad or .h5mu; it is written whole or stays what it was.
    ids : sequence of str
    mean : ndarray
        (N, D); observations of the file that are none of the ids get NaN.

    Returns
    -------
    int
        How many observations got one.

    Raises
    ------
    DataError
        If there is no such file, or none of its observations is one of the ids.
    """
    if not path.is_file():
        raise DataError(f"{path}: expected a file that is there, whose obsm gets the positions, got none")
    found = _opened(path)
    places = {i: k for k, i in enumerate(ids)}
    names = [str(n) for n in found.obs_names]
    out = np.full((len(names), mean.shape[1]), np.nan, np.float32)
    rows = [k for k, n in enumerate(names) if n in places]
    if not rows:
        raise DataError(f"{path.name}: expected observations with the ids of the items, such as {ids[0]!r}, got "
                        f"{', '.join(names[:3])}")
    out[rows] = mean[[places[names[k]] for k in rows]]
    found.obsm[KEY] = out
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".bvae-") as folder:  # HDF5 wants the file for itself
        whole = Path(folder) / path.name
        (found.write_h5mu if path.suffix.lower() == ".h5mu" else found.write_h5ad)(whole)
        whole.replace(path)
    return len(rows)


def outside(where: str, group: Any) -> None:
    """Raise DataError for a link to another file in an HDF5 group or below it, and for data kept outside."""
    import h5py

    for key in group:
        link = group.get(key, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise DataError(f"{where}: expected all data in the file, got a link to another one at {key!r}")
        if isinstance(link, h5py.SoftLink):
            continue
        entry = group[key]
        if isinstance(entry, h5py.Group):
            outside(where, entry)
        elif entry.external or entry.is_virtual:
            raise DataError(f"{where}: expected all data in the file, got data kept outside at {key!r}")


READERS.register(".h5ad")(_read)
READERS.register(".h5mu")(_read)
