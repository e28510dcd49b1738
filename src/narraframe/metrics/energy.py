"""Do two samples of vectors come from one distribution? The energy test, by permutation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.metrics.permutations import PERMUTATIONS, permutation_p


@dataclass(frozen=True, slots=True)
class EnergyTest:
    """`coefficient`: 0 where the distributions are the same, 1 where they share nothing; `p`."""

    coefficient: float
    p: float


def energy_test(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    *,
    n_permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> EnergyTest:
    """Test whether `x` and `y` are draws from one distribution.

    The energy distance is ``2 E|X-Y| - E|X-X'| - E|Y-Y'|`` and 0 for equal distributions only; over
    ``2 E|X-Y|`` it is the coefficient. There is nothing to tune, as a kernel's width would be. The
    rows of both are dealt anew to the two sides `n_permutations` times: with independent rows the
    p-value holds its level exactly, in any dimension and at any size.

    Parameters
    ----------
    x, y : float arrays of shapes (m, d) and (n, d)
        Independent rows of length 1: one of each group of near-duplicates.
    n_permutations : int, default=1999
        The smallest p is ``1 / (n_permutations + 1)``.
    seed : int, default=0

    Raises
    ------
    ValueError
        If a side has fewer than two rows.

    References
    ----------
    Szekely and Rizzo (2004), Testing for equal distributions in high dimension, InterStat.
    """
    m, n = len(x), len(y)
    if m < 2 or n < 2:
        raise ValueError(f"an energy test needs two rows on each side, got {m} and {n}")
    rows = np.concatenate([x, y]).astype(np.float32)
    distance = np.sqrt(np.maximum(2 - 2 * (rows @ rows.T), 0))
    np.fill_diagonal(distance, 0)
    first = np.zeros((m + n, 1), dtype=np.float32)
    first[:m] = 1
    observed = _energies(distance, first, m)
    p = permutation_p(
        first,
        lambda dealt: _energies(distance, dealt, m)[0] >= observed[0] - 1e-6,
        n_permutations=n_permutations,
        seed=seed,
    )
    energy, between = float(observed[0][0]), float(observed[1][0])
    coefficient = energy / (2 * between) if between > 0 else 0.0
    return EnergyTest(min(max(coefficient, 0.0), 1.0), p)


def _energies(
    distance: NDArray[np.float32], side: NDArray[np.float32], m: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energy distance and mean distance between, of each column of 0 and 1 in `side`."""
    n = len(distance) - m
    of_row = distance.sum(axis=1, dtype=np.float64)
    within = (side * (distance @ side)).sum(axis=0, dtype=np.float64)
    between = side.T.astype(np.float64) @ of_row - within
    other = of_row.sum() - within - 2 * between
    mean = between / (m * n)
    return 2 * mean - within / (m * (m - 1)) - other / (n * (n - 1)), mean
