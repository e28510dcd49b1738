"""Where "yes" begins: per label the probability cut of best F1, shrunk toward one cut for all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHRINK = 20.0
"""Positives at which a label's own cut counts as much as the common one."""
NEVER = 2.0
"""A cut above every probability."""


def tune_thresholds(
    y: NDArray[np.int8], p: NDArray[np.float32], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Choose, per label, the probability cut that maximises F1.

    The label's own best cut is mixed with the one cut that is best for all cells together by
    n / (n + 20), n the label's positives: few positives say little about a cut.

    Parameters
    ----------
    y : int8 array of shape (n, k)
        Targets.
    p : float32 array of shape (n, k)
        Out-of-fold calibrated probability, rounded as it is when posts are scored.
    known : bool array of shape (n, k)
        Cells that have both.

    Returns
    -------
    float64 array of shape (k,)
        Label j applies where ``p[:, j] >= cut[j]``; nan without known positives. Every cut is a
        number that float32 holds, so that it can be written beside `p` and mean the same.

    References
    ----------
    Lipton, Elkan and Naryanaswamy (2014), arXiv:1402.1892. An uninformative score has its best
    cut below every probability; the shrinkage keeps rare labels from being said of every post.
    """
    positive = ((y == 1) & known).sum(axis=0)
    cuts = np.full(y.shape[1], np.nan)
    usable = np.flatnonzero(positive)
    if not len(usable):
        return cuts
    pool = known & (positive > 0)
    common = best_cut(y[pool], p[pool])
    for j in usable:
        own = best_cut(y[known[:, j], j], p[known[:, j], j])
        weight = positive[j] / (positive[j] + SHRINK)
        cuts[j] = common + weight * (own - common)  # exact where both are the same
    return _rounded_up(cuts)


def precise_thresholds(
    y: NDArray[np.int8], p: NDArray[np.float32], known: NDArray[np.bool_], *, precision: float
) -> NDArray[np.float64]:
    """Choose, per label, the lowest probability cut at which `precision` is reached.

    The precision at a cut is that of the posts above it, drawn toward their mean probability as if
    by twenty posts more: a few lucky posts are no promise. Where no cut reaches it, the label is
    never decided: its cut is above every probability.

    Parameters
    ----------
    y, p, known
        As for `tune_thresholds`.
    precision : float
        Between 0 and 1.

    Returns
    -------
    float64 array of shape (k,)
        nan without known positives; 2 where `precision` is out of reach.
    """
    cuts = np.full(y.shape[1], np.nan)
    for j in np.flatnonzero(((y == 1) & known).any(axis=0)):
        rows = known[:, j]
        order = np.argsort(-p[rows, j], kind="stable")
        ranked, hits = p[rows, j][order], np.cumsum(y[rows, j][order] == 1)
        n = np.arange(1, len(ranked) + 1)
        expected = np.cumsum(ranked, dtype=np.float64) / n
        reached = (hits + SHRINK * expected) / (n + SHRINK) >= precision
        reached &= np.append(ranked[1:] < ranked[:-1], True)
        last = np.flatnonzero(reached)
        cuts[j] = ranked[last[-1]] if len(last) else NEVER
    return cuts


def best_cut(y: NDArray[np.int8], p: NDArray[np.floating]) -> float:
    """Return the cut of highest F1, the highest one among equals; `y` holds a 1.

    A cut lies halfway between two neighbouring probabilities, or on the lowest one.
    """
    order = np.argsort(-p, kind="stable")
    ranked, hits = p[order], np.cumsum(y[order] == 1)
    last_of_ties = np.append(ranked[1:] < ranked[:-1], True)
    f1 = 2 * hits / (np.arange(1, len(y) + 1) + hits[-1])
    best = int(np.argmax(np.where(last_of_ties, f1, -1)))
    if best == len(y) - 1:
        return float(ranked[-1])
    return (float(ranked[best]) + float(ranked[best + 1])) / 2


def _rounded_up(cuts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move each cut to the next float32: no float32 lies between, so no decision changes."""
    near = cuts.astype(np.float32)
    up = np.where(near < cuts, np.nextafter(near, np.float32(np.inf)), near)
    return up.astype(np.float64)
