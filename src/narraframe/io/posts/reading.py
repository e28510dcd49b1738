"""Reading posts from an input of any format."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from narraframe.errors import InputError, UsageError
from narraframe.io.posts.columns import USUAL, Columns
from narraframe.io.posts.common import Item, Origin
from narraframe.io.posts.delimited import find_delimiter, read_delimited
from narraframe.io.posts.jsonl import read_jsonl
from narraframe.io.posts.page_text import read_page_text
from narraframe.io.posts.parquet import read_parquet
from narraframe.io.posts.sniff import sniff
from narraframe.io.posts.source import STDIN, Source, opened
from narraframe.io.posts.telegram import read_telegram
from narraframe.records import BadRecord, Post

FORMATS = ("telegram", "page", "jsonl", "csv", "parquet")

_MOST_IN_MEMORY = 64 * 1024 * 1024


def read_posts(
    path: str,
    *,
    format: str | None = None,  # noqa: A002 - the word of the command line
    columns: Columns = USUAL,
    channel: str | None = None,
    name: str | None = None,
    stdin: BinaryIO | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Item]:
    """Yield what an input holds, record by record, in input order.

    Parameters
    ----------
    path : str
        A file, packed with gzip or not, or ``-`` for `stdin`.
    format : {"telegram", "page", "jsonl", "csv", "parquet"}, default=None
        None: recognised by content. "jsonl" is also an array of records, "csv" also with
        semicolons, tabs or bars.
    columns : Columns
        Where the parts of a post are, if not under the usual names; for jsonl, csv and parquet.
    channel : str, default=None
        The channel of posts that name none.
    name : str, default=None
        What the input is called in places, if not by its file name (`naming.shown_names`).
    stdin : binary file, default=None
        What ``-`` stands for; it is read, never rewound.
    progress : callable, default=None
        Called with the bytes of the input just read, packed as they are.

    Yields
    ------
    Post
        With raw text; `source` is "name: position". A `Note` on it comes right behind.
    BadRecord
        A record, or the rest of a damaged file, that could not be read.
    Skipped
        A record that is rightly no post.
    Note
        Something lost or assumed in the post before.

    Raises
    ------
    UsageError
        If `format` is none of these.
    InputError
        If the input cannot be opened or recognised, lacks a column that was named, or holds no
        post (raised at the end).
    """
    if format is not None and format not in FORMATS:
        raise _unknown_format(format)
    n_posts = n_bad = 0
    first_bad: BadRecord | None = None
    with opened(path, stdin, progress=progress) as source:
        for item in _items(source, path, format, columns, channel, name, progress):
            n_posts += isinstance(item, Post)
            if isinstance(item, BadRecord):
                n_bad += 1
                first_bad = first_bad or item
            yield item
    if not n_posts:
        raise _no_posts(path, n_bad, first_bad)


def _items(
    source: Source,
    path: str,
    form: str | None,
    columns: Columns,
    channel: str | None,
    name: str | None,
    progress: Callable[[int], None] | None,
) -> Iterator[Item]:
    file_name = "standard input" if path == STDIN else Path(path).name
    origin = Origin(name=name or file_name, stem=_stem(file_name), channel=channel)
    if not source.head and source.faults:
        raise InputError(source.faults[0], where=path, remedy="Copy it again.")
    form = form or sniff(source.head, whole=source.whole, where=path, columns=columns)
    match form:
        case "telegram":
            yield from read_telegram(source.chunks, origin=origin)
        case "page":
            yield from read_page_text(source.chunks, origin=origin)
        case "jsonl":
            yield from read_jsonl(source.chunks, head=source.head, origin=origin, columns=columns)
        case "csv":
            delimiter = find_delimiter(source.head, whole=source.whole, columns=columns) or ","
            yield from read_delimited(
                source.chunks, delimiter=delimiter, origin=origin, columns=columns
            )
        case _:
            with _seekable(source) as file:
                yield from read_parquet(file, origin=origin, columns=columns, progress=progress)
    yield from (BadRecord(f"{origin.name}: end", fault) for fault in source.faults)


@contextmanager
def _seekable(source: Source) -> Iterator[BinaryIO]:
    """Parquet is read from its end: a stream is put aside first, on disk if it is large."""
    if source.file is not None:
        source.file.seek(0)
        yield source.file
        return
    with tempfile.SpooledTemporaryFile(max_size=_MOST_IN_MEMORY) as aside:
        for chunk in source.chunks:
            aside.write(chunk)
        aside.seek(0)
        yield cast("BinaryIO", aside)


def _stem(name: str) -> str:
    return Path(name.removesuffix(".gz")).stem


def _unknown_format(form: str) -> UsageError:
    close = difflib.get_close_matches(form, FORMATS, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return UsageError(
        "there is no such format",
        where="format",
        got=form,
        remedy=f"Choose one of {', '.join(FORMATS)}.{hint}",
    )


def _no_posts(path: str, n_bad: int, first: BadRecord | None) -> InputError:
    if first is None:
        return InputError(
            "holds no post", where=path, remedy="Check that the export includes the messages."
        )
    return InputError(
        f"holds no post: {n_bad:,} records could not be read, the first at {first.where}: "
        f"{first.what}",
        where=path,
        remedy="If the format was mistaken, name it (--format).",
    )
