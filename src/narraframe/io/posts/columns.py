"""Which column or key of a record holds what: the usual names, and those that the user gives."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache

from narraframe.errors import InputError

Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The names of the columns (or keys) that hold each part of a post; None = the usual names."""

    post_id: str | None = None
    text: str | None = None
    created_at: str | None = None
    channel: str | None = None
    author: str | None = None
    forwarded_from: str | None = None
    lang: str | None = None
    reactions: str | None = None
    url: str | None = None
    labels: str | None = None
    media: str | None = None


USUAL = Columns()

# In order of preference: the first that is not empty in a record counts.
_USUAL_NAMES: Names = {
    "post_id": ("post_id", "id", "message_id", "msg_id"),
    "text": ("text", "body", "message", "content", "full_text"),
    "created_at": (
        *("created_at", "date_unixtime", "unix_timestamp", "timestamp", "date", "datetime"),
        *("published_at", "created"),
    ),
    "channel": ("channel", "chat", "channel_name", "chat_name"),
    "author": ("author_name", "author_username", "author", "from", "username"),
    "forwarded_from": (
        *("forwarded_from", "author_forwarded_from_name", "author_forwarded_from_username"),
        "author_forwarded_from_id",
    ),
    "lang": ("lang", "language"),
    "reactions": ("reactions",),
    "url": ("url", "link", "permalink"),
    "labels": ("labels", "label"),
    "media": ("media", "media_type", "attachment_type"),
}
# What only an earlier pass of this program writes.
_OWN_NAMES = ("model_text", "hashtags", "duplicate_of", "source")


def named(columns: Columns) -> dict[str, str]:
    """Return the names that the user gave, by part of a post."""
    given = {field.name: getattr(columns, field.name) for field in fields(columns)}
    return {part: name for part, name in given.items() if name is not None}


@lru_cache(maxsize=256)  # records of one file share a few shapes
def resolve(keys: tuple[str, ...], columns: Columns = USUAL) -> Names:
    """Return, per part of a post, the keys that may hold it, best first; () where there are none.

    Usual names are matched without regard to case, blanks and hyphens; given ones exactly.
    """
    by_plain: dict[str, str] = {}
    for key in keys:
        by_plain.setdefault(plain(key), key)
    names = {
        part: tuple(by_plain[name] for name in usual if name in by_plain)
        for part, usual in _USUAL_NAMES.items()
    }
    for part, name in named(columns).items():
        names[part] = (name,) if name in keys else ()
    names |= {part: (part,) if part in keys else () for part in _OWN_NAMES}
    return names


def is_own_table(keys: Collection[str]) -> bool:
    """Tell whether the records are posts that this program wrote: then `source` is kept too."""
    return all(part in keys for part in (*_USUAL_NAMES, *_OWN_NAMES))


def check_columns(columns: Columns, there: Collection[str], *, where: str) -> None:
    """Raise InputError if a column that the user named is not `there`; all faults at once."""
    faults = []
    for part, name in named(columns).items():
        if name not in there:
            close = difflib.get_close_matches(name, there, n=1, cutoff=0.5)
            hint = f" - did you mean {close[0]!r}?" if close else ""
            faults.append(f"{name!r} for {part}{hint}")
    if faults:
        raise InputError(
            f"there is no column {', nor '.join(faults)}",
            where=where,
            remedy=f"The columns are: {listing(there)}.",
        )


def require_text(names: Names, there: Collection[str], *, where: str) -> None:
    """Raise InputError if no column of a table holds the text."""
    if not names["text"]:
        raise InputError(
            "no column has a usual name for the text of a post",
            where=where,
            remedy=f"Say which of them holds it (--text): {listing(there)}.",
        )


def listing(there: Collection[str], *, most: int = 40) -> str:
    """Return the column names as a list for people, cut where it is long."""
    shown = ", ".join(list(there)[:most]) or "(none)"
    return shown if len(there) <= most else f"{shown} and {len(there) - most} more"


def usual_text_names() -> frozenset[str]:
    """Return the names under which the text of a post is looked for."""
    return frozenset(_USUAL_NAMES["text"])


def plain(name: str) -> str:
    """Return a column name as the usual names are written."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")
