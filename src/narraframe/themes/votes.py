"""How the posts nearest to a post vote on its theme: the same bytes in any batch, on any threads.

Matrix products change in their last bits with the shape of the batch and the number of threads, and
a last bit can decide which of two posts is nearer. So vectors are rounded to whole 1/4000s and
multiplied as whole numbers: every product and every partial sum is below 2**24, which float32 holds
exactly, and no order of summing can change them. The rounding moves a similarity by about 1e-4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.errors import TableError

NEIGHBOURS = 15
_NEAREST = 5
_UNIT = 4000
_BLOCK_ROWS = 256
_GROUP = 32
_NEVER = np.float32(-(2**24))
# More than there are posts in a reference; float64, so that what it multiplies is that, too.
_PLACES = np.float64(2**21)


@dataclass(frozen=True)
class Nearest:
    """`rows` int64 (n, k) and cosine `similarity` float64 (n, k), nearest first."""

    rows: NDArray[np.int64]
    similarity: NDArray[np.float64]


@dataclass(frozen=True)
class Votes:
    """What speaks for a post's best theme; arrays of shape (n,).

    `suggested` int64 is the theme's place (-1 if there are none), `share` float64 its part of the
    votes, those for noise included, `lead` that part less the largest of any other theme, `margin`
    how much nearer its centroid is than any other, `near` the mean similarity of the five posts
    nearest to the post.
    """

    suggested: NDArray[np.int64]
    share: NDArray[np.float64]
    lead: NDArray[np.float64]
    margin: NDArray[np.float64]
    near: NDArray[np.float64]


def in_units(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round normalised vectors to whole numbers of 1/4000.

    Raises
    ------
    TableError
        If a vector's length is not 1.
    """
    length = np.linalg.norm(vectors, axis=1)
    # Written so that nan is bad, too.
    bad = np.flatnonzero(~(np.abs(length - 1.0) < 0.01))
    if len(bad):
        raise TableError(
            f"{len(bad)} of {len(vectors)} vectors are not of length 1",
            where=f"row {bad[0]}",
            got=float(length[bad[0]]),
            remedy="Leave posts without text out, and embed the others again.",
        )
    units: NDArray[np.float32] = np.rint(np.asarray(vectors, np.float32) * np.float32(_UNIT))
    return units


def from_units(units: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the vectors that `in_units` turns into `units`."""
    return units / np.float32(_UNIT)


def similarities(units: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosine similarity of each of `units` with each of `others`, both `in_units`."""
    return (units @ others.T).astype(np.float64) / _UNIT**2


def nearest(
    units: NDArray[np.float32],
    others: NDArray[np.float32],
    *,
    k: int = NEIGHBOURS,
    itself: NDArray[np.int64] | None = None,
) -> Nearest:
    """Find the nearest of `others` for each of `units`, exactly, block by block.

    Parameters
    ----------
    units : float32 array of shape (n, d)
        Posts, from `in_units`.
    others : float32 array of shape (m, d)
        Where to look, from `in_units`.
    k : int, default=15
        How many; at most m are returned, one less with `itself`.
    itself : int64 array of shape (n,), default=None
        Row of `others` that is the post itself and does not count; -1 for none.

    Returns
    -------
    Nearest
        Of equally near posts always the same ones, in the same order.
    """
    n, m = len(units), len(others)
    k = min(k, m if itself is None else m - 1)
    n_groups = max(-(-m // _GROUP), k)
    padded = np.zeros((n_groups * _GROUP, others.shape[1]), np.float32)
    padded[:m] = others
    rows, dots = np.empty((n, k), np.int64), np.empty((n, k), np.float64)
    if not k:
        return Nearest(rows, dots)
    for start in range(0, n, _BLOCK_ROWS):
        block = units[start : start + _BLOCK_ROWS] @ padded.T
        block[:, m:] = _NEVER
        if itself is not None:
            own = itself[start : start + _BLOCK_ROWS]
            block[np.flatnonzero(own >= 0), own[own >= 0]] = _NEVER
        stop = start + len(block)
        rows[start:stop], dots[start:stop] = _largest(block, k)
    return Nearest(rows, dots / _UNIT**2)


def count_votes(
    units: NDArray[np.float32],
    found: Nearest,
    theme: NDArray[np.int64],
    centroids: NDArray[np.float32],
) -> Votes:
    """Let the nearest posts vote, each with the fourth power of its similarity.

    The best theme is that with the largest sum of its part of the votes and the similarity of its
    centroid: on StackOverflow titles, Google News and 20 Newsgroups up to two more posts in a
    hundred reach the right theme than by votes alone, and three to six of those that the fit left
    without one.

    Parameters
    ----------
    units : float32 array of shape (n, d)
        The posts that are voted on, from `in_units`.
    found : Nearest
        Their neighbours.
    theme : int64 array of shape (m,)
        Place among the t themes of each row that `found` names; -1 = noise.
    centroids : float32 array of shape (t, d)
        From `in_units`.

    Returns
    -------
    Votes
    """
    n, t, k = len(units), len(centroids), found.rows.shape[1]
    near = found.similarity[:, :_NEAREST].sum(axis=1) / max(min(_NEAREST, k), 1)
    if not t or not k:
        nothing = np.zeros(n)
        return Votes(np.full(n, -1), nothing, nothing, nothing, near)
    squared = np.maximum(found.similarity, 1e-3) ** 2
    place = np.where(theme[found.rows] < 0, t, theme[found.rows])
    cell = (np.arange(n)[:, None] * (t + 1) + place).ravel()
    cast = np.bincount(cell, (squared**2).ravel(), minlength=n * (t + 1)).reshape(n, t + 1)
    share = cast[:, :t] / cast.sum(axis=1, keepdims=True)
    towards = similarities(units, centroids)
    suggested = (share + towards).argmax(axis=1)
    own_share, next_share = _own_and_next(share, suggested)
    own_towards, next_towards = _own_and_next(towards, suggested)
    return Votes(suggested, own_share, own_share - next_share, own_towards - next_towards, near)


def _own_and_next(
    values: NDArray[np.float64], column: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each row's value at `column`, and the largest elsewhere (0 if there is no other)."""
    every = np.arange(len(values))
    own, others = values[every, column], values.copy()
    others[every, column] = -np.inf if values.shape[1] > 1 else 0.0
    return own, others.max(axis=1)


def _largest(block: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return columns and values of the k largest in each row, largest first.

    They lie in those k groups of columns whose own largest values are largest: far less to sort.
    A value and its place go into one whole number below 2**53, so that no two are equal.
    """
    n, m = block.shape
    n_groups = m // _GROUP
    heads = block.reshape(n, _GROUP, n_groups).max(axis=1) * _PLACES - np.arange(n_groups)
    groups, _ = _decode(_top(heads, k))
    columns = (groups[:, :, None] + np.arange(_GROUP) * n_groups).reshape(n, -1)
    # Places run through a group before the next begins: so equal values rank as their groups do.
    places = (groups[:, :, None] * _GROUP + np.arange(_GROUP)).reshape(n, -1)
    keys = _top(np.take_along_axis(block, columns, axis=1) * _PLACES - places, k)
    found, values = _decode(np.sort(keys, axis=1)[:, ::-1])
    return found // _GROUP + found % _GROUP * n_groups, values


def _top(keys: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    return np.partition(keys, keys.shape[1] - k, axis=1)[:, keys.shape[1] - k :]


def _decode(keys: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return place and value of each ``value * _PLACES - place``."""
    values = np.ceil(keys / _PLACES)
    return (values * _PLACES - keys).astype(np.int64), values
