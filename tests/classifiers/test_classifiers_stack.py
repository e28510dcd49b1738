import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from narraframe.classifiers.bend import straight
from narraframe.classifiers.stack import Stack, fit_stack, logits, probability


def simulate(n, slopes, intercepts, seed=0):
    """Scores (v, n, k) and answers drawn from the model itself; slopes are (v, k)."""
    rng = np.random.default_rng(seed)
    slopes = np.atleast_2d(slopes)
    scores = rng.normal(size=(len(slopes), n, slopes.shape[1]))
    p = expit(np.einsum("vnk,vk->nk", scores, slopes) + intercepts)
    return scores, (rng.random(p.shape) < p).astype(np.int8)


def everywhere(y):
    return np.ones(y.shape, dtype=bool)


def oracle(scores, y, known):
    """The stated objective by scipy, cell by cell: one fit for all labels, then each label's."""
    v, _, k = scores.shape
    cells = [(i, j) for i in range(len(y)) for j in range(k) if known[i, j]]
    spread = np.array([np.std([view[cell] for cell in cells]) for view in scores])
    positive = np.array([sum(y[i, j] for i, j in cells if j == c) for c in range(k)])
    negative = np.array([sum(1 - y[i, j] for i, j in cells if j == c) for c in range(k)])
    frequency = np.log((positive + 1) / (negative + 1))

    def target(i, j):
        smooth = (positive[j] + 1) / (positive[j] + 2), 1 / (negative[j] + 2)
        return smooth[0] if y[i, j] else smooth[1]

    def fit(mine, start, pull):
        x = np.array([[*(scores[:, i, j] / spread), 1.0] for i, j in mine])
        t = np.array([target(i, j) for i, j in mine])
        off = np.array([frequency[j] for _, j in mine])

        def loss(beta):
            logit = x @ beta + off
            value = (np.logaddexp(0, logit) - t * logit).sum()
            value += (pull / 2 * (beta - start) ** 2).sum()
            return value, x.T @ (expit(logit) - t) + pull * (beta - start)

        bounds = [(0, None)] * v + [(None, None)]
        options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 1000}
        found = minimize(
            loss, np.maximum(start, 0), jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
        return found.x

    common = fit(cells, np.zeros(v + 1), 1e-9)
    pull = 1 + (20 / np.minimum(positive, negative)) ** 2
    prior = [np.array([*[pull[j]] * v, 1.0]) for j in range(k)]
    own = [fit([c for c in cells if c[1] == j], common, prior[j]) for j in range(k)]
    return np.array([b[:-1] / spread for b in own]).T, np.array(
        [b[-1] + frequency[j] for j, b in enumerate(own)]
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), v=st.integers(1, 3), share=st.floats(0.5, 1))
def test_the_fit_is_the_least_of_the_stated_objective(seed, v, share):
    rng = np.random.default_rng(seed)
    scores, y = simulate(60, rng.normal(1, 1.5, size=(v, 3)), rng.normal(-1, 0.5, 3), seed)
    known = rng.random(y.shape) < share
    y[0], y[1], known[:2] = 0, 1, True
    found = fit_stack(scores, y, known)
    slopes, intercept = oracle(scores, y, known)
    np.testing.assert_allclose(found.slopes, slopes, atol=2e-3)
    np.testing.assert_allclose(found.intercept, intercept, atol=2e-3)
    assert (found.slopes >= 0).all()


def test_correlated_views_have_the_bounded_optimum_too():
    rng = np.random.default_rng(3)
    scores, y = simulate(80, [[2.0, 1.0]], [0.0, -1.0])
    near = scores[0] + 0.3 * rng.normal(size=scores[0].shape)
    both = np.stack([scores[0], near, near - 0.5 * scores[0], -scores[0]])
    found = fit_stack(both, y, everywhere(y))
    slopes, _ = oracle(both, y, everywhere(y))
    np.testing.assert_allclose(found.slopes, slopes, atol=3e-3)


def test_one_view_of_one_label_is_platt_scaling_with_his_targets():
    scores, y = simulate(4000, [[1.5]], [-1.0])
    positive, negative = (y == 1).sum(), (y == 0).sum()
    target = np.where(y[:, 0] == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))

    def loss(ab):
        logit = ab[0] * scores[0, :, 0] + ab[1]
        return (np.logaddexp(0, logit) - target * logit).sum()

    platt = minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-9})
    found = fit_stack(scores, y, everywhere(y))
    np.testing.assert_allclose([found.slopes[0, 0], found.intercept[0]], platt.x, atol=1e-4)


def test_what_each_view_is_worth_is_found_again():
    slopes = np.array([[2.0, 0.5], [1.0, 1.5]])
    scores, y = simulate(20_000, slopes, [-1.0, -2.0])
    found = fit_stack(scores, y, everywhere(y))
    np.testing.assert_allclose(found.slopes, slopes, atol=0.12)
    np.testing.assert_allclose(found.intercept, [-1, -2], atol=0.12)


def test_a_view_of_noise_gets_about_no_weight():
    scores, y = simulate(2000, [[2.0, 1.5, 1.0]], [-1.0, -2.0, -1.0])
    noise = np.random.default_rng(9).normal(size=scores.shape)
    alone = fit_stack(scores, y, everywhere(y))
    found = fit_stack(np.concatenate([scores, noise]), y, everywhere(y))
    assert (found.slopes[1] < 0.15).all()
    np.testing.assert_allclose(found.slopes[0], alone.slopes[0], atol=0.1)


def test_a_view_that_ranks_backwards_weighs_nothing():
    scores, y = simulate(400, [[-2.0]], [-1.0])
    found = fit_stack(scores, y, everywhere(y))
    assert found.slopes[0, 0] == 0
    np.testing.assert_allclose(probability(scores, found), y.mean(), atol=0.002)


@pytest.mark.parametrize("value", [0.0, 0.3, -1e6])
def test_a_constant_view_weighs_nothing_and_gives_the_frequency(value):
    _, y = simulate(400, [[1.0, 1.0]], [-1.0, 0.0])
    constant = np.full((1, 400, 2), value)
    found = fit_stack(constant, y, everywhere(y))
    assert (found.slopes == 0).all()
    expected = (y.sum(axis=0) + 1) / (len(y) + 2)
    np.testing.assert_allclose(probability(constant, found)[0], expected, atol=0.002)


def test_a_constant_view_beside_another_changes_nothing():
    scores, y = simulate(300, [[1.0, 2.0]], [-1.0, 0.0])
    alone = fit_stack(scores, y, everywhere(y))
    found = fit_stack(np.concatenate([scores, np.full_like(scores, 0.3)]), y, everywhere(y))
    assert (found.slopes[1] == 0).all()
    np.testing.assert_allclose(found.slopes[0], alone.slopes[0], rtol=1e-6)
    np.testing.assert_allclose(found.intercept, alone.intercept, rtol=1e-6)


def test_the_unit_of_a_views_scores_does_not_matter():
    scores, y = simulate(300, [[1.0, 2.0], [0.5, 1.0]], [-1.0, 0.0])
    large = scores * np.array([1000.0, 1e-3])[:, None, None]
    first = probability(scores, fit_stack(scores, y, everywhere(y)))
    second = probability(large, fit_stack(large, y, everywhere(y)))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_a_view_given_twice_counts_about_once():
    scores, y = simulate(500, [[1.5, 1.0]], [-1.0, 0.0])
    once = probability(scores, fit_stack(scores, y, everywhere(y)))
    both = np.concatenate([scores, scores])
    np.testing.assert_allclose(
        probability(both, fit_stack(both, y, everywhere(y))), once, atol=0.01
    )


def test_probabilities_sum_to_about_the_number_of_positives():
    scores, y = simulate(3000, [[2.0, 1.0, 0.5]], [-1.0, -2.0, -3.0])
    p = probability(scores, fit_stack(scores, y, everywhere(y)))
    np.testing.assert_allclose(p.mean(axis=0), y.mean(axis=0), rtol=0.05)


def test_a_rare_label_is_not_pulled_up_to_the_frequency_of_the_others():
    scores, y = simulate(1000, [[1.0] * 6], [0.0] * 6)
    y[:, 0] = 0
    y[:5, 0] = 1
    p = probability(scores, fit_stack(scores, y, everywhere(y)))
    assert p[:, 0].mean() < 0.01


def test_few_positives_stay_near_the_fit_of_all_labels():
    scores, y = simulate(2000, [[2.0] * 5], [-1.0] * 5)
    known = everywhere(y)
    known[:, 0] = False
    known[np.flatnonzero(y[:, 0] == 1)[:2], 0] = True
    known[np.flatnonzero(y[:, 0] == 0)[:8], 0] = True
    assert fit_stack(scores, y, known).slopes[0, 0] == pytest.approx(2, abs=0.4)


@pytest.mark.parametrize("answer", [0, 1])
def test_the_fewer_of_an_answer_there_are_the_nearer_a_label_is_to_the_common_fit(answer):
    """Eight labels of one kind, and one whose score says nothing, known of ever more posts."""
    scores, y = simulate(1000, [[2.0] * 9], [-1.0] * 9)
    slopes = []
    for n in (4, 16, 400):
        known = everywhere(y)
        known[500 + n :, 0] = False
        scores[0, :500, 0] = np.linspace(-1, 1, 500)
        scores[0, 500 : 500 + n, 0] = np.linspace(-1, 1, n)
        y[:500, 0], y[500:, 0] = 1 - answer, answer
        slopes.append(fit_stack(scores, y, known).slopes[0, 0])
    assert 2 > slopes[0] > 1.5 > slopes[1] > 0.5 > slopes[2] > -1e-9


def test_many_positives_have_their_own_fit():
    scores, y = simulate(5000, [[0.5, 3.0]], [-1.0, -1.0])
    np.testing.assert_allclose(fit_stack(scores, y, everywhere(y)).slopes[0], [0.5, 3], atol=0.3)


def test_separable_scores_stay_short_of_certainty():
    scores = np.linspace(-1, 1, 40)[None, :, None]
    y = (scores[0] > 0).astype(np.int8)
    p = probability(scores, fit_stack(scores, y, everywhere(y)))
    assert 0 < p.min() < 0.05
    assert 0.95 < p.max() < 1


def test_cells_without_target_or_score_take_no_part():
    scores, y = simulate(300, [[1.0, 2.0], [1.0, 0.0]], [0.0, -1.0])
    known = np.random.default_rng(1).random(y.shape) < 0.6
    first = fit_stack(scores, y, known)
    spoiled = np.where(known, scores, np.nan)
    second = fit_stack(spoiled, np.where(known, y, 1 - y).astype(np.int8), known)
    assert first.slopes.tobytes() == second.slopes.tobytes()
    assert first.intercept.tobytes() == second.intercept.tobytes()


def test_labels_with_one_known_value_are_not_calibrated_and_disturb_no_other():
    scores, y = simulate(50, [[1.0] * 4], [0.0] * 4)
    known = everywhere(y)
    y[:, 0], y[:, 1] = 0, 1
    known[:, 2] = False
    found = fit_stack(scores, y, known)
    assert np.isnan(found.slopes).tolist() == [[True, True, True, False]]
    assert np.isnan(found.intercept).tolist() == [True, True, True, False]
    alone = fit_stack(scores[:, :, 3:], y[:, 3:], known[:, 3:])
    np.testing.assert_allclose(found.slopes[:, 3:], alone.slopes, rtol=1e-12)
    assert np.isnan(probability(scores, found)).all(axis=0).tolist() == [True, True, True, False]


def test_without_any_label_to_calibrate_all_is_nan():
    scores, y = simulate(20, [[1.0, 1.0]], [0.0, 0.0])
    found = fit_stack(scores, y, np.zeros(y.shape, bool))
    assert np.isnan(found.slopes).all()
    assert found.slopes.shape == (1, 2)
    assert np.isnan(found.intercept).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.integers(1, 4))
def test_any_scores_give_finite_probabilities(seed, scale, v):
    rng = np.random.default_rng(seed)
    scores = scale * rng.standard_t(2, size=(v, 30, 3))
    y = (rng.random((30, 3)) < 0.3).astype(np.int8)
    y[0], y[1] = 0, 1
    found = fit_stack(scores, y, everywhere(y))
    assert np.isfinite(probability(scores, found)).all()
    assert (found.slopes >= 0).all()


def test_a_logit_is_the_intercept_and_what_each_score_is_worth():
    stack = Stack(np.array([[2.0], [0.5]]), np.array([-1.0]), straight(1))
    scores = np.array([[[1.0], [0.0]], [[4.0], [2.0]]])
    assert logits(scores, stack).tolist() == [[3.0], [0.0]]
    assert probability(scores, stack)[1, 0] == 0.5


def test_a_row_has_the_same_bits_in_any_batch():
    scores, y = simulate(50, np.ones((3, 2)), [0.0, -1.0])
    stack = fit_stack(scores, y, everywhere(y))
    together = probability(scores, stack)
    for i in range(50):
        assert probability(scores[:, [i]], stack).tobytes() == together[[i]].tobytes()


def test_labels_that_are_not_kept_lose_their_calibration():
    stack = Stack(np.ones((2, 3)), np.ones(3), straight(3)).only(np.array([True, False, True]))
    assert np.isnan(stack.slopes).tolist() == [[False, True, False]] * 2
    assert np.isnan(stack.intercept).tolist() == [False, True, False]


def test_errors_of_rounding_are_no_scores():
    _, y = simulate(400, [[1.0, 1.0]], [-1.0, 0.0])
    noise = 1e-5 * (y + np.random.default_rng(0).normal(size=(1, 400, 2)))
    assert (fit_stack(noise, y, everywhere(y)).slopes == 0).all()
