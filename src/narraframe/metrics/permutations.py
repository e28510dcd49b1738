"""How often as much would come of posts dealt at random to two sides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

PERMUTATIONS = 1_999
_AT_ONCE = 500


def permutation_p(
    column: NDArray[np.floating],
    reached: Callable[[NDArray[np.floating]], NDArray[np.bool_]],
    *,
    n_permutations: int,
    seed: int,
) -> float:
    """Return the p-value of a permutation test, which is never 0.

    Parameters
    ----------
    column : float array of shape (n, 1)
        What each row carries; it is dealt anew to the rows.
    reached : callable
        Tells of dealt columns, (n, b), which reach what was observed, (b,). It has to allow a
        hair's breadth less: sums in another order are not the same number.
    n_permutations : int
        The smallest p is ``1 / (n_permutations + 1)``.
    seed : int

    References
    ----------
    Phipson and Smyth (2010), Permutation p-values should never be zero.
    """
    rng = np.random.default_rng(seed)
    exceeded = 0
    for start in range(0, n_permutations, _AT_ONCE):
        batch = min(_AT_ONCE, n_permutations - start)
        dealt = rng.permuted(np.repeat(column, batch, axis=1), axis=0)
        exceeded += int(reached(dealt).sum())
    return (exceeded + 1) / (n_permutations + 1)
