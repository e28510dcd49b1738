"""One answer of several: the probabilities of a single-choice facet, which sum to 1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from narraframe.classifiers.stack import NOISE, Stack
from narraframe.classifiers.structure import Choice

_PULL = 1.0
Floats = NDArray[np.float64]


def fit_softmax(
    stack: Stack,
    scores: Floats,
    y: NDArray[np.int8],
    known: NDArray[np.bool_],
    choice: Choice,
) -> Stack:
    """Fit the facet's labels against each other, and return `stack` with their new logits.

    The labels share one slope a view, and each has an intercept; "none of them", where the facet is
    open, has logit 0. A normal prior draws slopes toward the mean of the labels' own.

    Parameters
    ----------
    stack : Stack
        From `fit_stack`.
    scores, y, known
        As for `fit_stack`; posts of which all trained labels of the facet are known are used.
    choice : Choice
        The facet, with `is_open` settled.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), vector scaling.
    """
    leaves = [j for j in choice.leaves if np.isfinite(stack.intercept[j])]
    rows = known[:, leaves].all(axis=1) & (y[:, leaves].sum(axis=1) <= 1)
    if not choice.is_open:
        rows &= y[:, leaves].any(axis=1)
    if len(leaves) < 2 or not rows.any():
        return stack
    s, hit = scores[:, rows][:, :, leaves], y[rows][:, leaves] == 1
    spread = s.std(axis=(1, 2))
    own = stack.slopes[:, leaves].mean(axis=1) * spread
    spread = np.where(spread > NOISE, spread, np.inf)  # a constant view weighs nothing
    s = s / spread[:, None, None]
    v = len(s)
    start = np.append(own, stack.intercept[leaves])
    pull = np.append(np.full(v, _PULL), np.full(len(leaves), 1e-3))

    def loss(beta: Floats) -> tuple[float, Floats]:
        logit = np.einsum("v,vnc->nc", beta[:v], s) + beta[v:]
        against = np.column_stack([logit, np.zeros(len(logit))]) if choice.is_open else logit
        total = logsumexp(against, axis=1)
        miss = np.exp(logit - total[:, None]) - hit
        gradient = np.append(np.einsum("nc,vnc->v", miss, s), miss.sum(axis=0))
        away = beta - start
        value = float(total.sum() - logit[hit].sum() + (pull * away**2).sum() / 2)
        return value, gradient + pull * away

    bounds = [(0.0, None)] * v + [(None, None)] * len(leaves)
    beta = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    slopes, intercept = stack.slopes.copy(), stack.intercept.copy()
    slopes[:, leaves] = (beta[:v] / spread)[:, None]
    intercept[leaves] = beta[v:]
    return replace(stack, slopes=slopes, intercept=intercept)


def softmax(logit: Floats, choice: Choice) -> Floats:
    """Return probabilities (n, leaves) of a facet's logits; nan where a label has none.

    Columns are taken one by one, so that a row's result has the same bits in any batch.
    """
    highest = np.fmax.reduce(logit, axis=1)
    highest = np.where(np.isfinite(highest), highest, 0)
    if choice.is_open:
        highest = np.maximum(highest, 0)
    total = np.exp(-highest) if choice.is_open else np.zeros(len(logit))
    for column in logit.T:
        total = total + np.nan_to_num(np.exp(column - highest))
    return np.asarray(np.exp(logit - highest[:, None]) / total[:, None])
