import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from narraframe.classifiers.calibration import calibrate, probability


def simulate(n, slopes, intercepts, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, len(slopes)))
    p = 1 / (1 + np.exp(-(scores * slopes + intercepts)))
    return scores, (rng.random(scores.shape) < p).astype(np.int8)


def everywhere(y):
    return np.ones(y.shape, dtype=bool)


def test_one_label_alone_has_the_fit_of_platt():
    scores, y = simulate(200, [1.5], [-1.0])
    positive, negative = (y == 1).sum(), (y == 0).sum()
    target = np.where(y[:, 0] == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))

    def loss(ab):
        logit = ab[0] * scores[:, 0] + ab[1]
        return (np.logaddexp(0, logit) - target * logit).sum()

    oracle = minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-8})
    found = calibrate(scores, y, everywhere(y))
    np.testing.assert_allclose([found.slope[0], found.intercept[0]], oracle.x, atol=1e-4)


def test_probabilities_sum_to_about_the_number_of_positives():
    scores, y = simulate(3000, [2.0, 1.0, 0.5], [-1.0, -2.0, -3.0])
    p = probability(scores, calibrate(scores, y, everywhere(y)))
    np.testing.assert_allclose(p.mean(axis=0), y.mean(axis=0), rtol=0.05)


def test_a_rare_label_is_not_pulled_up_to_the_frequency_of_the_others():
    scores, y = simulate(1000, [1.0] * 6, [0.0] * 6)
    y[:, 0] = 0
    y[:5, 0] = 1
    p = probability(scores, calibrate(scores, y, everywhere(y)))
    assert p[:, 0].mean() < 0.01


def test_few_positives_borrow_the_slope_of_the_others():
    scores, y = simulate(2000, [2.0] * 5, [-1.0] * 5)
    known = everywhere(y)
    known[:, 0] = False
    known[np.flatnonzero(y[:, 0] == 1)[:2], 0] = True
    known[np.flatnonzero(y[:, 0] == 0)[:8], 0] = True
    slope = calibrate(scores, y, known).slope
    assert slope[0] == pytest.approx(2, abs=0.4)


def test_scores_that_rank_backwards_give_the_frequency():
    scores, y = simulate(400, [-2.0], [-1.0])
    found = calibrate(scores, y, everywhere(y))
    p = probability(scores, found)
    assert found.slope[0] == 0
    np.testing.assert_allclose(p, (y.sum() + 1) / (len(y) + 2))


def test_constant_scores_give_the_frequency():
    _, y = simulate(400, [1.0], [-1.0])
    p = probability(np.full((400, 1), 0.3), calibrate(np.full((400, 1), 0.3), y, everywhere(y)))
    np.testing.assert_allclose(p, y.mean(), atol=0.005)


def test_separable_scores_stay_short_of_certainty():
    scores = np.linspace(-1, 1, 40)[:, None]
    y = (scores > 0).astype(np.int8)
    p = probability(scores, calibrate(scores, y, everywhere(y)))
    assert 0 < p.min() < 0.05
    assert 0.95 < p.max() < 1


def test_cells_without_target_or_score_take_no_part():
    scores, y = simulate(300, [1.0, 2.0], [0.0, -1.0])
    known = np.random.default_rng(1).random(y.shape) < 0.6
    other = np.where(known, scores, np.nan)
    first = calibrate(scores, y, known)
    second = calibrate(other, np.where(known, y, 1 - y).astype(np.int8), known)
    assert first.slope.tobytes() == second.slope.tobytes()
    assert first.intercept.tobytes() == second.intercept.tobytes()


def test_labels_with_one_value_only_are_not_calibrated():
    scores, y = simulate(50, [1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    y[:, 0], y[:, 1] = 0, 1
    found = calibrate(scores, y, everywhere(y))
    assert np.isnan(found.slope).tolist() == [True, True, False]
    assert np.isnan(found.intercept).tolist() == [True, True, False]


@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_any_scores_give_finite_probabilities(seed, scale):
    rng = np.random.default_rng(seed)
    scores = scale * rng.standard_t(2, size=(30, 3))
    y = (rng.random((30, 3)) < 0.3).astype(np.int8)
    y[0], y[1] = 0, 1
    found = calibrate(scores, y, everywhere(y))
    assert np.isfinite(probability(scores, found)).all()
    assert (found.slope >= 0).all()
