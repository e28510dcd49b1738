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
    near = _similarity(vectors, centre / max(float(np.linalg.norm(centre)), 1e-12))
    pool = np.argsort(-near, kind="stable")[: max(_NEAREST, n)]
    candidates, near = vectors[pool], near[pool]
    chosen = [0]
    likeness = _similarity(candidates, candidates[0])
    while len(chosen) < min(n, len(pool)):
        gain = _TRADE_OFF * near - (1 - _TRADE_OFF) * likeness
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        likeness = np.maximum(likeness, _similarity(candidates, candidates[chosen[-1]]))
    return pool[chosen[:n]]


def _similarity(vectors: NDArray[np.float32], other: NDArray[np.floating]) -> NDArray[np.float64]:
    # Summed in one order whatever the number of threads, and for this few faster than with several.
    products: NDArray[np.float32] = np.einsum("ij,j->i", vectors, other.astype(np.float32))
    return products.astype(np.float64).round(6)
