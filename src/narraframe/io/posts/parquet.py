"""Parquet tables, our own table POSTS among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from narraframe.errors import InputError
from narraframe.io.posts.columns import USUAL, Columns, check_columns, require_text, resolve
from narraframe.io.posts.common import Item, Origin, id_deriver
from narraframe.io.posts.record import record_items
from narraframe.records import BadRecord

_BATCH_ROWS = 1000


def read_parquet(
    file: BinaryIO,
    *,
    origin: Origin,
    columns: Columns = USUAL,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Item]:
    """Yield the posts of a Parquet table, a batch of rows in memory at a time.

    `progress` is called with the rows of a batch, as their share of the bytes.

    Raises
    ------
    InputError
        If `file` is no Parquet table, a column that `columns` names does not exist, or none holds
        the text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        there = list(table.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            "is no Parquet table that can be read, or is cut off",
            where=origin.name,
            got=str(error),
            remedy="Write or copy it again.",
        ) from error
    check_columns(columns, there, where=origin.name)
    names = resolve(tuple(there), columns)
    require_text(names, there, where=origin.name)
    wanted = list(dict.fromkeys(key for keys in names.values() for key in keys))
    derive = id_deriver()
    number, bytes_a_row = 0, file.seek(0, 2) / max(table.metadata.num_rows, 1)
    try:
        for batch in table.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
            for record in _records(batch):
                number += 1
                where = origin.at("row", number)
                if isinstance(record, UnicodeDecodeError):
                    yield BadRecord(where, "not valid UTF-8")
                else:
                    yield from record_items(
                        record, names=names, where=where, origin=origin, derive=derive
                    )
            if progress is not None:
                progress(round(batch.num_rows * bytes_a_row))
    except (pa.ArrowException, OSError) as error:
        yield BadRecord(origin.at("row", number + 1), f"the table breaks off here: {error}")


def _records(batch: Any) -> Iterator[dict[str, object] | UnicodeDecodeError]:
    plain = _plain(batch)
    try:
        yield from plain.to_pylist()
    except UnicodeDecodeError:
        for i in range(plain.num_rows):
            try:
                yield plain.slice(i, 1).to_pylist()[0]
            except UnicodeDecodeError as error:
                yield error


def _plain(batch: Any) -> Any:
    """Turn times into UTC microseconds, and bytes into text (checked later, row by row)."""
    import pyarrow as pa

    columns = []
    for column in batch.columns:
        kind = column.type
        if pa.types.is_timestamp(kind):
            column = column.cast(pa.timestamp("us", tz="UTC" if kind.tz else None), safe=False)
        elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            column = column.cast(pa.large_string(), safe=False)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
