"""Audit answers weighted by how they were drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 10
"""Answers of the smallest block: the spread within fewer is known too badly to be of use."""


@dataclass(frozen=True)
class Drawn:
    """The n answered posts of a population of N.

    `rows` intp (n,) are their places among the N; `weight` float64 (n,) says for how many posts
    each stands, N in all; `block` intp (n,) numbers the strata joined for the variance, and `rate`
    float64 (blocks,) is the share of each that is answered.
    """

    rows: NDArray[np.intp]
    weight: NDArray[np.float64]
    block: NDArray[np.intp]
    rate: NDArray[np.float64]

    @property
    def kish(self) -> float:
        """By how much unequal weights swell the variance, 1 or more (Kish 1965)."""
        return float(len(self.rows) * (self.weight**2).sum() / self.weight.sum() ** 2)


def weigh(
    stratum: NDArray[np.intp],
    answered: NDArray[np.bool_],
    *,
    chance: NDArray[np.float64] | None = None,
    least: int | None = LEAST,
) -> Drawn:
    """Weigh the answered posts, so that those of each stratum stand for all of it.

    Neighbouring strata are joined into blocks of at least `least` answers. Within a block, a
    stratum without an answer (too small, or skipped by the annotators) is stood for by the others.
    Answers that are missing are taken to be like those that are there, stratum by stratum.

    Parameters
    ----------
    stratum : intp array of shape (N,)
        Of each post; neighbours in number are neighbours in kind (months of a channel).
    answered : bool array of shape (N,)
        The audit posts that have an answer.
    chance : float64 array of shape (N,), default=None
        That of each post to be drawn, up to a factor in each stratum; None = equal.
    least : int, default=LEAST
        None makes all strata one block.

    Returns
    -------
    Drawn
        Without rows if there is no answer.

    References
    ----------
    Cochran (1977), Sampling Techniques, 5A.12 (collapsed strata).
    """
    rows = np.flatnonzero(answered)
    if not len(rows):
        nothing = np.zeros(0)
        return Drawn(rows, nothing, rows, nothing)
    _, of_post = np.unique(stratum, return_inverse=True)
    size = np.bincount(of_post).astype(np.float64)
    n = np.bincount(of_post[rows], minlength=len(size)).astype(np.float64)
    block = _blocks(n, least=len(rows) if least is None else least)
    in_block = np.bincount(block, size)
    stands = np.bincount(block, np.where(n > 0, size, 0.0))
    of_row = of_post[rows]
    inverse = np.ones(len(rows)) if chance is None else 1 / chance[rows]
    weight = inverse * (size / np.maximum(np.bincount(of_row, inverse, len(size)), 1e-300))[of_row]
    weight *= (in_block / stands)[block[of_row]]
    rate = np.bincount(block, n) / in_block
    return Drawn(rows, weight, block[of_row], rate)


def _blocks(n: NDArray[np.float64], *, least: int) -> NDArray[np.intp]:
    """Number the block of each stratum: runs of strata with at least `least` answers in all."""
    block = np.zeros(len(n), dtype=np.intp)
    now, held = 0, 0.0
    for h, answers in enumerate(n):
        if held >= max(least, 1):
            now, held = now + 1, 0.0
        block[h], held = now, held + answers
    if now and held < max(least, 1):
        block[block == now] = now - 1
    return block
