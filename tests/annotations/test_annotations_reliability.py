"""Alpha and kappa against published examples, the packages, and slow oracles."""

import math
import time

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from narraframe.annotations.label_sets import masi_distance
from narraframe.annotations.reliability import alpha, kappa
from narraframe.annotations.resampling import difference, resample, share
from narraframe.records import Estimate

NONE = 0


def counts_of(rows, values):
    """Rows of one observer each, NONE where missing, to counts by unit and value."""
    return np.array(
        [[sum(row[i] == v for row in rows) for v in values] for i in range(len(rows[0]))]
    )


def drawn(n, n_resamples=200):
    return resample(n, n_resamples=n_resamples, seed=0)


FOUR_OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]
BINARY = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
FIVE_VALUES = ["aabbdcccedda", "babbbccceddd"]


@pytest.mark.parametrize(
    ("rows", "values", "published"),
    [(FOUR_OBSERVERS, range(1, 6), 0.743), (BINARY, (0, 1), 0.095), (FIVE_VALUES, "abcde", 0.692)],
)
def test_alpha_is_that_of_krippendorffs_worked_examples(rows, values, published):
    """Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, sections A to C."""
    counts = counts_of(rows, values)
    assert round(alpha(counts, drawn(len(counts))).value, 3) == published
    apart = 1 - np.eye(len(values))
    assert round(alpha(counts, drawn(len(counts)), distance=apart).value, 3) == published


def test_kappa_is_that_of_fleiss_worked_example():
    """Fleiss (1981), Statistical Methods for Rates and Proportions, table 13.1: 0.68."""
    table = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(table[i][j])]
    first, second = (np.array(codes) for codes in zip(*pairs, strict=True))
    found = kappa(first, second, drawn(100), n_values=3)
    assert found.value == pytest.approx((0.89 - 0.66) / (1 - 0.66))
    assert found.low < found.value < found.high


def test_masi_is_that_of_passonneaus_definition():
    sets = [frozenset(s) for s in ("ab", "abcd", "bc", "c", "")]
    sets = [frozenset(map(ord, s)) for s in sets]
    assert masi_distance(sets)[0] == pytest.approx([0, 1 - 1 / 2 * 2 / 3, 1 - 1 / 3 * 1 / 3, 1, 1])
    assert masi_distance(sets)[4].tolist() == [1, 1, 1, 1, 0]


@settings(deadline=None)
@given(st.lists(st.frozensets(st.integers(0, 4), min_size=1), min_size=1, max_size=8))
def test_masi_is_that_of_nltk(sets):
    nltk = pytest.importorskip("nltk.metrics")
    expected = [[nltk.masi_distance(a, b) for b in sets] for a in sets]
    np.testing.assert_allclose(masi_distance(sets), expected, atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.lists(st.frozensets(st.integers(0, 3), min_size=1), min_size=2, max_size=4),
        min_size=2,
        max_size=10,
    )
)
def test_alpha_of_label_sets_is_that_of_nltk(units):
    nltk = pytest.importorskip("nltk.metrics")
    sets = sorted({s for unit in units for s in unit}, key=sorted)
    counts = np.array([[unit.count(s) for s in sets] for unit in units])
    found = alpha(counts, drawn(len(units), 2), distance=masi_distance(sets)).value
    if len(sets) == 1:
        assert math.isnan(found)
        return
    data = [(str(c), str(i), s) for i, unit in enumerate(units) for c, s in enumerate(unit)]
    task = nltk.agreement.AnnotationTask(data=data, distance=nltk.masi_distance)
    assert found == pytest.approx(task.alpha(), abs=1e-9)


def test_the_interval_of_alpha_is_that_of_the_package_on_each_resample():
    rng = np.random.default_rng(1)
    truth = rng.random(40) < 0.4
    counts = np.array(
        [np.bincount(rng.random(3) < (0.8 if t else 0.2), minlength=2) for t in truth]
    )
    draws = drawn(40)
    slow = [
        krippendorff.alpha(
            value_counts=np.repeat(counts, w, axis=0), level_of_measurement="nominal"
        )
        for w in draws.weights
    ]
    found = alpha(counts, draws)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])))


def test_the_interval_of_kappa_is_that_of_the_package_on_each_resample():
    rng = np.random.default_rng(1)
    first = rng.integers(0, 3, 60)
    second = np.where(rng.random(60) < 0.7, first, rng.integers(0, 3, 60))
    draws = drawn(60)
    slow = [cohen_kappa_score(np.repeat(first, w), np.repeat(second, w)) for w in draws.weights]
    found = kappa(first, second, draws, n_values=3)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])))


def test_posts_with_one_answer_do_not_count():
    counts = counts_of(FOUR_OBSERVERS, range(1, 6))
    alone = np.vstack([counts, np.eye(5, dtype=int)])
    found = alpha(alone, drawn(len(alone)))
    assert (round(found.value, 3), found.n) == (0.743, 11)


def test_where_all_say_the_same_throughout_there_is_no_chance_to_correct_for():
    found = alpha(np.array([[2, 0], [3, 0]]), drawn(2))
    assert math.isnan(found.value)
    assert found.n == 2
    same = np.zeros(5, dtype=np.int64)
    assert math.isnan(kappa(same, same, drawn(5), n_values=2).value)
    assert math.isnan(alpha(np.zeros((0, 2), dtype=int), drawn(0)).value)


def test_agreement_without_exception_is_the_surer_the_more_posts_show_it():
    ends = []
    for n in (5, 50, 500):
        counts = np.array([[2, 0], [0, 2]] * n)
        found = alpha(counts, drawn(2 * n))
        assert (found.value, found.high) == (1, 1)
        values = np.arange(2 * n) % 2
        assert kappa(values, values, drawn(2 * n), n_values=2).low == pytest.approx(
            found.low, abs=0.05
        )
        ends.append(found.low)
    assert ends == sorted(ends)
    assert ends[0] < 0.5
    assert ends[-1] > 0.99


def test_the_same_seed_gives_the_same_interval():
    counts = counts_of(FOUR_OBSERVERS, range(1, 6))
    assert alpha(counts, drawn(12)) == alpha(counts, drawn(12))
    assert alpha(counts, drawn(12)) != alpha(counts, resample(12, n_resamples=200, seed=1))


def test_a_share_of_none_or_all_has_an_interval():
    asked = np.ones(12)
    none = share(np.zeros(12), asked, drawn(12))
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 12))
    every = share(asked, asked, drawn(12))
    assert (every.low, every.high) == pytest.approx((1 - none.high, 1))


def test_a_difference_is_as_wide_as_both_its_sides():
    """Newcombe (1998), table II, (a) 56/70 against 48/80, method 10: 0.0524 to 0.3339."""

    def wilson(x, n, z=1.959964):
        middle, half = x + z * z / 2, z * math.sqrt(x * (n - x) / n + z * z / 4)
        return Estimate(x / n, (middle - half) / (n + z * z), (middle + half) / (n + z * z), n)

    found = difference(wilson(56, 70), wilson(48, 80))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


@pytest.mark.slow
def test_thirty_labels_on_a_thousand_posts_take_seconds():
    rng = np.random.default_rng(0)
    draws = resample(1000, n_resamples=1000, seed=0)
    began = time.perf_counter()
    for _ in range(30):
        alpha(rng.multinomial(3, [0.9, 0.1], size=1000), draws)
    assert time.perf_counter() - began < 30
