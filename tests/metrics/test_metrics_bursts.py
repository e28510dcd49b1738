from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from narraframe.metrics.bursts import burst_states, find_bursts


def prices(n, of, *, gamma):
    """Price all courses as the paper does, with the whole binomial probability."""
    p = sum(n) / sum(of)
    of_state = -binom.logpmf(n, of, np.array([[p], [2 * p]]))
    courses = np.array(list(product((0, 1), repeat=len(n))))
    entered = np.diff(courses, axis=1, prepend=0).clip(min=0).sum(axis=1)
    fit = np.where(courses, of_state[1], of_state[0]).sum(axis=1)
    return {
        tuple(course): price
        for course, price in zip(
            courses.tolist(), fit + gamma * np.log(len(n)) * entered, strict=True
        )
    }


@pytest.mark.parametrize("seed", range(25))
def test_no_course_is_cheaper_than_the_one_found(seed):
    rng = np.random.default_rng(seed)
    of = rng.integers(0, 60, size=9)
    shares = np.full(9, 0.08)
    shares[3:6] *= rng.choice([1, 2, 4])
    n = rng.binomial(of, shares)
    if not n.any() or 2 * n.sum() >= of.sum():
        n[4], of = 1, of + 10
    gamma = float(rng.choice([0.3, 1, 1.5]))
    every = prices(n, of, gamma=gamma)
    found = every[tuple(burst_states(n, of, gamma=gamma).tolist())]
    assert found == pytest.approx(min(every.values()))


def test_a_worked_example_by_hand():
    # 30 of 300: usual share 0.1, raised 0.2. In March 20 of 50 carry it: it saves
    # 20 ln 2 + 30 ln(0.8 / 0.9) = 10.33 nats, and entering costs 1.5 ln 6 = 2.69.
    n, of = [2, 2, 20, 2, 2, 2], [50] * 6
    (burst,) = find_bursts(n, of, ["01", "02", "03", "04", "05", "06"])
    assert (burst.first, burst.last, burst.n, burst.of) == ("03", "03", 20, 50)
    assert burst.ratio == pytest.approx(4.0)
    assert burst.weight == pytest.approx(20 * np.log(2) + 30 * np.log(0.8 / 0.9))


def test_a_burst_may_last_to_the_end_and_span_a_period_without_posts():
    n, of = [1, 1, 1, 1, 20, 0, 20], [60, 60, 60, 60, 60, 0, 60]
    (burst,) = find_bursts(n, of, list("abcdefg"))
    assert (burst.first, burst.last, burst.n, burst.of) == ("e", "g", 40, 120)


def test_more_posts_of_everything_are_no_burst():
    assert find_bursts([5, 50, 5], [100, 1000, 100], list("abc")) == ()


def test_a_dearer_entrance_leaves_only_the_surer_burst():
    n = [1, 1, 9, 1, 1, 25, 1, 1, 1, 1]
    of = [50] * 10
    assert burst_states(n, of, gamma=0.3).tolist() == [0, 0, 1, 0, 0, 1, 0, 0, 0, 0]
    assert burst_states(n, of, gamma=2.0).tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]


def test_of_what_is_on_half_of_the_posts_no_burst_can_be_told():
    assert find_bursts([5, 6, 5], [10, 10, 10], list("abc")) is None


def test_what_nobody_carries_never_bursts():
    assert find_bursts([0, 0], [10, 10], list("ab")) == ()
    assert find_bursts([], [], []) == ()


def test_impossible_counts_and_ratios_are_refused():
    with pytest.raises(ValueError, match="0 <= n <= of"):
        burst_states([3], [2])
    with pytest.raises(ValueError, match="more than once"):
        burst_states([1], [2], ratio=1.0)
