"""Parquet, by pyarrow: one file, nothing outside it is followed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bvae.data.base import DataError
from bvae.data.own.readers.text import numbers, numbers_or_words
from bvae.data.own.tables import MAX_CELLS, READERS, Table, Views, check_columns, check_extent, check_size, told

MAX_TEXT = 2**31 - 2
"""Bytes of all words of a column."""
EXACT = 2**53
"""Whole numbers beyond it are ids: they stay words."""


@READERS.register(".parquet")
def read_parquet(path: Path, gaps: tuple[str, ...] = ()) -> Views:
    """A table with a column of its own for each column of the file. See `read_csv`."""
    check_size(path)
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise DataError(f"{path.name}: reading Parquet needs pyarrow: pip install 'bvae[tables]'") from error
    try:
        with pa.OSFile(str(path)) as source:
            file = parquet.ParquetFile(source)
            check_extent(path.name, file.metadata.num_rows, file.metadata.num_columns)
            groups = [file.metadata.row_group(k).total_byte_size for k in range(file.metadata.num_row_groups)]
            if sum(groups) > 8 * MAX_CELLS:
                raise DataError(f"{path.name}: expected at most {8 * MAX_CELLS // 2**20:,} MB unpacked, got "
                                f"{sum(groups) / 2**20:,.0f} MB; leave out columns")
            texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
            # words as a dictionary: a short file may repeat a long one without end
            table = parquet.ParquetFile(source, read_dictionary=texts).read(use_threads=False)
        return Views({"": from_arrow(path.name, table, gaps, first_row=1)})
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise DataError(f"{path.name}: expected a Parquet file, got one that cannot be read ({told(error)})"
                        ) from error


def from_arrow(where: str, table: Any, gaps: tuple[str, ...] = (), first_row: int = 1) -> Table:
    """An Arrow table, such as pandas and polars give of themselves. Raises DataError for types that hold no cells."""
    names = check_columns(where, table.column_names)
    return Table(where, {name: cells_of(where, name, column, gaps, first_row)
                         for name, column in zip(names, table.columns, strict=True)}, first_row)


def cells_of(where: str, name: str, column: Any, gaps: tuple[str, ...], first_row: int) -> np.ndarray:
    """One column as (N,) float64 or objects."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        check_words(where, name, column)
        kind = kind.value_type
        column = pc.cast(column, kind)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        values = pc.cast(column, pa.string())
        values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        return numbers_or_words(where, name, values, gaps, first_row)
    if pa.types.is_integer(kind):
        limits = pc.min_max(column).as_py()
        if max(abs(limits["min"] or 0), abs(limits["max"] or 0)) > EXACT:
            return np.array([None if v is None else str(v) for v in column.to_pylist()], dtype=object)
    if any(is_a(kind) for is_a in (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating,
                                   pa.types.is_decimal)):
        return numbers(where, name, pc.cast(column, pa.float64()).to_numpy(), gaps, first_row)
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_temporal(kind):
        return np.array(pc.cast(column, pa.string()).to_pylist(), dtype=object)
    raise DataError(f"{where}, column {name!r}: expected numbers or words in its cells, got {kind}; leave the column "
                    "out, or spread it over columns of numbers")


def check_words(where: str, name: str, column: Any) -> None:
    """Raise DataError for a dictionary of words that would not fit into memory when it is written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    total = 0
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        if pa.types.is_string(chunk.dictionary.type):
            lengths = pc.cast(pc.binary_length(chunk.dictionary), pa.int64())
            total += pc.sum(pc.take(lengths, chunk.indices)).as_py() or 0
    if total > MAX_TEXT:
        raise DataError(f"{where}, column {name!r}: expected at most {MAX_TEXT // 2**20:,} MB of words, got "
                        f"{total / 2**20:,.0f} MB; leave the column out")
