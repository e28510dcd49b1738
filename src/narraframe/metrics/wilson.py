"""Wilson's interval of a share, and Holm's correction of several tests."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from narraframe.records import Estimate

LEVEL = 0.95


def wilson(n_yes: int, n: int) -> Estimate:
    """Return the share ``n_yes / n`` of independent cases with its 95 % interval; nan of none."""
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0, LEVEL)
    return Estimate(n_yes / n, *wilson_ends(n_yes / n, n, level=LEVEL), n, LEVEL)


def wilson_ends(value: float, effective: float, *, level: float) -> tuple[float, float]:
    """Return the ends of Wilson's score interval of a share for `effective` answers.

    Parameters
    ----------
    value : float
        The share, in [0, 1]; nan gives nan.
    effective : float
        Effective number of answers, not necessarily whole; inf gives the value itself.

    References
    ----------
    Wilson (1927), JASA 22, 209-212. With an effective size: Korn and Graubard (1998), Survey
    Methodology 24, 193-201, who put it into the interval of Clopper and Pearson, which covers more
    than was asked for; Franco et al. (2019), J. Survey Statistics and Methodology 7, 334-364.
    """
    if math.isnan(value) or math.isinf(effective):
        return value, value
    z2 = float(norm.ppf((1 + level) / 2)) ** 2
    centre = (value + z2 / (2 * effective)) / (1 + z2 / effective)
    spread = value * (1 - value) / effective + z2 / (4 * effective**2)
    half = math.sqrt(z2 * spread) / (1 + z2 / effective)
    # at 0 and 1 the interval ends there; rounding would put it a hair's breadth beside
    low = centre - half if value > 0 else 0.0
    high = centre + half if value < 1 else 1.0
    return min(max(low, 0.0), value), max(min(high, 1.0), value)


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
