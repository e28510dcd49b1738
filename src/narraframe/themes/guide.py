"""Guidance: posts near a known narrative are drawn towards its definition, then themes sought."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PULL = 0.25


def guided(vectors: NDArray[np.float32], seeds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Draw each post that is nearer to a seed than to the corpus's mean a quarter of the way to it.

    Posts of one narrative so come closer together, and to those that say it in other words; posts
    that no seed is near to stay where they are. Nothing forces a theme for a seed.

    Parameters
    ----------
    vectors : float32 array of shape (n, d)
        Normalised embeddings of the posts.
    seeds : float32 array of shape (k, d)
        Normalised embeddings of what is sought, such as the definitions of a codebook.

    Returns
    -------
    float32 array of shape (n, d)
        Normalised.

    References
    ----------
    Guided topic modelling in BERTopic: Grootendorst (2022), arXiv:2203.05794.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    mean /= max(float(np.linalg.norm(mean)), 1e-12)
    towards = np.vstack([seeds.astype(np.float64), mean[None]]).astype(np.float32)
    # Rounded: the last bits depend on the number of threads.
    nearest = np.round(vectors @ towards.T, 5).argmax(axis=1)
    drawn = nearest < len(seeds)
    found = vectors.copy()
    found[drawn] = (1 - _PULL) * vectors[drawn] + _PULL * towards[nearest[drawn]]
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found
