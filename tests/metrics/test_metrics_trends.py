from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from scipy.stats import binomtest

from narraframe.errors import TableError
from narraframe.metrics.trends import Line, every_period, period_of, trends
from narraframe.metrics.wilson import holm, wilson


def line(carries, asked=None, *, key="war"):
    marks = np.array(carries, dtype=bool)
    return Line(
        "label",
        key,
        key.title(),
        marks,
        np.ones(len(marks), bool) if asked is None else np.array(asked, dtype=bool),
    )


def test_wilson_agrees_with_scipy():
    for k, n in [(0, 7), (7, 7), (3, 10), (1, 400)]:
        theirs = binomtest(k, n).proportion_ci(method="wilson")
        ours = wilson(k, n)
        assert (ours.value, ours.n) == (k / n, n)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_share_of_nothing_is_unknown():
    assert np.isnan([wilson(0, 0).value, wilson(0, 0).low, wilson(0, 0).high]).all()


def test_holm_adjusts_by_hand_and_leaves_out_what_was_not_tested():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04, 0.03]), [0.03, np.nan, 0.06, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]


def test_a_period_is_that_of_utc():
    late = datetime(2024, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=3)))
    assert period_of(late, "day") == "2024-02-29"
    assert period_of(late, "month") == "2024-02"
    assert period_of(late, "week") == "2024-02-26"
    assert period_of(None, "day") is None


def test_periods_without_posts_are_there_too():
    assert every_period("2023-11", "2024-02", "month") == (
        "2023-11",
        "2023-12",
        "2024-01",
        "2024-02",
    )
    assert every_period("2024-02-28", "2024-03-01", "day") == (
        "2024-02-28",
        "2024-02-29",
        "2024-03-01",
    )
    assert every_period("2024-02-26", "2024-03-11", "week") == (
        "2024-02-26",
        "2024-03-04",
        "2024-03-11",
    )


def test_near_duplicates_of_a_period_count_once_for_shares_and_each_for_posts():
    place = ["2024-01"] * 4 + ["2024-02"] * 2
    groups = np.array([0, 0, 0, 1, 0, 2])
    found = trends([line([1, 1, 0, 0, 1, 0])], place, groups, by="month")
    (war,) = found.lines
    assert war.n.tolist() == [2, 1]
    assert war.of.tolist() == [4, 2]
    assert war.n_distinct.tolist() == [1, 1]
    assert war.of_distinct.tolist() == [2, 2]
    assert war.shares[0].value == 0.5
    # over all months the message of group 0 is one of three
    assert war.whole == wilson(1, 3)


def test_a_group_carries_what_half_of_its_asked_posts_carry():
    groups = np.zeros(3, dtype=np.intp)
    place = ["2024-01"] * 3
    (one,) = trends([line([1, 0, 0])], place, groups, by="month").lines
    assert one.n_distinct.tolist() == [0]
    (two,) = trends([line([1, 0, 0], [1, 1, 0])], place, groups, by="month").lines
    assert two.n_distinct.tolist() == [1]


def test_what_was_not_asked_is_no_no():
    found = trends(
        [line([1, 1, 1], [1, 0, 0])], ["2024-01", "2024-01", "2024-02"], np.arange(3), by="month"
    )
    (war,) = found.lines
    assert war.n.tolist() == [1, 0]
    assert war.of.tolist() == [1, 0]
    assert np.isnan(war.shares[1].value)


def test_posts_without_a_date_are_counted_and_left_out():
    found = trends([line([1, 1])], ["2024-01", None], np.arange(2), by="month")
    assert (found.n_posts, found.n_unplaced) == (2, 1)
    assert found.lines[0].of.tolist() == [1]


def test_channels_come_the_largest_first_and_have_no_bursts():
    place = ["b", "a", "a", "c", "c"]
    found = trends([line([1, 0, 0, 0, 1])], place, np.arange(5), by="channel")
    assert found.periods == ("a", "c", "b")
    assert found.lines[0].n.tolist() == [0, 1, 1]
    assert found.lines[0].bursts == ()


def test_a_raised_month_is_a_burst_of_distinct_posts_and_not_of_copies():
    months = [f"2024-{m:02}" for m in range(1, 9)]
    place = [m for m in months for _ in range(40)] + ["2024-05"] * 30
    marks = np.zeros(len(place), dtype=bool)
    marks[::40] = True  # one in forty each month
    copies = np.r_[np.arange(320), np.full(30, 320)]
    marks[320:] = True  # thirty copies of one message
    (same,) = trends([line(marks)], place, copies, by="month").lines
    assert same.bursts == ()
    (own,) = trends([line(marks)], place, np.arange(350), by="month").lines
    assert [(b.first, b.last, b.n) for b in own.bursts] == [("2024-05", "2024-05", 31)]


def test_the_totals_of_months_are_those_of_all_posts():
    rng = np.random.default_rng(0)
    place = [f"2024-{m:02}" for m in rng.integers(1, 13, size=500)]
    marks, asked = rng.random(500) < 0.3, rng.random(500) < 0.8
    groups = rng.integers(0, 300, size=500)
    (found,) = trends([line(marks, asked)], place, groups, by="month").lines
    assert found.n.sum() == (marks & asked).sum()
    assert found.of.sum() == asked.sum()
    pairs = {(g, p) for g, p, a in zip(groups, place, asked, strict=True) if a}
    assert found.of_distinct.sum() == len(pairs)
    assert found.whole.n == len({g for g, _ in pairs})


def test_columns_of_other_lengths_are_refused():
    with pytest.raises(TableError, match="differ in length"):
        trends([], ["2024-01"], np.arange(2), by="month")


def test_no_post_with_a_date_gives_no_periods():
    found = trends([line([1])], [None], np.arange(1), by="month")
    assert found.periods == ()
