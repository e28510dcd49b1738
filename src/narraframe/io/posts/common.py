"""What the readers yield beside posts, and how every reader names a post that has no name."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from narraframe.io.remembered import Remembered
from narraframe.records import BadRecord, Post

DeriveId = Callable[..., str]

_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_POST_FIELDS = tuple(field.name for field in fields(Post))


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that is rightly no post (a service message); `where` is "file: position"."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something lost or assumed in a post that was kept; `where` is "file: position".

    `got` is what could not be read, None where nothing was lost.
    """

    where: str
    what: str
    got: object = None


Item = Post | BadRecord | Skipped | Note


@dataclass(frozen=True, slots=True)
class Origin:
    """The input being read: `name` as shown to people, `stem` as part of derived ids, and the
    `channel` of records that name none.
    """

    name: str
    stem: str
    channel: str | None = None

    def at(self, kind: str, number: int) -> str:
        """Return "file: position", for example "posts.csv: line 7"."""
        return f"{self.name}: {kind} {number}"


def id_deriver() -> DeriveId:
    """Return a function from the content of a post to an id.

    Equal contents get different ids, by counting: the third copy in a file is always the third.
    They are counted on disk, if a post without an id of its own comes: memory stays bounded.
    """
    seen: list[Remembered] = []

    def derive(*content: str | None) -> str:
        digest = hashlib.sha256(json.dumps(content).encode()).digest()[:8]
        if not seen:
            seen.append(Remembered())
        if (copy := seen[0].count(digest.hex())) > 1:
            digest = hashlib.sha256(json.dumps([*content, copy]).encode()).digest()[:8]
        return f"p-{digest.hex()}"

    return derive


def unread(part: str) -> str:
    """Return what a note says of a part of a post that could not be read."""
    return f"the {part} could not be read"


def writable(post: Post) -> Iterator[Post | Note]:
    """Yield `post` with NUL characters and lone surrogates replaced by U+FFFD, and a note if so.

    Neither can be stored: UTF-8 has no surrogates, and much software ends a text at NUL.
    """
    changes: dict[str, Any] = {}
    for name in _POST_FIELDS:
        value = getattr(post, name)
        if value and (mended := _mend(value)) != value:
            changes[name] = mended
    if not changes:
        yield post
        return
    yield replace(post, **changes)
    shown = ", ".join(changes)
    yield Note(post.source, f"characters that cannot be stored were replaced by U+FFFD in {shown}")


def _mend(value: object) -> object:
    if isinstance(value, str):
        if _UNWRITABLE.search(value) is None:
            return value
        # UTF-16 joins two surrogates that belong together before the lone ones are replaced.
        units = value.replace("\x00", "\ufffd").encode("utf-16-le", "surrogatepass")
        return units.decode("utf-16-le", "replace")
    if isinstance(value, tuple):
        return tuple(_mend(part) for part in value)
    if isinstance(value, Mapping):
        return {_mend(key): part for key, part in value.items()}
    return value
