"""Inputs of any format become prepared posts, with an account of what was kept, dropped and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from narraframe.errors import InputError
from narraframe.io.posts import Columns, Item, Note, Skipped, read_posts, shown_names
from narraframe.posts.duplicates import near_duplicates
from narraframe.posts.prepare import prepare
from narraframe.records import BadRecord, Post
from narraframe.workflows.watch import Watch

_SHOWN_FAULTS = 20


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How inputs are to be read; see ``narraframe ingest --help``."""

    format: str | None = None
    columns: Columns = field(default_factory=Columns)
    channel: str | None = None
    strict: bool = False
    stdin: BinaryIO | None = None


@dataclass
class Account:
    """What a reading came to: counted while it runs, complete when it ends.

    `first_notes` holds the first note of each kind.
    """

    read: int = 0
    merged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    first_notes: dict[str, Note] = field(default_factory=dict)
    bad: int = 0
    faults: list[BadRecord] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """Prepared posts in input order, near-duplicates marked, and the account."""

    posts: tuple[Post, ...]
    account: Account

    def rows(self) -> Mapping[str, int]:
        """Return the account as named counts, for summaries and the report."""
        posts, account = self.posts, self.account
        rows = {
            "posts read": account.read,
            "read twice (same id), merged": account.merged,
            "posts kept": len(posts),
            "with text": sum(1 for post in posts if post.model_text),
            "copies or near-copies of an earlier post": sum(1 for p in posts if p.duplicate_of),
            "distinct texts": sum(1 for p in posts if p.model_text and not p.duplicate_of),
        }
        rows |= {f"not a post: {why}": n for why, n in sorted(account.skipped.items())}
        rows |= {f"note: {what}": n for what, n in sorted(account.notes.items())}
        return rows | {"bad records": account.bad}


def read_ready(paths: Sequence[str], *, options: ReadOptions, watch: Watch) -> Reading:
    """Read all `paths` into prepared posts with near-duplicates marked.

    The marks that a table brings along are not trusted: tables that were put together, or cut, in
    another program hold copies that nobody has compared.

    Raises
    ------
    InputError
        If a path cannot be read, no path holds a post, or a record is bad and `options.strict`.
    """
    account = Account()
    with watch.stage("read") as step:
        raw = stream(paths, options=options, account=account)
        posts = _merge_same_ids(prepare(raw), options=options, account=account, step=step)
    if not posts:
        raise InputError(
            "no post was found",
            where=", ".join(paths),
            got=account.faults[0].what if account.faults else None,
            remedy="See the formats in: narraframe ingest --help.",
        )
    warn_of_bad(account, watch)
    return Reading(tuple(_mark_duplicates(posts, watch=watch)), account)


def stream(paths: Sequence[str], *, options: ReadOptions, account: Account) -> Iterator[Post]:
    """Yield raw posts one by one, keeping `account`.

    Raises
    ------
    InputError
        If a path cannot be read, or a record is bad and `options.strict`.
    """
    records = stream_records(paths, options=options, account=account)
    return (record for record in records if isinstance(record, Post))


def stream_records(
    paths: Sequence[str],
    *,
    options: ReadOptions,
    account: Account,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Post | BadRecord]:
    """Yield raw posts and the records that could not be read, one by one, keeping `account`.

    `progress` is called with the bytes just read.

    Raises
    ------
    InputError
        If a path cannot be read, or a record is bad and `options.strict`.
    """
    for path, name in zip(paths, shown_names(paths), strict=True):
        records = read_posts(
            path,
            format=options.format,
            columns=options.columns,
            channel=options.channel,
            name=name,
            stdin=options.stdin,
            progress=progress,
        )
        yield from keep_account(records, options=options, account=account)


def keep_account(
    items: Iterable[Item], *, options: ReadOptions, account: Account
) -> Iterator[Post | BadRecord]:
    """Yield the posts and bad records of what a reader found, counting all of it in `account`.

    Raises
    ------
    InputError
        If a record is bad and `options.strict`.
    """
    for item in items:
        if isinstance(item, Post):
            account.read += 1
            yield item
        elif isinstance(item, Skipped):
            account.skipped[item.why] += 1
        elif isinstance(item, Note):
            account.notes[item.what] += 1
            account.first_notes.setdefault(item.what, item)
        else:
            count_bad(item, options=options, account=account)
            yield item


def warn_of_bad(account: Account, watch: Watch) -> None:
    """Show the bad records that are kept by `account`, and count the others."""
    for fault in account.faults:
        watch.warn(f"{fault.where}: {fault.what}")
    if account.bad > len(account.faults):
        watch.warn(f"and {account.bad - len(account.faults):,} more bad records")


def count_bad(record: BadRecord, *, options: ReadOptions, account: Account) -> None:
    """Count a bad record and keep the first few.

    Raises
    ------
    InputError
        If `options.strict`.
    """
    if options.strict:
        raise InputError(
            record.what, where=record.where, remedy="Mend the record, or leave out --strict."
        )
    account.bad += 1
    if len(account.faults) < _SHOWN_FAULTS:
        account.faults.append(record)


def _merge_same_ids(
    posts: Iterable[Post], *, options: ReadOptions, account: Account, step: Callable[[int], None]
) -> list[Post]:
    """Join what two readings of one post know; another post under a taken id is a bad record."""
    by_id: dict[str, Post] = {}
    for post in posts:
        step(1)
        known = by_id.get(post.post_id)
        if known is None:
            by_id[post.post_id] = post
        elif None not in (known.labels, post.labels) and known.labels != post.labels:
            what = f"post_id {post.post_id!r} was read with other labels before ({known.source})"
            count_bad(BadRecord(post.source, what), options=options, account=account)
        elif known.text == post.text and known.channel == post.channel:
            account.merged += 1
            by_id[post.post_id] = _join(known, post)
        else:
            what = f"post_id {post.post_id!r} is taken by another post ({known.source})"
            count_bad(BadRecord(post.source, what), options=options, account=account)
    return list(by_id.values())


def _join(known: Post, again: Post) -> Post:
    """Fill what the first reading lacks from the second; of reactions keep the higher counts."""
    names = ("created_at", "author", "forwarded_from", "lang", "media", "url", "labels")
    missing = {name: getattr(again, name) for name in names if getattr(known, name) is None}
    if again.reactions is not None:
        first = known.reactions or {}
        emojis = [*first, *(e for e in again.reactions if e not in first)]
        missing["reactions"] = {e: max(first.get(e, 0), again.reactions.get(e, 0)) for e in emojis}
    return replace(known, **missing)


def _mark_duplicates(posts: Sequence[Post], *, watch: Watch) -> Iterator[Post]:
    with watch.stage("near-duplicates", total=len(posts)) as step:
        originals = near_duplicates(
            [post.post_id for post in posts],
            [post.model_text or "" for post in posts],
            progress=step,
        )
    for post, original in zip(posts, originals, strict=True):
        yield post if post.duplicate_of == original else replace(post, duplicate_of=original)
