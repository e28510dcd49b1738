"""A layout of the neighbour graph in few dimensions, by umap-learn."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_FEWEST = 15


def reduce(
    vectors: NDArray[np.float32],
    graph: sp.csr_matrix,
    *,
    n_components: int,
    min_dist: float = 0.0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Lay the posts out in `n_components` dimensions so that neighbours lie close together.

    UMAP's layout of a given graph, on one thread: same input and seed, same bytes. With fewer than
    fifteen rows there is no neighbourhood to keep, and principal components serve.

    Parameters
    ----------
    vectors : float32 array of shape (n, d)
        Normalised embeddings that `graph` was made of.
    graph : csr_matrix of shape (n, n)
        From `fuzzy_graph`; shared by the layouts of one corpus.
    n_components : int
        Dimensions wanted: 5 to cluster in, 2 for a map.
    min_dist : float, default=0.0
        How close two posts may lie, in units of the layout; 0 packs clusters tightly.
    seed : int, default=0
        Seed of the layout.

    Returns
    -------
    float32 array of shape (n, n_components)

    References
    ----------
    McInnes, Healy and Melville (2018), arXiv:1802.03426.
    """
    if len(vectors) < max(_FEWEST, n_components + 3):
        return _principal_components(vectors, n_components)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        # Equal posts leave nothing to start from but chance, which is what umap-learn does then.
        warnings.filterwarnings("ignore", "Spectral initialisation failed", UserWarning)
        return _umap(vectors, graph, n_components, min_dist, seed)


def _umap(
    vectors: NDArray[np.float32],
    graph: sp.csr_matrix,
    n_components: int,
    min_dist: float,
    seed: int,
) -> NDArray[np.float32]:
    from umap.umap_ import find_ab_params, simplicial_set_embedding

    a, b = find_ab_params(1.0, min_dist)
    layout, _ = simplicial_set_embedding(
        vectors,
        graph.copy(),
        n_components,
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=None,
        init="spectral",
        random_state=np.random.RandomState(seed),
        metric="cosine",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
        parallel=False,
    )
    return np.ascontiguousarray(layout, dtype=np.float32)


def _principal_components(vectors: NDArray[np.float32], n_components: int) -> NDArray[np.float32]:
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    left, scale, right = np.linalg.svd(centred, full_matrices=False)
    # The sign of a component is arbitrary: make its largest loading positive.
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])
    scores = (left * scale * signs)[:, :n_components]
    layout = np.zeros((len(vectors), n_components), np.float32)
    layout[:, : scores.shape[1]] = scores
    return layout
