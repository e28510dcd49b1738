"""Clusters of posts in a layout: HDBSCAN's hierarchy, cut where modularity is largest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from narraframe.themes.modularity import NOISE, best_cut

_FEWEST, _MOST = 3, 10


@dataclass(frozen=True)
class Cut:
    """`labels` int32 (n,), -1 = noise, and the `spanning_tree` of the layout, float64 (n - 1, 3):
    post, post, mutual reachability distance.
    """

    labels: NDArray[np.int32]
    spanning_tree: NDArray[np.float64]


def smallest_cluster(n: int) -> int:
    """Return half the cube root of n, between 3 and 10: the fewest posts that make a cluster."""
    return int(np.clip(round(np.cbrt(n) / 2), _FEWEST, _MOST))


def cluster(
    layout: NDArray[np.float32],
    graph: sp.csr_matrix,
    *,
    granularity: float = 1.0,
    min_cluster_size: int | None = None,
) -> Cut:
    """Find the clusters of a layout.

    HDBSCAN builds the hierarchy of dense regions; of all its flat cuts the one is taken whose
    modularity on the graph is largest (see `best_cut`). That is the sweep over granularities: every
    level of the hierarchy is weighed, cluster by cluster.

    Parameters
    ----------
    layout : float32 array of shape (n, c)
        From `layout` or `reduce`, in about 5 dimensions.
    graph : csr_matrix of shape (n, n)
        From `fuzzy_graph`.
    granularity : float, default=1.0
        More gives more and smaller clusters.
    min_cluster_size : int, default=None
        Fewest posts that make a cluster; None takes half the cube root of n, between 3 and 10.

    Returns
    -------
    Cut

    References
    ----------
    Campello, Moulavi and Sander (2013).
    """
    n = len(layout)
    size = min_cluster_size or smallest_cluster(n)
    if n < max(size, 2):
        return Cut(np.full(n, NOISE, np.int32), np.zeros((0, 3)))
    model = _hierarchy(layout, size)
    labels = best_cut(model.condensed_tree_._raw_tree, graph, granularity=granularity)
    return Cut(labels, model.minimum_spanning_tree_.to_numpy())


def _hierarchy(layout: NDArray[np.float32], size: int) -> Any:
    from hdbscan import HDBSCAN

    return HDBSCAN(
        min_cluster_size=size,
        min_samples=min(max(size // 2, 2), len(layout) - 1),
        # More than one process costs more than it saves below some 50,000 posts.
        core_dist_n_jobs=1,
        gen_min_span_tree=True,
        # The approximate tree can join two clusters through a post far from both.
        approx_min_span_tree=False,
    ).fit(layout.astype(np.float64))
