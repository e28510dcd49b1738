"""Intervals of shares and of their differences: published examples, and what is planned by them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.metrics.prevalence_changes import share_change
from narraframe.metrics.prevalence_intervals import difference, mean_probability
from narraframe.metrics.prevalence_planning import plan_share
from narraframe.metrics.prevalence_slices import Evidence, label_share, shares_by
from narraframe.metrics.wilson import wilson_ends
from narraframe.records import Estimate


def share_of(y, *, n_posts, honest=None, decision=None, by="all", value=""):
    """The share in a population whose first posts are the audit, with answers `y`."""
    nothing = np.full(n_posts, np.nan)
    answers = nothing.copy()
    answers[: len(y)] = y
    says = nothing if honest is None else honest
    evidence = Evidence(
        stratum=np.zeros(n_posts, dtype=np.intp),
        chance=np.ones(n_posts),
        y=answers,
        honest=says,
        probability=says,
        decision=nothing if decision is None else decision,
    )
    return label_share("x", evidence, by=by, value=value)


@pytest.mark.parametrize(
    ("yes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_that_of_newcombes_table(yes, n, low, high):
    """Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3."""
    found = wilson_ends(yes / n, n, level=0.95)
    assert found == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_the_interval_of_a_difference_is_that_of_newcombes_table():
    """Newcombe (1998), Statistics in Medicine 17, 873-890, table II: 56/70 - 48/80, method 10."""
    a, b = (Estimate(x / n, *wilson_ends(x / n, n, level=0.95), n) for x, n in ((48, 80), (56, 70)))
    found = difference(a, b)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == (
        pytest.approx(0.0524, abs=5e-5),
        pytest.approx(0.3339, abs=5e-5),
    )


@given(st.floats(0, 1), st.floats(0.5, 1e6))
def test_wilsons_interval_holds_the_share_and_stays_in_bounds(value, effective):
    low, high = wilson_ends(value, effective, level=0.95)
    assert 0 <= low <= value <= high <= 1
    mirrored = wilson_ends(1 - value, effective, level=0.95)
    assert mirrored == (pytest.approx(1 - high, abs=1e-9), pytest.approx(1 - low, abs=1e-9))


def test_a_difference_taken_the_other_way_round_is_the_same_with_the_other_sign():
    a, b = Estimate(0.1, 0.05, 0.2, 50), Estimate(0.4, 0.3, 0.55, 60)
    there, back = difference(a, b), difference(b, a)
    assert (there.value, there.low, there.high) == (
        pytest.approx(-back.value),
        pytest.approx(-back.high),
        pytest.approx(-back.low),
    )


def test_the_mean_of_probabilities_has_the_interval_of_who_believes_them():
    found = mean_probability(np.full(100, 0.5), level=0.95)
    assert (found.value, found.n) == (0.5, 100)
    assert (found.low, found.high) == (
        pytest.approx(0.402, abs=1e-3),
        pytest.approx(0.598, abs=1e-3),
    )
    assert math.isnan(mean_probability(np.zeros(0), level=0.95).value)


def test_a_slice_holds_its_posts_alone_and_posts_without_a_value_are_in_none():
    y = np.array([1.0, 1, 0, 0, 0, np.nan])
    evidence = Evidence(np.zeros(6, dtype=np.intp), np.ones(6), y, *[np.full(6, np.nan)] * 3)
    found = list(shares_by("x", evidence, by="month", values=["b", "a", "a", "b", None, "b"]))
    assert [(s.value, s.n_posts, s.n_audit, s.n_positive) for s in found] == [
        ("a", 2, 2, 1),
        ("b", 3, 2, 1),
    ]


def test_without_an_audit_there_is_no_figure_by_design_and_the_note_says_so():
    share = share_of([], n_posts=50, honest=np.full(50, 0.3), decision=np.zeros(50))
    assert not share.is_known
    assert (share.method, share.n_audit) == ("", 0)
    assert math.isnan(share.design.low)
    assert share.calibrated.value == pytest.approx(0.3)
    assert share.note == "no audit post has an answer: nothing bears out any figure"
    assert not share.naive_misses


def test_the_note_says_when_an_audit_is_too_small_or_a_label_rare():
    assert share_of([1.0] * 3 + [0] * 7, n_posts=500).note == "too small an audit: 10 answers"
    wide = share_of([1.0] * 20 + [0] * 20, n_posts=5_000)
    assert wide.note == "too small an audit: known to within 30 points"
    rare = share_of([1.0] * 2 + [0] * 198, n_posts=5_000)
    assert rare.note == "rare: 2 of 200 answers say yes"
    assert share_of([1.0] * 40 + [0] * 160, n_posts=5_000).note == ""
    assert share_of([1.0] * 4 + [0] * 4, n_posts=8).note == ""


def test_a_count_outside_of_the_interval_is_marked():
    y = [1.0] * 40 + [0] * 160
    assert share_of(y, n_posts=1_000, decision=np.ones(1_000)).naive_misses
    assert not share_of(y, n_posts=1_000, decision=np.arange(1_000) < 200.0).naive_misses


def test_posts_without_an_honest_probability_do_not_bias_the_figure():
    """Half of the posts have no score, and other shares than the scored half."""
    rng = np.random.default_rng(0)
    truth = np.concatenate([rng.random(1_000) < 0.5, rng.random(1_000) < 0.1]).astype(float)
    honest = np.where(np.arange(2_000) < 1_000, 0.2 + 0.6 * truth, np.nan)
    found = []
    for _ in range(300):
        order = rng.permutation(2_000)
        found.append(share_of(truth[order][:200], n_posts=2_000, honest=honest[order]).design)
    assert np.mean([f.value for f in found]) == pytest.approx(truth.mean(), abs=0.004)
    held = np.mean([f.low <= truth.mean() <= f.high for f in found])
    assert 0.92 <= held <= 0.99


def test_what_is_planned_from_a_first_audit_comes_out_as_wide_as_was_wanted():
    rng = np.random.default_rng(5)
    logit = rng.normal(size=6_000) * 1.5 - 1.2
    honest = 1 / (1 + np.exp(-logit))
    truth = (rng.random(6_000) < honest).astype(float)
    widths = []
    for _ in range(60):
        order = rng.permutation(6_000)
        first = share_of(truth[order][:80], n_posts=6_000, honest=honest[order])
        plan = plan_share(first, width=0.1)
        assert plan.n_more > 0
        n = plan.n_audit + plan.n_more
        then = share_of(truth[order][:n], n_posts=6_000, honest=honest[order]).design
        widths.append(then.high - then.low)
    assert np.median(widths) == pytest.approx(0.1, abs=0.006)
    assert np.quantile(widths, 0.9) < 0.115


def test_the_plan_asks_for_nothing_where_the_width_is_reached_and_for_more_where_it_is_not():
    share = share_of([1.0] * 40 + [0] * 160, n_posts=5_000)
    now = share.design.high - share.design.low
    assert plan_share(share, width=now + 1e-9).n_more == 0
    more = [plan_share(share, width=w).n_more for w in (0.1, 0.05, 0.02, 0.001)]
    assert more == sorted(more)
    assert more[0] > 0
    assert more[-1] <= 4_800


def test_the_plan_is_the_least_number_that_will_do():
    share = share_of([1.0] * 20 + [0] * 80, n_posts=3_000)
    n = plan_share(share, width=0.1).n_more + 100

    def width(answers):
        low, high = wilson_ends(share.design.value, answers / (1 - answers / 3_000), level=0.95)
        return high - low

    assert width(n) <= 0.1 * 1.03  # the spread of a hundred answers is a little over 1
    assert width(n - 1) > 0.1 * 0.97


def test_without_an_audit_the_plan_takes_the_share_from_the_model_or_one_half():
    by_model = plan_share(share_of([], n_posts=5_000, honest=np.full(5_000, 0.1)), width=0.1)
    by_nothing = plan_share(share_of([], n_posts=5_000), width=0.1)
    assert (by_model.n_audit, by_nothing.n_audit) == (0, 0)
    assert 130 < by_model.n_more < 150
    assert 350 < by_nothing.n_more < 370  # 381 of very many posts
    assert math.isnan(by_nothing.width_now)


def test_a_change_is_known_only_where_both_shares_are():
    here = share_of([1.0] * 30 + [0] * 70, n_posts=900, by="month", value="2024-05")
    there = share_of([1.0] * 60 + [0] * 40, n_posts=900, by="month", value="2024-06")
    nothing = share_of([], n_posts=900, by="month", value="2024-07")
    change = share_change(here, there)
    assert change.difference.value == pytest.approx(0.3)
    assert change.is_beyond_chance
    unknown = share_change(here, nothing)
    assert math.isnan(unknown.difference.value)
    assert not unknown.is_beyond_chance
    assert unknown.note.startswith("2024-07: no audit post")


def test_the_interval_of_a_change_holds_where_copies_are_in_both_months():
    """A third of the posts are copies of posts of the other month, with the same answer."""
    rng = np.random.default_rng(6)
    one = (rng.random(1_200) < 0.12).astype(float)
    two = np.concatenate([one[:400], (rng.random(800) < 0.2).astype(float)])
    truth, held = two.mean() - one.mean(), 0
    for _ in range(400):
        shares = [
            share_of(rng.permutation(month)[:100], n_posts=1_200, by="month", value=name)
            for month, name in ((one, "a"), (two, "b"))
        ]
        found = share_change(*shares).difference
        held += found.low <= truth <= found.high
    assert 0.93 <= held / 400 <= 0.99
