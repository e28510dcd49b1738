"""Communities of the neighbour graph, as the consensus of many Louvain partitions."""

from __future__ import annotations

from collections.abc import Callable

import numba as nb
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

N_RUNS = 10
_PASSES = 10
_MORE = 1e-12


def communities(
    graph: sp.csr_matrix,
    *,
    granularity: float = 0.5,
    n_runs: int = N_RUNS,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.int32]:
    """Part the graph into communities that most of several partitions agree on.

    Louvain parts the graph `n_runs` times, each time going through the posts in another order.
    Every edge is then weighted by the squared share of the runs that put its ends together, and
    that graph is parted once more.

    Parameters
    ----------
    graph : csr_matrix of shape (n, n)
        Symmetric weights, from `fuzzy_graph`.
    granularity : float, default=0.5
        The resolution of modularity: more gives more and smaller communities.
    n_runs : int, default=10
        Partitions to agree; they run on as many threads as there are, with the same result.
    seed : int, default=0
        Seed of the orders.
    progress : callable, default=None
        Called with the number of runs just finished.

    Returns
    -------
    int32 array of shape (n,)
        Community of every post, from 0, without gaps.

    References
    ----------
    Blondel, Guillaume, Lambiotte and Lefebvre (2008), J. Stat. Mech. P10008. Consensus:
    Lancichinetti and Fortunato (2012), Scientific Reports 2, 336.
    """
    seeds = np.random.default_rng(seed).integers(1, 2**62, n_runs + 1).astype(np.uint64)
    graph = graph.tocsr()
    weight = graph.data.astype(np.float64)
    runs = _partitions(graph.indptr, graph.indices, weight, granularity, seeds[:n_runs])
    if progress:
        progress(n_runs)
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    together = np.zeros(len(weight))
    for labels in runs:
        together += labels[rows] == labels[graph.indices]
    agreed = sp.csr_matrix(
        (weight * (together / n_runs) ** 2, graph.indices.copy(), graph.indptr.copy()),
        shape=graph.shape,
    )
    agreed.eliminate_zeros()
    found = _partitions(agreed.indptr, agreed.indices, agreed.data, granularity, seeds[n_runs:])
    return np.asarray(found[0], dtype=np.int32)


@nb.njit(parallel=True, cache=True)
def _partitions(indptr, indices, weight, granularity, seeds):  # type: ignore[no-untyped-def]
    """Run Louvain once per seed, each on one thread."""
    found = np.empty((len(seeds), len(indptr) - 1), np.int32)
    for r in nb.prange(len(seeds)):
        found[r] = _louvain(indptr, indices, weight, granularity, seeds[r])
    return found


@nb.njit(cache=True)
def _louvain(indptr, indices, weight, granularity, seed):  # type: ignore[no-untyped-def]
    """Move posts, join communities into nodes, and again; at last move single posts once more."""
    n = len(indptr) - 1
    degree = np.zeros(n)
    for i in range(n):
        for p in range(indptr[i], indptr[i + 1]):
            degree[i] += weight[p]
    whole = np.arange(n)
    at, to, by, size = indptr, indices, weight, degree
    while True:
        label = np.arange(len(at) - 1)
        seed = _move_nodes(at, to, by, size, label, granularity, seed)
        k = _renumber(label)
        for i in range(n):
            whole[i] = label[whole[i]]
        if k == len(label):
            break
        at, to, by, size = _join(at, to, by, size, label, k)
    _move_nodes(indptr, indices, weight, degree, whole, granularity, seed)
    _renumber(whole)
    return whole.astype(np.int32)


@nb.njit(cache=True)
def _move_nodes(  # type: ignore[no-untyped-def]
    indptr, indices, weight, size, label, granularity, seed
):
    """Put nodes, in random order, where modularity gains most; a move puts its neighbours back into
    the queue. Changes `label`; returns the next seed.
    """
    n = len(indptr) - 1
    total, twice = np.zeros(n), 1e-300
    for i in range(n):
        total[label[i]] += size[i]
        twice += size[i]
    queue = np.arange(n)
    for i in range(n - 1, 0, -1):
        seed ^= seed << np.uint64(13)
        seed ^= seed >> np.uint64(7)
        seed ^= seed << np.uint64(17)
        j = np.int64(seed % np.uint64(i + 1))
        queue[i], queue[j] = queue[j], queue[i]
    waits = np.ones(n, np.bool_)
    head, n_waiting, budget = 0, n, n * _PASSES
    link, near = np.zeros(n), np.empty(n, np.int64)
    while n_waiting > 0 and budget > 0:
        budget -= 1
        i = queue[head]
        head = (head + 1) % n
        n_waiting -= 1
        waits[i] = False
        n_near, own = 0, label[i]
        for p in range(indptr[i], indptr[i + 1]):
            if indices[p] != i:
                c = label[indices[p]]
                if link[c] == 0.0:
                    near[n_near] = c
                    n_near += 1
                link[c] += weight[p]
        chance = granularity * size[i] / twice
        best, gain = own, link[own] - chance * (total[own] - size[i])
        for q in range(n_near):
            c = near[q]
            if c != own and link[c] - chance * total[c] > gain + _MORE:
                best, gain = c, link[c] - chance * total[c]
        for q in range(n_near):
            link[near[q]] = 0.0
        if best != own:
            total[own] -= size[i]
            total[best] += size[i]
            label[i] = best
            for p in range(indptr[i], indptr[i + 1]):
                j = indices[p]
                if not waits[j] and label[j] != best:
                    waits[j] = True
                    queue[(head + n_waiting) % n] = j
                    n_waiting += 1
    return seed


@nb.njit(cache=True)
def _renumber(label):  # type: ignore[no-untyped-def]
    """Number the labels from 0 by their first node, in place; return how many there are."""
    number, k = np.full(len(label), -1, np.int64), 0
    for i in range(len(label)):
        if number[label[i]] < 0:
            number[label[i]] = k
            k += 1
        label[i] = number[label[i]]
    return k


@nb.njit(cache=True)
def _join(indptr, indices, weight, size, label, k):  # type: ignore[no-untyped-def]
    """Make each community one node; edges within it become its own loop."""
    n = len(indptr) - 1
    starts = np.zeros(k + 1, np.int64)
    for i in range(n):
        starts[label[i] + 1] += 1
    for c in range(k):
        starts[c + 1] += starts[c]
    members, place = np.empty(n, np.int64), starts[:-1].copy()
    for i in range(n):
        members[place[label[i]]] = i
        place[label[i]] += 1
    at, joined = np.zeros(k + 1, np.int32), np.zeros(k)
    to, by, n_edges = np.empty(len(indices), np.int32), np.empty(len(indices)), 0
    link, near = np.zeros(k), np.empty(k, np.int64)
    for c in range(k):
        n_near = 0
        for q in range(starts[c], starts[c + 1]):
            i = members[q]
            joined[c] += size[i]
            for p in range(indptr[i], indptr[i + 1]):
                other = label[indices[p]]
                if link[other] == 0.0:
                    near[n_near] = other
                    n_near += 1
                link[other] += weight[p]
        for q in range(n_near):
            to[n_edges], by[n_edges] = near[q], link[near[q]]
            link[near[q]] = 0.0
            n_edges += 1
        at[c + 1] = n_edges
    return at, to[:n_edges].copy(), by[:n_edges].copy(), joined
