"""From scores to probabilities: Platt scaling per label, shrunk toward one fit for all labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

SHRINK = 20.0
_STEPS = 100


@dataclass(frozen=True)
class Calibration:
    """``p = 1 / (1 + exp(-(slope * score + intercept)))``; float64 (k,), nan = not calibrated."""

    slope: NDArray[np.float64]
    intercept: NDArray[np.float64]

    def only(self, kept: NDArray[np.bool_]) -> Calibration:
        """Return the calibration of the `kept` labels, bool (k,); nan for the others."""
        return Calibration(
            np.where(kept, self.slope, np.nan), np.where(kept, self.intercept, np.nan)
        )


def calibrate(
    scores: NDArray[np.float64], y: NDArray[np.int8], known: NDArray[np.bool_]
) -> Calibration:
    """Fit Platt scaling per label on out-of-fold scores.

    A label's fit is mixed with the pooled one by n / (n + 20), n its positives. The pooled fit has
    one slope for all labels and keeps each label's own frequency: a rare label is never pulled up
    to the frequency of the others. Scores that rank a label backwards tell nothing: its own fit is
    then its frequency.

    Parameters
    ----------
    scores : float64 array of shape (n, k)
        Out-of-fold scores.
    y : int8 array of shape (n, k)
        Targets.
    known : bool array of shape (n, k)
        Cells that have both a target and an out-of-fold score.

    Returns
    -------
    Calibration
        nan for labels without known positives or without known negatives.

    References
    ----------
    Platt (1999), with his smoothed targets; Lin, Lin and Weng (2007) for the numerics.
    """
    k = y.shape[1]
    positive = ((y == 1) & known).sum(axis=0)
    negative = known.sum(axis=0) - positive
    usable = np.flatnonzero((positive > 0) & (negative > 0))
    slope, intercept = np.full(k, np.nan), np.full(k, np.nan)
    if not len(usable):
        return Calibration(slope, intercept)
    frequency = np.log((positive + 1) / (negative + 1))
    targets = np.where(y == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    pool = known & np.isin(np.arange(k), usable)
    offset = np.broadcast_to(frequency, pool.shape)
    common = _fit(scores[pool], targets[pool], offset[pool])
    for j in usable:
        rows = known[:, j]
        own = _fit(scores[rows, j], targets[rows, j], offset[rows, j])
        weight = positive[j] / (positive[j] + SHRINK)
        mixed = weight * own + (1 - weight) * common
        slope[j], intercept[j] = mixed[0], mixed[1] + frequency[j]
    return Calibration(slope, intercept)


def probability(scores: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    """Return calibrated probabilities, shape (n, k); nan for labels without calibration."""
    return np.asarray(expit(scores * calibration.slope + calibration.intercept))


def _fit(
    scores: NDArray[np.float64], targets: NDArray[np.float64], offset: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return slope and intercept (beside `offset`) of least log loss, by damped Newton steps."""
    x = np.column_stack([scores, np.ones_like(scores)])
    beta: NDArray[np.float64] = np.zeros(2)

    def loss(beta: NDArray[np.float64]) -> float:
        logit = x @ beta + offset
        return float((np.logaddexp(0, logit) - targets * logit).sum())

    best = loss(beta)
    for _ in range(_STEPS):
        p = expit(x @ beta + offset)
        # A trace of curvature keeps constant scores solvable; it moves no fit that has any.
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 1e-9 * np.eye(2)
        move = np.linalg.solve(hessian, x.T @ (p - targets))
        while loss(beta - move) > best and np.abs(move).max() > 1e-12:
            move /= 2
        beta = beta - move
        before, best = best, loss(beta)
        if before - best <= 1e-10 * before:
            break
    return beta if beta[0] >= 0 else np.zeros(2)
