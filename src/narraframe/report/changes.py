"""What changes, and who repeats whom, as rows to read: rises, new themes, channels, drift."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass

from narraframe.records import Burst, Drift, DriftTest, Estimate, Spread, Trend, Trends, Uncovered
from narraframe.report.shown import number, period, share

SHOWN = 15
PLAIN, WEAK = 10, 3
"""Nats: a burst of greater weight than the one is plain, of less than the other weak."""


@dataclass(frozen=True)
class Rise:
    """A stretch of time in which a label or theme was raised; `place` is its card, "" = none."""

    kind: str
    key: str
    name: str
    place: str
    when: str
    count: str
    share: str
    ratio: str
    sure: str


def rises(trends: Trends | None, places: Container[str] = ()) -> tuple[Rise, ...]:
    """Return the weightiest bursts, a label or theme may have several; `places` has all cards."""
    if trends is None:
        return ()
    found = [(line, burst) for line in trends.lines for burst in line.bursts]
    found.sort(key=lambda one: -one[1].weight)
    return tuple(
        Rise(
            kind=line.kind,
            key=line.key if line.kind == "theme" else "",
            name=line.name,
            place=place if (place := _place(line)) in places else "",
            when=when(burst),
            count=f"{burst.n:,} of {burst.of:,}",
            share=share(burst.n / burst.of if burst.of else math.nan),
            ratio=f"{burst.ratio:.1f}",
            sure=how_sure(burst),
        )
        for line, burst in found[:SHOWN]
    )


@dataclass(frozen=True)
class NewTheme:
    """A theme that no label of the codebook covers, as written."""

    tag: str
    name: str
    posts: int
    labelled: str
    likeness: str
    growth: str


def new_themes(uncovered: Sequence[Uncovered] | None) -> tuple[NewTheme, ...]:
    """Return the themes that the codebook has no label for, those that grow first."""
    rows = sorted(uncovered or (), key=lambda one: (not one.grows, -one.n_distinct))
    return tuple(
        NewTheme(
            tag=f"T{one.theme}",
            name=one.name,
            posts=one.n_posts,
            labelled=_with_interval(one.labelled),
            likeness=_likeness(one),
            growth=_growth(one),
        )
        for one in rows[:SHOWN]
    )


@dataclass(frozen=True)
class Pair:
    """A channel that repeated another, as written."""

    first: str
    later: str
    n: int
    forwarded: int
    back: int
    hours: str


def repeating(spread: Spread | None) -> tuple[Pair, ...]:
    """Return the pairs of channels with most repeated messages."""
    return tuple(
        Pair(
            one.first,
            one.later,
            one.n_groups,
            one.n_forwarded,
            one.back,
            _hours(one.delays.median),
        )
        for one in (spread.pairs[:SHOWN] if spread else ())
    )


@dataclass(frozen=True)
class DriftRow:
    """One question asked of the new posts, as written."""

    what: str
    effect: str
    p: str
    drifted: str


def drift_rows(drift: Drift | None) -> tuple[DriftRow, ...]:
    """Return the tests of new posts against the training posts."""
    return tuple(
        DriftRow(
            what=test.what,
            effect=_effect(test),
            p="not known" if math.isnan(test.adjusted) else f"{test.adjusted:.3f}",
            drifted="yes" if test.drifted else "not tested" if math.isnan(test.p) else "no",
        )
        for test in (drift.tests if drift else ())
    )


def _place(line: Trend) -> str:
    return line.key if line.kind == "theme" else f"label-{line.key}"


def when(burst: Burst) -> str:
    """Write the stretch of time of a burst: "Feb 2024 to Mar 2024"."""
    first, last = period(burst.first), period(burst.last)
    return first if first == last else f"{first} to {last}"


def how_sure(burst: Burst) -> str:
    """Say in a word how surely a burst is one."""
    return "plain" if burst.weight > PLAIN else "weak" if burst.weight < WEAK else "fair"


def _with_interval(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "not known"
    if math.isnan(estimate.low + estimate.high):
        return share(estimate.value)
    return f"{share(estimate.value)} ({share(estimate.low)} to {share(estimate.high)})"


def _likeness(one: Uncovered) -> str:
    if math.isnan(one.likeness):
        return "not asked"
    return f"{one.likeness:.2f}" + (", may be missed" if one.like_a_label else "")


def _growth(one: Uncovered) -> str:
    if math.isnan(one.growth):
        return "not known"
    times = "new" if math.isinf(one.growth) else f"× {one.growth:.1f}"
    return times if one.grows else f"{times}, may be chance"


def _effect(test: DriftTest) -> str:
    """Write how large a difference is: shares in per cent, differences of shares in points."""
    if math.isnan(test.effect):
        return "not known"
    if test.name == "embedding":
        return f"{test.effect:.3f}"
    unit = "%" if test.name == "far" else "points"
    return f"{100 * test.effect:.1f} {unit}"


def _hours(hours: float) -> str:
    if math.isnan(hours):
        return "not known"
    return f"{hours * 60:.0f} min" if hours < 1 else f"{number(hours)} h"
