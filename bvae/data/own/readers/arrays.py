"""NPZ and safetensors: arrays by name, of which those of two axes are tables and those of three or four pictures."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from bvae.data.base import DataError
from bvae.data.own.readers.text import numbers
from bvae.data.own.tables import MAX_CELLS, MIB, READERS, Table, Views, check_columns, check_extent, check_size, told
from bvae.data.own.words import word

MAX_ARRAYS = 256
IDS, NAMES = "ids", "columns"
"""An array "ids" or "NAME_ids" holds ids; "NAME_columns" names of columns."""


@READERS.register(".npz")
def read_npz(path: Path, gaps: tuple[str, ...] = ()) -> Views:
    """Arrays of an archive, without objects. See :func:`views_of` for what they become."""
    check_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
            if len(entries) > MAX_ARRAYS or unpacked > 8 * MAX_CELLS:
                raise DataError(f"{path.name}: expected at most {MAX_ARRAYS} arrays and {8 * MAX_CELLS // MIB:,} MB "
                                f"unpacked, got {len(entries):,} and {unpacked / MIB:,.0f} MB")
        with np.load(path, allow_pickle=False, max_header_size=10_000) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except DataError:
        raise
    except Exception as error:  # zipfile and NumPy raise errors of many kinds for what they cannot read
        kind = "objects (pickled), which are never read" if "allow_pickle" in str(error) else told(error)
        raise DataError(f"{path.name}: expected an archive of plain arrays (np.savez), got {kind}") from error
    return views_of(path.name, found, gaps)


@READERS.register(".safetensors")
def read_safetensors(path: Path, gaps: tuple[str, ...] = ()) -> Views:
    """Tensors of a file. See :func:`views_of` for what they become."""
    import safetensors.numpy

    check_size(path)
    try:
        found = safetensors.numpy.load_file(path)
    except Exception as error:  # the library's errors have no common kind
        raise DataError(f"{path.name}: expected a safetensors file, got one that cannot be read ({told(error)})"
                        ) from error
    return views_of(path.name, found, gaps)


def views_of(where: str, arrays: dict[str, np.ndarray], gaps: tuple[str, ...] = ()) -> Views:
    """Named arrays as parts: (N, C) as tables, (N,) of words or numbers as the columns of the table "", more axes as
    they are. Raises DataError for other types than numbers, bools and texts."""
    out = Views()
    single: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        what = f"{where}, array {name[:60]!r}"
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufUS" or not 1 <= array.ndim <= 4:
            got = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else "another file"
            raise DataError(f"{what}: expected numbers or texts of 1 to 4 axes, got {got}")
        words = array.dtype.kind in "US"
        if array.ndim == 1:
            check_extent(what, len(array), 1)
            single[name] = texts_of(array) if words else numbers(where, name, array, gaps, 0)
        elif words:
            raise DataError(f"{what}: expected numbers, got texts of shape {array.shape}; texts have one axis")
        elif array.ndim == 2:
            check_extent(what, *array.shape)
            titles = titles_of(where, name, array.shape[1], arrays.get(f"{name}_{NAMES}"))
            values = numbers(where, name, array, gaps, 0)
            out.tables[name] = Table(what, dict(zip(titles, values.T, strict=True)), 0)
        elif 0 in array.shape:
            raise DataError(f"{what}: expected pictures, got none in shape {array.shape}")
        else:
            out.arrays[name] = array
    for name in [*out.tables, *out.arrays]:
        single.pop(f"{name}_{NAMES}", None)
    for name in list(single):
        part = name.removesuffix(f"_{IDS}")
        if name.endswith(f"_{IDS}") and (part in out.tables or part in out.arrays):
            out.ids[part] = ids_of(where, name, single.pop(name), rows_of(out, part))
    if IDS in single:
        ids = single.pop(IDS)
        if single:
            single = {IDS: np.array([word(v) for v in ids.tolist()], dtype=object), **single}
        for part in [*out.tables, *out.arrays]:
            if part not in out.ids:
                out.ids[part] = ids_of(where, IDS, ids, rows_of(out, part))
    if single:
        lengths = {len(v) for v in single.values()}
        if len(lengths) > 1:
            raise DataError(f"{where}: expected arrays of one axis of the same length, got "
                            + ", ".join(f"{len(v):,} of {k[:60]!r}" for k, v in list(single.items())[:6]))
        titles = check_columns(where, list(single))
        out.tables[""] = Table(where, dict(zip(titles, single.values(), strict=True)), 0)
    return out


def texts_of(array: np.ndarray) -> np.ndarray:
    """Texts or bytes (N,) as objects, None for those that are empty."""
    texts = [t.decode("utf-8", "replace") if isinstance(t, bytes) else t for t in array.tolist()]
    return np.array([t if t else None for t in texts], dtype=object)


def titles_of(where: str, name: str, count: int, given: np.ndarray | None) -> list[str]:
    """Names of the columns of an array: those given, if they are as many, else NAME_0, NAME_1, ..."""
    if given is None or given.ndim != 1:
        return check_columns(where, [f"{name}_{k}" for k in range(count)])
    if len(given) != count:
        raise DataError(f"{where}, array {f'{name}_{NAMES}'!r}: expected {count:,} names, one a column of {name!r}, "
                        f"got {len(given):,}")
    return check_columns(where, [word(v) if v is not None else "" for v in texts_of(given).tolist()]
                         if given.dtype.kind in "US" else [word(v) for v in given.tolist()])


def rows_of(views: Views, part: str) -> int:
    """How many items a part has."""
    return views.tables[part].num_rows if part in views.tables else len(views.arrays[part])


def ids_of(where: str, name: str, values: np.ndarray, count: int) -> list[str]:
    """Ids of a part. Raises DataError unless there is one for each of its rows."""
    if len(values) != count:
        raise DataError(f"{where}, array {name!r}: expected {count:,} ids, one a row, got {len(values):,}")
    return ["" if v is None else word(v) for v in values.tolist()]
