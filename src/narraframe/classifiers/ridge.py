"""Ridge heads for many labels at once, each with its own known posts and balanced weights."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_TOLERANCE = 1e-3
_MAX_ITERATIONS = 200


def balanced_weights(y: NDArray[np.int8], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Weigh known positives and negatives of a label equally, known cells 1 on average.

    Returns
    -------
    float32 array of shape (n, k)
        0 where unknown, and for a label without positives or without negatives.
    """
    known = mask.sum(axis=0)
    positive = ((y == 1) & mask).sum(axis=0)
    negative = known - positive
    usable = (positive > 0) & (negative > 0)
    of_positive = np.where(usable, known / (2 * np.maximum(positive, 1)), 0)
    of_negative = np.where(usable, known / (2 * np.maximum(negative, 1)), 0)
    return np.where(mask, np.where(y == 1, of_positive, of_negative), 0).astype(np.float32)


def fit_ridge(
    features: sp.csr_matrix, y: NDArray[np.int8], mask: NDArray[np.bool_], *, alpha: float
) -> NDArray[np.float32]:
    """Fit one weighted ridge regression on -1/+1 per label.

    Each label's problem ``(S K S + alpha I) u = S t``, with K the products of the rows and S the
    roots of its weights, is solved by conjugate gradients; the labels share the products with
    `features`, however their masks differ. Weights of 0 take unknown posts out exactly.

    Parameters
    ----------
    features : float32 csr matrix of shape (n, f)
        As made by `design`.
    y, mask : int8 and bool arrays of shape (n, k)
        Targets; only known cells count.
    alpha : float
        The penalty.

    Returns
    -------
    float32 array of shape (f, k)
        Coefficients; 0 for a label without known positives or negatives.
    """
    root = np.sqrt(balanced_weights(y, mask))
    transposed = features.T.tocsr()
    residual = root * np.where(y == 1, np.float32(1), np.float32(-1))
    solution = np.zeros_like(residual)
    direction = residual.copy()
    norm = _squares(residual)
    goal = norm * np.float32(_TOLERANCE**2)
    for _ in range(_MAX_ITERATIONS):
        if (norm <= goal).all():
            break
        image = root * (features @ (transposed @ (root * direction)))
        image += np.float32(alpha) * direction
        curvature = (direction * image).sum(axis=0)
        step = np.divide(norm, curvature, out=np.zeros_like(norm), where=curvature > 0)
        solution += step * direction
        residual -= step * image
        previous, norm = norm, _squares(residual)
        ratio = np.divide(norm, previous, out=np.zeros_like(norm), where=previous > 0)
        direction = residual + ratio * direction
    return np.asarray(transposed @ (root * solution), dtype=np.float32)


def score(features: sp.csr_matrix, coefficients: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the uncalibrated scores (n, k): about -1 for no, +1 for yes.

    A sparse product adds up each row by itself, so a row's score has the same bits in any batch.
    """
    return np.asarray(features @ coefficients, dtype=np.float64)


def _squares(a: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((a * a).sum(axis=0))
