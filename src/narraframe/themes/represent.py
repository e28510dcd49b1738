"""The posts that stand for a theme."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TRADE_OFF = 0.7
_NEAREST = 50


def representatives(vectors: NDArray[np.float32], *, n: int = 5) -> NDArray[np.intp]:
    """Choose posts that are near the theme's centre and yet unlike each other.

    Maximal marginal relevance among the fifty posts nearest to the centroid: the nearest first,
    then whichever has the largest ``0.7 * similarity to the centroid - 0.3 * largest similarity to
    a chosen one``; of equals the first.

    Parameters
    ----------
    vectors : float32 array of shape (m, d)
        Normalised embeddings of the theme's posts, one per near-duplicate group.
    n : int, default=5
        How many to choose.

    Returns
    -------
    int array of shape (min(n, m),)
        Rows of `vectors`, in order of choice.

    References
    ----------
    Carbonell and Goldstein (1998), SIGIR.
    """
    centre = vectors.mean(axis=0, dtype=np.float64)
    near = vectors @ (centre / max(float(np.linalg.norm(centre)), 1e-12))
    pool = np.argsort(-near, kind="stable")[: max(_NEAREST, n)]
    likeness = vectors[pool] @ vectors[pool].T
    chosen = [0]
    while len(chosen) < min(n, len(pool)):
        gain = _TRADE_OFF * near[pool] - (1 - _TRADE_OFF) * likeness[:, chosen].max(axis=1)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return pool[chosen[:n]]
