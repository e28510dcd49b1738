import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import fisher_exact

from narraframe.errors import TableError
from narraframe.metrics.themes_and_labels import themes_against_labels, uncovered

NAMES = {1: "sport", 4: "war", 7: "grain"}
LABELS = [("order", "Order"), ("peace", "Peace")]


def cross(theme, carries, decided=None, groups=None):
    marks = np.array(carries, dtype=bool)
    return themes_against_labels(
        np.array(theme, dtype=np.int32),
        marks,
        np.ones_like(marks) if decided is None else np.array(decided, dtype=bool),
        np.arange(len(theme)) if groups is None else np.array(groups),
        theme_names=NAMES,
        labels=LABELS,
    )


def test_shares_go_both_ways():
    found = cross([1, 1, 4, 4, -1], [[1, 0], [0, 0], [1, 1], [1, 0], [1, 0]])
    assert found.themes == (1, 4)
    assert found.theme_names == ("sport", "war")
    assert found.n.tolist() == [[1, 0], [2, 1]]
    assert found.share_of_theme.tolist() == [[0.5, 0.0], [1.0, 0.5]]
    np.testing.assert_allclose(found.share_of_label, [[1 / 3, 0], [2 / 3, 1]])
    assert found.outside.tolist() == [1, 0]


def test_undecided_posts_are_in_no_share():
    found = cross([1, 1], [[1, 1], [1, 0]], [[1, 0], [0, 1]])
    assert found.n.tolist() == [[1, 0]]
    assert found.decided.tolist() == [[1, 1]]


def test_a_label_evenly_over_the_themes_is_spread_and_one_in_one_theme_is_not():
    found = cross([1, 1, 4, 4], [[1, 1], [0, 1], [1, 0], [0, 0]])
    assert found.spread.tolist() == [pytest.approx(1.0), 0.0]
    assert found.mixture.tolist() == [pytest.approx(0.918296, abs=1e-6), 0.0]


def test_themes_that_settle_the_label_leave_no_doubt_and_others_all():
    assert cross([1, 1, 4, 4], [[1, 0], [1, 0], [0, 1], [0, 1]]).dependence == pytest.approx(1)
    assert cross([1, 1, 4, 4], [[1, 0], [0, 1], [1, 0], [0, 1]]).dependence == pytest.approx(0)
    assert math.isnan(cross([1], [[0, 0]]).dependence)


def test_small_is_counted_in_distinct_posts():
    theme, marks = [1] * 25, [[1, 0]] * 25
    assert not cross(theme, marks).small_theme[0]
    copies = cross(theme, marks, groups=[0] * 25)
    assert copies.small_theme[0]
    assert copies.small_label.tolist() == [True, True]


def test_other_posts_are_refused():
    with pytest.raises(TableError, match="not of the same posts"):
        cross([1, 1], [[1, 0]])


def days(numbers):
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return [None if d is None else start + timedelta(days=int(d)) for d in numbers]


def ask(theme, carries, *, moments=None, decided=None, groups=None, likeness=None):
    marks = np.array(carries, dtype=bool)
    n = len(theme)
    return uncovered(
        np.array(theme, dtype=np.int32),
        marks,
        np.ones_like(marks) if decided is None else np.array(decided, dtype=bool),
        np.arange(n) if groups is None else np.array(groups),
        days(range(n)) if moments is None else moments,
        theme_names=NAMES,
        label_ids=("order", "peace"),
        likeness=likeness,
    )


def test_a_theme_is_covered_where_one_label_has_a_quarter_of_it():
    theme = [1] * 4 + [4] * 5
    marks = [[1, 0], [0, 0], [0, 0], [0, 0], [1, 0], [0, 1], [0, 0], [0, 0], [0, 0]]
    (found,) = ask(theme, marks)
    assert (found.theme, found.name, found.n_posts) == (4, "war", 5)
    assert (found.top_label, found.top_share) == ("order", 0.2)
    # two labels of a fifth each: two in five carry something, no label covers
    assert found.labelled.value == 0.4


def test_copies_of_one_labelled_message_do_not_cover_a_theme():
    theme, marks = [7] * 10, [[1, 0]] * 5 + [[0, 0]] * 5
    assert ask(theme, marks) == ()
    (found,) = ask(theme, marks, groups=[0] * 5 + [1, 2, 3, 4, 5])
    assert (found.n_distinct, found.top_share) == (6, pytest.approx(1 / 6))


def test_a_theme_of_which_nothing_was_decided_says_nothing_of_the_codebook():
    assert ask([1, 1], [[0, 0], [0, 0]], decided=[[0, 0], [0, 0]]) == ()


def test_growth_is_the_share_of_the_later_half_over_that_of_the_earlier():
    # 40 posts in order; the theme has 1 of the first 20 and 12 of the last 20
    theme = np.full(40, -1)
    theme[[3, *range(26, 38)]] = 7
    (found,) = ask(theme, np.zeros((40, 2)))
    assert (found.early, found.late) == (0.05, 0.6)
    assert found.growth == pytest.approx(12.0)
    expected = fisher_exact([[12, 8], [1, 19]], alternative="greater").pvalue
    assert found.p_growth == pytest.approx(expected)
    assert found.grows


def test_growth_is_told_by_time_and_not_by_the_order_of_input():
    """Copies, some of them without a date, and posts that have none at all."""
    rng = np.random.default_rng(5)
    groups = np.r_[np.arange(60), rng.integers(0, 60, 40)]
    day = np.where(np.arange(100) < 60, groups, groups + rng.integers(0, 60, 100))
    date = [None if g % 10 == 3 or (i >= 60 and i % 3 == 0) else d
            for i, (g, d) in enumerate(zip(groups, day, strict=True))]  # fmt: skip
    theme = np.where((groups > 25) & (groups % 3 > 0), 7, -1)
    found = []
    for _ in range(5):
        shuffled = rng.permutation(100)
        found += ask(
            theme[shuffled],
            np.zeros((100, 2)),
            groups=groups[shuffled],
            moments=days([date[i] for i in shuffled]),
        )
    assert len({repr(one) for one in found}) == 1
    # by hand: of the 54 distinct posts with a date, the median of the first days parts 27 and 27
    dated = [g for g in range(60) if g % 10 != 3]
    early, late = dated[:27], dated[27:]
    inside = {g for g in range(60) if g > 25 and g % 3}
    assert found[0].early == len(inside & set(early)) / 27
    assert found[0].late == len(inside & set(late)) / 27


def test_a_copy_published_later_is_no_growth():
    """Ten messages of the first half, repeated in the second, beside forty others."""
    groups = np.r_[np.arange(50), np.arange(10)]
    theme = np.where(groups < 10, 7, -1)
    (found,) = ask(theme, np.zeros((60, 2)), groups=groups, moments=days(range(60)))
    assert (found.early, found.late) == (10 / 25, 0)
    assert not found.grows


def test_a_steady_theme_does_not_grow_and_a_new_one_grows_without_bound():
    theme = np.full(40, -1)
    theme[::4] = 7
    assert not ask(theme, np.zeros((40, 2)))[0].grows
    theme[:] = -1
    theme[30:] = 7
    assert ask(theme, np.zeros((40, 2)))[0].growth == math.inf


def test_without_dates_growth_is_unknown_and_the_theme_is_still_found():
    (found,) = ask([7, 7], [[0, 0], [0, 0]], moments=[None, None])
    assert math.isnan(found.growth)
    assert not found.grows


def test_likeness_is_judged_by_that_of_the_covered_themes():
    theme = [1, 4, 7]
    marks = [[1, 0], [0, 0], [0, 0]]
    near = {1: ("order", 0.5), 4: ("peace", 0.6), 7: ("peace", 0.2)}
    war, grain = ask(theme, marks, likeness=near)
    assert (war.theme, war.nearest_label, war.like_a_label) == (4, "peace", True)
    assert (grain.theme, grain.likeness, grain.like_a_label) == (7, 0.2, False)
