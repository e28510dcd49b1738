"""Tables written block by block: Parquet, CSV or JSON lines by the name of the output."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from narraframe.errors import UsageError
from narraframe.io.cells import guard
from narraframe.io.files import replacing

SUFFIXES = (".parquet", ".csv", ".jsonl", ".jsonl.gz")


class RowWriter(Protocol):
    """Takes a table block by block."""

    def write(self, block: pa.Table) -> None:
        """Append one block."""
        ...


def check_suffix(path: Path) -> None:
    """Refuse a name whose ending names no format.

    Raises
    ------
    UsageError
        If `path` ends otherwise than in one of `SUFFIXES`.
    """
    if not path.name.endswith(SUFFIXES):
        raise UsageError(
            "the ending names no format",
            where=path,
            remedy=f"End it in {', '.join(SUFFIXES)}, or pass - for JSON lines on the output.",
        )


@contextmanager
def open_rows(path: Path, schema: pa.Schema, *, force: bool) -> Iterator[RowWriter]:
    """Yield a writer of tables of `schema` to `path`; the file appears when the block ends well.

    Raises
    ------
    OutputError
        If `path` exists and `force` is False, or cannot be written.
    """
    with replacing(path, force=force) as temporary:
        if path.name.endswith(".parquet"):
            with pq.ParquetWriter(temporary, schema) as writer:
                yield _Parquet(writer)
        elif path.name.endswith(".csv"):
            with temporary.open("w", encoding="utf-8", newline="") as text:
                yield _Csv(text, schema)
        elif path.name.endswith(".gz"):
            with _gzip_text(temporary) as text:
                yield JsonLines(text)
        else:
            with temporary.open("w", encoding="utf-8") as text:
                yield JsonLines(text)


class JsonLines:
    """Writes one JSON object a row to an open text file."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text

    def write(self, block: pa.Table) -> None:
        """Append one block."""
        for row in block.to_pylist():
            short = {k: _shortest(v) if isinstance(v, float) else v for k, v in row.items()}
            self._text.write(json.dumps(short, ensure_ascii=False) + "\n")


class _Parquet:
    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer

    def write(self, block: pa.Table) -> None:
        self._writer.write_table(block)


class _Csv:
    def __init__(self, text: IO[str], schema: pa.Schema) -> None:
        self._writer = csv.writer(text, lineterminator="\n")
        self._names = schema.names
        self._writer.writerow(self._names)

    def write(self, block: pa.Table) -> None:
        for row in block.to_pylist():
            self._writer.writerow([_cell(row[name]) for name in self._names])


@contextmanager
def _gzip_text(path: Path) -> Iterator[IO[str]]:
    # mtime and name are left out so that the same rows are the same bytes
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8") as text,
    ):
        yield text


def _shortest(value: float) -> float:
    """Return the shortest decimal that is the same in single precision, as all columns are."""
    return float(np.format_float_positional(np.float32(value)))


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return np.format_float_positional(np.float32(value), trim="0")
    if isinstance(value, int):
        return str(value)
    return "" if value is None else guard(str(value))
