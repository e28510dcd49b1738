"""JSON records: one a line, one after the other, or in one array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from narraframe.io.posts.columns import USUAL, Columns, check_columns, named, resolve
from narraframe.io.posts.common import DeriveId, Item, Origin, id_deriver
from narraframe.io.posts.json_stream import (
    JsonBrokenError,
    JsonCursor,
    JsonFaultError,
    decode_json,
)
from narraframe.io.posts.lines import Line, read_lines
from narraframe.io.posts.record import record_items
from narraframe.io.posts.telegram import Chat, is_telegram_message, message_items
from narraframe.io.posts.telethon import is_telethon_message, telethon_items
from narraframe.records import BadRecord


@dataclass(frozen=True, slots=True)
class _Entry:
    """One record and its place, or the fault that it has."""

    where: str
    content: object


def read_jsonl(
    chunks: Iterable[bytes], *, head: bytes, origin: Origin, columns: Columns = USUAL
) -> Iterator[Item]:
    """Yield the posts of JSON records; memory stays flat. `head` tells how they are laid out.

    Records that are Telegram or Telethon messages are read as such, unless columns are named.

    Raises
    ------
    InputError
        At the end, if no record has a key that `columns` names.
    """
    derive = id_deriver()
    asked = bool(named(columns))
    keys: dict[str, None] = {}
    entries = _lines if is_one_a_line(head) else _values
    for entry in entries(chunks, origin):
        if isinstance(entry.content, dict):
            if asked:
                keys.update(dict.fromkeys(entry.content))
            yield from _items(entry.content, entry.where, origin, columns, derive)
        elif isinstance(entry.content, JsonFaultError):
            yield BadRecord(entry.where, str(entry.content))
        else:
            yield BadRecord(entry.where, "the record is no JSON object")
    if keys:
        check_columns(columns, keys, where=origin.name)


def is_one_a_line(head: bytes) -> bool:
    """Tell from the first bytes whether each line is a record of its own."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"["):
        return False
    first, _, _ = text.partition(b"\n")
    if _object_keys(first) is not None:
        return True
    return _object_keys(text, more=True) is None


def _object_keys(text: bytes, *, more: bool = False) -> list[str] | None:
    """Return the keys of the object that `text` is (or, with `more`, starts with), else None."""
    cursor = JsonCursor([text])
    try:
        value = cursor.value()
        ended = more or not cursor.peek()
    except (JsonFaultError, JsonBrokenError):
        return None
    return list(value) if isinstance(value, dict) and ended else None


def _items(
    record: Mapping[str, object], where: str, origin: Origin, columns: Columns, derive: DeriveId
) -> Iterator[Item]:
    if columns == USUAL and is_telethon_message(record):
        return telethon_items(record, where=where, origin=origin, derive=derive)
    if columns == USUAL and is_telegram_message(record):
        return message_items(record, chat=Chat(), where=where, origin=origin, derive=derive)
    names = resolve(tuple(record), columns)
    return record_items(record, names=names, where=where, origin=origin, derive=derive)


def _lines(chunks: Iterable[bytes], origin: Origin) -> Iterator[_Entry]:
    for line in read_lines(chunks):
        if line.data is None or line.data.strip():
            yield _Entry(origin.at("line", line.number), _content(line))


def _content(line: Line) -> object:
    if line.data is None:
        return JsonFaultError(line.too_long)
    try:
        text = line.data.decode("utf-8")
    except UnicodeDecodeError as error:
        return JsonFaultError(f"not valid UTF-8 at byte {error.start + 1} of the line")
    try:
        return decode_json(text.removeprefix("\ufeff"))
    except JsonFaultError as fault:
        return fault


def _values(chunks: Iterable[bytes], origin: Origin) -> Iterator[_Entry]:
    cursor = JsonCursor(chunks)
    number = 0
    try:
        places = cursor.elements() if cursor.peek() == "[" else _until_end(cursor)
        for number, _ in enumerate(places, start=1):
            try:
                content = cursor.value()
            except JsonFaultError as error:
                content = error
            yield _Entry(origin.at("record", number), content)
    except JsonBrokenError as error:
        broken = JsonFaultError(f"the file breaks off here: {error}")
        yield _Entry(origin.at("record", max(number, 1)), broken)


def _until_end(cursor: JsonCursor) -> Iterator[None]:
    while cursor.peek():
        yield None
