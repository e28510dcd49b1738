"""Counts of posts and of distinct posts: by theme, label, month and channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from narraframe.records import Post, Scores, Themes
from narraframe.report.languages import with_language_names
from narraframe.report.shown import month_key

# A wrong date (1970) would otherwise squeeze years of posts into a corner of every time line.
LONGEST_DRAWN_GAP = 12
# Of more channels, the smaller ones are shown together.
CHANNELS_SHOWN = 8

Index = NDArray[np.intp]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Corpus:
    """The n posts of a report with what every table needs to know of them.

    `group` (n,) numbers the groups of near-duplicates, -1 = a post without text; `month` (n,) and
    `channel` (n,) point into `months` and `channels`, -1 = no date. The channel "" stands for posts
    without one. "Distinct posts" are the groups: posts with text, near-duplicates counted once.
    """

    posts: tuple[Post, ...]
    group: Index
    months: tuple[str, ...]
    month: Index
    channels: tuple[str, ...]
    channel: Index

    @property
    def n_distinct(self) -> int:
        """How many posts with text there are when near-duplicates count once."""
        return count_distinct(self.group)


@dataclass(frozen=True)
class CountTable:
    """Counts for r rows and c columns, of posts and of distinct posts (groups, counted once).

    `posts` and `distinct` are (r, c); `n_posts` and `n_distinct` (c,) say how many were there to
    count; `row_posts` and `row_distinct` (r,) count over all columns, and posts of no column too.
    A group that lies in two columns counts in both, and once in its row's total.
    """

    posts: Counts
    distinct: Counts
    n_posts: Counts
    n_distinct: Counts
    row_posts: Counts
    row_distinct: Counts


@dataclass(frozen=True)
class Columns:
    """Names of c columns, and the column of each post (n,), -1 = none."""

    names: tuple[str, ...]
    of: Index


def corpus(posts: Iterable[Post]) -> Corpus:
    """Number the groups, months and channels of `posts`."""
    posts = tuple(posts)
    groups: dict[str, int] = {}
    group = [
        groups.setdefault(p.duplicate_of or p.post_id, len(groups)) if has_text(p) else -1
        for p in posts
    ]
    keys = [month_key(p.created_at) if p.created_at else "" for p in posts]
    months = month_axis(key for key in keys if key)
    place = {key: i for i, key in enumerate(months)} | {"": -1}
    sizes = Counter(p.channel or "" for p in posts)
    channels = tuple(sorted(sizes, key=lambda name: (-sizes[name], name)))
    rank = {name: i for i, name in enumerate(channels)}
    return Corpus(
        posts=posts,
        group=np.array(group, dtype=np.intp),
        months=months,
        month=np.array([place[key] for key in keys], dtype=np.intp),
        channels=channels,
        channel=np.array([rank[p.channel or ""] for p in posts], dtype=np.intp),
    )


def has_text(post: Post) -> bool:
    """Tell whether a post says anything: links and calls to action alone do not, once cleaned."""
    return bool((post.text if post.model_text is None else post.model_text).strip())


def count_distinct(group: Index) -> int:
    """Count the groups of near-duplicates, posts without text left out."""
    return int(np.unique(group[group >= 0]).size)


def month_axis(keys: Iterable[str]) -> tuple[str, ...]:
    """Return every month from the first to the last of `keys` ("2024-03"), in order.

    A run of more than `LONGEST_DRAWN_GAP` months without posts becomes one entry, "first/last".
    """
    numbers = sorted({int(key[:4]) * 12 + int(key[5:]) - 1 for key in keys})
    axis = [_key(number) for number in numbers[:1]]
    for before, number in pairwise(numbers):
        if number - before - 1 > LONGEST_DRAWN_GAP:
            axis.append(f"{_key(before + 1)}/{_key(number - 1)}")
        else:
            axis += [_key(between) for between in range(before + 1, number)]
        axis.append(_key(number))
    return tuple(axis)


def month_columns(known: Corpus) -> Columns:
    """Return the months as columns."""
    return Columns(known.months, known.month)


def channel_columns(known: Corpus, *, limit: int) -> Columns:
    """Return the channels with most posts as columns, the rest of more than `limit` joined."""
    names = tuple(name or "channel not known" for name in known.channels)
    if len(names) <= limit:
        return Columns(names, known.channel)
    rest = f"{len(names) - limit + 1:,} other channels"
    return Columns((*names[: limit - 1], rest), np.minimum(known.channel, limit - 1))


def rows_of(posts: Sequence[Post], post_ids: Sequence[str]) -> Index:
    """Return, per post, its row among `post_ids`, or -1 where it has none; shape (n,)."""
    row = {post_id: i for i, post_id in enumerate(post_ids)}
    return np.array([row.get(post.post_id, -1) for post in posts], dtype=np.intp)


def decided(known: Corpus, scores: Scores) -> tuple[Flags, Flags]:
    """Return which labels were decided to apply (n, k), and which posts were scored (n,)."""
    rows, was_scored = _scored(known, scores)
    carries = np.zeros((len(rows), len(scores.label_ids)), dtype=bool)
    carries[was_scored] = (scores.decision & ~scores.abstained)[rows[was_scored]]
    return carries, was_scored


def left_open(known: Corpus, scores: Scores) -> Flags:
    """Return where the classifier did not decide, as it was too close to call; shape (n, k)."""
    rows, was_scored = _scored(known, scores)
    found = np.zeros((len(rows), len(scores.label_ids)), dtype=bool)
    found[was_scored] = scores.abstained[rows[was_scored]]
    return found


def _scored(known: Corpus, scores: Scores) -> tuple[Index, Flags]:
    """Return each post's row of the scores, -1 = none, and whether it has a score."""
    rows = rows_of(known.posts, scores.post_ids)
    scored = np.array([reason == "" for reason in scores.reasons], dtype=bool)
    was_scored = np.zeros(len(rows), dtype=bool)
    was_scored[rows >= 0] = scored[rows[rows >= 0]]
    return rows, was_scored


def unscored(known: Corpus, scores: Scores, *, missing: str) -> list[tuple[str, int, int]]:
    """Count posts without a score as (reason, posts, distinct posts), most frequent first.

    Posts that the scores do not hold at all are counted under the reason `missing`.
    """
    reasons = [
        with_language_names(scores.reasons[i]) if i >= 0 else missing for i in _ints(known, scores)
    ]
    posts = Counter(reason for reason in reasons if reason)
    groups = set(zip(reasons, known.group.tolist(), strict=True))
    distinct = Counter(reason for reason, group in groups if group >= 0)
    return [(reason, n, distinct[reason]) for reason, n in posts.most_common()]


def theme_members(known: Corpus, themes: Themes, ids: Sequence[int]) -> tuple[Flags, Flags]:
    """Return which posts belong to each theme of `ids` (n, r), and which posts have a row (n,)."""
    rows = rows_of(known.posts, themes.post_ids)
    theme = np.where(rows >= 0, themes.theme[rows], -1) if len(themes.theme) else rows * 0 - 1
    return theme[:, None] == np.array(ids, dtype=np.int64)[None, :], rows >= 0


def cross(member: Flags, columns: Columns, *, asked: Flags, group: Index) -> CountTable:
    """Count posts and groups per row and column.

    Parameters
    ----------
    member : bool array of shape (n, r)
        Whether post i counts in row j.
    columns : Columns
        The column of each post; posts of no column count in the rows' totals only.
    asked : bool array of shape (n,)
        The posts that could count; the others are left out of everything.
    group : int array of shape (n,)
        The near-duplicate group of each post, -1 = no text: not a distinct post.
    """
    width = len(columns.names)
    placed = asked & (columns.of >= 0)
    member = member & asked[:, None]
    posts = np.zeros((member.shape[1], width), dtype=np.int64)
    distinct = posts.copy()
    for row in range(member.shape[1]):
        inside = placed & member[:, row]
        posts[row], distinct[row] = _per_column(columns.of[inside], group[inside], width)
    n_posts, n_distinct = _per_column(columns.of[placed], group[placed], width)
    return CountTable(
        posts=posts,
        distinct=distinct,
        n_posts=n_posts,
        n_distinct=n_distinct,
        row_posts=member.sum(axis=0, dtype=np.int64),
        row_distinct=np.array([count_distinct(group[m]) for m in member.T], dtype=np.int64),
    )


def _per_column(column: Index, group: Index, width: int) -> tuple[Counts, Counts]:
    pairs = np.unique(np.stack([column, group])[:, group >= 0], axis=1)
    return (
        np.bincount(column, minlength=width).astype(np.int64),
        np.bincount(pairs[0], minlength=width).astype(np.int64),
    )


def _ints(known: Corpus, scores: Scores) -> list[int]:
    return [int(i) for i in rows_of(known.posts, scores.post_ids)]


def _key(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"
