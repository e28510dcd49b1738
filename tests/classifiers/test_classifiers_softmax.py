from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import softmax as scipy_softmax

from narraframe.classifiers.softmax import fit_softmax, softmax
from narraframe.classifiers.stack import fit_stack
from narraframe.classifiers.structure import Choice

OPEN_OR_NOT = pytest.mark.parametrize("is_open", [False, True])


def simulate(is_open, n=300, v=2, seed=0):
    """One of three answers (or none, with logit 0), and a label beside the facet."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(v, n, 4))
    logit = 1.2 * scores.sum(axis=0)[:, :3] + [0.0, -1.0, 0.5]
    against = np.column_stack([logit, np.zeros(n)]) if is_open else logit
    p = scipy_softmax(against, axis=1)
    answer = (rng.random((n, 1)) > np.cumsum(p, axis=1)).sum(axis=1)
    y = np.zeros((n, 4), dtype=np.int8)
    y[:, :3] = np.eye(4, dtype=np.int8)[answer][:, :3]
    y[:, 3] = rng.random(n) < 0.3
    return scores, y, np.ones(y.shape, dtype=bool), Choice((0, 1, 2), (), is_open)


def oracle(stack, scores, y, rows, is_open):
    """The stated objective by a slow search without gradients, then with finite differences."""
    v = len(scores)
    s = scores[:, rows, :3]
    spread = s.reshape(v, -1).std(axis=1)
    own = stack.slopes[:, :3].mean(axis=1) * spread
    start = np.append(own, stack.intercept[:3])
    answers = np.where(y[rows, :3].any(axis=1), y[rows, :3].argmax(axis=1), 3)

    def loss(beta):
        logit = sum(beta[a] * s[a] / spread[a] for a in range(v)) + beta[v:]
        if is_open:
            logit = np.column_stack([logit, np.zeros(len(logit))])
        p = scipy_softmax(logit, axis=1)
        away = (beta - start) ** 2
        return (
            -np.log(p[np.arange(len(p)), answers]).sum()
            + away[:v].sum() / 2
            + away[v:].sum() * 1e-3 / 2
        )

    bounds = [(0, None)] * v + [(None, None)] * 3
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    return found.x[:v] / spread, found.x[v:]


@OPEN_OR_NOT
@pytest.mark.parametrize("masked", [False, True])
def test_the_fit_is_the_least_of_the_stated_objective(is_open, masked):
    scores, y, known, choice = simulate(is_open)
    if masked:
        known = np.random.default_rng(1).random(y.shape) < 0.8
    rows = known[:, :3].all(axis=1)
    stack = fit_stack(scores, y, known)
    found = fit_softmax(stack, scores, y, known, choice)
    slopes, intercept = oracle(stack, scores, y, rows, is_open)
    np.testing.assert_allclose(found.slopes[:, :3], np.tile(slopes[:, None], 3), atol=5e-3)
    np.testing.assert_allclose(found.intercept[:3], intercept, atol=1e-2)


@OPEN_OR_NOT
def test_the_labels_of_the_facet_share_slopes_and_the_others_keep_theirs(is_open):
    scores, y, known, choice = simulate(is_open)
    stack = fit_stack(scores, y, known)
    found = fit_softmax(stack, scores, y, known, choice)
    assert (found.slopes[:, :1] == found.slopes[:, :3]).all()
    assert found.slopes[:, 3].tolist() == stack.slopes[:, 3].tolist()
    assert found.intercept[3] == stack.intercept[3]
    np.testing.assert_allclose(found.slopes[:, 0], 1.2, atol=0.3)


@OPEN_OR_NOT
def test_mean_probabilities_are_the_frequencies(is_open):
    scores, y, known, choice = simulate(is_open, n=1500)
    found = fit_softmax(fit_stack(scores, y, known), scores, y, known, choice)
    logit = np.einsum("vnk,vk->nk", scores, found.slopes)[:, :3] + found.intercept[:3]
    p = softmax(logit, choice)
    np.testing.assert_allclose(p.mean(axis=0), y[:, :3].mean(axis=0), atol=2e-3)


def test_a_view_that_ranks_backwards_weighs_nothing():
    scores, y, known, choice = simulate(is_open=False)
    scores[1] *= -1
    found = fit_softmax(fit_stack(scores, y, known), scores, y, known, choice)
    assert (found.slopes[1, :3] == 0).all()


@OPEN_OR_NOT
@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_constant_view_weighs_nothing_and_changes_nothing(is_open, value):
    scores, y, known, choice = simulate(is_open)
    more = np.concatenate([scores, np.full_like(scores[:1], value)])
    alone = fit_softmax(fit_stack(scores, y, known), scores, y, known, choice)
    found = fit_softmax(fit_stack(more, y, known), more, y, known, choice)
    assert (found.slopes[2, :3] == 0).all()
    np.testing.assert_allclose(found.slopes[:2], alone.slopes, atol=1e-3)
    np.testing.assert_allclose(found.intercept, alone.intercept, atol=1e-2)


@OPEN_OR_NOT
def test_posts_known_in_part_or_of_two_answers_take_no_part(is_open):
    scores, y, known, choice = simulate(is_open)
    stack = fit_stack(scores, y, known)
    known[:20, 0] = False
    y[20:30, :3] = 1
    first = fit_softmax(stack, scores, y, known, choice)
    spoiled = scores.copy()
    spoiled[:, :20, 0] = np.nan
    other = y.copy()
    other[:20] = 1 - other[:20]
    second = fit_softmax(stack, spoiled, other, known, choice)
    rest = fit_softmax(stack, scores[:, 30:], y[30:], known[30:], choice)
    assert first.slopes.tobytes() == second.slopes.tobytes() == rest.slopes.tobytes()
    assert first.intercept.tobytes() == second.intercept.tobytes() == rest.intercept.tobytes()


def test_a_closed_facet_learns_nothing_from_posts_without_an_answer():
    scores, y, known, choice = simulate(is_open=False)
    stack = fit_stack(scores, y, known)
    y[:40, :3] = 0
    found = fit_softmax(stack, scores, y, known, choice)
    rest = fit_softmax(stack, scores[:, 40:], y[40:], known[40:], choice)
    assert found.intercept.tobytes() == rest.intercept.tobytes()


def test_without_a_post_known_whole_the_labels_keep_their_own_fits():
    scores, y, known, choice = simulate(is_open=False)
    known[::3, 0] = known[1::3, 1] = known[2::3, 2] = False
    stack = fit_stack(scores, y, known)
    assert fit_softmax(stack, scores, y, known, choice) is stack


def test_a_facet_with_one_trained_label_keeps_its_own_fit():
    scores, y, known, choice = simulate(is_open=True)
    stack = fit_stack(scores, y, known).only(np.array([True, False, False, True]))
    assert fit_softmax(stack, scores, y, known, choice) is stack


def test_untrained_labels_stay_without_calibration():
    scores, y, known, choice = simulate(is_open=True)
    stack = fit_stack(scores, y, known).only(np.array([True, False, True, True]))
    found = fit_softmax(stack, scores, y, known, choice)
    assert np.isnan(found.intercept).tolist() == [False, True, False, False]
    assert np.isnan(found.slopes).any(axis=0).tolist() == [False, True, False, False]


CHOICES = {False: Choice((0, 1, 2), ()), True: Choice((0, 1, 2), (), is_open=True)}


@settings(deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 500), st.booleans())
def test_any_logits_sum_to_one_or_leave_room_for_none(seed, scale, is_open):
    logit = scale * np.random.default_rng(seed).normal(size=(9, 3))
    p = softmax(logit, CHOICES[is_open])
    assert ((p >= 0) & (p <= 1)).all()
    if is_open:
        expected = scipy_softmax(np.column_stack([logit, np.zeros(9)]), axis=1)[:, :3]
        assert (p.sum(axis=1) <= 1 + 1e-12).all()
    else:
        expected = scipy_softmax(logit, axis=1)
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(p, expected, rtol=1e-9, atol=1e-300)


@OPEN_OR_NOT
@pytest.mark.parametrize("size", [-2000.0, 2000.0])
def test_logits_of_any_size_do_not_overflow(is_open, size):
    with np.errstate(over="raise", invalid="raise"):
        p = softmax(np.full((1, 3), size), CHOICES[is_open])
    expected = 0 if is_open and size < 0 else 1 / 3
    np.testing.assert_allclose(p, expected, rtol=1e-12)


@OPEN_OR_NOT
def test_logits_that_are_unknown_take_no_share(is_open):
    logit = np.array([[1.0, np.nan, -1.0], [np.nan] * 3])
    p = softmax(logit, CHOICES[is_open])
    assert np.isnan(p).tolist() == [[False, True, False], [True] * 3]
    others = softmax(logit[:1, [0, 2]], CHOICES[is_open])
    np.testing.assert_allclose(p[0, [0, 2]], others[0], rtol=1e-12)


@OPEN_OR_NOT
def test_a_row_has_the_same_bits_in_any_batch(is_open):
    logit = 3 * np.random.default_rng(0).normal(size=(50, 12))
    choice = Choice(tuple(range(12)), (), is_open)
    together = softmax(logit, choice)
    for i in range(50):
        assert softmax(logit[[i]], choice).tobytes() == together[[i]].tobytes()


def test_one_open_answer_alone_is_a_logistic_probability():
    logit = np.array([[0.0], [2.0]])
    np.testing.assert_allclose(
        softmax(logit, Choice((0,), (), is_open=True)), 1 / (1 + np.exp(-logit))
    )


def test_stacks_are_not_changed_in_place():
    scores, y, known, choice = simulate(is_open=True)
    stack = fit_stack(scores, y, known)
    before = replace(stack, slopes=stack.slopes.copy(), intercept=stack.intercept.copy())
    fit_softmax(stack, scores, y, known, choice)
    assert stack.slopes.tolist() == before.slopes.tolist()
    assert stack.intercept.tolist() == before.intercept.tolist()
