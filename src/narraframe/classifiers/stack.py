"""From the scores of several views to one probability: Platt scaling of all of them at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from narraframe.classifiers.bend import bent, straight
from narraframe.classifiers.logistic import fit_logistic

_PULL = 1.0
"""Of a normal prior around the pooled fit, per unit of spread: 0.5 to 2 were best on three sets."""
_FEW = 20.0
"""Positives (or negatives, where they are fewer) at which the slopes' pull is twice that: the
held-out scores of few posts go astray together, and seem to tell the views apart better than they
do. Not the intercept's: pulled as hard, it cost .03 macro F1 where frequencies differ.
"""
NOISE = 1e-4
"""Scores that lie no further apart, where yes and no lie about 1 apart, are errors of rounding."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stack:
    """``p = 1 / (1 + exp(-bent(sum over views of slope * score + intercept)))``.

    `slopes` float64 (v, k), never below 0, and `intercept` float64 (k,); nan = not calibrated.
    `bend` float64 (3, k): see `bent`.
    """

    slopes: Floats
    intercept: Floats
    bend: Floats

    def only(self, kept: NDArray[np.bool_]) -> Stack:
        """Return the stack of the `kept` labels, bool (k,); nan for the others."""
        slopes, intercept = (np.where(kept, x, np.nan) for x in (self.slopes, self.intercept))
        return replace(self, slopes=slopes, intercept=intercept)


def fit_stack(scores: Floats, y: NDArray[np.int8], known: NDArray[np.bool_]) -> Stack:
    """Learn what each view's score is worth, from scores of posts that its head did not see.

    One fit for all labels together gives each view a slope and keeps each label's own frequency; a
    label's own fit is drawn toward it by a normal prior, its slopes the more the fewer positives
    (or negatives) it has: a rare label is never pulled up to the frequency of the others. No slope
    falls below 0: a view that ranks backwards tells nothing. So an encoder that does not know the
    language weighs nothing, and with one view this is Platt scaling.

    Parameters
    ----------
    scores : float64 array of shape (v, n, k)
        Scores of each view by heads that did not see the post.
    y : int8 array of shape (n, k)
        Targets.
    known : bool array of shape (n, k)
        Cells that have a target and finite scores.

    Returns
    -------
    Stack
        nan for labels without known positives or without known negatives.

    References
    ----------
    Platt (1999), with his smoothed targets; Wolpert (1992), stacked generalization; Breiman (1996),
    stacked regressions, for slopes that are not negative.
    """
    n_views, _, k = scores.shape
    positive = ((y == 1) & known).sum(axis=0)
    negative = known.sum(axis=0) - positive
    usable = np.flatnonzero((positive > 0) & (negative > 0))
    slopes, intercept = np.full((n_views, k), np.nan), np.full(k, np.nan)
    if not len(usable):
        return Stack(slopes, intercept, straight(k))
    frequency = np.log((positive + 1) / (negative + 1))
    targets = np.where(y == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    pool = known & np.isin(np.arange(k), usable)
    spread = np.array([float(view[pool].std()) for view in scores])
    spread = np.where(spread > NOISE, spread, np.inf)  # a constant view weighs nothing
    offset = np.broadcast_to(frequency, pool.shape)
    free = np.full(n_views + 1, 1e-9)  # keeps constant scores solvable; moves no other fit
    x = (scores[:, pool] / spread[:, None]).T
    common = fit_logistic(x, targets[pool], offset[pool], np.zeros(n_views + 1), free)
    prior = np.full((k, n_views + 1), _PULL)
    prior[:, :-1] *= 1 + (_FEW / np.maximum(np.minimum(positive, negative), 1))[:, None] ** 2
    for j in usable:
        rows = known[:, j]
        x = (scores[:, rows, j] / spread[:, None]).T
        own = fit_logistic(x, targets[rows, j], offset[rows, j], common, prior[j])
        slopes[:, j], intercept[j] = own[:-1] / spread, own[-1] + frequency[j]
    return Stack(slopes, intercept, straight(k))


def logits(scores: Floats, stack: Stack) -> Floats:
    """Return the logits (n, k) of scores (v, n, k), bent; nan for labels without calibration."""
    logit: Floats = stack.intercept + np.zeros(scores.shape[1:])
    for view, slope in zip(scores, stack.slopes, strict=True):
        logit += view * slope
    return bent(logit, stack.bend)


def probability(scores: Floats, stack: Stack) -> Floats:
    """Return calibrated probabilities (n, k) of scores (v, n, k), each label by itself."""
    return np.asarray(expit(logits(scores, stack)))
