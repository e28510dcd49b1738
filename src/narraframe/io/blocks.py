"""Inputs cut into blocks of posts that can be read apart, on any machine that sees the files.

Lines of JSON are cut between lines, Parquet tables between rows. Everything else (packed files,
CSV, exports in one piece, and lines of JSON with named columns, which are checked over the whole
file) is one block a file.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Literal

from narraframe.errors import UsageError
from narraframe.io.posts import Columns, Item, read_posts, shown_names
from narraframe.io.posts.columns import USUAL
from narraframe.io.posts.common import Origin
from narraframe.io.posts.jsonl import is_one_a_line, read_jsonl
from narraframe.io.posts.parquet import read_parquet
from narraframe.io.posts.sniff import sniff
from narraframe.io.posts.source import STDIN, Source, opened
from narraframe.records import BadRecord

_CHUNK_BYTES = 1024 * 1024
_ONE_A_LINE = b"{}\n"  # how the whole file is laid out, whatever its blocks begin with


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the file `path`: bytes or rows [start, stop), or the "whole" of it; `before` lines
    or rows of the file come before it. `name` is what the input is called, no two alike.
    """

    path: str
    name: str
    kind: Literal["whole", "lines", "rows"] = "whole"
    start: int = 0
    stop: int = 0
    before: int = 0


def cut_into_blocks(
    paths: Sequence[str],
    *,
    n_blocks: int,
    format: str | None = None,  # noqa: A002 - the word of the command line
    columns: Columns = USUAL,
    fewest: int = 2_000,
    most: int = 50_000,
) -> list[Block]:
    """Cut inputs into blocks, in their order.

    Parameters
    ----------
    paths : sequence of str
    n_blocks : int
        How many there should be: about so many, within the bounds of their size.
    format, columns
        As of `read_posts`.
    fewest, most : int
        Posts of a block, about: lines of JSON are judged by the length of the first.

    Raises
    ------
    InputError
        If a file cannot be opened or recognised.
    UsageError
        If an input is standard input, which one machine alone can read.
    """
    names = shown_names(paths)
    files = [_measure(path, name, format, columns) for path, name in zip(paths, names, strict=True)]
    posts = sum(file.n_posts for file in files) / max(1, n_blocks)
    a_block = min(max(posts, fewest), most)
    return [block for file in files for block in _cut(file, a_block)]


def read_block(
    block: Block,
    *,
    format: str | None = None,  # noqa: A002
    columns: Columns = USUAL,
    channel: str | None = None,
) -> Iterator[Item]:
    """Yield what a block holds, as `read_posts` does of the whole file, but for one difference:

    posts without an id of their own get one by their content, and equal ones a number, so that two
    blocks may give one id to two posts.
    """
    if block.kind == "whole":
        yield from read_posts(
            block.path, format=format, columns=columns, channel=channel, name=block.name
        )
        return
    path = Path(block.path)
    origin = _Shifted(name=block.name, stem=path.stem, channel=channel, before=block.before)
    if block.kind == "lines":
        with path.open("rb") as file:
            chunks = _bytes(file, block.start, block.stop)
            yield from read_jsonl(chunks, head=_ONE_A_LINE, origin=origin, columns=columns)
    else:
        yield from _rows(block, origin, columns)


@dataclass(frozen=True, slots=True)
class _Shifted(Origin):
    """The origin of a part: places count from the file's beginning."""

    before: int = 0

    def at(self, kind: str, number: int) -> str:
        return f"{self.name}: {kind} {number + self.before}"


@dataclass(frozen=True, slots=True)
class _File:
    """A file with its `size`, in bytes of lines or in rows, and about how many posts it holds."""

    path: str
    name: str
    kind: Literal["whole", "lines", "rows"]
    size: int = 0
    n_posts: float = 0.0


def _measure(path: str, name: str, form: str | None, columns: Columns) -> _File:
    if path == STDIN:
        raise UsageError(
            "standard input cannot be read by several machines",
            where=path,
            remedy="Name a file, or leave out --engine.",
        )
    place = str(Path(path).absolute())
    with opened(path, None) as source:
        if source.file is None or not source.head:
            return _File(place, name, "whole")
        form = form or sniff(source.head, whole=source.whole, where=path, columns=columns)
        if form == "jsonl" and columns == USUAL and is_one_a_line(source.head):
            size = Path(path).stat().st_size
            lines = source.head.count(b"\n") or 1
            return _File(place, name, "lines", size, size * lines / len(source.head))
        if form == "parquet":
            return _measure_table(place, name, source)
    return _File(place, name, "whole")


def _measure_table(place: str, name: str, source: Source) -> _File:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        n_rows = pq.ParquetFile(source.file).metadata.num_rows
    except (pa.ArrowException, OSError):
        return _File(place, name, "whole")  # its reader says what is wrong with it
    return _File(place, name, "rows", n_rows, n_rows)


def _cut(file: _File, a_block: float) -> Iterator[Block]:
    if file.kind == "whole" or file.n_posts <= a_block:
        yield Block(file.path, file.name)
        return
    n = round(file.n_posts / a_block) or 1
    places = [file.size * i // n for i in range(n + 1)]
    if file.kind == "lines":
        places = _line_starts(file.path, places)
    before = 0
    with Path(file.path).open("rb") as opened_file:
        for start, stop in pairwise(places):
            if start < stop:
                yield Block(file.path, file.name, file.kind, start, stop, before)
            if file.kind == "lines":
                # a look at every byte, at the pace of the disk: that a place is the whole file's
                before += sum(c.count(b"\n") for c in _bytes(opened_file, start, stop))
            else:
                before = stop


def _line_starts(path: str, places: Sequence[int]) -> list[int]:
    """Move each place, but for the ends, to the next start of a line."""
    moved = []
    with Path(path).open("rb") as file:
        for place in places[1:-1]:
            file.seek(place - 1)
            file.readline()
            moved.append(file.tell())
    return [places[0], *moved, places[-1]]


def _bytes(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    file.seek(start)
    left = stop - start
    while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
        left -= len(chunk)
        yield chunk


def _rows(block: Block, origin: Origin, columns: Columns) -> Iterator[Item]:
    """Read rows as the table that they would be by themselves."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    part = io.BytesIO()
    try:
        with pq.ParquetFile(block.path) as table:
            ends = [0]
            for i in range(table.num_row_groups):
                ends.append(ends[-1] + table.metadata.row_group(i).num_rows)
            groups = [
                i
                for i, (first, end) in enumerate(pairwise(ends))
                if first < block.stop and end > block.start
            ]
            rows = table.read_row_groups(groups)
        rows = rows.slice(block.start - ends[groups[0]], block.stop - block.start)
        pq.write_table(rows, part, compression="none")
    except (pa.ArrowException, OSError) as error:
        yield BadRecord(origin.at("row", 1), f"the table breaks off here: {error}")
        return
    part.seek(0)
    yield from read_parquet(part, origin=origin, columns=columns)
