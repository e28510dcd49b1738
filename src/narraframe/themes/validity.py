"""Relative validity: how dense clusters are against what lies between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def relative_validity(tree: NDArray[np.float64], labels: NDArray[np.int32]) -> float:
    """Return the density-based validity of a clustering, by its minimum spanning tree alone.

    A cluster's validity compares its sparsest edge with the densest that leads to another cluster;
    the mean is weighted by size, noise counting 0. Good for comparing settings on one corpus. The
    tests hold it against hdbscan's own, which goes through the edges one by one in Python.

    Parameters
    ----------
    tree : float64 array of shape (n - 1, 3)
        Edges as (post, post, mutual reachability distance).
    labels : int32 array of shape (n,)
        Clusters from 0 without gaps, -1 = noise.

    Returns
    -------
    float
        In [-1, 1]; nan without clusters.

    References
    ----------
    Moulavi et al. (2014), SIAM SDM, as in hdbscan's `relative_validity_`.
    """
    k = int(labels.max(initial=-1)) + 1
    if not k or not len(tree):
        return float("nan")
    a, b = labels[tree[:, 0].astype(np.intp)], labels[tree[:, 1].astype(np.intp)]
    length = tree[:, 2]
    sparsest, densest = np.zeros(k), np.full(k, np.inf)
    within = (a == b) & (a >= 0)
    np.maximum.at(sparsest, a[within], length[within])
    between = (a != b) & (a >= 0) & (b >= 0)
    np.minimum.at(densest, a[between], length[between])
    np.minimum.at(densest, b[between], length[between])
    to_noise = length[(a < 0) ^ (b < 0)]
    apart = to_noise.min() if len(to_noise) else length.max()
    densest[np.isinf(densest)] = 2 * (length.max() if k > 1 else apart)
    worth = (densest - sparsest) / np.maximum(np.maximum(densest, sparsest), 1e-300)
    sizes = np.bincount(labels[labels >= 0], minlength=k)
    return float((sizes * worth).sum() / len(labels))
