"""Quality of multi-label answers where only some cells are known.

Every figure is nan where it is undefined: nothing is scored as 0 or 1 for want of data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

N_BINS = 15

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Confusion:
    """Counts of known cells by label: true positives, false positives, false negatives.

    Arrays of shape (..., k); leading axes hold resamples.
    """

    tp: Floats
    fp: Floats
    fn: Floats


def cells(
    y: NDArray[np.int8], decision: NDArray[np.bool_], known: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where true positives, false positives and false negatives are; bool (n, k) each."""
    positive = y == 1
    return known & decision & positive, known & decision & ~positive, known & ~decision & positive


def confusion(
    y: NDArray[np.int8], decision: NDArray[np.bool_], known: NDArray[np.bool_]
) -> Confusion:
    """Count the known cells of each label, shape (k,)."""
    tp, fp, fn = (np.asarray(c.sum(axis=0), float) for c in cells(y, decision, known))
    return Confusion(tp, fp, fn)


def precision(counts: Confusion) -> Floats:
    """Return tp / (tp + fp); nan where nothing was decided."""
    return _ratio(counts.tp, counts.tp + counts.fp)


def recall(counts: Confusion) -> Floats:
    """Return tp / (tp + fn); nan without known positives."""
    return _ratio(counts.tp, counts.tp + counts.fn)


def f1(counts: Confusion) -> Floats:
    """Return 2 tp / (2 tp + fp + fn); nan without known positives, when recall has no meaning."""
    figure = _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)
    return np.where(counts.tp + counts.fn > 0, figure, np.nan)


def macro_f1(counts: Confusion) -> Floats:
    """Return the mean F1 of the labels where it is defined; shape (...)."""
    return mean_of_defined(f1(counts), axis=-1)


def mean_of_defined(by_label: Floats, *, axis: int) -> Floats:
    """Return the mean along the axis of the labels, of those where a figure is defined."""
    defined = np.isfinite(by_label)
    return _ratio(np.where(defined, by_label, 0).sum(axis=axis), defined.sum(axis=axis))


def together(counts: Confusion) -> Confusion:
    """Return the counts of all labels added up, shape (...): micro figures are those of these."""
    return Confusion(counts.tp.sum(axis=-1), counts.fp.sum(axis=-1), counts.fn.sum(axis=-1))


def micro_f1(counts: Confusion) -> Floats:
    """Return F1 over all cells together, those of labels without positives too; shape (...)."""
    return f1(together(counts))


def average_precision(
    y: NDArray[np.int8], p: NDArray[np.floating], weights: NDArray[np.float32] | None = None
) -> Floats:
    """Return the average precision of one label, once for each column of weights.

    The sum over the distinct probabilities of (recall gained) * (precision there), as in
    scikit-learn: no interpolation, equal probabilities count together.

    Parameters
    ----------
    y : int8 array of shape (n,)
        1 where the label applies; known posts only.
    p : float array of shape (n,)
        Probability, finite.
    weights : float32 array of shape (n, r), default=None
        How often each post counts in each of r resamples; None means one column of ones.

    Returns
    -------
    float64 array of shape (r,)
        nan for resamples without positives.
    """
    if weights is None:
        weights = np.ones((len(y), 1), dtype=np.float32)
    positive = y == 1
    if not positive.any():
        return np.full(weights.shape[1], np.nan)
    order = np.argsort(-p, kind="stable")
    ranked, hit = p[order], positive[order]
    starts_tie = np.append(True, ranked[1:] < ranked[:-1])
    tie = np.cumsum(starts_tie) - 1
    ties_hit, first_hit = np.unique(tie[hit], return_index=True)
    last = np.append(np.flatnonzero(starts_tie)[1:], len(y))[ties_hit]
    # Precision is needed at the positives only: add up between them.
    seen = np.add.reduceat(weights[order[: last[-1]]], np.append(0, last[:-1]), axis=0)
    gained = np.add.reduceat(weights[order[hit]], first_hit, axis=0)
    precision_there = np.nan_to_num(_ratio(gained.cumsum(axis=0), seen.cumsum(axis=0)))
    return _ratio((gained * precision_there).sum(axis=0), gained.sum(axis=0))


def calibration_bins(p: NDArray[np.floating], *, n_bins: int = N_BINS) -> NDArray[np.intp]:
    """Put probabilities into bins of about equal size; equal ones share a bin; shape (n,)."""
    if not len(p):
        return np.zeros(0, dtype=np.intp)
    edges = np.quantile(p, np.linspace(0, 1, n_bins + 1)[1:-1])
    return np.searchsorted(np.unique(edges), p, side="left")


def calibration_error(
    y: NDArray[np.int8], p: NDArray[np.floating], *, n_bins: int = N_BINS
) -> float:
    """Return the expected calibration error of one label's cells, shape (n,): nan without any.

    The mean over cells of the distance between mean probability and share of positives in the
    cell's bin, with 15 bins of equal size (not width: most probabilities of rare labels are small,
    and would all fall into one). It is never below 0, so chance alone makes it positive.

    References
    ----------
    Naeini, Cooper and Hauskrecht (2015); equal-size bins: Nguyen and O'Connor (2015).
    """
    if not len(p):
        return float("nan")
    gap = np.bincount(calibration_bins(p, n_bins=n_bins), weights=p - (y == 1))
    return float(np.abs(gap).sum() / len(p))


def _ratio(part: ArrayLike, whole: ArrayLike) -> Floats:
    below: Floats = np.asarray(whole, dtype=np.float64)
    figure: Floats = np.full(below.shape, np.nan)
    np.divide(np.asarray(part, dtype=np.float64), below, out=figure, where=below > 0)
    return figure
