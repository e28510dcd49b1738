"""MinHash signatures cut into bands: similar sets share a band's key, unlike ones rarely do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from narraframe.posts.shingles import Shingles, mix

PERMUTATIONS = 128
MISSED = 0.01
"""Greatest probability that two texts exactly at the threshold share no band."""


def rows_per_band(threshold: float) -> int:
    """Return the most rows a band may have so that pairs at the threshold are hardly missed.

    A pair of Jaccard similarity s shares one of b bands of r rows with probability
    ``1 - (1 - s**r)**b``; more rows spare comparisons of unlike texts.

    References
    ----------
    Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.
    """
    rows = range(PERMUTATIONS, 1, -1)
    enough = (r for r in rows if (1 - threshold**r) ** (PERMUTATIONS // r) <= MISSED)
    return next(enough, 1)


def band_keys(shingles: Shingles, *, rows: int, seed: int) -> NDArray[np.uint64]:
    """Return one key a band for each text; equal keys mean equal minima in all rows of the band.

    Each permutation is ``a * hash + b`` modulo 2**32 with an odd a, on mixed hashes.

    Parameters
    ----------
    shingles : Shingles
        Of n texts, each with one shingle at least.
    rows : int
        Permutations a band.
    seed : int
        Of the permutations.

    Returns
    -------
    uint64 array of shape (n, PERMUTATIONS // rows)

    References
    ----------
    Broder (1997), On the resemblance and containment of documents.
    """
    rng = np.random.default_rng(seed)
    scale = rng.integers(2**31, size=PERMUTATIONS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    shift = rng.integers(2**32, size=PERMUTATIONS, dtype=np.uint32)
    values = (shingles.hashes >> np.uint64(32)).astype(np.uint32)
    n_bands = PERMUTATIONS // rows
    keys = np.empty((len(shingles.starts), n_bands), dtype=np.uint64)
    for band in range(n_bands):
        key: NDArray[np.uint64] = np.full(len(keys), band, dtype=np.uint64)
        for row in range(band * rows, (band + 1) * rows):
            permuted = scale[row] * values + shift[row]
            key = mix(key + np.minimum.reduceat(permuted, shingles.starts))
        keys[:, band] = key
    return keys
