"""Who repeats whom: near-duplicate posts across channels in the order of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Delays:
    """Hours from the first post of a group to its repetitions: `n` of them, and their quartiles."""

    n: int
    lower: float = math.nan
    median: float = math.nan
    upper: float = math.nan


@dataclass(frozen=True, slots=True)
class Repeats:
    """Channel `later` repeated what channel `first` had first, `n_groups` messages of it.

    Only the first time that a channel repeats a message counts, so `delays.n` is `n_groups`.
    `n_forwarded` of them name a source that they are forwarded from. `back` messages went the other
    way, from `later` to `first`. Who was first among the channels *read* is all that is known:
    both may have taken it from a third.
    """

    first: str
    later: str
    n_groups: int
    n_forwarded: int
    back: int
    delays: Delays


@dataclass(frozen=True, slots=True)
class Voice:
    """What a channel's posts are; the five counts after `n_posts` add up to it.

    `forwarded` say that they are; of the others, `repeats` are near-copies of what another channel
    had before, `again` of what the channel itself had before and nobody earlier, `unknown` cannot
    be placed (no date, or the same time as another channel). `own` is the rest; `led` of those
    messages were later repeated by another channel.
    """

    channel: str
    n_posts: int
    own: int
    forwarded: int
    repeats: int
    again: int
    unknown: int
    led: int


@dataclass(frozen=True, slots=True)
class Copied:
    """How much of a label's or theme's volume is copies; `kind` and `key` as of `Trend`.

    Of `n_posts`, `n_distinct` are distinct messages; ``copies`` the share that repeats another of
    the corpus, whoever published it, and `forwarded` the share marked as forwarded (a post may be
    both). `largest` is the share that its most repeated message has.
    """

    kind: str
    key: str
    name: str
    n_posts: int
    n_distinct: int
    n_forwarded: int
    largest: float

    @property
    def copies(self) -> float:
        """Share of the posts that repeats another; nan without posts."""
        return 1 - self.n_distinct / self.n_posts if self.n_posts else math.nan

    @property
    def forwarded(self) -> float:
        """Share of the posts that are marked as forwarded; nan without posts."""
        return self.n_forwarded / self.n_posts if self.n_posts else math.nan


@dataclass(frozen=True, slots=True)
class Message:
    """A message that several channels published, in the order of time.

    `first_channels` has more than one where several had it at the same time: who was first is then
    unknown. `hours` from the first to the last.
    """

    post_id: str
    first_channels: tuple[str, ...]
    first_at: datetime
    n_posts: int
    n_channels: int
    hours: float


@dataclass(frozen=True)
class Spread:
    """Who repeats whom in n posts.

    Of the posts, `n_short` have fewer than five words, or none, and are left out of all: that two
    channels both say "good morning" is no repetition. Of the others, `n_undated` have no date and
    `n_nameless` (with a date) no channel: they are in no pair and no message. `n_distinct` messages
    are left, `n_shared` of them in two channels or more; `n_tied` of these have no known first
    channel (several at one time, or one without a date) and are in no pair. `delays` are those of
    all pairs. `pairs`, `messages` and `voices` the largest first; of the messages, the most
    widespread only.
    """

    n_posts: int
    n_short: int
    n_undated: int
    n_nameless: int
    n_distinct: int
    n_shared: int
    n_tied: int
    delays: Delays
    pairs: tuple[Repeats, ...]
    voices: tuple[Voice, ...]
    messages: tuple[Message, ...]
    copied: tuple[Copied, ...] = ()
