"""The weighted graph that UMAP makes of neighbours: one for layouts, clusters and confidence."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from narraframe.themes.neighbours import Neighbours


def fuzzy_graph(neighbours: Neighbours) -> sp.csr_matrix:
    """Weight the neighbour graph as UMAP does: its fuzzy simplicial set, made symmetric.

    Computed once and shared by every layout and both engines. In NumPy rather than by umap-learn,
    whose version spends some 15 seconds compiling in each process; the tests hold the two against
    each other.

    Parameters
    ----------
    neighbours : Neighbours
        Rows' neighbours, self at column 0.

    Returns
    -------
    float32 csr_matrix of shape (n, n)
        Symmetric, weights in (0, 1], empty diagonal, columns in order.

    References
    ----------
    McInnes, Healy and Melville (2018), arXiv:1802.03426, algorithms 2 and 3.
    """
    indices, distances = neighbours.indices, neighbours.distances.astype(np.float64)
    n, k = indices.shape
    nearest = np.where(distances > 0, distances, np.inf).min(axis=1)
    rho = np.where(np.isfinite(nearest), nearest, 0.0)
    beyond = np.maximum(distances - rho[:, None], 0.0)
    weights = np.exp(-beyond / _bandwidths(beyond, distances, rho)[:, None])
    weights[indices == np.arange(n)[:, None]] = 0.0
    rows = np.repeat(np.arange(n), k)
    directed = sp.csr_matrix(
        (weights.ravel().astype(np.float32), (rows, indices.ravel())), shape=(n, n)
    )
    directed.eliminate_zeros()
    mutual = directed.multiply(directed.T)
    graph = (directed + directed.T - mutual).tocsr()
    graph.sort_indices()
    return graph


def _bandwidths(
    beyond: NDArray[np.float64], distances: NDArray[np.float64], rho: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Find by bisection the sigma with ``sum_j exp(-beyond_j / sigma) = log2(k)``, per row."""
    n, k = distances.shape
    low: NDArray[np.float64] = np.zeros(n)
    high: NDArray[np.float64] = np.full(n, np.inf)
    sigma: NDArray[np.float64] = np.ones(n)
    for _ in range(64):
        total = np.exp(-beyond[:, 1:] / sigma[:, None]).sum(axis=1)
        done = np.abs(total - np.log2(k)) < 1e-5
        if done.all():
            break
        above = total > np.log2(k)
        high = np.where(above, sigma, high)
        low = np.where(above, low, sigma)
        with np.errstate(invalid="ignore"):
            halfway = np.where(np.isinf(high), sigma * 2, (low + high) / 2)
        sigma = np.where(done, sigma, halfway)
    # A row whose neighbours are all equally near would get a bandwidth of nought.
    floor = np.where(rho > 0, distances.mean(axis=1), distances.mean())
    bounded: NDArray[np.float64] = np.maximum(sigma, np.maximum(1e-3 * floor, 1e-12))
    return bounded
