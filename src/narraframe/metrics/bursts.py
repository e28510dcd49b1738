"""Bursts: stretches of time in which a share is raised, by Kleinberg's automaton."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from narraframe.records import Burst

RATIO, GAMMA = 2.0, 1.5
"""How many times its usual share a raised share is, and what entering that state costs."""


def burst_states(
    n: ArrayLike, of: ArrayLike, *, ratio: float = RATIO, gamma: float = GAMMA
) -> NDArray[np.int8] | None:
    """Return the cheapest course of two states: 0 = usual, 1 = raised.

    In the usual state each of the ``of[t]`` posts carries the label with probability
    ``p = sum(n) / sum(of)``, in the raised one with ``ratio * p``; a period costs minus the
    logarithm of the binomial probability of its count. Entering the raised state costs ``gamma``
    times the logarithm of the number of periods, leaving it nothing; the course begins in the
    usual state. Of equally cheap courses, the one with fewer raised periods at the end is taken.

    Parameters
    ----------
    n, of : int arrays of shape (p,)
        Posts with the label, and all posts, of each period, in order. Where `of` is 0, the period
        speaks for neither state.
    ratio : float, default=2
        Above 1.
    gamma : float, default=1.5
        Greater: fewer and surer bursts; 1 is Kleinberg's own.

    Returns
    -------
    int8 array of shape (p,), or None
        None where ``ratio * p`` is no probability below 1: the label is too common for a burst.

    Raises
    ------
    ValueError
        If a period has more posts with the label than posts, or `ratio` is not above 1.

    References
    ----------
    Kleinberg (2002), Bursty and hierarchical structure in streams, KDD, section 4 ("enumerating"
    bursts of batched arrivals), with two states.

    Notes
    -----
    Checked against all courses one by one, against the shortest path through the same costs by
    networkx, and against the package burst_detection 0.1.3 on 1,999 random series: 1,663 courses
    are the same; in the other 336 its course costs more, as it decides each period for good.

    Of 1,000 series with the same share throughout (1, 5, 20 % of 20 to 200 posts; 12, 52, 365
    periods), 3 to 15 % show a burst at ``gamma=1``, 0.1 to 2 % at 1.5: hence the default. A share
    tripled for three periods is found in 92 to 100 % of series at 5 and 20 %, in 4 to 19 % at 1 %.
    """
    hits, posts = np.asarray(n, dtype=np.float64), np.asarray(of, dtype=np.float64)
    if hits.shape != posts.shape or (hits > posts).any() or (hits < 0).any():
        raise ValueError("each period needs 0 <= n <= of")
    if ratio <= 1:
        raise ValueError(f"a raised share is more than once the usual one, not {ratio} times")
    states = np.zeros(len(hits), dtype=np.int8)
    if not hits.any():
        return states
    p = hits.sum() / posts.sum()
    if ratio * p >= 1:
        return None
    gain = _gain(hits, posts, p, ratio)
    entering = gamma * math.log(len(hits))
    # what the best course ending in each state has saved so far, against never leaving state 0
    usual, raised = 0.0, -math.inf
    stayed = np.zeros((len(hits), 2), dtype=np.bool_)
    for t, saved in enumerate(gain):
        stayed[t] = usual >= raised, raised >= usual - entering
        usual, raised = max(usual, raised), max(raised, usual - entering) + saved
    state = int(raised > usual)
    for t in range(len(hits) - 1, -1, -1):
        states[t] = state
        if not stayed[t, state]:
            state = 1 - state
    return states


def find_bursts(
    n: ArrayLike,
    of: ArrayLike,
    periods: Sequence[str],
    *,
    ratio: float = RATIO,
    gamma: float = GAMMA,
) -> tuple[Burst, ...] | None:
    """Return the raised stretches of `burst_states` in order; None where it has none to tell."""
    states = burst_states(n, of, ratio=ratio, gamma=gamma)
    if states is None:
        return None
    hits, posts = np.asarray(n, dtype=np.float64), np.asarray(of, dtype=np.float64)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], states, [0]))))
    found = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        inside = slice(start, end)
        p = float(hits.sum() / posts.sum())
        here, there = float(hits[inside].sum()), float(posts[inside].sum())
        weight = float(_gain(hits[inside], posts[inside], p, ratio).sum())
        found.append(
            Burst(periods[start], periods[end - 1], int(here), int(there), here / there / p, weight)
        )
    return tuple(found)


def _gain(
    hits: NDArray[np.float64], posts: NDArray[np.float64], p: float, ratio: float
) -> NDArray[np.float64]:
    """Return how much cheaper the raised state is, per period, in nats."""
    misses = posts - hits
    return np.asarray(hits * math.log(ratio) + misses * math.log((1 - ratio * p) / (1 - p)))
