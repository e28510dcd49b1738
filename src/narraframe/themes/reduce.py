"""umap-learn's layout of the same graph: a choice, and what our own is held against."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray


def umap_layout(
    graph: sp.csr_matrix,
    start: NDArray[np.float32],
    *,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Lay the posts out by umap-learn, on one thread: same input and seed, same bytes.

    Parameters
    ----------
    graph : csr_matrix of shape (n, n)
        From `fuzzy_graph`.
    start : float32 array of shape (n, c)
        Where the posts begin.
    seed : int, default=0
        Seed of the layout.

    Returns
    -------
    float32 array of shape (n, c)

    References
    ----------
    McInnes, Healy and Melville (2018), arXiv:1802.03426.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        from umap.umap_ import find_ab_params, simplicial_set_embedding

    # a min_dist of 0 packs clusters tightly
    a, b = find_ab_params(1.0, 0.0)
    layout, _ = simplicial_set_embedding(
        start,
        graph.copy(),
        start.shape[1],
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=None,
        init=start,
        random_state=np.random.RandomState(seed),
        metric="euclidean",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
        parallel=False,
    )
    return np.ascontiguousarray(layout, dtype=np.float32)
