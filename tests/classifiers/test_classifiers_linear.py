import numpy as np
import pytest
import scipy.sparse as sp
from classifiers_problem import whole_groups
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from narraframe.classifiers.linear import LinearHead

KINDS = pytest.mark.parametrize("kind", ["logistic", "svc"])


def model(kind):
    if kind == "svc":
        return LinearSVC(C=1.0, class_weight="balanced", random_state=0)
    return LogisticRegression(C=1.0, class_weight="balanced", max_iter=300)


def brute_force(kind, x, y, mask, groups):
    folds = whole_groups(y, mask, groups, seed=0)
    scores = np.full(y.shape, np.nan)
    for j in range(y.shape[1]):
        for fold in range(3):
            rows, out = mask[:, j] & (folds != fold), mask[:, j] & (folds == fold)
            if len(np.unique(y[rows, j])) == 2 and out.any():
                scores[out, j] = model(kind).fit(x[rows], y[rows, j]).decision_function(x[out])
    return scores


def problem(n=90, f=6, k=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, f)).astype(np.float32)
    y = (x @ rng.normal(size=(f, k)) + rng.normal(size=(n, k)) > 0.8).astype(np.int8)
    return x, y, rng.random((n, k)) < 0.7, rng.integers(0, 40, size=n)


def fit(kind, x, y, mask=None, groups=None):
    return LinearHead(kind=kind, make_folds=whole_groups).fit(x, y, mask=mask, groups=groups)


@KINDS
@pytest.mark.parametrize("as_csr", [False, True])
def test_scores_of_unseen_posts_are_those_of_scikit_learn_fold_by_fold(kind, as_csr):
    x, y, mask, groups = problem()
    head = fit(kind, sp.csr_matrix(x) if as_csr else x, y, mask, groups)
    expected = brute_force(kind, x, y, mask, groups)
    np.testing.assert_allclose(head.held_out_scores_, expected, atol=2e-3)
    assert (np.isfinite(head.held_out_scores_) == mask).all()


@KINDS
def test_the_head_is_scikit_learns_on_the_known_posts(kind):
    x, y, mask, groups = problem()
    found = fit(kind, x, y, mask, groups).decision_function(x)
    for j in range(3):
        rows = mask[:, j]
        expected = model(kind).fit(x[rows], y[rows, j]).decision_function(x)
        np.testing.assert_allclose(found[:, j], expected, atol=1e-4)


@KINDS
def test_unknown_cells_have_no_influence(kind):
    x, y, mask, groups = problem()
    first = fit(kind, x, y, mask, groups)
    second = fit(kind, x, np.where(mask, y, 1 - y).astype(np.int8), mask, groups)
    assert first.coefficients_.tobytes() == second.coefficients_.tobytes()
    assert first.held_out_scores_.tobytes() == second.held_out_scores_.tobytes()


@KINDS
def test_a_label_with_one_known_value_has_zeros_and_nan(kind):
    x, y, _, groups = problem()
    y[:, 0], y[:, 1] = 0, 1
    head = fit(kind, x, y, groups=groups)
    assert (head.coefficients_[:, :2] == 0).all()
    assert np.isnan(head.held_out_scores_[:, :2]).all()
    assert np.isfinite(head.held_out_scores_[:, 2]).all()


def test_a_fold_whose_training_side_lacks_the_positives_has_no_scores():
    x, y, mask, groups = problem()
    folds = whole_groups(y, mask, groups, seed=0)
    y[:, 0] = (folds == 1) & (np.arange(90) % 2 == 0)
    head = fit("logistic", x, y, groups=groups)
    assert np.isnan(head.held_out_scores_[folds == 1, 0]).all()
    assert np.isfinite(head.held_out_scores_[folds != 1, 0]).all()
    assert (head.coefficients_[:, 0] != 0).any()


@KINDS
def test_fitting_twice_gives_the_same_bytes(kind):
    x, y, mask, groups = problem()
    first, second = (fit(kind, x, y, mask, groups) for _ in range(2))
    assert first.coefficients_.tobytes() == second.coefficients_.tobytes()
    assert first.held_out_scores_.tobytes() == second.held_out_scores_.tobytes()


def test_fits_that_do_not_converge_do_not_warn(recwarn):
    x, y, mask, groups = problem()
    LinearHead(kind="svc", c=1e6, make_folds=whole_groups).fit(100 * x, y, mask=mask, groups=groups)
    assert not recwarn.list


def test_scikit_learn_can_clone_it():
    head = clone(LinearHead(kind="svc", c=3.0, make_folds=whole_groups, seed=2))
    assert (head.kind, head.c, head.seed, head.make_folds) == ("svc", 3.0, 2, whole_groups)
