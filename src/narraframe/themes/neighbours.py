"""The nearest neighbours of every post, and the weighted graph that UMAP makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_BLOCK_ROWS = 1024
# Candidates beyond k, so that rounding does not decide which of some equal rows is the k-th.
_SPARE = 8


@dataclass(frozen=True)
class Neighbours:
    """`indices` int32 (n, k) and cosine `distances` float32 (n, k), nearest first, self at 0."""

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]


def nearest_neighbours(
    vectors: NDArray[np.float32],
    *,
    n_neighbors: int = 15,
) -> Neighbours:
    """Find each row's nearest rows by cosine distance, the row itself first.

    Exact, block by block: time grows with n squared (two cores: 20,000 rows in seconds, 100,000 in
    minutes), memory with n.

    Parameters
    ----------
    vectors : float32 array of shape (n, d)
        Normalised embeddings.
    n_neighbors : int, default=15
        Neighbours per row, the row itself included; at most n are returned.

    Returns
    -------
    Neighbours
        With k = ``min(n_neighbors, n)`` columns.
    """
    import torch

    n = len(vectors)
    k = min(n_neighbors, n)
    indices = np.empty((n, k), np.int32)
    distances = np.empty((n, k), np.float32)
    everything = torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float32))
    for start in range(0, n, _BLOCK_ROWS):
        rows = np.arange(start, min(start + _BLOCK_ROWS, n))
        similarity = everything[start : start + _BLOCK_ROWS] @ everything.T
        similarity[np.arange(len(rows)), rows] = torch.inf
        best, found = (part.numpy() for part in similarity.topk(min(k + _SPARE, n), dim=1))
        # Equal texts differ by rounding only, and that rounding changes with the thread count.
        distance = np.round(np.clip(1.0 - best, -np.inf, 2.0), 6)
        order = np.lexsort((found, distance), axis=1)[:, :k]
        indices[rows] = np.take_along_axis(found, order, axis=1)
        distances[rows] = np.clip(np.take_along_axis(distance, order, axis=1), 0.0, 2.0)
    return Neighbours(indices, distances)


def fuzzy_graph(neighbours: Neighbours) -> sp.csr_matrix:
    """Weight the neighbour graph as UMAP does: its fuzzy simplicial set, made symmetric.

    Computed once and shared by every layout. In NumPy rather than by umap-learn, whose version
    spends some 15 seconds compiling in each process; the tests hold the two against each other.

    Parameters
    ----------
    neighbours : Neighbours
        Rows' neighbours, self at column 0.

    Returns
    -------
    float32 csr_matrix of shape (n, n)
        Symmetric, weights in (0, 1], empty diagonal.

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
    return (directed + directed.T - mutual).tocsr()


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
