"""One record of a table or of JSON, whatever its columns are called, becomes a post."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from narraframe.io.posts.columns import Names, is_own_table
from narraframe.io.posts.common import DeriveId, Item, Note, Origin, unread, writable
from narraframe.io.posts.dates import parse_date
from narraframe.io.posts.lang import parse_lang
from narraframe.io.posts.values import (
    as_name,
    is_missing,
    joined_text,
    parse_names,
    parse_reactions,
)
from narraframe.records import BadRecord, Post

_PARSED: Mapping[str, Callable[[object], object]] = {
    "reactions": parse_reactions,
    "labels": parse_names,
    "hashtags": parse_names,
    "lang": parse_lang,
}
_NAMES = ("author", "forwarded_from", "url", "duplicate_of")


def record_items(
    record: Mapping[str, object], *, names: Names, where: str, origin: Origin, derive: DeriveId
) -> Iterator[Item]:
    """Yield the post that a record is, with notes; a record without a place for text is bad."""
    text, media = joined_text(_first(record, names["text"])), _media(_first(record, names["media"]))
    if text is None:
        yield BadRecord(where, "the text is no text")
        return
    if media is None and not any(name in record for name in names["text"]):
        yield BadRecord(where, "the record has no text")
        return
    lost: dict[str, object] = {}
    channel = as_name(_first(record, names["channel"])) or origin.channel
    created_at = _date(record, names["created_at"], lost)
    post_id = as_name(_first(record, names["post_id"]))
    parsed: dict[str, Any] = {name: _parsed(record, names, name, lost) for name in _PARSED}
    parsed["hashtags"] = parsed["hashtags"] or ()
    parsed |= {name: as_name(_first(record, names[name])) for name in _NAMES}
    post = Post(
        post_id=post_id or derive(channel or origin.stem, text, str(created_at)),
        text=text,
        model_text=_text_or_none(record, names["model_text"]),
        created_at=created_at,
        channel=channel,
        media=media,
        source=_source(record, where),
        **parsed,
    )
    yield from writable(post)
    for name, got in lost.items():
        yield Note(where, unread(name), got)


def _first(record: Mapping[str, object], keys: tuple[str, ...]) -> object:
    for key in keys:
        if not is_missing(value := record.get(key)):
            return value
    return None


def _date(
    record: Mapping[str, object], keys: tuple[str, ...], lost: dict[str, object]
) -> datetime | None:
    values = [value for key in keys if not is_missing(value := record.get(key))]
    dates = (date for value in values if (date := parse_date(value)) is not None)
    found = next(dates, None)
    if values and found is None:
        lost["date"] = values[0]
    return found


def _parsed(record: Mapping[str, object], names: Names, part: str, lost: dict[str, object]) -> Any:
    value = _first(record, names[part])
    try:
        return _PARSED[part](value)
    except (ValueError, OverflowError, RecursionError):
        lost[part] = value
        return None


def _media(value: object) -> str | None:
    if isinstance(value, dict):
        value = value.get("type") or value.get("_") or True
    if isinstance(value, str):
        return value.strip() or None
    return "media" if value else None


def _text_or_none(record: Mapping[str, object], keys: tuple[str, ...]) -> str | None:
    # An empty model_text is an answer ("nothing is left to embed"), unlike an empty cell elsewhere.
    value = record.get(keys[0]) if keys else None
    return value if isinstance(value, str) else None


def _source(record: Mapping[str, object], where: str) -> str:
    source = record.get("source")
    return source if isinstance(source, str) and is_own_table(record.keys()) else where
