"""Wilson's interval of a share, and Holm's correction of several tests."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from narraframe.records import Estimate

_LEVEL, _Z = 0.95, 1.959963984540054


def wilson(n_yes: int, n: int) -> Estimate:
    """Return the share ``n_yes / n`` of independent cases with its 95 % interval; nan of none.

    References
    ----------
    Wilson (1927), JASA 22, 209-212.
    """
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0, _LEVEL)
    p, z2 = n_yes / n, _Z**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # at 0 and 1 the interval ends there; rounding would put it a hair's breadth beside
    low = 0.0 if n_yes == 0 else centre - half
    high = 1.0 if n_yes == n else centre + half
    return Estimate(p, low, high, n, _LEVEL)


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Adjust the p-values of several tests, so that all together err as rarely as one would.

    Parameters
    ----------
    p : sequence of float of length m
        nan = not tested: it counts for nothing and stays nan.

    Returns
    -------
    float64 array of shape (m,)

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    raw = np.asarray(p, dtype=np.float64)
    adjusted = np.full(len(raw), np.nan)
    tested = np.flatnonzero(~np.isnan(raw))
    order = tested[np.argsort(raw[tested], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * factors), 1.0)
    return adjusted
