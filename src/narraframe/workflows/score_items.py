"""What is to be scored, in windows: every post once, and what is no post under its place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import count, islice
from typing import TypeVar

from narraframe.io.remembered import Remembered, digest_of
from narraframe.records import BadRecord, Post
from narraframe.workflows.reading import Account, ReadOptions, count_bad
from narraframe.workflows.scored_window import Item, Unscored

# Texts of like length go through the encoder together: larger windows waste less on padding.
WINDOW = 2_000
T = TypeVar("T")

UNREADABLE, TAKEN = "unreadable record", "taken post_id"


def each_once(
    records: Iterable[Post | BadRecord], *, options: ReadOptions, account: Account
) -> Iterator[Item]:
    """Yield what gets a row of its own; each has another post_id.

    A post that is read again, with the same id, text and channel, has its row already: it is
    counted, as merged. Another post under an id that is taken cannot have a row under that id: like
    a record that could not be read, it is named by its place. Ids are remembered on disk.

    Raises
    ------
    InputError
        If an id is taken and `options.strict`.
    """
    ids = Remembered()
    for record in records:
        if isinstance(record, BadRecord):
            yield unreadable(record, ids)
            continue
        text = digest_of(record.text, record.model_text, record.channel)
        first = ids.first(record.post_id, text)
        if first is text:
            yield record
        elif first == text:
            account.merged += 1
        else:
            what = f"post_id {record.post_id!r} is taken by an earlier post"
            count_bad(BadRecord(record.source, what), options=options, account=account)
            yield taken(record, ids)


def windows(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield the items in lists of `WINDOW`; the last may be shorter."""
    rest = iter(items)
    while window := list(islice(rest, WINDOW)):
        yield window


def window_digest(items: Sequence[Item]) -> str:
    """Return a digest of all that is asked of the posts of a window: equal rows come of equal ones.

    Returns
    -------
    str
        sha256 in hex.
    """
    digest = sha256()
    for item in items:
        if isinstance(item, Post):
            content = ["post", item.post_id, item.text, item.model_text, item.lang]
        else:
            content = ["none", item.post_id, item.reason]
        digest.update(json.dumps(content).encode() + b"\n")
    return digest.hexdigest()


def unreadable(record: BadRecord, ids: Remembered) -> Unscored:
    """Return what gets the row of a record that could not be read."""
    return _unscored(ids, record.where, UNREADABLE, record.what)


def taken(post: Post, ids: Remembered) -> Unscored:
    """Return what gets the row of a post whose id names another."""
    return _unscored(ids, post.source, TAKEN, f"{post.post_id!r} names an earlier post")


def _unscored(ids: Remembered, where: str, kind: str, what: str) -> Unscored:
    """Name a record by its place; by a number too, should a post have that for its id."""
    for n in count(1):
        post_id = where if n == 1 else f"{where} ({n})"
        mark = b"place"
        if ids.first(post_id, mark) is mark:
            break
    return Unscored(_writable(post_id), kind, _writable(what))


def _writable(text: str) -> str:
    """Return `text` without what UTF-8 and databases cannot hold."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
