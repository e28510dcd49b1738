"""A layout of the neighbour graph in few dimensions: UMAP's forces, in steps for all posts at once.

umap-learn moves one pair of posts after the other, so that the result depends on the order, that
is on the number of threads. Here every post sums its forces from where all posts stood, and then
all move: each post can be worked out on any thread, and the bytes are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numba as nb
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

N_EPOCHS = 50
_REPULSIONS = 5
_LARGEST_FORCE = 4.0
_EXTENT = 10.0
_FEW = 5_000
# similarity of two posts at distance s: 1 / (1 + _SHARPNESS * s)
_SHARPNESS = 2.0
# decay of the two running means of Adam; shorter memories than usual, for few steps
_MEAN, _SQUARE = 0.5, 0.9


def layout(
    graph: sp.csr_matrix,
    start: NDArray[np.float32],
    *,
    n_epochs: int = N_EPOCHS,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """Move posts from `start` until neighbours lie close together, and others apart.

    The forces are those of UMAP with the kernel ``1 / (1 + a s^2b)``, a = 2 and b = 1/2. So heavy
    a tail lets clusters draw apart further than UMAP's usual b = 0.79 (its min_dist of 0): on
    labelled corpora fewer posts are left between clusters, after half as many steps. Adam replaces
    UMAP's plain steps. Same input and seed, same bytes, on any number of threads.

    Parameters
    ----------
    graph : csr_matrix of shape (n, n)
        Symmetric weights in (0, 1], from `fuzzy_graph`.
    start : float32 array of shape (n, c)
        Where the posts begin, from `principal_components`.
    n_epochs : int, default=50
        Steps; an edge of weight w pulls in a share w of them.
    seed : int, default=0
        Seed of the posts that push away.
    progress : callable, default=None
        Called with 1 after each step.

    Returns
    -------
    float32 array of shape (n, c)

    References
    ----------
    McInnes, Healy and Melville (2018), arXiv:1802.03426. Heavy tails: Kobak, Linderman,
    Steinerberger, Kluger and Berens (2019), arXiv:1902.05804. Adam: arXiv:1412.6980.
    """
    rate = (graph.data / graph.data.max(initial=1e-12)).astype(np.float32)
    rate[rate < 1.0 / n_epochs] = 0.0
    here = np.array(start, dtype=np.float32, order="C")
    there = np.empty_like(here)
    mean, square = np.zeros_like(here), np.zeros_like(here)
    single = np.float32
    with _threads_for(len(here)):
        for epoch in range(n_epochs):
            step = single(1.0 - epoch / n_epochs)
            unbiased_1 = single(1 / (1 - _MEAN ** (epoch + 1)))
            unbiased_2 = single(1 / (1 - _SQUARE ** (epoch + 1)))
            edges, adam = (graph.indptr, graph.indices, rate), (mean, square)
            when = epoch, np.uint64(seed), step
            _move(*edges, here, there, *adam, *when, unbiased_1, unbiased_2)
            here, there = there, here
            if progress:
                progress(1)
    return here


@contextmanager
def _threads_for(n: int) -> Iterator[None]:
    """Take one thread for few posts: waking others at every step costs more than the step."""
    before = nb.get_num_threads()
    nb.set_num_threads(1 if n < _FEW else before)
    try:
        yield
    finally:
        nb.set_num_threads(before)


def principal_components(vectors: NDArray[np.float32], n_components: int) -> NDArray[np.float32]:
    """Return the first principal components of `vectors`, scaled to a largest value of ten.

    A start that is the same for every seed makes layouts of several seeds alike.
    """
    from threadpoolctl import threadpool_limits

    n, d = vectors.shape
    # LAPACK rounds differently on another number of threads.
    with threadpool_limits(limits=1, user_api="blas"):
        centred = vectors - vectors.mean(axis=0)
        values, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        axes = axes[:, np.argsort(-values, kind="stable")][:, :n_components]
        # The sign of a component is arbitrary: make its largest loading positive.
        axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        found = centred @ axes.astype(np.float32)
    start = np.zeros((n, n_components), np.float32)
    start[:, : min(d, n_components)] = found * (_EXTENT / max(float(np.abs(found).max()), 1e-12))
    return start


@nb.njit(inline="always")
def _scramble(x):  # type: ignore[no-untyped-def]
    """SplitMix64's finaliser: any two inputs give unrelated outputs."""
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@nb.njit(parallel=True, fastmath=True, cache=True)
def _move(  # type: ignore[no-untyped-def]
    indptr, indices, rate, here, there, mean, square, epoch, seed, step, unbiased_1, unbiased_2
):
    """Move all posts one step, from `here` to `there`; `mean` and `square` are Adam's."""
    n, c = here.shape
    a, limit = np.float32(_SHARPNESS), np.float32(_LARGEST_FORCE)
    keep, keep_square = np.float32(_MEAN), np.float32(_SQUARE)
    for i in nb.prange(n):
        force = np.zeros(c, np.float32)
        away = np.empty(c, np.float32)
        # Random numbers by place and time, not in sequence: no thread waits for another.
        draw = _scramble(
            seed * np.uint64(0x9E3779B97F4A7C15)
            + np.uint64(epoch) * np.uint64(0xD1B54A32D192ED03)
            + np.uint64(i) * np.uint64(0x8CB92BA72F3D8DD7)
        )
        for p in range(indptr[i], indptr[i + 1]):
            if np.floor((epoch + 1) * rate[p]) <= np.floor(epoch * rate[p]):
                continue
            j = indices[p]
            squared = np.float32(1e-12)
            for k in range(c):
                away[k] = here[i, k] - here[j, k]
                squared += away[k] * away[k]
            distance = np.sqrt(squared)
            pull = -a / (distance * (np.float32(1) + a * distance))
            for k in range(c):
                # Both ends of an edge move in UMAP, each edge being there in both directions.
                force[k] += np.float32(2) * min(max(pull * away[k], -limit), limit)
            for _ in range(_REPULSIONS):
                draw = draw * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
                j = np.int64(((draw >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))
                squared = np.float32(0)
                for k in range(c):
                    away[k] = here[i, k] - here[j, k]
                    squared += away[k] * away[k]
                near = np.float32(0.001) + squared
                push = np.float32(1) / (near * (np.float32(1) + a * np.sqrt(squared)))
                for k in range(c):
                    force[k] += min(max(push * away[k], -limit), limit)
        for k in range(c):
            mean[i, k] = keep * mean[i, k] + (np.float32(1) - keep) * force[k]
            square[i, k] = (
                keep_square * square[i, k] + (np.float32(1) - keep_square) * force[k] * force[k]
            )
            root = np.sqrt(square[i, k] * unbiased_2) + np.float32(1e-7)
            there[i, k] = here[i, k] + step * mean[i, k] * unbiased_1 / root
