"""The nearest neighbours of every post: exact for few posts, by inverted lists for many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

EXACT_UP_TO = 4096
_BLOCK_ROWS = 512
_LISTS_SEARCHED = 8
_TRAINING_ROWS_A_LIST = 40
_TRAINING_ROUNDS = 5

Job = TypeVar("Job")


@dataclass(frozen=True)
class Neighbours:
    """`indices` int32 (n, k) and cosine `distances` float32 (n, k), nearest first, self at 0."""

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]


def nearest_neighbours(
    vectors: NDArray[np.float32],
    *,
    n_neighbors: int = 15,
    seed: int = 0,
    exact: bool | None = None,
    progress: Callable[[int], None] | None = None,
) -> Neighbours:
    """Find each row's nearest rows by cosine distance, the row itself first.

    Exact up to 4,096 rows. Beyond, the rows are put into sqrt(n) lists around k-means centres, and
    each row is compared with those in the eight lists whose centres are nearest: time grows with
    n^1.5, memory with n, and about nine in ten of the true neighbours are found. Same bytes on any
    number of threads, because each block is multiplied on one thread.

    Parameters
    ----------
    vectors : float32 array of shape (n, d)
        Normalised embeddings.
    n_neighbors : int, default=15
        Neighbours per row, the row itself included; at most n are returned.
    seed : int, default=0
        Seed of the centres.
    exact : bool, default=None
        Compare every row with every other; None decides by the number of rows.
    progress : callable, default=None
        Called with the number of rows just finished.

    Returns
    -------
    Neighbours
        With k = ``min(n_neighbors, n)`` columns.

    References
    ----------
    Inverted lists: Jegou, Douze and Schmid (2011), IEEE TPAMI 33(1).
    """
    n = len(vectors)
    found = _Best(n, min(n_neighbors, n), progress)
    if exact if exact is not None else n <= EXACT_UP_TO:
        _on_threads(lambda rows: found.among(vectors, rows, np.arange(n)), _blocks(np.arange(n)))
    else:
        _search_lists(vectors, found, seed)
    return found.neighbours()


class _Best:
    """The nearest rows found so far; blocks of rows may be filled in from several threads."""

    def __init__(self, n: int, k: int, progress: Callable[[int], None] | None) -> None:
        self.k = k
        self.indices = np.zeros((n, k), np.int32)
        self.distances = np.empty((n, k), np.float32)
        self.progress = progress or (lambda _: None)

    def among(
        self, vectors: NDArray[np.float32], rows: NDArray[np.intp], others: NDArray[np.intp]
    ) -> None:
        """Settle `rows` by comparing them with `others` (ascending)."""
        similarity, found = _nearest(vectors[rows] @ vectors[others].T, rows, others, self.k)
        self.settle(rows, similarity, found)

    def settle(
        self,
        rows: NDArray[np.intp],
        similarity: NDArray[np.float32],
        found: NDArray[np.int32],
    ) -> None:
        """Keep the k best of each row's candidates; of equals the first row."""
        distance = np.clip(1.0 - similarity, -1.0, 2.0)
        order = np.lexsort((found, distance), axis=1)[:, : self.k]
        self.indices[rows] = np.take_along_axis(found, order, axis=1)
        self.distances[rows] = np.maximum(np.take_along_axis(distance, order, axis=1), 0.0)
        self.progress(len(rows))

    def neighbours(self) -> Neighbours:
        return Neighbours(self.indices, self.distances)


def _nearest(
    similarity: NDArray[np.float32],
    rows: NDArray[np.intp],
    others: NDArray[np.intp],
    k: int,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the k most similar of `others` (ascending) to each of `rows`, unordered, of equals the
    first, and the row itself at 2.
    """
    place = np.minimum(np.searchsorted(others, rows), len(others) - 1)
    itself = np.flatnonzero(others[place] == rows)
    similarity[itself, place[itself]] = 2.0
    if len(others) <= k:
        found = np.broadcast_to(others, similarity.shape)
        return similarity, found.astype(np.int32)
    best = np.argpartition(-similarity, k, axis=1)[:, : k + 1]
    value = np.take_along_axis(similarity, best, axis=1)
    # A partition takes any of those that are equally near: take the first rows.
    tied = np.flatnonzero(value[:, :k].min(axis=1) == value[:, k])
    best = best[:, :k]
    best[tied] = np.argsort(-similarity[tied], axis=1, kind="stable")[:, :k]
    return np.take_along_axis(similarity, best, axis=1), others[best].astype(np.int32)


def _search_lists(vectors: NDArray[np.float32], found: _Best, seed: int) -> None:
    n, k = len(vectors), found.k
    centres = _centres(vectors, int(np.sqrt(n)), seed)
    searched = np.empty((n, min(_LISTS_SEARCHED, len(centres))), np.int32)
    starts = range(0, n, 4 * _BLOCK_ROWS)

    def choose(start: int) -> None:
        block = vectors[start : start + 4 * _BLOCK_ROWS] @ centres.T
        order = np.argsort(-block, axis=1, kind="stable")
        searched[start : start + len(block)] = order[:, : searched.shape[1]]

    _on_threads(choose, starts)
    members = _rows_of(searched[:, 0], len(centres))
    asking = _rows_of(searched.ravel(), len(centres))
    similarity = np.full((n * searched.shape[1], k), -2.0, np.float32)
    rows_found = np.zeros((n * searched.shape[1], k), np.int32)

    def search(j: int) -> None:
        others = members[j]
        for slots in _blocks(asking[j] if len(others) else asking[j][:0]):
            rows = slots // searched.shape[1]
            block = _nearest(vectors[rows] @ vectors[others].T, rows, others, k)
            width = block[0].shape[1]
            similarity[slots, :width], rows_found[slots, :width] = block

    _on_threads(search, range(len(centres)))
    similarity, rows_found = similarity.reshape(n, -1), rows_found.reshape(n, -1)
    short = np.count_nonzero(similarity > -2.0, axis=1) < k
    for rows in _blocks(np.flatnonzero(~short)):
        found.settle(rows, similarity[rows], rows_found[rows])
    # rows whose lists hold fewer than k rows
    for rows in _blocks(np.flatnonzero(short)):
        found.among(vectors, rows, np.arange(n))


def _centres(vectors: NDArray[np.float32], n_lists: int, seed: int) -> NDArray[np.float32]:
    """Spherical k-means on a sample; a centre that loses all its rows stays where it was."""
    rng = np.random.default_rng(seed)
    size = min(len(vectors), n_lists * _TRAINING_ROWS_A_LIST)
    sample = vectors[np.sort(rng.choice(len(vectors), size, replace=False))]
    centres = sample[np.sort(rng.choice(size, n_lists, replace=False))]
    blocks = [slice(s, s + 4 * _BLOCK_ROWS) for s in range(0, size, 4 * _BLOCK_ROWS)]
    nearest = np.empty(size, np.int32)

    def choose(block: slice) -> None:
        nearest[block] = (sample[block] @ centres.T).argmax(axis=1)

    for _ in range(_TRAINING_ROUNDS):
        _on_threads(choose, blocks)
        ones = np.ones(size, np.float32)
        sums = sp.csr_matrix((ones, (nearest, np.arange(size))), shape=(n_lists, size)) @ sample
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(length > 0, sums / np.maximum(length, 1e-12), centres)
    return centres


def _rows_of(number: NDArray[np.int32], n_lists: int) -> list[NDArray[np.intp]]:
    """Return, per list, the positions in `number` that hold it, ascending."""
    order = np.argsort(number, kind="stable")
    return np.split(order, np.searchsorted(number[order], np.arange(1, n_lists)))


def _blocks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Split rows so that the comparisons of one block fit into memory, however long a list is."""
    for start in range(0, len(rows), _BLOCK_ROWS):
        yield rows[start : start + _BLOCK_ROWS]


def _on_threads(work: Callable[[Job], None], jobs: Iterable[Job]) -> None:
    """Run `work` on each job, on as many threads as BLAS would take; BLAS itself takes one."""
    from threadpoolctl import threadpool_info, threadpool_limits

    pools = threadpool_info()
    n_threads = max([1, *(pool["num_threads"] for pool in pools if pool["user_api"] == "blas")])
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(n_threads) as threads:
        for _ in threads.map(work, jobs):
            pass
