"""Intervals of figures on annotations, by resampling whole posts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from narraframe.records import Estimate

LEVEL = 0.95
_TAIL = (1 - LEVEL) / 2
_BLOCK = 100  # resamples at a time, so that memory stays small


@dataclass(frozen=True)
class Resamples:
    """`weights` uint8 (r, n): how often each resample drew each post."""

    weights: NDArray[np.uint8]

    def totals(self, per_post: NDArray[np.generic]) -> NDArray[np.float64]:
        """Add `per_post` (n, m) up over each resample: float64 (r, m)."""
        # sparse, as of many label sets a post bears few
        values = csr_array(np.asarray(per_post, dtype=np.float64))
        blocks = [
            self.weights[start : start + _BLOCK].astype(np.float64) @ values
            for start in range(0, len(self.weights), _BLOCK)
        ]
        return np.concatenate(blocks) if blocks else np.zeros((0, values.shape[1]))

    def of(self, posts: NDArray[np.bool_]) -> Resamples:
        """Return the same draws, of some posts only."""
        return self if posts.all() else Resamples(self.weights[:, posts])


def resample(n: int, *, n_resamples: int, seed: int) -> Resamples:
    """Draw as many posts as there are, with replacement, `n_resamples` times."""
    random = np.random.default_rng(seed)
    weights = np.zeros((n_resamples, n), dtype=np.uint8)
    if n:
        for row in weights:
            row[:] = np.bincount(random.integers(0, n, size=n), minlength=n)
    return Resamples(weights)


def percentile(value: float, replicates: NDArray[np.float64], *, n: int) -> Estimate:
    """Put a percentile interval around `value`, widened to hold it.

    Resamples in which the figure is undefined are left out. Nan is around a value of nan, and where
    fewer than two posts bear on it.

    Parameters
    ----------
    value : float
        The figure on all posts.
    replicates : float64 array of shape (r,)
        The figure on each resample, nan where undefined.
    n : int
        Posts that bear on it.
    """
    defined = replicates[np.isfinite(replicates)]
    if math.isnan(value) or n < 2 or not len(defined):
        return Estimate(float(value), math.nan, math.nan, n, LEVEL)
    low, high = np.quantile(defined, [_TAIL, 1 - _TAIL])
    return Estimate(float(value), min(float(low), value), max(float(high), value), n, LEVEL)


def never_seen(n: int) -> float:
    """Return the largest share of posts that may well show not once among `n`.

    References
    ----------
    Clopper and Pearson (1934).
    """
    return float(1 - _TAIL ** (1 / n))


def share(ones: NDArray[np.generic], asked: NDArray[np.generic], resamples: Resamples) -> Estimate:
    """Estimate the share of `ones` among `asked`, both counts, or weights, per post (n,).

    Every resample repeats a share of 0 or 1; the far end is then that of Clopper and Pearson for as
    many trials as there are posts.
    """
    counted = np.stack([ones, asked], axis=1).astype(np.float64)
    n = int(np.count_nonzero(counted[:, 1]))
    some, total = (float(x) for x in counted.sum(axis=0))
    value = some / total if total else math.nan
    drawn = resamples.totals(counted)
    found = percentile(value, ratio(drawn[:, 0], drawn[:, 1]), n=n)
    if n >= 2 and value in (0, 1):
        low, high = (0.0, never_seen(n)) if value == 0 else (1 - never_seen(n), 1.0)
        return Estimate(value, low, high, n, LEVEL)
    return found


def difference(one: Estimate, other: Estimate) -> Estimate:
    """Return `one` less `other` with the interval that their own intervals imply.

    It keeps what those know of shares near 0 and 1, which resampling the difference does not.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, 873-890, method 10; Zou and Donner (2008).
    """
    value = one.value - other.value
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return Estimate(value, value - below, value + above, one.n + other.n, LEVEL)


def ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; nan where `below` is 0."""
    undefined = np.full(above.shape, np.nan)
    return np.asarray(np.divide(above, below, out=undefined, where=below != 0))
