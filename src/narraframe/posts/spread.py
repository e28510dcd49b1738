"""Who repeats whom: near-duplicate groups across channels, in the order of time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from narraframe.posts.duplicates import SHORTEST
from narraframe.posts.shingles import normalise
from narraframe.records import Copied, Delays, Message, Post, Repeats, Spread, Voice

_MOST_MESSAGES = 100
_HOUR = 3600.0


class _Placed(NamedTuple):
    """A post that has both; in this order they are sorted."""

    at: datetime
    post_id: str
    channel: str
    forwarded: bool


@dataclass(frozen=True)
class _Group:
    """The posts of one message: those with date and channel in order, and the undated channels."""

    placed: tuple[_Placed, ...]
    undated: frozenset[str]

    @property
    def first_of(self) -> dict[str, _Placed]:
        """Each channel's first post, in the order of time."""
        firsts: dict[str, _Placed] = {}
        for post in self.placed:
            firsts.setdefault(post.channel, post)
        return firsts


def spread(posts: Sequence[Post], *, copied: Iterable[Copied] = ()) -> Spread:
    """Say who repeats whom.

    A message is a group of near-duplicates, by `duplicate_of`; its first post is the earliest by
    date, whatever the order of the input. Of each channel, only its first post of a message is
    compared with the first of all, so that the work grows with the posts, not with their pairs.
    Where several channels have a message first at the same time, or another channel has it without
    a date, nobody knows who was first: it is counted as tied, and in no pair.

    Parameters
    ----------
    posts : sequence of Post
        Prepared, near-duplicates marked.
    copied : iterable of Copied, default=()
        What `copies_of` said of labels and themes, to be kept with it.
    """
    worded = [post for post in posts if len(normalise(post.model_text or "").split()) >= SHORTEST]
    groups = list(_groups(worded).values())
    later: dict[tuple[str, str], list[tuple[float, bool]]] = defaultdict(list)
    led: Counter[str] = Counter()
    shared, tied = [], 0
    for group in groups:
        firsts = list(group.first_of.values())
        if len(firsts) < 2:
            continue
        shared.append(_message(group, firsts))
        first = firsts[0]
        if len(shared[-1].first_channels) > 1 or group.undated - {first.channel}:
            tied += 1
            continue
        led[first.channel] += not first.forwarded
        for post in firsts[1:]:
            hours = (post.at - first.at).total_seconds() / _HOUR
            later[first.channel, post.channel].append((hours, post.forwarded))
    shared.sort(key=lambda m: (-m.n_channels, -m.n_posts, m.first_at, m.post_id))
    return Spread(
        n_posts=len(posts),
        n_short=len(posts) - len(worded),
        n_undated=sum(1 for post in worded if post.created_at is None),
        n_nameless=sum(1 for post in worded if post.created_at and not post.channel),
        n_distinct=len(groups),
        n_shared=len(shared),
        n_tied=tied,
        delays=_delays([hours for found in later.values() for hours, _ in found]),
        pairs=_pairs(later),
        voices=_voices(groups, worded, led),
        messages=tuple(shared[:_MOST_MESSAGES]),
        copied=tuple(copied),
    )


def copies_of(
    kind: str, key: str, name: str, *, rows: NDArray[np.intp], posts: Sequence[Post]
) -> Copied:
    """Say how much of the volume of a label or theme is copies.

    Parameters
    ----------
    kind, key, name : str
        As of `Copied`.
    rows : int array of shape (m,)
        Its posts, as places in `posts`.
    posts : sequence of Post
        All posts, near-duplicates marked.
    """
    own = [posts[i] for i in rows.tolist()]
    sizes = Counter(post.duplicate_of or post.post_id for post in own)
    return Copied(
        kind=kind,
        key=key,
        name=name,
        n_posts=len(own),
        n_distinct=len(sizes),
        n_forwarded=sum(1 for post in own if post.forwarded_from),
        largest=max(sizes.values()) / len(own) if own else float("nan"),
    )


def _groups(posts: Sequence[Post]) -> Mapping[str, _Group]:
    placed: dict[str, list[_Placed]] = defaultdict(list)
    undated: dict[str, set[str]] = defaultdict(set)
    for post in posts:
        first = post.duplicate_of or post.post_id
        own = placed[first]
        if post.channel and post.created_at:
            forwarded = bool(post.forwarded_from)
            own.append(_Placed(post.created_at, post.post_id, post.channel, forwarded))
        elif post.channel:
            undated[first].add(post.channel)
    return {
        first: _Group(tuple(sorted(own)), frozenset(undated.get(first, ())))
        for first, own in placed.items()
    }


def _message(group: _Group, firsts: Sequence[_Placed]) -> Message:
    first, last = group.placed[0], group.placed[-1]
    return Message(
        post_id=first.post_id,
        first_channels=tuple(sorted(post.channel for post in firsts if post.at == first.at)),
        first_at=first.at,
        n_posts=len(group.placed),
        n_channels=len(firsts),
        hours=(last.at - first.at).total_seconds() / _HOUR,
    )


def _pairs(later: Mapping[tuple[str, str], list[tuple[float, bool]]]) -> tuple[Repeats, ...]:
    pairs = [
        Repeats(
            first=first,
            later=channel,
            n_groups=len(found),
            n_forwarded=sum(forwarded for _, forwarded in found),
            back=len(later.get((channel, first), ())),
            delays=_delays([hours for hours, _ in found]),
        )
        for (first, channel), found in later.items()
    ]
    return tuple(sorted(pairs, key=lambda pair: (-pair.n_groups, pair.first, pair.later)))


def _delays(hours: Sequence[float]) -> Delays:
    if not hours:
        return Delays(0)
    lower, median, upper = np.quantile(hours, [0.25, 0.5, 0.75]).tolist()
    return Delays(len(hours), lower, median, upper)


def _voices(
    groups: Sequence[_Group], posts: Sequence[Post], led: Mapping[str, int]
) -> tuple[Voice, ...]:
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for group in groups:
        for channel, kind in _kinds(group):
            kinds[channel][kind] += 1
    alone = Counter(post.duplicate_of or post.post_id for post in posts)
    for post in posts:
        if post.channel and not post.created_at:
            one = alone[post.duplicate_of or post.post_id] == 1
            kind = "forwarded" if post.forwarded_from else "own" if one else "unknown"
            kinds[post.channel][kind] += 1
    voices = [
        Voice(
            channel=channel,
            n_posts=found.total(),
            own=found["own"],
            forwarded=found["forwarded"],
            repeats=found["repeats"],
            again=found["again"],
            unknown=found["unknown"],
            led=led.get(channel, 0),
        )
        for channel, found in kinds.items()
    ]
    return tuple(sorted(voices, key=lambda voice: (-voice.n_posts, voice.channel)))


def _kinds(group: _Group) -> Iterable[tuple[str, str]]:
    """Yield channel and kind of each post that has a date."""
    firsts = list(group.first_of.values())
    for post in group.placed:
        # firsts are in order: the earliest of another channel is the first of all, or the second
        other = next((first for first in firsts[:2] if first.channel != post.channel), None)
        if post.forwarded:
            yield post.channel, "forwarded"
        elif other and other.at < post.at:
            yield post.channel, "repeats"
        elif (other and other.at == post.at) or group.undated - {post.channel}:
            yield post.channel, "unknown"
        else:
            # nobody else had it before, so the first of all is this channel's
            yield post.channel, "own" if post == firsts[0] else "again"
