"""Chance-corrected agreement: Krippendorff's alpha and Cohen's kappa, with intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.resampling import LEVEL, Resamples, never_seen, percentile, ratio
from narraframe.records import Estimate


def alpha(
    counts: NDArray[np.int64],
    resamples: Resamples,
    *,
    distance: NDArray[np.float64] | None = None,
) -> Estimate:
    """Estimate Krippendorff's alpha, resampling posts.

    Where no two annotators disagree, every resample says 1; the lower end then comes from the
    share of posts in disagreement that may well not show among so many.

    Parameters
    ----------
    counts : int64 array of shape (n, v)
        How many annotators gave each value to each post; posts with fewer than two do not count.
    resamples : Resamples
        Of the n posts.
    distance : float64 array of shape (v, v), default=None
        Between values; None for nominal, where all differ alike.

    Returns
    -------
    Estimate
        `n` is the number of posts with two or more values; nan where all values are the same.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability.
    """
    paired = counts.sum(axis=1) >= 2
    used = counts[paired].any(axis=0)
    counts, n = counts[np.ix_(paired, used)], int(paired.sum())
    apart = 1 - np.eye(used.sum()) if distance is None else distance[np.ix_(used, used)]
    everything = Resamples(np.ones((1, n), dtype=np.uint8))
    observed, expected = (x.item() for x in _disagreement(counts, apart, everything))
    if not expected > 0:
        return Estimate(np.nan, np.nan, np.nan, n, LEVEL)
    value = _nominal(counts) if distance is None else 1 - observed / expected
    replicates = 1 - ratio(*_disagreement(counts, apart, resamples.of(paired)))
    found = percentile(value, replicates, n=n)
    if observed == 0 and n >= 2:
        return Estimate(1.0, max(1 - never_seen(n) / expected, -1.0), 1.0, n, LEVEL)
    return found


def _nominal(counts: NDArray[np.int64]) -> float:
    import krippendorff

    # For label sets the package would build an array of posts x sets x sets.
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def _disagreement(
    counts: NDArray[np.int64], distance: NDArray[np.float64], resamples: Resamples
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the observed and the expected disagreement in each resample, (r,) each."""
    answers = counts.sum(axis=1)
    within = ((counts @ distance) * counts).sum(axis=1) / (answers - 1)
    drawn = resamples.totals(np.column_stack([within, counts]))
    values = drawn[:, 1:]
    total = values.sum(axis=1)
    between = ((values @ distance) * values).sum(axis=1)
    return ratio(drawn[:, 0], total), ratio(between, total * (total - 1))


def kappa(
    first: NDArray[np.int64], second: NDArray[np.int64], resamples: Resamples, *, n_values: int
) -> Estimate:
    """Estimate Cohen's kappa of two annotators, resampling posts.

    Parameters
    ----------
    first, second : int64 arrays of shape (n,)
        Their values, from 0.
    resamples : Resamples
        Of the n posts.
    n_values : int
        Number of values that there are.

    Returns
    -------
    Estimate
        nan where both give one and the same value throughout. Where they never disagree, the lower
        end is found as that of `alpha`.

    References
    ----------
    Cohen (1960), Educational and Psychological Measurement 20, 37-46.
    """
    n = len(first)
    cells = np.eye(n_values**2)[first * n_values + second]
    everything = Resamples(np.ones((1, n), dtype=np.uint8))
    observed, expected = (x.item() for x in _disputed(cells, n_values, everything))
    if not expected > 0:
        return Estimate(np.nan, np.nan, np.nan, n, LEVEL)
    found = percentile(
        1 - observed / expected, 1 - ratio(*_disputed(cells, n_values, resamples)), n=n
    )
    if observed == 0 and n >= 2:
        return Estimate(1.0, max(1 - never_seen(n) / expected, -1.0), 1.0, n, LEVEL)
    return found


def _disputed(
    cells: NDArray[np.float64], n_values: int, resamples: Resamples
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the observed and the expected share of disagreement in each resample, (r,) each."""
    table = resamples.totals(cells).reshape(-1, n_values, n_values)
    total = table.sum(axis=(1, 2))
    same = np.trace(table, axis1=1, axis2=2)
    by_chance = (table.sum(axis=2) * table.sum(axis=1)).sum(axis=1)
    return ratio(total - same, total), ratio(total**2 - by_chance, total**2)
