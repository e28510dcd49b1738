"""Labels and themes over time or by channel: counts, shares of distinct posts, bursts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import TableError
from narraframe.metrics.bursts import find_bursts
from narraframe.metrics.wilson import wilson
from narraframe.records import Trend, Trends

PERIODS = ("day", "week", "month")


@dataclass(frozen=True)
class Line:
    """A label or theme of n posts: `asked` (n,) where it could apply, `carries` (n,) where it does.

    `kind`, `key` and `name` as of `Trend`.
    """

    kind: str
    key: str
    name: str
    carries: NDArray[np.bool_]
    asked: NDArray[np.bool_]


def period_of(moment: datetime | None, by: str) -> str | None:
    """Return the period of `moment` in UTC: a day "2024-03-05", its week's Monday, or "2024-03".

    Besides `PERIODS` there are "quarter" ("2024-Q1") and "year" ("2024"), for few posts.
    """
    if moment is None:
        return None
    day = (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    if by == "year":
        return f"{day:%Y}"
    if by == "quarter":
        return f"{day:%Y}-Q{(day.month + 2) // 3}"
    if by == "month":
        return f"{day:%Y-%m}"
    return (day - timedelta(days=day.weekday() if by == "week" else 0)).isoformat()


def every_period(first: str, last: str, by: str) -> tuple[str, ...]:
    """Return the periods from `first` to `last`, those without posts too."""
    if by == "year":
        return tuple(f"{year:04}" for year in range(int(first), int(last) + 1))
    if by == "quarter":
        low, high = (int(name[:4]) * 4 + int(name[6:]) - 1 for name in (first, last))
        return tuple(f"{q // 4:04}-Q{q % 4 + 1}" for q in range(low, high + 1))
    if by == "month":
        low, high = (int(name[:4]) * 12 + int(name[5:]) - 1 for name in (first, last))
        return tuple(f"{m // 12:04}-{m % 12 + 1:02}" for m in range(low, high + 1))
    step = 7 if by == "week" else 1
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    n = (end - start).days // step + 1
    return tuple((start + timedelta(days=step * i)).isoformat() for i in range(n))


def trends(
    lines: Iterable[Line],
    place: Sequence[str | None],
    groups: NDArray[np.intp],
    *,
    by: str,
    channel: str | None = None,
) -> Trends:
    """Count `lines` period by period (or channel by channel), and look for bursts.

    Near-duplicates of one period count once for shares and bursts: they carry what at least half of
    those asked carry. A message that goes on being copied counts again in each later period.

    Parameters
    ----------
    lines : iterable of Line
        Of n posts; taken one at a time.
    place : sequence of str or None of length n
        Period (`period_of`) or channel of each post; None has none, and is left out.
    groups : int array of shape (n,)
        Near-duplicate group of each post, from 0.
    by : {"day", "week", "month", "quarter", "year", "channel"}
    channel : str, default=None
        The channel that all posts are of, for the record.

    Raises
    ------
    TableError
        If the columns differ in length.
    """
    counts = Counter(name for name in place if name is not None)
    if by == "channel":
        names = tuple(sorted(counts, key=lambda name: (-counts[name], name)))
    else:
        names = every_period(min(counts), max(counts), by) if counts else ()
    number = {name: j for j, name in enumerate(names)}
    column = np.fromiter((number.get(p, -1) if p else -1 for p in place), np.intp, len(place))
    if len(groups) != len(column):
        lengths = {"groups": len(groups), "periods": len(column)}
        raise TableError("the columns of trends differ in length", got=lengths)
    placed = np.flatnonzero(column >= 0)
    counter = _Counter(column[placed], groups[placed], len(names))
    return Trends(
        by=by,
        periods=names,
        lines=tuple(_trend(line, placed, counter, names, by=by) for line in lines),
        n_posts=len(place),
        n_unplaced=len(place) - len(placed),
        channel=channel,
    )


class _Counter:
    """Counts posts, and distinct posts, by period and in all."""

    def __init__(self, column: NDArray[np.intp], groups: NDArray[np.intp], n_periods: int) -> None:
        self.column, self.n_periods = column, n_periods
        pairs = groups.astype(np.int64) * max(n_periods, 1) + column
        units, self.unit = np.unique(pairs, return_inverse=True)
        self.column_of_unit = units % max(n_periods, 1)
        self.group = np.unique(groups, return_inverse=True)[1]

    def posts(self, marked: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Count the marked posts of each period."""
        return np.bincount(self.column[marked], minlength=self.n_periods).astype(np.int64)

    def distinct(
        self, carries: NDArray[np.bool_], asked: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many distinct posts of each period carry it, and of how many."""
        yes, of = _majority(self.unit, carries, asked)
        by_period = (
            np.bincount(self.column_of_unit[units], minlength=self.n_periods).astype(np.int64)
            for units in (yes, of)
        )
        n, n_of = by_period
        return n, n_of

    def whole(self, carries: NDArray[np.bool_], asked: NDArray[np.bool_]) -> tuple[int, int]:
        """Return the same of all periods together, near-duplicates counting once in all."""
        yes, of = _majority(self.group, carries, asked)
        return len(yes), len(of)


def _majority(
    unit: NDArray[np.intp], carries: NDArray[np.bool_], asked: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the units at least half of whose asked posts carry it, and the units asked."""
    of = np.bincount(unit[asked])
    yes = np.bincount(unit[asked & carries], minlength=len(of))
    return np.flatnonzero((of > 0) & (2 * yes >= of)), np.flatnonzero(of > 0)


def _trend(
    line: Line, placed: NDArray[np.intp], counter: _Counter, names: tuple[str, ...], *, by: str
) -> Trend:
    if len(line.carries) != len(line.asked) or len(placed) > len(line.asked):
        raise TableError("the columns of trends differ in length", where=line.key)
    asked = line.asked[placed]
    carries = line.carries[placed] & asked
    n, of = counter.distinct(carries, asked)
    found = find_bursts(n, of, names) if by != "channel" else ()
    return Trend(
        kind=line.kind,
        key=line.key,
        name=line.name,
        n=counter.posts(carries),
        of=counter.posts(asked),
        n_distinct=n,
        of_distinct=of,
        shares=tuple(map(wilson, n.tolist(), of.tolist())),
        whole=wilson(*counter.whole(carries, asked)),
        bursts=found or (),
        too_common=found is None,
    )
