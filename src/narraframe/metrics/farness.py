"""Do new posts lie farther from the training posts than these from one another? A rank test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from narraframe.metrics.permutations import PERMUTATIONS, permutation_p

FAR = 0.01
"""Share of training posts that count as far from all others."""


@dataclass(frozen=True, slots=True)
class FarTest:
    """`share` of new posts that are far, the `distance` from which a post is, and `p`."""

    share: float
    distance: float
    p: float


def far_test(
    before: NDArray[np.floating],
    now: NDArray[np.floating],
    *,
    n_permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> FarTest:
    """Test whether new posts are farther from their nearest training post than training posts are.

    A few posts of another kind among many of the usual do not change a distribution much, but they
    lie alone. All distances to the nearest (other) training post are ranked together, and the ranks
    of the new ones added up with the squares of Savage's scores, ``log(1 - (rank - 1/2) / N)**2``:
    the farthest count most, those in the midst next to nothing. Posts are dealt anew to the two
    sides `n_permutations` times. A training post has one post fewer to be near to, which makes the
    test a little too careful.

    Parameters
    ----------
    before, now : float arrays of shapes (m, d) and (n, d)
        Rows of length 1, one of each group of near-duplicates.
    n_permutations : int, default=1999
        The smallest p is ``1 / (n_permutations + 1)``.
    seed : int, default=0

    Returns
    -------
    FarTest
        Far is beyond what one in 100 training posts is.

    Notes
    -----
    The false alarms and the posts found are in the notes of `drift`, beside those of other tests.

    References
    ----------
    Savage (1956), Annals of Mathematical Statistics 27, 590-615 (the scores, not squared).
    """
    alike = before @ before.T
    np.fill_diagonal(alike, -np.inf)
    usual = 1 - alike.max(axis=1)
    new = 1 - (now @ before.T).max(axis=1)
    distance = float(np.sort(usual)[-math.ceil(FAR * len(before))])
    rank = rankdata(np.concatenate([usual, new]))
    score = np.log(1 - (rank - 0.5) / len(rank)) ** 2
    observed = float(score[len(usual) :].sum())
    p = permutation_p(
        score[:, None],
        lambda dealt: dealt[len(usual) :].sum(axis=0) >= observed * (1 - 1e-9),
        n_permutations=n_permutations,
        seed=seed,
    )
    return FarTest(float((new > distance).mean()), distance, p)
