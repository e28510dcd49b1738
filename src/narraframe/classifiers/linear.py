"""Logistic regression and linear support vectors, a label at a time, behind the ridge's face."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from narraframe.classifiers.kernels import Matrix

FoldMaker = Callable[..., NDArray[np.intp]]


class LinearHead(BaseEstimator):  # type: ignore[misc]
    """One balanced linear model a label, with unknown cells left out.

    Parameters
    ----------
    kind : {"logistic", "svc"}, default="logistic"
        scikit-learn's LogisticRegression or LinearSVC.
    c : float, default=1.0
        Inverse of the penalty.
    make_folds : callable
        Assigns posts to folds for the scores of unseen posts; called as
        ``make_folds(y, mask, groups, seed=seed)``.
    seed : int, default=0

    Attributes
    ----------
    coefficients_ : float32 array of shape (f + 1, k)
        The last row is the intercept; 0 for labels without known positives or negatives.
    held_out_scores_ : float64 array of shape (n, k)
        Score of each known cell by a fit without the post's fold; nan elsewhere.
    """

    def __init__(
        self, *, kind: str = "logistic", c: float = 1.0, make_folds: FoldMaker, seed: int = 0
    ) -> None:
        self.kind = kind
        self.c = c
        self.make_folds = make_folds
        self.seed = seed

    def fit(
        self,
        x: Matrix,
        y: NDArray[np.int8],
        *,
        mask: NDArray[np.bool_] | None = None,
        groups: ArrayLike | None = None,
    ) -> LinearHead:
        """Fit all labels; parameters as `RidgeHead.fit`."""
        known = np.ones(y.shape, dtype=np.bool_) if mask is None else mask
        member = np.arange(len(y)) if groups is None else np.asarray(groups)
        folds = self.make_folds(y, known, member, seed=self.seed)
        self.held_out_scores_ = np.full(y.shape, np.nan)
        for fold in np.unique(folds):
            out = folds == fold
            part, fitted = self._coefficients(x[~out], y[~out], known[~out])
            scores = _score(x[out], part)
            self.held_out_scores_[out] = np.where(known[out] & fitted, scores, np.nan)
        self.coefficients_, _ = self._coefficients(x, y, known)
        return self

    def decision_function(self, x: Matrix) -> NDArray[np.float64]:
        """Return scores (n, k)."""
        return _score(x, self.coefficients_)

    def _coefficients(
        self, x: Matrix, y: NDArray[np.int8], known: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        coefficients = np.zeros((x.shape[1] + 1, y.shape[1]), dtype=np.float32)
        fitted = np.zeros(y.shape[1], dtype=np.bool_)
        if not x.shape[1]:
            return coefficients, ~fitted
        for j in range(y.shape[1]):
            rows = known[:, j]
            if len(np.unique(y[rows, j])) < 2:
                continue
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*failed to converge.*")
                model = self._model().fit(x[rows], y[rows, j])
            coefficients[:-1, j], coefficients[-1, j] = model.coef_[0], model.intercept_[0]
            fitted[j] = True
        return coefficients, fitted

    def _model(self) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        if self.kind == "svc":
            return LinearSVC(C=self.c, class_weight="balanced", random_state=self.seed)
        return LogisticRegression(C=self.c, class_weight="balanced", max_iter=300)


def _score(x: Matrix, coefficients: NDArray[np.float32]) -> NDArray[np.float64]:
    weights = coefficients.astype(np.float64)
    return np.asarray(x.astype(np.float64) @ weights[:-1] + weights[-1])
