"""The theme of each post as its neighbours see it: smoothing, confidence, and what is noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from narraframe.themes.modularity import NOISE

_MAJORITY = 0.5
# A theme of so many of the posts sets nothing apart: the posts are too even.
_NEARLY_ALL = 0.9
_ROUNDS = 3
_BY_FAR = 1e-6


@dataclass(frozen=True)
class Clusters:
    """`theme` int32 (n,), 0 = largest, -1 = noise; `confidence` float32 (n,), the share of a post's
    neighbours, by weight, that are in its theme before noise is set apart; for noise that of the
    nearest theme, `nearest` int32 (n,), which is -1 where no neighbour has one.
    """

    theme: NDArray[np.int32]
    confidence: NDArray[np.float32]
    nearest: NDArray[np.int32]


def settle(
    graph: sp.csr_matrix,
    labels: NDArray[np.int32],
    *,
    fewest: int,
    noise: bool = True,
) -> Clusters:
    """Let the neighbours have the last word on each post's theme.

    A few times over, each post goes to the theme that holds most of its neighbours by weight. Then
    clusters of fewer than `fewest` posts are dissolved, and a post becomes noise unless one theme
    holds the majority of its neighbours: on labelled corpora most of such posts are in the wrong
    theme. If one theme then has more than nine tenths of the posts, there are none.

    Parameters
    ----------
    graph : csr_matrix of shape (n, n)
        From `fuzzy_graph`.
    labels : int32 array of shape (n,)
        Clusters from either engine, -1 = noise.
    fewest : int
        Posts that a theme must have.
    noise : bool, default=True
        False puts every post into the theme of most of its neighbours, whatever their share; only
        posts from which no theme can be reached, neighbour by neighbour, stay noise.

    Returns
    -------
    Clusters
        Themes numbered by size, the largest first; of equal ones that with the first post.
    """
    for _ in range(_ROUNDS):
        share, nearest = _shares(graph, labels)
        own = _own_share(graph, labels)
        moved = np.where(share > own + _BY_FAR, nearest, labels).astype(np.int32)
        moved = _without_small(moved, fewest)
        if np.array_equal(moved, labels):
            break
        labels = moved
    labels = _without_small(labels, fewest)
    if noise:
        own = _own_share(graph, labels)
        theme = _without_small(np.where(own >= _MAJORITY, labels, NOISE).astype(np.int32), fewest)
        # A theme that is dissolved only here is the nearest of no post.
        share, nearest = _shares(graph, np.where(np.isin(labels, theme), labels, NOISE))
    else:
        theme = nearest = _spread(graph, labels)
        own = share = _own_share(graph, theme)
    if np.bincount(theme[theme >= 0], minlength=1).max() > _NEARLY_ALL * len(theme):
        theme, nearest = (np.full(len(theme), NOISE, np.int32) for _ in range(2))
        share = np.zeros(len(theme))
    confidence = np.where(theme == NOISE, share, own).astype(np.float32)
    return _by_size(Clusters(theme, confidence, np.where(theme == NOISE, nearest, theme)))


def _shares(
    graph: sp.csr_matrix, labels: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the largest share of each post's neighbours that one theme holds, and that theme."""
    n, inside = len(labels), np.flatnonzero(labels >= 0)
    share, nearest = np.zeros(n), np.full(n, NOISE, np.int32)
    shape = (n, int(labels.max(initial=-1)) + 1)
    if not len(inside):
        return share, nearest
    member = sp.csr_matrix((np.ones(len(inside)), (inside, labels[inside])), shape=shape)
    held = (graph.astype(np.float64) @ member).tocsr()
    held.sort_indices()
    rows = np.flatnonzero(np.diff(held.indptr))
    row_of = np.repeat(np.arange(n), np.diff(held.indptr))
    # By row, then by weight, then the lower theme last: the last of each row is its best.
    order = np.lexsort((-held.indices, np.round(held.data, 9), row_of))
    best = order[held.indptr[rows + 1] - 1]
    degree = np.asarray(graph.sum(axis=1), dtype=np.float64).ravel()
    share[rows] = held.data[best] / np.maximum(degree[rows], 1e-12)
    nearest[rows] = held.indices[best]
    return np.minimum(share, 1.0), nearest


def _spread(graph: sp.csr_matrix, labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Take noise into the themes, from neighbour to neighbour, as far as there are any."""
    while True:
        nearest = _shares(graph, labels)[1]
        if not np.any((labels == NOISE) & (nearest != NOISE)):
            return labels
        labels = np.where(labels == NOISE, nearest, labels).astype(np.int32)


def _own_share(graph: sp.csr_matrix, labels: NDArray[np.int32]) -> NDArray[np.float64]:
    rows = np.repeat(np.arange(len(labels)), np.diff(graph.indptr))
    same = (labels[rows] == labels[graph.indices]) & (labels[rows] >= 0)
    held = np.bincount(rows, weights=graph.data * same, minlength=len(labels))
    degree = np.bincount(rows, weights=graph.data, minlength=len(labels))
    return np.asarray(held / np.maximum(degree, 1e-12), dtype=np.float64)


def _without_small(labels: NDArray[np.int32], fewest: int) -> NDArray[np.int32]:
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    small = np.append(sizes < fewest, True)[labels]
    return np.where(small, NOISE, labels).astype(np.int32)


def _by_size(clusters: Clusters) -> Clusters:
    """Number the themes by size, then by their first post; noise stays -1."""
    found, first = np.unique(clusters.theme, return_index=True)
    first, found = first[found >= 0], found[found >= 0]
    sizes = np.bincount(clusters.theme[clusters.theme >= 0], minlength=1)[found]
    most = max(clusters.theme.max(initial=0), clusters.nearest.max(initial=0))
    # one more, so that index -1 is noise
    number = np.full(int(most) + 2, NOISE, np.int32)
    number[found[np.lexsort((first, -sizes))]] = np.arange(len(found))
    return Clusters(number[clusters.theme], clusters.confidence, number[clusters.nearest])
