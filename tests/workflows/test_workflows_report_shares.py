"""Labels by channel in a report: small channels together, periods that have posts enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from narraframe.records import Post
from narraframe.report.tables import CHANNELS_SHOWN
from narraframe.workflows.columns import Decisions
from narraframe.workflows.report_shares import channel_names, labels_by_channel

START = datetime(2024, 1, 3, tzinfo=UTC)


def posts(sizes: dict[str, int], *, days: int = 300) -> list[Post]:
    """So many posts of each channel, evenly over so many days."""
    return [
        Post(
            post_id=f"{channel}{i}",
            text=f"{channel} says {i}",
            model_text=f"{channel} says {i}",
            channel=channel,
            created_at=START + timedelta(days=days * i / n),
        )
        for channel, n in sizes.items()
        for i in range(n)
    ]


def decisions(n: int, *, every: int = 3) -> Decisions:
    carries = (np.arange(n) % every == 0)[:, None]
    return Decisions(("trade",), ("Trade",), carries, np.ones((n, 1), dtype=np.bool_))


MANY = {f"c{i:02}": 40 - i for i in range(12)}


def test_the_small_ones_of_many_channels_are_called_the_same():
    names = channel_names(posts(MANY))
    assert len(set(names.values())) == CHANNELS_SHOWN
    assert names["c06"] == "c06"
    assert names["c07"] == names["c11"] == "5 other channels"


def test_channels_as_many_as_are_shown_keep_their_names():
    few = dict(list(MANY.items())[:CHANNELS_SHOWN])
    assert set(channel_names(posts(few)).values()) == set(few)


def test_no_post_is_lost_when_channels_are_together_and_followed_over_time():
    known = posts(MANY)
    found = labels_by_channel(known, decisions(len(known)), by="month")
    assert found.n_folded == 5
    assert found.channels[-1] == "5 other channels"
    (whole,) = found.shares.lines
    assert whole.of.sum() == len(known)
    in_time = {trends.channel: trends.lines[0] for trends in found.over_time}
    for i, channel in enumerate(found.shares.periods):
        assert in_time[channel].n.sum() == whole.n[i]
        assert in_time[channel].of.sum() == whole.of[i]
    assert all(set(trends.periods) <= set(found.periods) for trends in found.over_time)


@pytest.mark.parametrize(
    ("per_channel", "days", "by"),
    [(1200, 300, "month"), (60, 720, "quarter"), (20, 2000, "year"), (10, 300, "quarter")],
)
def test_channels_are_followed_in_the_finest_period_that_has_posts_enough(per_channel, days, by):
    known = posts({"A": per_channel, "B": per_channel}, days=days)
    found = labels_by_channel(known, decisions(len(known)), by="month")
    assert found.over_time[0].by == by


def test_one_channel_is_not_split_and_posts_without_dates_are_not_followed():
    alone = posts({"A": 30})
    assert labels_by_channel(alone, decisions(30), by="month") is None
    undated = [replace(post, created_at=None) for post in posts({"A": 30, "B": 30})]
    found = labels_by_channel(undated, decisions(60), by="month")
    assert found.over_time == ()
    assert found.shares.lines[0].of.tolist() == [30, 30]
