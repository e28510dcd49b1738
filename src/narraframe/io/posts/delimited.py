"""CSV and its kin: comma, semicolon, tab or bar between the columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from narraframe.io.posts.columns import (
    USUAL,
    Columns,
    check_columns,
    named,
    plain,
    require_text,
    resolve,
    usual_text_names,
)
from narraframe.io.posts.common import Item, Origin, id_deriver
from narraframe.io.posts.lines import read_lines
from narraframe.io.posts.record import record_items
from narraframe.records import BadRecord

MAX_FIELD_CHARS = 10 * 1024 * 1024

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 50
_HEADING = re.compile(r"[\w .\-/#()@:]{1,64}")
_UNDECODED = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class _Row:
    """One record and the number of the line on which it starts."""

    line: int
    cells: list[str]


def read_delimited(
    chunks: Iterable[bytes], *, delimiter: str, origin: Origin, columns: Columns = USUAL
) -> Iterator[Item]:
    """Yield the posts of a table with a line of headings; memory stays flat.

    Raises
    ------
    InputError
        If a column that `columns` names does not exist, or none holds the text.
    """
    derive = id_deriver()
    header: list[str] = []
    for row in _rows(chunks, origin, delimiter):
        if isinstance(row, BadRecord):
            yield row
        elif not header:
            header = _distinct(row.cells)
            names = resolve(tuple(header), columns)
            check_columns(columns, header, where=origin.name)
            require_text(names, header, where=origin.name)
        elif fault := _fault(row, header):
            yield BadRecord(origin.at("line", row.line), fault)
        else:
            record = dict(zip(header, row.cells, strict=True))
            where = origin.at("line", row.line)
            yield from record_items(record, names=names, where=where, origin=origin, derive=derive)


def find_delimiter(head: bytes, *, whole: bool, columns: Columns = USUAL) -> str | None:
    """Return what parts the columns, or None if `head` does not look like a table with headings.

    `head` is how a text begins, `whole` whether it is all of it.
    """
    text = head.decode("utf-8-sig", "surrogateescape")
    tables = {delimiter: _sample(text, delimiter) for delimiter in _DELIMITERS}
    # The last record may be cut: it tells nothing of the table.
    scores = {
        delimiter: _score(rows if whole or len(rows) < 2 else rows[:-1], columns)
        for delimiter, rows in tables.items()
    }
    best = max(_DELIMITERS, key=lambda delimiter: scores[delimiter])
    return best if scores[best] > 0 else None


def _sample(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows += [cells] if cells else []
            if len(rows) > _SAMPLE_ROWS:
                break
    except csv.Error:
        pass  # judged by the rows before the fault
    return rows


def _score(rows: list[list[str]], columns: Columns) -> int:
    """Return 0 for no table; more columns are better, a column known to hold text is best."""
    if not rows:
        return 0
    header, *body = rows
    if len(set(header)) < len(header) or not all(_HEADING.fullmatch(cell) for cell in header):
        return 0
    regular = sum(len(cells) == len(header) for cells in body)
    known = {plain(cell) for cell in header} & usual_text_names()
    known |= set(header) & set(named(columns).values())
    if known and 2 * regular >= len(body):
        return 1000 + len(header)
    # Prose has commas too: without a known name, columns must be many times the same.
    return len(header) if len(header) > 1 and regular == len(body) >= 2 else 0


def _rows(chunks: Iterable[bytes], origin: Origin, delimiter: str) -> Iterator[_Row | BadRecord]:
    last, ended = 0, False
    too_long: list[BadRecord] = []

    def lines() -> Iterator[str]:
        nonlocal last, ended
        for line in read_lines(chunks):
            last = line.number
            if line.data is None:
                too_long.append(BadRecord(origin.at("line", last), line.too_long))
            else:
                text = line.data.decode("utf-8", "surrogateescape")
                yield (text.removeprefix("\ufeff") if last == 1 else text) + "\n"
        ended = True

    reader = csv.reader(lines(), delimiter=delimiter)
    while True:
        start, fault = last + 1, None
        cells: list[str] | None = []
        try:
            cells = _next(reader)
        except csv.Error as error:
            fault = f"invalid CSV: {error}"
        if cells and ended:  # a record ends with its line; this one asked for more
            fault = "a quotation mark is opened and never closed"
        yield from too_long
        too_long.clear()
        if fault:
            yield BadRecord(_extent(origin, start, last), fault)
        elif cells is None:
            return
        elif cells:
            yield _Row(start, cells)


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    # The limit belongs to the whole process: it is set for the moment of reading only.
    before = csv.field_size_limit(MAX_FIELD_CHARS)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


def _extent(origin: Origin, start: int, last: int) -> str:
    where = origin.at("line", start)
    return where if last <= start else f"{where} (to {last})"


def _fault(row: _Row, header: list[str]) -> str | None:
    if len(row.cells) != len(header):
        return f"{len(row.cells)} columns where the headings are {len(header)}"
    if any(_UNDECODED.search(cell) for cell in row.cells):
        return "not valid UTF-8"
    return None


def _distinct(header: list[str]) -> list[str]:
    """Number the headings that repeat, so that the first of a name keeps it."""
    names: list[str] = []
    for cell in header:
        name, copy = cell.strip(), 1
        while name in names:
            copy += 1
            name = f"{cell.strip()}#{copy}"
        names.append(name)
    return names
