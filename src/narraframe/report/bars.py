"""Named counts drawn as bars of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """A named count of posts and of distinct posts; `length` in per cent of the longest."""

    name: str
    posts: int
    distinct: int
    length: float


def bars(counts: Iterable[tuple[str, int, int]]) -> tuple[Bar, ...]:
    """Return (name, posts, distinct posts) as bars, in the order given."""
    rows = [(name, int(posts), int(distinct)) for name, posts, distinct in counts]
    top = max((posts for _, posts, _ in rows), default=0)
    return tuple(Bar(name, posts, distinct, per_cent(posts, top)) for name, posts, distinct in rows)


def per_cent(value: float, top: float) -> float:
    """Return `value` in per cent of `top`, 0 where there is no top."""
    return round(100 * value / top, 1) if top > 0 else 0.0
