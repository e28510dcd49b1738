import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.preprocessing import normalize

from narraframe.classifiers import kernel_ridge
from narraframe.classifiers.kernel_ridge import RidgeHead
from narraframe.classifiers.kernels import kernel
from narraframe.errors import TrainingError

KINDS = pytest.mark.parametrize("kind", ["rbf", "linear"])


def oracle_kernel(a, b, kind):
    product = a.astype(float) @ b.T.astype(float)
    return (np.exp(2 * product - 2) if kind == "rbf" else product) + 1


def refit(x, t, new, kind, alpha):
    """Kernel ridge of one label in float64, fitted on (x, t), at new posts."""
    weights = np.linalg.solve(oracle_kernel(x, x, kind) + alpha * np.eye(len(x)), t)
    return oracle_kernel(new, x, kind) @ weights


def brute_force(x, y, mask, groups, kind, alpha):
    """Fit again without each group, and score its known posts."""
    scores = np.full(y.shape, np.nan)
    for j in range(y.shape[1]):
        for group in np.unique(groups):
            rows = mask[:, j] & (groups != group)
            out = mask[:, j] & (groups == group)
            t = np.where(y[rows, j] == 1, 1.0, -1.0)
            if out.any():
                scores[out, j] = refit(x[rows], t, x[out], kind, alpha) if rows.any() else 0
    return scores


def problem(n=60, f=8, k=4, seed=0):
    rng = np.random.default_rng(seed)
    x = normalize(rng.normal(size=(n, f))).astype(np.float32)
    y = (x @ rng.normal(size=(f, k)) + 0.5 * rng.normal(size=(n, k)) > 0.4).astype(np.int8)
    return x, y, rng.integers(0, n // 2, size=n)


def few_and_many_absent(y, seed=1):
    """Columns known of all posts, of most (the downdate), of few (an inverse of their own)."""
    rng = np.random.default_rng(seed)
    mask = np.ones(y.shape, dtype=bool)
    mask[:, 1] = rng.random(len(y)) < 0.9
    mask[:, 2] = rng.random(len(y)) < 0.4
    mask[:, 3] = mask[:, 1]
    return mask


@KINDS
@pytest.mark.parametrize("as_csr", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_scores_of_unseen_groups_are_those_of_fits_without_them(kind, as_csr, masked):
    x, y, groups = problem()
    mask = few_and_many_absent(y) if masked else None
    head = RidgeHead(kernel=kind, alpha=0.5)
    head.fit(sp.csr_matrix(x) if as_csr else x, y, mask=mask, groups=groups)
    known = np.ones(y.shape, dtype=bool) if mask is None else mask
    expected = brute_force(x, y, known, groups, kind, 0.5)
    np.testing.assert_allclose(head.held_out_scores_, expected, atol=2e-4)
    assert (np.isfinite(head.held_out_scores_) == known).all()


@KINDS
def test_without_groups_each_post_is_left_out_by_itself(kind):
    x, y, _ = problem()
    mask = few_and_many_absent(y)
    head = RidgeHead(kernel=kind, alpha=0.3).fit(x, y, mask=mask)
    expected = brute_force(x, y, mask, np.arange(len(y)), kind, 0.3)
    np.testing.assert_allclose(head.held_out_scores_, expected, atol=2e-4)


@KINDS
def test_the_fit_itself_is_the_closed_form_on_known_posts(kind):
    x, y, groups = problem()
    mask = few_and_many_absent(y)
    head = RidgeHead(kernel=kind, alpha=0.3).fit(x[:50], y[:50], mask=mask[:50], groups=groups[:50])
    found = head.decision_function(x)
    for j in range(4):
        rows = np.flatnonzero(mask[:50, j])
        t = np.where(y[rows, j] == 1, 1.0, -1.0)
        np.testing.assert_allclose(found[:, j], refit(x[rows], t, x, kind, 0.3), atol=2e-4)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6), absent=st.floats(0, 0.9), kind=st.sampled_from(["rbf", "linear"])
)
def test_any_mask_and_any_groups_give_the_scores_of_refits(seed, absent, kind):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 25))
    x = normalize(rng.normal(size=(n, 3))).astype(np.float32)
    y = (rng.random((n, 2)) < 0.4).astype(np.int8)
    y[0], y[1] = 1, 0
    mask = rng.random(y.shape) >= absent
    mask[:2] = True
    groups = rng.integers(0, max(n // 3, 1) + 1, size=n)
    head = RidgeHead(kernel=kind, alpha=0.4).fit(x, y, mask=mask, groups=groups)
    expected = brute_force(x, y, mask, groups, kind, 0.4)
    np.testing.assert_allclose(head.held_out_scores_, expected, atol=1e-3)


@pytest.mark.parametrize("exact", [True, False])
def test_unknown_cells_have_no_influence(exact, monkeypatch):
    if not exact:
        monkeypatch.setattr(kernel_ridge, "MOST_EXACT", 10)
        monkeypatch.setattr(kernel_ridge, "N_LANDMARKS", 20)
    x, y, groups = problem()
    mask = few_and_many_absent(y)
    flipped = np.where(mask, y, 1 - y).astype(np.int8)
    first = RidgeHead().fit(x, y, mask=mask, groups=groups)
    second = RidgeHead().fit(x, flipped, mask=mask, groups=groups)
    assert first.coefficients_.tobytes() == second.coefficients_.tobytes()
    assert first.held_out_scores_.tobytes() == second.held_out_scores_.tobytes()


@pytest.mark.parametrize("exact", [True, False])
def test_a_label_without_known_positives_or_negatives_has_zeros_and_nan(exact, monkeypatch):
    if not exact:
        monkeypatch.setattr(kernel_ridge, "MOST_EXACT", 10)
        monkeypatch.setattr(kernel_ridge, "N_LANDMARKS", 20)
    x, y, groups = problem()
    mask = np.ones(y.shape, dtype=bool)
    y[:, 0], y[:, 1] = 0, 1
    mask[:, 2] = y[:, 2] == 1
    head = RidgeHead().fit(x, y, mask=mask, groups=groups)
    assert (head.coefficients_[:, :3] == 0).all()
    assert np.isnan(head.held_out_scores_[:, :3]).all()
    assert (head.coefficients_[:, 3] != 0).any()
    assert np.isfinite(head.held_out_scores_[:, 3]).all()


def test_a_label_that_nobody_was_asked_about_has_zeros_and_nan():
    x, y, groups = problem()
    mask = np.zeros(y.shape, dtype=bool)
    head = RidgeHead().fit(x, y, mask=mask, groups=groups)
    assert (head.coefficients_ == 0).all()
    assert np.isnan(head.held_out_scores_).all()
    assert (head.decision_function(x) == 0).all()


def test_no_labels_give_no_columns():
    x, y, _ = problem()
    head = RidgeHead().fit(x, y[:, :0])
    assert head.decision_function(x).shape == head.held_out_scores_.shape == (60, 0)


@KINDS
def test_contradictory_copies_do_not_break_the_fit(kind):
    x, y, _ = problem(n=30)
    x, y = np.repeat(x, 2, axis=0), np.repeat(y, 2, axis=0)
    y[1::2] = 1 - y[::2]
    groups = np.repeat(np.arange(30), 2)
    mask = np.ones(y.shape, dtype=bool)
    head = RidgeHead(kernel=kind).fit(x, y, groups=groups)
    np.testing.assert_allclose(
        head.held_out_scores_, brute_force(x, y, mask, groups, kind, 0.3), atol=3e-4
    )
    np.testing.assert_allclose(head.decision_function(x), 0, atol=1e-4)


@KINDS
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_constant_features_score_every_post_alike(kind, value):
    x = np.full((40, 1), value, dtype=np.float32)
    y = (np.arange(40) % 4 == 0).astype(np.int8)[:, None]
    head = RidgeHead(kernel=kind).fit(x, y)
    found = head.decision_function(x)
    assert np.ptp(found) == 0
    np.testing.assert_allclose(found, -0.5, atol=0.02)
    expected = brute_force(x, y, np.ones(y.shape, bool), np.arange(40), kind, 0.3)
    np.testing.assert_allclose(head.held_out_scores_, expected, atol=1e-4)


def test_all_posts_in_one_group_are_scored_by_nothing():
    x, y, _ = problem()
    head = RidgeHead().fit(x, y, groups=np.zeros(60))
    np.testing.assert_allclose(head.held_out_scores_, 0, atol=1e-3)


@KINDS
def test_many_posts_in_single_precision_stay_near_double(kind):
    x, y, groups = problem(n=400, f=5, k=2)
    mask = np.ones(y.shape, dtype=bool)
    head = RidgeHead(kernel=kind).fit(x, y, groups=groups)
    inverse = np.linalg.inv(oracle_kernel(x, x, kind) + 0.3 * np.eye(400))
    t = np.where(y == 1, 1.0, -1.0)
    a = inverse @ t
    expected = np.empty(y.shape)
    for group in np.unique(groups):
        b = groups == group
        expected[b] = t[b] - np.linalg.solve(inverse[np.ix_(b, b)], a[b])
    assert mask.all()
    np.testing.assert_allclose(head.held_out_scores_, expected, atol=2e-3)


@pytest.mark.parametrize(
    "fault", [{"kernel": "cosine"}, {"alpha": 0.0}, {"alpha": -1.0}, {"alpha": float("nan")}]
)
def test_kernels_and_penalties_that_are_none_are_refused(fault):
    x, y, _ = problem()
    with pytest.raises(ValueError, match="are no ridge"):
        RidgeHead(**fault).fit(x, y)


@pytest.mark.parametrize("exact", [True, False])
def test_features_that_are_not_finite_are_refused(exact, monkeypatch):
    if not exact:
        monkeypatch.setattr(kernel_ridge, "MOST_EXACT", 10)
        monkeypatch.setattr(kernel_ridge, "N_LANDMARKS", 20)
    x, y, _ = problem()
    x[:, 0] = np.nan
    with pytest.raises(TrainingError, match="cannot be solved for"):
        RidgeHead().fit(x, y)


def in_the_span(x, y, mask, groups, kind, alpha, landmarks):
    """Refit without each group, in float64, in the span of the landmarks."""
    among = oracle_kernel(landmarks, landmarks, kind) + 1e-6 * len(landmarks) * np.eye(
        len(landmarks)
    )
    to_span = np.linalg.inv(np.linalg.cholesky(among)).T
    at = oracle_kernel(x, landmarks, kind) @ to_span
    scores = np.full(y.shape, np.nan)
    for j in range(y.shape[1]):
        for group in np.unique(groups):
            rows, out = mask[:, j] & (groups != group), mask[:, j] & (groups == group)
            t = np.where(y[rows, j] == 1, 1.0, -1.0)
            system = at[rows].T @ at[rows] + alpha * np.eye(at.shape[1])
            scores[out, j] = at[out] @ np.linalg.solve(system, at[rows].T @ t)
    return scores


@KINDS
@pytest.mark.parametrize("as_csr", [False, True])
def test_above_the_exact_limit_scores_are_those_of_refits_in_the_same_span(
    kind, as_csr, monkeypatch
):
    monkeypatch.setattr(kernel_ridge, "MOST_EXACT", 59)
    monkeypatch.setattr(kernel_ridge, "N_LANDMARKS", 15)
    monkeypatch.setattr(kernel_ridge, "_BLOCK", 7)
    x, y, groups = problem()
    mask = few_and_many_absent(y)
    head = RidgeHead(kernel=kind, alpha=0.5, seed=3)
    head.fit(sp.csr_matrix(x) if as_csr else x, y, mask=mask, groups=groups)
    landmarks = head.landmarks_.toarray() if as_csr else head.landmarks_
    assert landmarks.shape == (15, 8)
    expected = in_the_span(x, y, mask, groups, kind, 0.5, landmarks)
    np.testing.assert_allclose(head.held_out_scores_, expected, atol=2e-3)
    assert (np.isfinite(head.held_out_scores_) == mask).all()


@KINDS
def test_where_all_posts_are_landmarks_the_span_is_the_exact_ridge(kind, monkeypatch):
    x, y, groups = problem()
    mask = few_and_many_absent(y)
    exact = RidgeHead(kernel=kind).fit(x, y, mask=mask, groups=groups)
    monkeypatch.setattr(kernel_ridge, "MOST_EXACT", 10)
    spanned = RidgeHead(kernel=kind).fit(x, y, mask=mask, groups=groups)
    new = problem(seed=9)[0]
    np.testing.assert_allclose(
        spanned.decision_function(new), exact.decision_function(new), atol=5e-3
    )
    np.testing.assert_allclose(spanned.held_out_scores_, exact.held_out_scores_, atol=5e-3)


@pytest.mark.parametrize("exact", [True, False])
def test_fitting_twice_gives_the_same_bytes(exact, monkeypatch):
    if not exact:
        monkeypatch.setattr(kernel_ridge, "MOST_EXACT", 10)
        monkeypatch.setattr(kernel_ridge, "N_LANDMARKS", 20)
    x, y, groups = problem()
    first, second = (RidgeHead(seed=5).fit(x, y, groups=groups) for _ in range(2))
    assert first.coefficients_.tobytes() == second.coefficients_.tobytes()
    assert first.held_out_scores_.tobytes() == second.held_out_scores_.tobytes()


def test_the_seed_draws_the_landmarks(monkeypatch):
    monkeypatch.setattr(kernel_ridge, "MOST_EXACT", 10)
    monkeypatch.setattr(kernel_ridge, "N_LANDMARKS", 20)
    x, y, _ = problem()
    first, second = (RidgeHead(seed=seed).fit(x, y).landmarks_ for seed in (0, 1))
    assert first.tobytes() != second.tobytes()
    assert len(np.unique(first, axis=0)) == 20


def test_a_training_post_scores_nearer_its_own_answer_than_when_left_out():
    x, y, _ = problem()
    head = RidgeHead().fit(x, y)
    t = np.where(y == 1, 1, -1)
    assert (np.abs(t - head.decision_function(x)) < np.abs(t - head.held_out_scores_)).all()


def test_a_label_does_not_change_with_the_labels_beside_it():
    x, y, groups = problem()
    mask = few_and_many_absent(y)
    together = RidgeHead().fit(x, y, mask=mask, groups=groups).held_out_scores_
    for j in range(4):
        part = RidgeHead().fit(x, y[:, [j]], mask=mask[:, [j]], groups=groups).held_out_scores_
        np.testing.assert_allclose(together[:, [j]], part, atol=1e-4)


def test_groups_may_have_any_names():
    x, y, groups = problem()
    named = RidgeHead().fit(x, y, groups=[f"copy of {g}" for g in groups])
    assert named.held_out_scores_.tobytes() == (
        RidgeHead().fit(x, y, groups=_by_name(groups)).held_out_scores_.tobytes()
    )


def _by_name(groups):
    return np.unique([f"copy of {g}" for g in groups], return_inverse=True)[1]


def test_scikit_learn_can_clone_it():
    head = clone(RidgeHead(kernel="linear", alpha=2.0, seed=7))
    assert head.get_params() == {"kernel": "linear", "alpha": 2.0, "seed": 7}


@KINDS
def test_the_kernel_is_its_formula_dense_and_sparse(kind):
    x, *_ = problem()
    new = problem(n=7, seed=2)[0]
    expected = oracle_kernel(new, x, kind)
    dense = kernel(new, x, kind, dtype=np.float64)
    sparse = kernel(sp.csr_matrix(new), sp.csr_matrix(x), kind, dtype=np.float64)
    np.testing.assert_allclose(dense, expected, rtol=1e-12)
    np.testing.assert_allclose(sparse, expected, rtol=1e-12)


def test_the_rbf_kernel_falls_with_the_distance_of_unit_rows():
    x, *_ = problem()
    apart = ((x[:, None] - x[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(kernel(x, x, "rbf", dtype=np.float64), np.exp(-apart) + 1, rtol=1e-6)
