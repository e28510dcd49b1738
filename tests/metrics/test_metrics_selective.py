import numpy as np
import pytest

from narraframe.metrics.quality import measure
from narraframe.metrics.selective import selective


def problem(seed=0, n=150):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, 3)) < [0.4, 0.2, 0.1]).astype(np.int8)
    p = 0.3 * y + 0.7 * rng.random((n, 3))
    mask = rng.random((n, 3)) < 0.8
    return y, mask, p >= 0.5, np.abs(p - 0.5) < 0.1, rng.integers(0, n // 2, n)


def test_quality_on_the_decided_cells_is_that_of_posts_annotated_there_only():
    y, mask, decision, abstained, groups = problem()
    found = selective(y, mask, decision, abstained, groups, seed=3, n_resamples=100)
    for cells, decided in ((mask & ~abstained, found.with_abstention), (mask, found.without)):
        expected = measure(
            y, cells, y.astype(np.float32), decision, groups, "abc", np.zeros(3),
            how="", seed=3, n_resamples=100,
        )  # fmt: skip
        assert decided.micro_f1 == expected.micro_f1
        assert decided.macro_f1 == expected.macro_f1
        assert decided.n_labels == 3


def test_coverage_and_error_rate_equal_those_counted_resample_by_resample():
    y, mask, decision, abstained, groups = problem(n=60)
    found = selective(y, mask, decision, abstained, groups, seed=5, n_resamples=80)
    names = np.unique(groups)
    drawn = np.random.default_rng(5).integers(0, len(names), size=(80, len(names)))
    resamples = [np.concatenate([np.flatnonzero(groups == names[g]) for g in r]) for r in drawn]

    def coverage(rows):
        return (mask & ~abstained)[rows].sum() / mask[rows].sum()

    def error_rate(rows):
        cells = (mask & ~abstained)[rows]
        return (decision[rows] != y[rows])[cells].mean()

    for estimate, figure in (
        (found.coverage, coverage),
        (found.with_abstention.error_rate, error_rate),
    ):
        assert estimate.value == pytest.approx(figure(np.arange(len(y))))
        low, high = np.quantile([figure(rows) for rows in resamples], [0.025, 0.975])
        assert (estimate.low, estimate.high) == (pytest.approx(low), pytest.approx(high))


def test_abstaining_from_every_mistake_leaves_none():
    y, mask, decision, _, groups = problem()
    found = selective(y, mask, decision, decision != (y == 1), groups, seed=0)
    assert found.with_abstention.error_rate.value == 0
    assert found.with_abstention.micro_f1.value == 1
    assert found.coverage.value == pytest.approx(1 - found.without.error_rate.value)


def test_without_abstention_both_sides_are_the_same():
    y, mask, decision, abstained, groups = problem()
    found = selective(y, mask, decision, np.zeros_like(abstained), groups, seed=0)
    assert found.coverage.value == 1
    assert found.with_abstention == found.without


def test_abstaining_everywhere_leaves_the_quality_undefined():
    y, mask, decision, abstained, groups = problem()
    found = selective(y, mask, decision, np.ones_like(abstained), groups, seed=0)
    decided = found.with_abstention
    assert (found.coverage.value, decided.n_labels, decided.error_rate.n) == (0, 0, 0)
    for estimate in (decided.micro_f1, decided.macro_f1, decided.error_rate):
        assert np.isnan([estimate.value, estimate.low, estimate.high]).all()


def test_a_label_whose_positives_are_all_abstained_from_leaves_macro_f1():
    y, mask, decision, abstained, groups = problem()
    abstained = abstained.copy()
    abstained[:, 2] = y[:, 2] == 1
    found = selective(y, mask, decision, abstained, groups, seed=0)
    assert (found.with_abstention.n_labels, found.without.n_labels) == (2, 3)


def test_unknown_cells_count_nowhere():
    y, mask, decision, abstained, groups = problem()
    other = selective(
        np.where(mask, y, 1 - y).astype(np.int8), mask, decision, abstained | ~mask, groups, seed=0
    )
    assert other == selective(y, mask, decision, abstained, groups, seed=0)
