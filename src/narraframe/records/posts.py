"""Posts, as read or as prepared, and records that are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post, as read or as prepared.

    `text` is for people (as published, markers and doubled bodies gone); `model_text` is what the
    encoder sees (call-to-action lines, links and the like gone too) and is None until the post was
    cleaned. ``labels is None`` means "not labelled"; ``()`` means "labelled: none applies".
    `duplicate_of` is the post_id of the first of its near-duplicate group, None for that first one.
    """

    post_id: str
    text: str
    model_text: str | None = None
    created_at: datetime | None = None
    channel: str | None = None
    author: str | None = None
    forwarded_from: str | None = None
    lang: str | None = None
    hashtags: tuple[str, ...] = ()
    reactions: Mapping[str, int] | None = None
    media: str | None = None
    url: str | None = None
    duplicate_of: str | None = None
    labels: tuple[str, ...] | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be read as a post: `where` is "file: position", `what` the fault."""

    where: str
    what: str
