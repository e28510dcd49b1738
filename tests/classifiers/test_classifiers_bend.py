import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, logit

from narraframe.classifiers.bend import bent, fit_bend, straight

Z = np.linspace(-30, 30, 601)[:, None]


def everywhere(y):
    return np.ones(y.shape, dtype=bool)


def test_no_bend_leaves_every_bit():
    assert bent(Z, straight(1)) is Z


@given(st.floats(0.1, 3), st.floats(0.1, 3), st.floats(-2, 2))
def test_a_bend_is_that_of_beta_calibration_and_keeps_the_order(a, b, c):
    found = bent(Z, np.array([[a], [b], [c]]))
    assert (np.diff(found[:, 0]) > 0).all()
    p = expit(Z)
    near = np.abs(Z) < 15  # beyond, 1 - p has few digits left
    stated = a * np.log(p[near]) - b * np.log1p(-p[near]) + c
    assert found[near] == pytest.approx(stated, abs=1e-6)


def test_labels_are_bent_each_by_its_own_column():
    bend = np.column_stack([straight(1), [[0.5], [2.0], [1.0]]])
    two = bent(np.hstack([Z, Z]), bend)
    assert two[:, 0] == pytest.approx(Z[:, 0], abs=1e-12)
    assert (two[:, 1] == bent(Z, bend[:, 1:])[:, 0]).all()
    assert two[[0, -1], 1] == pytest.approx([-14, 61])


def test_a_bend_that_scores_have_is_found_and_undone():
    """Logits twice too steep above 0: of those said to be .98 sure, .88 are right."""
    rng = np.random.default_rng(0)
    z = rng.normal(scale=2, size=(20_000, 2))
    y = (rng.random(z.shape) < expit(z)).astype(np.int8)
    said = np.where(z > 0, 2 * z, z)
    bend = fit_bend(said, y, everywhere(y))
    p = expit(bent(said, np.repeat(bend[:, None], 2, axis=1)))
    sure = expit(said) > 0.95
    assert expit(said)[sure].mean() - y[sure].mean() > 0.07
    assert p[sure].mean() == pytest.approx(y[sure].mean(), abs=0.01)


def test_the_bend_is_the_least_of_the_stated_loss():
    rng = np.random.default_rng(1)
    z = rng.normal(scale=3, size=(800, 3))
    y = (rng.random(z.shape) < expit(0.6 * z - 0.3)).astype(np.int8)
    known = rng.random(z.shape) < 0.8

    def loss(w):
        logits = w[1] * np.logaddexp(0, z) - w[0] * np.logaddexp(0, -z) + w[2]
        cells = (np.logaddexp(0, logits) - y * logits)[known]
        return cells.sum() + 50 * ((w - [1, 1, 0]) ** 2).sum()

    least = minimize(loss, [1, 1, 0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    assert fit_bend(z, y, known) == pytest.approx(least.x, abs=1e-4)


def test_few_cells_bend_hardly():
    """As a few posts cannot tell a bend from chance."""
    z = logit(np.array([[0.9], [0.8], [0.2], [0.1]]))
    y = np.array([[1], [0], [0], [0]], np.int8)
    assert fit_bend(z, y, everywhere(y)) == pytest.approx([1, 1, 0], abs=0.05)


def test_unknown_cells_take_no_part():
    rng = np.random.default_rng(2)
    z = rng.normal(size=(50, 2))
    y = (rng.random(z.shape) < 0.5).astype(np.int8)
    known = rng.random(z.shape) < 0.5
    other = np.where(known, y, 1 - y).astype(np.int8)
    hidden = np.where(known, z, np.nan)
    assert (fit_bend(z, y, known) == fit_bend(hidden, other, known)).all()


def test_a_label_that_is_not_bent_keeps_its_logits_to_the_bit_beside_others_that_are():
    logit = np.random.default_rng(0).normal(scale=5, size=(200, 2))
    bend = straight(2)
    bend[:, 1] = 0.8, 1.2, 0.1
    found = bent(logit, bend)
    assert found[:, 0].tobytes() == logit[:, 0].tobytes()
    assert (found[:, 1] != logit[:, 1]).any()
