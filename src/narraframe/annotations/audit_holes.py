"""An audit of which posts still wait for an answer: what of the answers is a random sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

HOLES = 0.1
"""Share of audit posts that may wait for an answer; beyond it, what comes after them waits too."""
UNREACHED = 0.1
"""Share of posts that may lie in strata without an answer before strata are joined."""


@dataclass(frozen=True)
class Counted:
    """Of N posts: `counts` bool (N,), whose answer counts; `stratum` intp (N,), as they were drawn.

    `is_smaller`: all answers are those of a smaller audit, whose strata are one; there, `chance`
    float64 (N,) is that of a post to be in it. Elsewhere it is 1: equal within each stratum.
    """

    counts: NDArray[np.bool_]
    stratum: NDArray[np.intp]
    chance: NDArray[np.float64]
    is_smaller: bool = False


def counted(
    number: NDArray[np.float64],
    due: NDArray[np.bool_],
    stratum: NDArray[np.intp],
    answered: NDArray[np.bool_],
    waiting: NDArray[np.bool_],
) -> Counted:
    """Leave out answers that come, in the order of drawing, after posts that still wait.

    Who has an answer while others wait may have it for another reason than chance: it was chosen
    for the model to learn from, and then drawn. Those before the first that waits are a sample as
    random as a smaller audit would have been. That holds within each stratum. Where it leaves many
    strata without an answer, as of an audit that is half done, one limit for all takes its place,
    the highest below which no more than `HOLES` of the audit posts wait. Of a stratum of N posts
    of which n were drawn, those of the n that lie below the limit t are min(n, Binomial(N, t)): by
    the mean of that over N, the chance of each of its posts, answers are weighed.

    Parameters
    ----------
    number : float64 array of shape (N,)
        Permanent numbers of all posts.
    due : bool array of shape (N,)
        The posts of the audit, those whose numbers lie below the limit of their stratum.
    stratum : intp array of shape (N,)
        Negative where none was drawn.
    answered, waiting : bool arrays of shape (N,)
        The audit posts that have an answer, and that will have one; others were skipped.
    """
    equal = np.ones(len(number))
    n, n_waiting = int((answered | waiting).sum()), int(waiting.sum())
    if n_waiting <= HOLES * n:
        return Counted(answered, stratum, equal)
    first = np.full(stratum.max() + 2, np.inf)
    np.minimum.at(first, stratum[waiting], number[waiting])
    by_stratum = answered & (number < first[stratum])
    unreached = 1 - float(np.isin(stratum, stratum[by_stratum]).mean())
    if unreached > UNREACHED:
        up_to = _one_limit(number, answered, waiting)
        below = answered & (number < up_to)
        if below.any() and 2 * below.sum() >= by_stratum.sum():
            return Counted(below, np.minimum(stratum, 0), _chance(due, stratum, up_to), True)
    return Counted(by_stratum, stratum, equal)


def _one_limit(
    number: NDArray[np.float64], answered: NDArray[np.bool_], waiting: NDArray[np.bool_]
) -> float:
    """Return the number of the first post left out, when at most `HOLES` of those before wait."""
    rows = np.flatnonzero(answered | waiting)
    rows = rows[np.argsort(number[rows], kind="stable")]
    few = np.cumsum(waiting[rows]) <= HOLES * np.arange(1, len(rows) + 1)
    m = int(np.flatnonzero(few)[-1]) + 1 if few.any() else 0
    return float(number[rows[m]]) if m < len(rows) else np.inf


def _chance(due: NDArray[np.bool_], stratum: NDArray[np.intp], up_to: float) -> NDArray[np.float64]:
    """Return each post's chance to be among those drawn in its stratum and below one limit."""
    inside = stratum >= 0
    size, drawn = np.bincount(stratum[inside]), np.bincount(stratum[due & inside])
    of_stratum = np.ones(len(size))
    for h in np.flatnonzero(drawn):
        # the mean of min(n, X) is the sum of the chances that X exceeds 0, 1, ... n - 1
        of_stratum[h] = binom.sf(np.arange(drawn[h]), size[h], min(up_to, 1.0)).sum() / size[h]
    return np.where(inside, of_stratum[stratum], 1.0)
