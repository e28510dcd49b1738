"""The flat cut of a cluster hierarchy that has the largest modularity on the neighbour graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

NOISE = -1


def best_cut(tree: NDArray[Any], graph: sp.csr_matrix, *, granularity: float) -> NDArray[np.int32]:
    """Cut HDBSCAN's condensed tree into the clusters whose modularity is largest.

    Of a cut's clusters no one holds another, and its modularity is the sum over clusters c of

        w_c / w - granularity * (d_c / w)^2

    with w_c the weight of the edges within c, d_c the weighted degree of its posts and w the degree
    of all: the share of edges that stay within, less what chance would give. A sum over clusters
    is largest, over all cuts of a tree, where each cluster is kept if it outweighs the best cut of
    what lies below it; so the cut found is exact. HDBSCAN's own choice, the excess of mass, takes
    small dense clusters, splits themes and calls a quarter of the posts noise.

    Parameters
    ----------
    tree : structured array of fields parent, child, lambda_val, child_size
        HDBSCAN's condensed tree; posts are 0 to n - 1, clusters n and above, n the root.
    graph : csr_matrix of shape (n, n)
        From `fuzzy_graph`.
    granularity : float
        The resolution of modularity: 1 is the textbook's; larger gives more, smaller themes.

    Returns
    -------
    int32 array of shape (n,)
        Cluster of every post, -1 for one that fell out above all clusters kept.

    References
    ----------
    Newman and Girvan (2004), Phys. Rev. E 69; resolution: Reichardt and Bornholdt (2006), Phys.
    Rev. E 74. The tree and excess of mass: Campello, Moulavi and Sander (2013).
    """
    n = graph.shape[0]
    parent, home = _clusters(tree, n)
    inside, degree = _weights(parent, home, graph)
    total = max(float(degree[0]), 1e-12)
    gain = inside / total - granularity * (degree / total) ** 2
    kept = _worth_keeping(parent, gain)
    label = np.full(len(parent), NOISE, np.int32)
    n_labels = 0
    for c in range(len(parent)):
        above = label[parent[c]] if c else NOISE
        if above >= 0:
            label[c] = above
        elif kept[c]:
            label[c] = n_labels
            n_labels += 1
    return label[home]


def _clusters(tree: NDArray[Any], n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the parent of each cluster, root first, and the cluster each post falls out of."""
    is_post = tree["child"] < n
    parent = np.zeros(np.count_nonzero(~is_post) + 1, np.intp)
    parent[tree["child"][~is_post] - n] = tree["parent"][~is_post] - n
    home = np.zeros(n, np.intp)
    home[tree["child"][is_post]] = tree["parent"][is_post] - n
    return parent, home


def _weights(
    parent: NDArray[np.intp], home: NDArray[np.intp], graph: sp.csr_matrix
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, per cluster with all below it, the weight of edges within and of its posts' edges."""
    n, m = len(home), len(parent)
    depth = np.zeros(m, np.intp)
    for c in range(1, m):
        depth[c] = depth[parent[c]] + 1
    # An edge is within the lowest cluster that holds both ends, and within all above that. Its
    # ends climb, the deeper first, until they meet.
    lowest = home[np.repeat(np.arange(n), np.diff(graph.indptr))]
    other = home[graph.indices]
    climbing = np.flatnonzero(lowest != other)
    a, b = lowest[climbing], other[climbing]
    while len(climbing):
        higher_a, higher_b = depth[a] >= depth[b], depth[b] >= depth[a]
        a, b = np.where(higher_a, parent[a], a), np.where(higher_b, parent[b], b)
        met = a == b
        lowest[climbing[met]] = a[met]
        climbing, a, b = climbing[~met], a[~met], b[~met]
    weight = graph.data.astype(np.float64)
    inside = np.bincount(lowest, weights=weight, minlength=m).astype(np.float64)
    of_post = np.asarray(graph.sum(axis=1), dtype=np.float64).ravel()
    degree = np.bincount(home, weights=of_post, minlength=m).astype(np.float64)
    for c in range(m - 1, 0, -1):
        inside[parent[c]] += inside[c]
        degree[parent[c]] += degree[c]
    return inside, degree


def _worth_keeping(parent: NDArray[np.intp], gain: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say of each cluster whether its gain is at least that of the best cut below it."""
    below = np.zeros(len(parent))
    kept = np.ones(len(parent), np.bool_)
    for c in range(len(parent) - 1, -1, -1):
        # Rounding must not decide between equals: the whole is kept.
        kept[c] = below[c] <= gain[c] + 1e-12
        if c:
            below[parent[c]] += max(gain[c], below[c])
    return kept
