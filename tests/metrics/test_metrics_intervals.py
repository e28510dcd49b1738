import numpy as np
import pytest

from narraframe.metrics.intervals import estimate, resample_groups


def test_totals_equal_those_of_the_resampled_posts():
    groups = np.array(["a", "b", "a", "c", "c", "c"])
    draws = resample_groups(groups, n_resamples=20, seed=0)
    per_post = np.arange(12.0).reshape(6, 2)
    totals = draws.totals(per_post)
    for r in range(20):
        times = dict(zip("abc", draws.weights[:, r], strict=True))
        expected = sum(times[g] * row for g, row in zip(groups, per_post, strict=True))
        np.testing.assert_allclose(totals[r], expected)


def test_each_resample_draws_as_many_groups_as_there_are():
    draws = resample_groups(np.arange(30) // 2, n_resamples=50, seed=1)
    assert draws.weights.shape == (15, 50)
    assert (draws.weights.sum(axis=0) == 15).all()


def test_the_same_seed_gives_the_same_draws():
    first, second = (resample_groups(range(9), n_resamples=9, seed=4).weights for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_the_interval_holds_the_middle_of_the_defined_resamples():
    replicates = np.append(np.linspace(0, 1, 101), [np.nan] * 50)
    found = estimate(0.5, replicates, n=7, n_groups=30)
    assert (found.low, found.high) == (pytest.approx(0.025), pytest.approx(0.975))
    assert (found.value, found.n, found.level) == (0.5, 7, 0.95)


def test_the_interval_always_holds_the_value():
    found = estimate(0.1, np.linspace(0.4, 0.6, 50), n=7, n_groups=30)
    assert found.low == 0.1
    assert found.high > 0.59


@pytest.mark.parametrize(("value", "n_groups"), [(float("nan"), 9), (0.5, 1), (0.5, 0)])
def test_undefined_figures_and_single_groups_have_no_interval(value, n_groups):
    found = estimate(value, np.full(10, 0.5), n=3, n_groups=n_groups)
    assert np.isnan([found.low, found.high]).all()
    assert found.n == 3


def test_a_perfect_figure_on_few_groups_is_not_certain():
    found = estimate(1.0, np.ones(100), n=5, n_groups=5)
    assert found.high == 1
    assert found.low == pytest.approx(0.025 ** (1 / 5))
    none = estimate(0.0, np.zeros(100), n=5, n_groups=5)
    assert (none.low, none.high) == (0, pytest.approx(1 - 0.025 ** (1 / 5)))
