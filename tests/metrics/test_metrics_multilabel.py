import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from narraframe.metrics.multilabel import (
    Confusion,
    average_precision,
    calibration_bins,
    calibration_error,
    confusion,
    f1,
    macro_f1,
    micro_f1,
    precision,
    recall,
)


def problem(seed=0, n=60, k=4):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, k)) < [0.5, 0.3, 0.2, 0.1]).astype(np.int8)
    p = np.round(np.clip(0.4 * y + 0.6 * rng.random((n, k)), 0, 1), 2)
    return y, p, p > 0.5, rng.random((n, k)) < 0.7


def test_figures_equal_those_of_scikit_learn_where_all_is_known():
    y, _, decision, _ = problem()
    counts = confusion(y, decision, np.ones(y.shape, dtype=bool))
    np.testing.assert_allclose(precision(counts), precision_score(y, decision, average=None))
    np.testing.assert_allclose(recall(counts), recall_score(y, decision, average=None))
    np.testing.assert_allclose(f1(counts), f1_score(y, decision, average=None))
    assert macro_f1(counts) == pytest.approx(f1_score(y, decision, average="macro"))
    assert micro_f1(counts) == pytest.approx(f1_score(y, decision, average="micro"))


def test_unknown_cells_count_nowhere():
    y, _, decision, known = problem()
    counts = confusion(y, decision, known)
    for j in range(4):
        cells = [(y[i, j], decision[i, j]) for i in range(60) if known[i, j]]
        assert counts.tp[j] == sum(t == 1 and d for t, d in cells)
        assert counts.fp[j] == sum(t == 0 and d for t, d in cells)
        assert counts.fn[j] == sum(t == 1 and not d for t, d in cells)


def test_nothing_decided_leaves_precision_undefined_and_f1_zero():
    counts = Confusion(np.zeros(1), np.zeros(1), np.array([3.0]))
    assert np.isnan(precision(counts)[0])
    assert recall(counts)[0] == 0
    assert f1(counts)[0] == 0


def test_without_positives_recall_and_f1_are_undefined_and_precision_is_zero():
    counts = Confusion(np.zeros(1), np.array([2.0]), np.zeros(1))
    assert precision(counts)[0] == 0
    assert np.isnan(recall(counts)[0])
    assert np.isnan(f1(counts)[0])


def test_macro_f1_is_the_mean_of_the_defined_labels():
    counts = Confusion(np.array([1.0, 0.0]), np.array([1.0, 4.0]), np.array([0.0, 0.0]))
    assert macro_f1(counts) == pytest.approx(2 / 3)


def test_micro_f1_counts_false_positives_of_labels_without_positives():
    counts = Confusion(np.array([1.0, 0.0]), np.array([1.0, 4.0]), np.array([0.0, 0.0]))
    assert micro_f1(counts) == pytest.approx(2 / 7)


def test_no_label_defined_leaves_both_means_undefined():
    counts = Confusion(np.zeros(2), np.ones(2), np.zeros(2))
    assert np.isnan(macro_f1(counts))
    assert np.isnan(micro_f1(counts))


@given(st.integers(0, 10**6), st.integers(1, 40), st.sampled_from([2, 5, 1000]))
def test_average_precision_equals_that_of_scikit_learn_also_with_ties(seed, n, levels):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype(np.int8)
    y[0] = 1
    p = rng.integers(0, levels, n) / levels
    assert average_precision(y, p)[0] == pytest.approx(average_precision_score(y, p))


def test_weights_count_posts_as_often_as_they_were_drawn():
    y, p, _, _ = problem(seed=3)
    weights = np.random.default_rng(1).integers(0, 3, size=(60, 5)).astype(np.float32)
    found = average_precision(y[:, 3], p[:, 3], weights)
    for r in range(5):
        repeated = np.repeat(np.arange(60), weights[:, r].astype(int))
        expected = average_precision_score(y[repeated, 3], p[repeated, 3])
        assert found[r] == pytest.approx(expected)


def test_average_precision_is_undefined_without_positives():
    y = np.array([1, 0, 0], dtype=np.int8)
    weights = np.array([[1, 0], [1, 2], [1, 1]], dtype=np.float32)
    assert np.isnan(average_precision(y, np.array([0.5, 0.6, 0.1]), weights)).tolist() == [
        False,
        True,
    ]
    assert np.isnan(average_precision(np.zeros(3, np.int8), np.ones(3))).all()


def test_bins_hold_about_equally_many_and_equal_probabilities_share_one():
    p = np.concatenate([np.full(50, 0.01), np.linspace(0.02, 1, 50)])
    bins = calibration_bins(p, n_bins=10)
    assert len(set(bins[:50])) == 1
    assert np.bincount(bins)[np.bincount(bins) > 0].tolist() == [50, 10, 10, 10, 10, 10]


def test_calibration_error_is_the_weighted_gap_of_its_bins():
    rng = np.random.default_rng(0)
    p = rng.random(500)
    y = (rng.random(500) < p**2).astype(np.int8)
    bins = calibration_bins(p)
    expected = sum(
        (bins == b).mean() * abs(p[bins == b].mean() - y[bins == b].mean()) for b in set(bins)
    )
    assert calibration_error(y, p) == pytest.approx(expected)
    assert expected > 0.1


def test_constant_probability_is_off_by_its_distance_from_the_frequency():
    y = np.array([1, 0, 0, 0], dtype=np.int8)
    assert calibration_error(y, np.full(4, 0.25)) == pytest.approx(0)
    assert calibration_error(y, np.full(4, 0.75)) == pytest.approx(0.5)


def test_calibration_error_of_no_cells_is_undefined():
    assert np.isnan(calibration_error(np.zeros(0, np.int8), np.zeros(0)))
