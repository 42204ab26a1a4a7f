"""Own data from what is in memory: NumPy, torch, SciPy sparse, pandas, polars, AnnData, MuData."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from bvae.data.base import DataError, Modality
from bvae.data.columns import OF_COLUMNS, Column
from bvae.data.own.encoding import as_held, columns_of, encoded, why_counts
from bvae.data.own.own_data import OwnData
from bvae.data.own.tables import Table, columns_of_matrix, dense, told
from bvae.data.own.tags import tag_table
from bvae.data.own.texts import Made, alphabet_of, text_modality
from bvae.data.own.weights import balanced
from bvae.data.own.words import is_gap

KIND_OF_TYPE = {"number": "vector", "count": "counts", "binary": "binary", "category": "categorical"}


def from_arrays(
    x: Any, y: Sequence[Any] | None = None, ids: Sequence[Any] | None = None, present: Any = None,
    kinds: Mapping[str, str] | None = None, labels: Mapping[str, Sequence[Any]] | None = None, name: str = "own",
    story: str = "", weights: str = "balanced",
) -> OwnData:
    """A data set of one's own from arrays and tables of as many rows each.

    Parameters
    ----------
    x : mapping, AnnData or MuData
        Name of a modality -> one of: (N, C) array of numbers, dense or SciPy sparse, NaN for gaps; a DataFrame of
        pandas or polars, or an Arrow table, whose columns may be numbers or words; (N, H, W), (N, C, H, W) or
        (N, H, W, C) pictures, uint8 or floats in [0, 1]; a sequence of N texts. A row of NaN: the item lacks the view.
    y : sequence, optional
        N classes, as integers or words.
    ids : sequence, optional
        N different ids; by default the index of the first DataFrame or AnnData, else 0, 1, ...
    present : array, optional
        (M, N) or (N, M) bool, or a mapping of names to (N,) bool: which items have which views.
    kinds : mapping, optional
        Name of a modality -> its kind, such as "counts"; by default from its values.
    labels : mapping, optional
        Name of a label column -> N values, beside `y`.
    weights : {"balanced", "cells"}
        Of the modalities' log-likelihoods in training: see `bvae.data.own.weights`, or 1 for each.
    name, story : str
        What the data set is called, and in a sentence what the views of an item have in common.

    Returns
    -------
    OwnData
        All items; see `OwnData.splits`.

    Raises
    ------
    DataError
        In a sentence that names the modality, the row and the column.

    Examples
    --------
    >>> import numpy as np, bvae
    >>> data = bvae.from_arrays({"rna": np.random.rand(40, 5), "protein": np.random.rand(40, 3)})
    >>> data.modalities["rna"].kind, len(data)
    ('vector', 40)
    """
    parts, found_ids, found_labels = parts_of(x)
    if not parts:
        raise DataError("x: expected at least one modality, got none")
    kinds = dict(kinds or {})
    strange = [k for k in kinds if k not in parts]
    if strange:
        raise DataError(f"kinds: expected names of modalities ({', '.join(parts)}), got {strange[0]!r}")
    parts = {key: plain(given) for key, given in parts.items()}
    texts = [t for key, given in parts.items() if is_text(given) and kinds.get(key, "") != "tags" for t in given]
    alphabet = alphabet_of(texts) if any(texts) else ""  # one for all of them
    modalities, values, notes = [], {}, []
    for key, given in parts.items():
        made = one_modality(str(key), given, kinds.get(key, ""), alphabet)
        modalities.append(made.modality)
        values[made.modality.name] = made.values
        notes += made.notes
    counts = {key: len(v) for key, v in values.items()}
    if len(set(counts.values())) > 1:
        raise DataError("x: expected as many rows in every modality, got "
                        + ", ".join(f"{count:,} in {key!r}" for key, count in counts.items())
                        + "; a row of NaN, or present, says that an item lacks a view")
    if weights not in ("balanced", "cells"):
        raise DataError(f"weights: expected 'balanced' or 'cells', got {weights!r}")
    if weights == "balanced":
        modalities = balanced(modalities)
    every = {**({"y": np.asarray(y, dtype=object)} if y is not None else {}), **found_labels, **(labels or {})}
    mask = _mask(present, list(values), next(iter(counts.values())))
    return OwnData(name, modalities, values, mask, ids if ids is not None else found_ids, every, story=story,
                   alphabet=alphabet, notes=notes)


def plain(given: Any) -> Any:
    """Texts of any common form as a list, None where there is none; all else as it is."""
    series = getattr(given, "ndim", None) == 1 or type(given).__name__ == "Series"
    if series and hasattr(given, "dtype") and not isinstance(given, torch.Tensor):
        kind = getattr(given.dtype, "kind", "O")
        values = given.tolist() if hasattr(given, "tolist") else list(given)
        if kind in "OUST" and all(is_gap(v) or isinstance(v, str) for v in values):
            return [None if is_gap(v) else v for v in values]
        return np.asarray(given)
    if isinstance(given, tuple):
        return list(given)
    return given


def is_text(given: Any) -> bool:
    """Whether these are texts, see :func:`plain`."""
    return isinstance(given, list) and any(isinstance(t, str) for t in given) and all(
        t is None or isinstance(t, str) for t in given)


def modality_of(make: Callable[[], Modality]) -> Modality:
    """A modality; its errors as DataError."""
    try:
        return make()
    except ValueError as error:
        raise DataError(str(error)) from error


def one_modality(key: str, given: Any, kind: str, alphabet: str = "") -> Made:
    """One modality of what was given; of texts with the letters of an alphabet."""
    what = f"x[{key!r}]"
    if is_text(given):
        if kind == "tags":
            table, notes = tag_table(what, given)
            made = table_modality(key, table, kind)
            return made._replace(notes=notes + made.notes)
        return text_modality(key, given, alphabet)
    if hasattr(given, "__arrow_c_stream__") or hasattr(given, "__dataframe__"):
        table = from_frame(what, given)
        return table_modality(key, table, kind)
    if isinstance(given, Table):
        return table_modality(key, given, kind)
    if hasattr(given, "toarray") and not isinstance(given, torch.Tensor):
        if len(given.shape) == 2 and given.shape[1]:
            return _of_sparse(key, what, given, kind)
        given = dense(what, given)
    array = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else np.asarray(given)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{what}: expected numbers, a DataFrame or texts, got {array.dtype} of shape {array.shape}")
    if array.ndim in (3, 4) and kind in ("", "image"):
        return picture_modality(key, array)
    if array.ndim != 2:
        raise DataError(f"{what}: expected shape (N, columns), or pictures (N, H, W), got {array.shape}")
    if array.dtype.kind == "f" and np.isinf(array).any():
        row, column = (int(v[0]) for v in np.nonzero(np.isinf(array)))
        raise DataError(f"{what}, row {row}, column {column}: expected a finite number or NaN, got "
                        f"{array[row, column]}")
    columns = {f"c{k}": array[:, k].astype(np.float64) for k in range(array.shape[1])}
    return table_modality(key, Table(what, columns, 0), kind or ("" if _all_binary(array) else "vector"))


def _of_sparse(key: str, what: str, given: Any, kind: str) -> Made:
    """A modality of a sparse matrix."""
    columns = columns_of_matrix(what, given, [f"c{k}" for k in range(given.shape[1])])
    values = np.asarray(given.data) if hasattr(given, "data") else dense(what, given)
    if values.dtype.kind == "f" and np.isinf(values).any():
        row, column = (int(v[0]) for v in np.nonzero(np.isinf(dense(what, given))))
        raise DataError(f"{what}, row {row}, column {column}: expected a finite number or NaN, got an infinite one")
    return table_modality(key, Table(what, columns, 0), kind or ("" if _all_binary(values) else "vector"))


def _all_binary(array: np.ndarray) -> bool:
    there = array if array.dtype.kind != "f" else array[~np.isnan(array)]
    return bool(((there == 0) | (there == 1)).all())


def table_modality(key: str, table: Table, kind: str = "", types: Mapping[str, str] | None = None) -> Made:
    """A modality of columns. The kind is the one that its columns allow, unless it is given."""
    only = {"vector": "number", "counts": "count", "binary": "binary", "tags": "binary", "categorical": "category"}.get(
        kind, "")
    if kind and kind not in OF_COLUMNS:
        raise DataError(f"{table.where}: expected a kind of table ({', '.join(OF_COLUMNS)}), got {kind!r}")
    if not kind and not types and why_counts(table):
        only = "count"
    columns, notes = columns_of(table, types, only)
    if not columns:
        raise DataError(f"{table.where}: expected at least one column with values, got none" + "".join(
            f"; {note}" for note in notes[:2]))
    values, said = encoded(table, columns)
    kind = kind or kind_of(columns)
    modality = modality_of(lambda: Modality(key, kind, (values.shape[1],), columns=columns))
    return Made(modality, as_held(values), notes + said)


def kind_of(columns: Sequence[Column]) -> str:
    """The kind of a modality of these columns: that of their type, or "table" where they are of several."""
    types = {c.type for c in columns}
    return KIND_OF_TYPE[types.pop()] if len(types) == 1 else "table"


def picture_modality(key: str, array: np.ndarray, where: str = "") -> Made:
    """A modality of pictures from (N, H, W), channels first or last; bytes, 16 bits or floats in [0, 1].

    A picture of NaN only is missing.
    """
    what = where or f"x[{key!r}]"
    if array.ndim == 3:
        array = array[:, None]
    elif array.shape[1] not in (1, 3, 4) and array.shape[-1] in (1, 3, 4):
        array = array.transpose(0, 3, 1, 2)
    if array.shape[1] not in (1, 3, 4):
        raise DataError(f"{what}: expected pictures of 1, 3 or 4 channels, got shape {array.shape}")
    if array.dtype.kind in "bui":
        top = 1.0 if array.dtype.kind == "b" else 65535.0 if array.dtype.itemsize == 2 else 255.0
        array = array.astype(np.float32) / top
    values = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
    if len(values) and (float(values.nan_to_num(0.0).min()) < 0 or float(values.nan_to_num(0.0).max()) > 1):
        low, high = float(values.nan_to_num(0.0).min()), float(values.nan_to_num(0.0).max())
        raise DataError(f"{what}: expected floats in [0, 1], or whole numbers of 8 or 16 bits, got {low:g} to "
                        f"{high:g}; divide by the largest value that there can be")
    return Made(modality_of(lambda: Modality(key, "image", tuple(array.shape[1:]))), values, [])


def from_frame(what: str, frame: Any) -> Table:
    """A DataFrame of pandas or polars, or an Arrow table, as a table of its columns."""
    from bvae.data.own.readers.parquet import from_arrow

    try:
        import pyarrow as pa
    except ModuleNotFoundError as error:
        raise DataError(f"{what}: reading DataFrames needs pyarrow: pip install 'bvae[tables]'") from error
    try:
        if type(frame).__module__.startswith("pandas"):  # without its index
            return from_arrow(what, pa.Table.from_pandas(frame, preserve_index=False), first_row=0)
        return from_arrow(what, pa.table(frame), first_row=0)
    except (pa.ArrowException, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{what}: expected columns of numbers or words, got one that is neither ({told(error)})"
                        ) from error


def parts_of(x: Any) -> tuple[dict[str, Any], Sequence[Any] | None, dict[str, Any]]:
    """Modalities by name, ids and label columns of a mapping, an AnnData or a MuData."""
    if isinstance(x, Mapping):
        ids = next((list(v.index) for v in x.values() if type(v).__module__.startswith("pandas")
                    and type(getattr(v, "index", None)).__name__ != "RangeIndex"), None)
        return dict(x), None if ids is None else [str(i) for i in ids], {}
    if hasattr(x, "mod") and hasattr(x, "obs_names"):
        from bvae.data.own.readers.annotated import from_mudata

        return from_mudata(x)
    if hasattr(x, "obs_names") and hasattr(x, "X"):
        from bvae.data.own.readers.annotated import from_anndata

        return from_anndata(x)
    raise DataError(f"x: expected a dictionary, name of a modality -> values, an AnnData or a MuData, got "
                    f"{type(x).__name__}")


def _mask(present: Any, names: list[str], count: int) -> Any:
    if present is None:
        return None
    if isinstance(present, Mapping):
        strange = [k for k in present if k not in names]
        if strange:
            raise DataError(f"present: expected names of modalities ({', '.join(names)}), got {strange[0]!r}")
        rows = {k: np.asarray(v) for k, v in present.items()}
        for k, row in rows.items():
            if row.shape != (count,):
                raise DataError(f"present[{k!r}]: expected {count:,} values, one an item, got shape {row.shape}")
        return np.stack([rows.get(k, np.ones(count, bool)) for k in names])
    mask = np.asarray(present)
    return mask.T if mask.shape == (count, len(names)) and count != len(names) else mask
