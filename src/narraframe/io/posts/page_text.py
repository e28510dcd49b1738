"""Plain-text copies of channel pages: posts without separators, most with their body doubled.

A post is laid out as ``[Forwarded from X]``, media notices, title, body, the same body again,
a link preview, media notices, reactions (each but the title and body may be missing). What parts
the posts is the next "Forwarded from", and the doubled body for a channel's own posts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from narraframe.errors import InputError
from narraframe.io.posts.common import Item, Note, Origin, id_deriver, writable
from narraframe.io.posts.dates import parse_date
from narraframe.io.posts.lines import read_lines
from narraframe.io.posts.values import reaction_pairs
from narraframe.records import BadRecord, Post

_FORWARDED = re.compile(r"Forwarded from (.+)")
_MEDIA = frozenset(
    {"Media is too big", "VIEW IN TELEGRAM", "Please open Telegram to view this post"}
)
_DATE = re.compile(
    r"\s*date (\d{4}-\d{2}-\d{2})(?: (\d{1,2})[.:](\d{2})(?![\d.:])|(?! ?\d))", re.ASCII
)
# A message has at most 4,096 characters; a body of more lines than this is not worth the search.
_MAX_BODY_LINES = 500
_SHARED_CHARS = 60


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One laid-out post, or a link preview: `number` is that of its first line."""

    number: int
    forwarded_from: str | None
    texts: tuple[str, ...]
    doubled: bool
    has_media: bool
    reactions: Mapping[str, int] | None


def read_page_text(chunks: Iterable[bytes], *, origin: Origin) -> Iterator[Item]:
    """Yield the posts of a page, each body once, link previews after a blank line.

    The channel is not on the page: it is `origin.channel`. A first line ``date 2024-04-09 16.09``
    dates the first post (UTC is assumed) and is no part of its text. The whole page is in memory.

    Raises
    ------
    InputError
        If the page is not valid UTF-8: posts are told apart by equal lines, so none may be lost.
    """
    lines: list[_Line] = []
    for item in _page_lines(chunks, origin):
        if isinstance(item, BadRecord):
            yield item
        else:
            lines.append(item)
    created_at = _date(lines[0].text) if lines else None
    if created_at is not None:
        where = origin.at("line", lines.pop(0).number)
        yield Note(where, "the date names no time zone, taken as UTC")
    derive = id_deriver()
    for chunk in _with_previews(_chunks(lines)):
        text = "\n".join(chunk.texts)
        media = "media" if chunk.has_media else None
        post = Post(
            post_id=derive(origin.channel or origin.stem, text, media, chunk.forwarded_from),
            text=text,
            created_at=created_at,
            channel=origin.channel,
            forwarded_from=chunk.forwarded_from,
            reactions=chunk.reactions,
            media=media,
            source=origin.at("line", chunk.number),
        )
        yield from writable(post)
        created_at = None


def _page_lines(chunks: Iterable[bytes], origin: Origin) -> Iterator[_Line | BadRecord]:
    for line in read_lines(chunks):
        where = origin.at("line", line.number)
        if line.data is None:
            yield BadRecord(where, line.too_long)
            continue
        try:
            text = line.data.decode("utf-8").removeprefix("\ufeff").rstrip()
        except UnicodeDecodeError as error:
            raise InputError(
                "not valid UTF-8", where=where, remedy="Save the text as UTF-8."
            ) from error
        if text:
            yield _Line(line.number, text)


def _date(line: str) -> datetime | None:
    match = _DATE.match(line)
    if match is None:
        return None
    day, hour, minute = match.groups()
    return parse_date(f"{day} {int(hour):02}:{minute}" if hour else day)


def _chunks(lines: Sequence[_Line]) -> Iterator[_Chunk]:
    texts = [line.text for line in lines]
    forwards = [i for i, text in enumerate(texts) if _FORWARDED.fullmatch(text)]
    i = 0
    while i < len(texts):
        start = i
        forwarded = _FORWARDED.fullmatch(texts[i])
        i += forwarded is not None
        i, media_before = _past_media(texts, i)
        later = bisect_left(forwards, i)
        end = forwards[later] if later < len(forwards) else len(texts)
        body = _body_length(texts, i, end)
        if body:
            text, i = tuple(texts[i : i + 1 + body]), i + 1 + 2 * body
        else:
            stop = next((j for j in range(i, end) if _ends_text(texts, j, i, end)), end)
            text, i = tuple(texts[i:stop]), stop
        i, media_behind = _past_media(texts, i)
        reactions = reaction_pairs(texts[i]) if i < end else None
        i += reactions is not None
        yield _Chunk(
            number=lines[start].number,
            forwarded_from=forwarded[1] if forwarded else None,
            texts=text,
            doubled=body > 0,
            has_media=media_before or media_behind,
            reactions=reactions,
        )


def _past_media(texts: Sequence[str], i: int) -> tuple[int, bool]:
    start = i
    while i < len(texts) and texts[i] in _MEDIA:
        i += 1
    return i, i > start


def _body_length(texts: Sequence[str], i: int, end: int) -> int:
    """Return how many lines behind the title `i` come twice in a row; 0 if none do."""
    first = i + 1
    for n in range(min((end - first) // 2, _MAX_BODY_LINES), 0, -1):
        middle = first + n
        if texts[first] == texts[middle] and texts[first:middle] == texts[middle : middle + n]:
            return n
    return 0


def _ends_text(texts: Sequence[str], j: int, i: int, end: int) -> bool:
    if texts[j] in _MEDIA or reaction_pairs(texts[j]) is not None:
        return True
    return j > i and _body_length(texts, j, end) > 0


def _with_previews(chunks: Iterable[_Chunk]) -> Iterator[_Chunk]:
    """Attach each link preview, and reactions that stand alone, to the post before."""
    post: _Chunk | None = None
    for chunk in chunks:
        if post is not None and _belongs_to(chunk, post):
            post = replace(
                post,
                texts=(*post.texts, "", *chunk.texts) if chunk.texts else post.texts,
                has_media=post.has_media or chunk.has_media,
                reactions=chunk.reactions if post.reactions is None else post.reactions,
            )
            continue
        if post is not None:
            yield post
        post = chunk
    if post is not None:
        yield post


def _belongs_to(chunk: _Chunk, post: _Chunk) -> bool:
    if chunk.forwarded_from is not None or chunk.doubled:
        return False
    if not chunk.texts:
        return not chunk.has_media
    known = {text[:_SHARED_CHARS] for text in post.texts}
    return any(text[:_SHARED_CHARS] in known for text in chunk.texts)
