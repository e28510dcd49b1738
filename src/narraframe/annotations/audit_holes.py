"""An audit of which posts still wait for an answer: what of the answers is a random sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOLES = 0.1
"""Share of audit posts that may wait for an answer; beyond it, what comes after them waits too."""
UNREACHED = 0.1
"""Share of posts that may lie in strata without an answer before strata are joined."""


@dataclass(frozen=True)
class Counted:
    """Of N posts: `counts` bool (N,), whose answer counts; `stratum` intp (N,), as they were drawn.

    `is_smaller`: all answers are those of a smaller audit, for which strata were joined.
    """

    counts: NDArray[np.bool_]
    stratum: NDArray[np.intp]
    is_smaller: bool = False


def counted(
    number: NDArray[np.float64],
    limit: NDArray[np.float64],
    stratum: NDArray[np.intp],
    answered: NDArray[np.bool_],
    waiting: NDArray[np.bool_],
) -> Counted:
    """Leave out answers that come, in the order of drawing, after posts that still wait.

    Who has an answer while others wait may have it for another reason than chance: it was chosen
    for the model to learn from, and then drawn. Those before the first that waits are a sample as
    random as a smaller audit would have been. That holds within each stratum. Where it leaves many
    strata without an answer, as of an audit that is half done, one limit for all takes its place:
    answers on posts below it are what an audit drawn up to there would have been, and the strata
    that it cuts are one. The limit is the highest below which no more than `HOLES` of the posts
    wait.

    Parameters
    ----------
    number : float64 array of shape (N,)
        Permanent numbers of all posts.
    limit : float64 array of shape (N,)
        Below it a post is of the audit; 0 where none was drawn.
    stratum : intp array of shape (N,)
        Posts of equal limits, negative where none was drawn.
    answered, waiting : bool arrays of shape (N,)
        The audit posts that have an answer, and that will have one; others were skipped.
    """
    n, n_waiting = int((answered | waiting).sum()), int(waiting.sum())
    if n_waiting <= HOLES * n:
        return Counted(answered, stratum)
    first = np.full(stratum.max() + 2, np.inf)
    np.minimum.at(first, stratum[waiting], number[waiting])
    by_stratum = answered & (number < first[stratum])
    unreached = 1 - float(np.isin(stratum, stratum[by_stratum]).mean())
    if unreached > UNREACHED:
        up_to = _one_limit(number, answered, waiting)
        below = answered & (number < up_to)
        if below.any() and 2 * below.sum() >= by_stratum.sum():
            joined = np.where(limit > up_to, stratum.max() + 1, stratum)
            return Counted(below, joined, is_smaller=True)
    return Counted(by_stratum, stratum)


def _one_limit(
    number: NDArray[np.float64], answered: NDArray[np.bool_], waiting: NDArray[np.bool_]
) -> float:
    """Return the number of the first post left out, when at most `HOLES` of those before wait."""
    rows = np.flatnonzero(answered | waiting)
    rows = rows[np.argsort(number[rows], kind="stable")]
    few = np.cumsum(waiting[rows]) <= HOLES * np.arange(1, len(rows) + 1)
    m = int(np.flatnonzero(few)[-1]) + 1 if few.any() else 0
    return float(number[rows[m]]) if m < len(rows) else np.inf
