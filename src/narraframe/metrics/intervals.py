"""Intervals by resampling whole groups of near-duplicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from narraframe.records import Estimate

LEVEL = 0.95


@dataclass(frozen=True)
class Resamples:
    """`weights` float32 (g, r): how often each resample drew each group; `member` (n,): the post's
    group.
    """

    weights: NDArray[np.float32]
    member: NDArray[np.intp]

    def totals(self, per_post: NDArray[np.generic]) -> NDArray[np.float64]:
        """Add `per_post` (n, m) up over each resample: float64 (r, m)."""
        per_group = np.zeros((len(self.weights), per_post.shape[1]))
        np.add.at(per_group, self.member, per_post)
        return np.asarray(self.weights.T.astype(np.float64) @ per_group)

    def n_groups(self, posts: NDArray[np.bool_]) -> int:
        """Count the groups that the marked posts belong to."""
        return len(np.unique(self.member[posts]))


def resample_groups(groups: ArrayLike, *, n_resamples: int, seed: int) -> Resamples:
    """Draw as many groups as there are, with replacement, `n_resamples` times.

    Parameters
    ----------
    groups : array-like of shape (n,)
        Near-duplicate group of each post: copies are no independent evidence.
    n_resamples : int
        Number of resamples.
    seed : int
        The same seed gives the same draws.
    """
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    g = len(names)
    drawn = np.random.default_rng(seed).integers(0, max(g, 1), size=(n_resamples, g))
    weights = np.zeros((g, n_resamples), dtype=np.float32)
    for r, row in enumerate(drawn):
        weights[:, r] = np.bincount(row, minlength=g)
    return Resamples(weights, member.astype(np.intp))


def estimate(
    value: float,
    replicates: NDArray[np.float64],
    *,
    n: int,
    n_groups: int,
    mirrored: bool = False,
    level: float = LEVEL,
) -> Estimate:
    """Put a percentile interval around `value`.

    Resamples in which the figure is undefined are left out. The interval is widened to hold the
    value itself. Where the value is 0 or 1, every resample repeats it and the percentiles say
    nothing: the far end is then that of Clopper and Pearson for `n_groups` trials.

    Parameters
    ----------
    value : float
        The figure on all posts; nan gives an Estimate of nan.
    replicates : float64 array of shape (r,)
        The figure on each resample, nan where undefined.
    n : int
        Cells that the figure was asked of.
    n_groups : int
        Groups that bear on it; with fewer than two there is no interval.
    mirrored : bool, default=False
        Widen it to hold its own mirror image around `value`, for a mean over labels: resamples of
        a rare label's few posts lie to one side of its figure (they err below it, or lack the
        label), and over many labels that does not average out but adds up.
    level : float, default=0.95
        Share of resamples inside.

    References
    ----------
    Efron (1979); Clopper and Pearson (1934). The mirror image is the "basic" interval of Davison
    and Hinkley (1997), Bootstrap Methods and their Application, 5.2.
    """
    defined = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or n_groups < 2 or not len(defined):
        return Estimate(float(value), float("nan"), float("nan"), n, level)
    tail = (1 - level) / 2
    low, high = (float(q) for q in np.quantile(defined, [tail, 1 - tail]))
    by_chance = float(tail ** (1 / n_groups))
    if mirrored:
        low, high = max(min(low, 2 * value - high), 0.0), min(max(high, 2 * value - low), 1.0)
    if value >= 1:
        low = min(low, by_chance)
    if value <= 0:
        high = max(high, 1 - by_chance)
    return Estimate(float(value), min(low, float(value)), max(high, float(value)), n, level)
