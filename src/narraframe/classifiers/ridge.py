"""Ridge heads for many labels at once, each with its own known posts and balanced weights."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_TOLERANCE = 1e-3
_MAX_ITERATIONS = 1000
_WORTH_DROPPING = 0.8
"""Solved labels are dropped when so few of those at hand remain open: copying has its price."""


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
    target = root * np.where(y == 1, np.float32(1), np.float32(-1))
    gram = _Gram(features)
    solution = np.zeros_like(target)
    left = np.flatnonzero(root.any(axis=0))
    system = _System(root[:, left], target[:, left], np.zeros_like(target[:, left]))
    goal = _squares(system.residual) * np.float32(_TOLERANCE**2)
    for _ in range(_MAX_ITERATIONS):
        open_ = system.norm > goal
        if not len(left) or open_.mean() < _WORTH_DROPPING:
            solution[:, left] = system.solution
            left, goal, system = left[open_], goal[open_], system.only(open_)
            open_ = np.ones(len(left), dtype=np.bool_)
            if not len(left):
                break
        system.step(gram, open_, alpha=np.float32(alpha))
    solution[:, left] = system.solution
    return gram.back(root * solution)


class _Gram:
    """Products with the features; columns without zeros go as one dense block, which is faster."""

    def __init__(self, features: sp.csr_matrix) -> None:
        full = features.getnnz(axis=0) == features.shape[0]
        self._full, self._rest = np.flatnonzero(full), np.flatnonzero(~full)
        self._dense = features[:, self._full].toarray()
        self._sparse = features[:, self._rest]
        self._transposed = self._sparse.T.tocsr()

    def __matmul__(self, a: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``F @ F.T @ a``."""
        product = self._dense @ (self._dense.T @ a)
        product += self._sparse @ (self._transposed @ a)
        return np.asarray(product, dtype=np.float32)

    def back(self, a: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``F.T @ a``."""
        product = np.empty((len(self._full) + len(self._rest), a.shape[1]), dtype=np.float32)
        product[self._full] = self._dense.T @ a
        product[self._rest] = self._transposed @ a
        return product


class _System:
    """Conjugate gradients on many systems at once, a column each."""

    def __init__(
        self,
        root: NDArray[np.float32],
        residual: NDArray[np.float32],
        solution: NDArray[np.float32],
        direction: NDArray[np.float32] | None = None,
    ) -> None:
        self.root, self.residual, self.solution = root, residual, solution
        self.direction = residual.copy() if direction is None else direction
        self.norm = _squares(residual)

    def only(self, columns: NDArray[np.bool_]) -> _System:
        """Return the systems of some columns, as far as they are."""
        parts = (self.root, self.residual, self.solution, self.direction)
        return _System(*(np.ascontiguousarray(part[:, columns]) for part in parts))

    def step(self, gram: _Gram, open_: NDArray[np.bool_], *, alpha: np.float32) -> None:
        """Go one step in every open column; a solved one rests, however long the others take."""
        image = self.root * (gram @ (self.root * self.direction))
        image += alpha * self.direction
        curvature = (self.direction * image).sum(axis=0)
        step = _ratio(self.norm, curvature) * open_
        self.solution += step * self.direction
        self.residual -= step * image
        previous, self.norm = self.norm, _squares(self.residual)
        self.direction *= _ratio(self.norm, previous)
        self.direction += self.residual


def score(features: sp.csr_matrix, coefficients: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the uncalibrated scores (n, k): about -1 for no, +1 for yes.

    A sparse product adds up each row by itself, so a row's score has the same bits in any batch.
    """
    return np.asarray(features @ coefficients, dtype=np.float64)


def _squares(a: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((a * a).sum(axis=0))


def _ratio(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)
