"""What a report says of labels by channel: shares by design, counts, and counts over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from narraframe.config import Workspace
from narraframe.metrics.prevalence_planning import plan_share
from narraframe.metrics.trends import Line, every_period, period_of
from narraframe.metrics.trends import trends as follow
from narraframe.records import ByChannel, LabelPlan, Post, Prevalence, Scores
from narraframe.records.prevalence import CHANNEL, MONTH
from narraframe.report.tables import CHANNELS_SHOWN
from narraframe.workflows.columns import Decisions, group_column, lines_of
from narraframe.workflows.prevalence import prevalence_of

PLAN_WIDTH = 0.1
"""As of ``narraframe prevalence --plan``: the interval that a share is planned for, end to end."""

_COARSER = ("quarter", "year")
# So many posts of a channel in a period, in the median, show more than chance.
_ENOUGH_POSTS = 10
_MOST_PERIODS, _FEWEST_PERIODS = 40, 3


@dataclass(frozen=True)
class Shares:
    """`prevalence`, None where the audit says nothing, and then `why`; `plans` of every share."""

    prevalence: Prevalence | None
    plans: tuple[LabelPlan, ...]
    why: str = ""


def shares_and_plans(posts: Sequence[Post], scores: Scores | None, workspace: Workspace) -> Shares:
    """Estimate shares of all posts, by month and by channel, and plan what would tell more.

    Raises
    ------
    NarraframeError
        As `prevalence_of`.
    """
    called = channel_names(posts)
    found = prevalence_of(posts, scores, workspace=workspace, by=(MONTH, CHANNEL), channels=called)
    plans = tuple(
        plan_share(share, width=PLAN_WIDTH) for share in found.shares if share.by != MONTH
    )
    if found.n_answered:
        return Shares(found, plans)
    why = (
        f"none of {found.n_drawn:,} posts drawn at random has been labelled yet"
        if found.n_drawn
        else "no posts were drawn at random and labelled"
    )
    return Shares(None, plans, why)


def channel_names(posts: Sequence[Post]) -> Mapping[str, str]:
    """Return what each channel is called: the small ones of many are called the same."""
    sizes = Counter(post.channel for post in posts if post.channel)
    names = sorted(sizes, key=lambda name: (-sizes[name], name))
    if len(names) <= CHANNELS_SHOWN:
        return {name: name for name in names}
    kept = names[: CHANNELS_SHOWN - 1]
    rest = f"{len(names) - len(kept):,} other channels"
    return {name: name for name in kept} | dict.fromkeys(names[len(kept) :], rest)


def labels_by_channel(posts: Sequence[Post], decisions: Decisions, *, by: str) -> ByChannel | None:
    """Count labels channel by channel, and in each over time; None of fewer than two channels.

    Parameters
    ----------
    posts : sequence of Post
    decisions : Decisions
        On these posts.
    by : {"week", "month"}
        The finest period to follow a channel by: a coarser one is taken where posts are few.
    """
    called = channel_names(posts)
    channels = tuple(dict.fromkeys(called.values()))
    if len(channels) < 2:
        return None
    channel = [called[post.channel] if post.channel else None for post in posts]
    groups = group_column(posts)
    shares = follow(lines_of(decisions, None), channel, groups, by=CHANNEL)
    n_folded = sum(name == channels[-1] for name in called.values())
    whole = ByChannel(channels, shares, n_folded=n_folded if n_folded > 1 else 0)
    by = _period(posts, channel, finest=by)
    place = [period_of(post.created_at, by) for post in posts]
    dated = [period for period in place if period]
    if not dated:
        return whole
    over_time = []
    for name in channels:
        rows = np.array([one == name for one in channel], dtype=np.bool_)
        lines = (
            Line(line.kind, line.key, line.name, line.carries[rows], line.asked[rows])
            for line in lines_of(decisions, None)
        )
        inside = [place[i] for i in np.flatnonzero(rows)]
        over_time.append(follow(lines, inside, groups[rows], by=by, channel=name))
    periods = every_period(min(dated), max(dated), by)
    return ByChannel(channels, shares, tuple(over_time), periods, whole.n_folded)


def _period(posts: Sequence[Post], channel: Sequence[str | None], *, finest: str) -> str:
    """Return the finest period in which channels have posts enough to be followed."""
    chosen = finest
    for by in (finest, *_COARSER):
        cells = Counter(
            (name, period)
            for post, name in zip(posts, channel, strict=True)
            if name and (period := period_of(post.created_at, by))
        )
        if not cells:
            return chosen
        dates = [period for _, period in cells]
        n_periods = len(every_period(min(dates), max(dates), by))
        if by != finest and n_periods < _FEWEST_PERIODS:
            return chosen
        chosen = by
        if n_periods <= _MOST_PERIODS and median(cells.values()) >= _ENOUGH_POSTS:
            return chosen
    return chosen
