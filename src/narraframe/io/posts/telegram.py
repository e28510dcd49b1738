"""Telegram Desktop's result.json: one chat, or a full export of many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from narraframe.io.posts.common import (
    DeriveId,
    Item,
    Note,
    Origin,
    Skipped,
    id_deriver,
    unread,
    writable,
)
from narraframe.io.posts.dates import parse_date
from narraframe.io.posts.json_stream import JsonBrokenError, JsonCursor, JsonFaultError
from narraframe.io.posts.lang import parse_lang
from narraframe.io.posts.values import as_name, joined_text, parse_names, parse_reactions
from narraframe.records import BadRecord, Post

# In the order in which they are looked for: a poll or a place may come with a photo.
_MEDIA_KEYS = {
    "poll": "poll",
    "todo_list": "todo_list",
    "location_information": "location",
    "place_name": "location",
    "contact_information": "contact",
    "game_title": "game",
    "invoice_information": "invoice",
    "giveaway_information": "giveaway",
    "giveaway_results": "giveaway",
    "paid_stars_amount": "paid_media",
    "photo": "photo",
    "file": "file",
}
_EXTRAS: Mapping[str, Callable[[object], object]] = {
    "reactions": parse_reactions,
    "labels": parse_names,
    "lang": parse_lang,
}


@dataclass(frozen=True, slots=True)
class Chat:
    """The chat that messages stand in; None where the file does not say."""

    chat_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """One element of a list of messages, or the fault that it has."""

    chat: Chat
    content: object


def is_telegram_message(record: Mapping[str, object]) -> bool:
    """Tell whether a record is one message taken out of a result.json."""
    return "text_entities" in record or ("date_unixtime" in record and "type" in record)


def read_telegram(chunks: Iterable[bytes], *, origin: Origin) -> Iterator[Item]:
    """Yield the posts of an export; memory stays flat, however large it is.

    Where a chat's name stands behind its messages (sorted keys), the messages are held until then.
    """
    derive = id_deriver()
    number = 0
    try:
        for number, entry in enumerate(_entries(JsonCursor(chunks)), start=1):
            where = origin.at("message", number)
            if isinstance(entry.content, dict):
                yield from message_items(
                    entry.content, chat=entry.chat, where=where, origin=origin, derive=derive
                )
            elif isinstance(entry.content, JsonFaultError):
                yield BadRecord(where, str(entry.content))
            else:
                yield BadRecord(where, "the message is no JSON object")
    except JsonBrokenError as error:
        yield BadRecord(origin.at("message", number + 1), f"the file breaks off here: {error}")


def message_items(
    message: Mapping[str, object], *, chat: Chat, where: str, origin: Origin, derive: DeriveId
) -> Iterator[Item]:
    """Yield the post that a message is, with notes, or what it is instead."""
    kind = message.get("type")
    if kind in ("service", "unsupported"):
        yield Skipped(where, f"{kind} message")
        return
    text = _text(message)
    if text is None:
        yield BadRecord(where, "the text of the message is neither text nor a list of its parts")
        return
    date = message.get("date_unixtime") or message.get("date")
    created_at = parse_date(date)
    channel = chat.name or origin.channel
    post = Post(
        post_id=_post_id(message, chat) or derive(channel or origin.stem, text, str(created_at)),
        text=text,
        created_at=created_at,
        channel=channel,
        author=_author(message, chat),
        forwarded_from=_forwarded_from(message),
        media=_media(message),
        source=where,
    )
    yield from with_extras(post, message, where=where)
    if date is not None and created_at is None:
        yield Note(where, unread("date"), date)
    elif created_at is not None and "date_unixtime" not in message:
        yield Note(where, "the date is local time of an unknown zone, taken as UTC")


def with_extras(post: Post, message: Mapping[str, object], *, where: str) -> Iterator[Item]:
    """Yield `post` with reactions, labels and language of its record, and a note where unreadable.

    Labels and language are no part of an export: people and programs add them to its messages.
    """
    found: dict[str, Any] = {}
    lost: dict[str, object] = {}
    for name, parse in _EXTRAS.items():
        value = message.get(name)
        try:
            found[name] = parse(value)
        except (ValueError, OverflowError, RecursionError):
            lost[name] = value
    yield from writable(replace(post, **found))
    for name, got in lost.items():
        yield Note(where, unread(name), got)


def _entries(cursor: JsonCursor) -> Iterator[_Entry]:
    """Yield the messages of the object at the cursor: a chat, or an export that lists chats."""
    head: dict[str, object] = {}
    held: list[object] = []
    try:
        for key in cursor.keys():  # noqa: SIM118 - no mapping: it moves the cursor
            opening = cursor.peek()
            if key == "messages" and opening == "[":
                for content in _contents(cursor):
                    if head.keys() & {"name", "type"}:
                        yield _Entry(_chat(head), content)
                    else:
                        held.append(content)
            elif key in ("chats", "left_chats") and opening == "{":
                yield from _entries(cursor)
            elif key == "list" and opening == "[":
                for _ in cursor.elements():
                    yield from _entries(cursor)
            else:
                value = _value(cursor)
                if key in ("id", "name", "type"):
                    head[key] = value
    except JsonBrokenError:
        yield from (_Entry(_chat(head), content) for content in held)
        raise
    yield from (_Entry(_chat(head), content) for content in held)


def _contents(cursor: JsonCursor) -> Iterator[object]:
    for _ in cursor.elements():
        yield _value(cursor)


def _value(cursor: JsonCursor) -> object:
    try:
        return cursor.value()
    except JsonFaultError as fault:
        return fault


def _chat(head: Mapping[str, object]) -> Chat:
    return Chat(chat_id=as_name(head.get("id")), name=as_name(head.get("name")))


def _post_id(message: Mapping[str, object], chat: Chat) -> str | None:
    number = as_name(message.get("id"))
    if number is None:
        return None
    sender = as_name(message.get("from_id")) or ""
    # A message alone does not name its chat; in a channel the sender is the chat.
    chat_id = chat.chat_id or (sender[7:] if sender.startswith("channel") else None)
    return f"{chat_id}/{number}" if chat_id else number


def _text(message: Mapping[str, object]) -> str | None:
    own = joined_text(message.get("text_entities")) or joined_text(message.get("text"))
    poll, todo = message.get("poll"), message.get("todo_list")
    lines: list[str | None] = []
    if isinstance(poll, dict):
        lines = [joined_text(poll.get("question")), *_answers(poll)]
    elif isinstance(todo, dict):
        lines = [joined_text(todo.get("title")), *_answers(todo)]
    asked = "\n".join(line for line in lines if line)
    return "\n\n".join(part for part in (own, asked) if part) if asked else own


def _answers(poll: Mapping[str, object]) -> list[str | None]:
    answers = poll.get("answers")
    return [joined_text(answer) for answer in answers] if isinstance(answers, list) else []


def _author(message: Mapping[str, object], chat: Chat) -> str | None:
    sender = as_name(message.get("from"))
    return as_name(message.get("author")) or (sender if sender != chat.name else None)


def _forwarded_from(message: Mapping[str, object]) -> str | None:
    if "forwarded_from" not in message:
        return None
    return as_name(message["forwarded_from"]) or "unknown"


def _media(message: Mapping[str, object]) -> str | None:
    media_type = as_name(message.get("media_type"))
    return media_type or next((name for key, name in _MEDIA_KEYS.items() if key in message), None)
