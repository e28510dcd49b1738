import numpy as np
import scipy.sparse as sp

from narraframe.classifiers.ridge import balanced_weights, fit_ridge, score


def closed_form(x, y, known, alpha):
    """Weighted ridge of one label, solved densely in float64."""
    x, t = x[known], np.where(y[known] == 1, 1.0, -1.0)
    positive = (t > 0).sum()
    w = np.where(t > 0, len(t) / (2 * positive), len(t) / (2 * (len(t) - positive)))
    return np.linalg.solve((x.T * w) @ x + alpha * np.eye(x.shape[1]), (x.T * w) @ t)


def problem(n=80, f=20, k=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, f)) / np.sqrt(f)
    y = (x @ rng.normal(size=(f, k)) + rng.normal(size=(n, k)) > 0.8).astype(np.int8)
    return sp.csr_matrix(x.astype(np.float32)), y, rng.random((n, k)) < 0.7


def test_heads_equal_the_closed_form_of_each_label_on_its_known_posts():
    x, y, mask = problem()
    found = fit_ridge(x, y, mask, alpha=0.5)
    expected = np.column_stack(
        [closed_form(x.toarray().astype(float), y[:, j], mask[:, j], 0.5) for j in range(3)]
    )
    np.testing.assert_allclose(found, expected, rtol=0.01, atol=0.003)


def test_unannotated_cells_do_not_count_as_negatives():
    x, y, mask = problem()
    flipped = np.where(mask, y, 1 - y).astype(np.int8)
    assert (
        fit_ridge(x, y, mask, alpha=1).tobytes() == fit_ridge(x, flipped, mask, alpha=1).tobytes()
    )


def test_a_label_does_not_change_with_the_labels_beside_it():
    x, y, mask = problem()
    together = fit_ridge(x, y, mask, alpha=1)[:, 1]
    alone = fit_ridge(x, y[:, 1:2], mask[:, 1:2], alpha=1)[:, 0]
    np.testing.assert_allclose(together, alone, rtol=0.01, atol=0.003)


def test_positives_and_negatives_weigh_the_same_and_one_on_average():
    _, y, mask = problem()
    weights = balanced_weights(y, mask)
    np.testing.assert_allclose(weights[:, 0][mask[:, 0]].mean(), 1, rtol=1e-6)
    assert (weights[~mask] == 0).all()
    positive = (y == 1) & mask
    np.testing.assert_allclose(
        (weights * positive).sum(axis=0), (weights * ~positive).sum(axis=0), rtol=1e-5
    )


def test_a_label_without_both_values_has_no_coefficients():
    x, y, mask = problem()
    y[:, 0] = 0
    y[:, 1] = 1
    found = fit_ridge(x, y, mask, alpha=1)
    assert (found[:, :2] == 0).all()
    assert (found[:, 2] != 0).any()


def test_scores_of_a_row_have_the_same_bits_in_any_batch():
    x, y, mask = problem(n=300, f=500, k=7)
    coefficients = fit_ridge(x, y, mask, alpha=1)
    together = score(x, coefficients)
    alone = np.vstack([score(x[i : i + 1], coefficients) for i in range(300)])
    assert together.tobytes() == alone.tobytes()
