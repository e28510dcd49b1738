"""Logistic regression on a few columns, drawn toward where it starts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEPS = 100
Floats = NDArray[np.float64]


def fit_logistic(x: Floats, targets: Floats, offset: Floats, start: Floats, pull: Floats) -> Floats:
    """Return slopes and intercept of least log loss plus ``pull / 2 * (beta - start) ** 2``.

    Slopes that would fall below 0 are held at 0, the lowest first.

    Parameters
    ----------
    x : float64 array of shape (n, m)
    targets, offset : float64 arrays of shape (n,)
        Shares from 0 to 1, and what is added to the logit.
    start, pull : float64 arrays of shape (m + 1,)
        The intercept last.
    """
    x = np.column_stack([x, np.ones(len(x))])
    active = np.ones(x.shape[1], dtype=np.bool_)
    while True:
        beta = np.where(active, start, 0.0)
        beta[active] = _newton(x[:, active], targets, offset, beta[active], pull[active])
        lowest = int(np.argmin(beta[:-1])) if len(beta) > 1 else 0
        if beta[lowest] >= 0 or lowest == len(beta) - 1:
            return beta
        active[lowest] = False


def _newton(x: Floats, targets: Floats, offset: Floats, start: Floats, pull: Floats) -> Floats:
    beta = start.copy()

    def loss(beta: Floats) -> tuple[float, Floats]:
        """Return the loss, and P(1) behind it: one exponential serves both."""
        logit = x @ beta + offset
        small = np.exp(-np.abs(logit))
        fit = np.maximum(logit, 0) + np.log1p(small) - targets * logit
        p = np.where(logit >= 0, 1, small) / (1 + small)
        return float(fit.sum() + (pull * (beta - start) ** 2).sum() / 2), p

    best, p = loss(beta)
    for _ in range(_STEPS):
        gradient = x.T @ (p - targets) + pull * (beta - start)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.diag(pull)
        move = np.linalg.solve(hessian, gradient)
        after, p = loss(beta - move)
        while after > best and np.abs(move).max() > 1e-12:
            move /= 2
            after, p = loss(beta - move)
        beta = beta - move
        before, best = best, after
        if before - best <= 1e-10 * abs(before):
            break
    return beta
