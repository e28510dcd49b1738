"""Tables written block by block: Parquet, CSV or JSON lines by the name of the output."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

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
        names = (
            json.dumps(name, ensure_ascii=False).replace("%", "%%") for name in block.schema.names
        )
        form = "{" + ", ".join(f"{name}: %s" for name in names) + "}\n"
        columns = [_texts(column, _json, shown=_number, null="null") for column in block.columns]
        self._text.write("".join(map(form.__mod__, zip(*columns, strict=True))))


class _Parquet:
    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer

    def write(self, block: pa.Table) -> None:
        self._writer.write_table(block)


class _Csv:
    def __init__(self, text: IO[str], schema: pa.Schema) -> None:
        self._text = text
        csv.writer(text, lineterminator="\n").writerow(schema.names)

    def write(self, block: pa.Table) -> None:
        columns = [_texts(column, _cell, shown=_positional, null="") for column in block.columns]
        self._text.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))


@contextmanager
def _gzip_text(path: Path) -> Iterator[IO[str]]:
    # mtime and name are left out so that the same rows are the same bytes
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8") as text,
    ):
        yield text


def _texts(
    column: pa.ChunkedArray,
    written: Callable[[Any], str],
    *,
    shown: Callable[[str], str],
    null: str,
) -> list[str]:
    """Return the cells of a column as text; what repeats in it is written once.

    Numbers come with the shortest decimal that is the same in single precision, as all columns are;
    `shown` takes it as numpy has it.
    """
    whole = column.combine_chunks()
    if pa.types.is_floating(column.type):
        # by DLPack, which is there without importing pandas
        numbers = np.from_dlpack(whole.cast(pa.float32()).fill_null(0.0)).astype(str).tolist()
        texts = [shown(number) if "e" in number else number for number in numbers]
        if not whole.null_count:
            return texts
        there = whole.is_valid().to_pylist()
        return [text if ok else null for text, ok in zip(texts, there, strict=True)]
    if pa.types.is_nested(column.type):
        return [null if value is None else written(value) for value in whole.to_pylist()]
    coded = whole.dictionary_encode()
    known = {None: null} | dict(enumerate(map(written, coded.dictionary.to_pylist())))
    return [known[i] for i in coded.indices.to_pylist()]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(text: str) -> str:
    return repr(float(text))


def _positional(text: str) -> str:
    return np.format_float_positional(np.float32(text), trim="0")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = io.StringIO()
    # a second cell, for one that is alone and empty would be quoted
    csv.writer(text, lineterminator="\n").writerow([guard(str(value)), ""])
    return text.getvalue().removesuffix(",\n")
