"""One message as Telethon dumps it (``Message.to_json()``, ``to_dict()``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from narraframe.io.posts.common import DeriveId, Item, Note, Origin, Skipped, unread
from narraframe.io.posts.dates import parse_date
from narraframe.io.posts.telegram import with_extras
from narraframe.io.posts.values import as_name, joined_text
from narraframe.records import BadRecord, Post

_PEERS = ("channel_id", "chat_id", "user_id")
_MEDIA = {
    "Contact": "contact",
    "Game": "game",
    "Geo": "location",
    "GeoLive": "location",
    "Giveaway": "giveaway",
    "GiveawayResults": "giveaway",
    "Invoice": "invoice",
    "PaidMedia": "paid_media",
    "Photo": "photo",
    "Poll": "poll",
    "Story": "story",
    "Venue": "location",
}
_DOCUMENTS = {"video": "video_file", "audio": "audio_file"}


def is_telethon_message(record: Mapping[str, object]) -> bool:
    """Tell whether a record is a message as Telethon dumps it."""
    return "peer_id" in record and "id" in record


def telethon_items(
    message: Mapping[str, object], *, where: str, origin: Origin, derive: DeriveId
) -> Iterator[Item]:
    """Yield the post that a message is, with notes, or what it is instead.

    The dump names its channel by number only: that number is the channel, unless one was given.
    """
    if message.get("_") == "MessageService" or "message" not in message:
        yield Skipped(where, "service message")
        return
    own = joined_text(message["message"])
    if own is None:
        yield BadRecord(where, "the text of the message is no text")
        return
    text = "\n\n".join(part for part in (own, _poll_text(message)) if part)
    peer, number = _peer(message.get("peer_id")), as_name(message.get("id"))
    created_at = parse_date(message.get("date"))
    channel = origin.channel or peer
    post_id = f"{peer}/{number}" if peer and number else number
    post = Post(
        post_id=post_id or derive(channel or origin.stem, text, str(created_at)),
        text=text,
        created_at=created_at,
        channel=channel,
        author=as_name(message.get("post_author")),
        forwarded_from=_forwarded_from(message.get("fwd_from")),
        media=_media(message.get("media")),
        source=where,
    )
    yield from with_extras(post, message, where=where)
    if message.get("date") is not None and created_at is None:
        yield Note(where, unread("date"), message["date"])


def _peer(value: object) -> str | None:
    if not isinstance(value, dict):
        return as_name(value)
    return next((name for key in _PEERS if (name := as_name(value.get(key)))), None)


def _forwarded_from(header: object) -> str | None:
    if not isinstance(header, dict):
        return None
    return as_name(header.get("from_name")) or _peer(header.get("from_id")) or "unknown"


def _poll_text(message: Mapping[str, object]) -> str:
    media = message.get("media")
    poll = media.get("poll") if isinstance(media, dict) else None
    if not isinstance(poll, dict):
        return ""
    answers = poll.get("answers")
    parts = [poll.get("question"), *(answers if isinstance(answers, list) else [])]
    return "\n".join(text for part in parts if (text := joined_text(part)))


def _media(media: object) -> str | None:
    if not isinstance(media, dict):
        return None
    kind = str(media.get("_") or media.get("_type") or "").removeprefix("MessageMedia")
    if kind != "Document":
        return _MEDIA.get(kind)  # a web page is a link preview, no media
    if media.get("voice"):
        return "voice_message"
    if media.get("round"):
        return "video_message"
    document = media.get("document")
    mime = str(document.get("mime_type")) if isinstance(document, dict) else ""
    return _DOCUMENTS.get(mime.partition("/")[0], "file")
