"""Folds for cross-validation: near-duplicates stay together, rare labels spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from narraframe.errors import TooFewError


@dataclass(frozen=True, slots=True)
class Leak:
    """What an assignment to folds leaks: groups with posts in several folds, and their posts."""

    n_groups: int
    n_posts: int


def grouped_folds(
    y: NDArray[np.int8], mask: NDArray[np.bool_], groups: ArrayLike, *, n_folds: int, seed: int
) -> NDArray[np.intp]:
    """Assign whole groups of posts to folds so that every label's known positives spread evenly.

    Greedy iterative stratification, with groups in place of examples: the label with the fewest
    positives left is dealt out first, its largest groups first, each to the fold that lacks most
    of that label, then most posts; ties fall by `seed`.

    Parameters
    ----------
    y, mask : int8 and bool arrays of shape (n, k)
        Targets; only known positives are spread.
    groups : array-like of shape (n,)
        The group of each post, for example its near-duplicate group; ids of any sortable type.
    n_folds : int
        Number of folds, 2 at least.
    seed : int
        The same seed gives the same folds.

    Returns
    -------
    intp array of shape (n,)
        Fold of each post, 0 to ``n_folds - 1``; no fold is empty.

    Raises
    ------
    TooFewError
        If there are fewer groups than folds.

    References
    ----------
    Sechidis, Tsoumakas and Vlahavas (2011), On the stratification of multi-label data.
    """
    if n_folds < 2:
        raise ValueError(f"n_folds must be at least 2, not {n_folds}")
    member, n_groups = members(groups)
    if n_groups < n_folds:
        raise TooFewError(
            f"{len(member)} labelled posts in {n_groups} near-duplicate groups "
            f"cannot fill {n_folds} folds",
            got=n_groups,
            remedy="Label more posts, or ask for fewer folds.",
        )
    size = np.bincount(member, minlength=n_groups)
    positives = np.zeros((n_groups, y.shape[1]), dtype=np.int64)
    np.add.at(positives, member, (y == 1) & mask)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(n_groups)
    order = shuffled[np.argsort(-size[shuffled], kind="stable")]
    return _deal(order, size, positives, n_folds, rng)[member]


def _deal(
    order: NDArray[np.intp],
    size: NDArray[np.intp],
    positives: NDArray[np.int64],
    n_folds: int,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Return the fold of each group."""
    fold = np.full(len(size), -1, dtype=np.intp)
    lacks_posts = np.full(n_folds, size.sum() / n_folds)
    lacks = np.tile(positives.sum(axis=0) / n_folds, (n_folds, 1))

    def place(group: int, most_lacking: NDArray[np.float64]) -> None:
        best = np.lexsort((rng.random(n_folds), -lacks_posts, -most_lacking))[0]
        fold[group] = best
        lacks[best] -= positives[group]
        lacks_posts[best] -= size[group]

    while True:
        left = positives[fold < 0].sum(axis=0)
        if not left.any():
            break
        rarest = int(np.argmin(np.where(left > 0, left, np.iinfo(np.int64).max)))
        for group in order[(fold[order] < 0) & (positives[order, rarest] > 0)]:
            place(group, lacks[:, rarest])
    for group in order[fold[order] < 0]:
        place(group, lacks_posts)
    return fold


def random_folds(n_posts: int, *, n_folds: int, seed: int) -> NDArray[np.intp]:
    """Return the folds of a careless split, blind to groups: shape (n_posts,), equal sizes."""
    return np.random.default_rng(seed).permutation(np.arange(n_posts) % n_folds)


def leak(groups: ArrayLike, folds: NDArray[np.intp]) -> Leak:
    """Count the posts that have a member of their own group on another side of the split.

    Parameters
    ----------
    groups : array-like of shape (n,)
        The near-duplicate group of each post.
    folds : intp array of shape (n,)
        Any assignment: `grouped_folds` leaks nothing, `random_folds` shows what care saved.
    """
    member, n_groups = members(groups)
    first = np.full(n_groups, -1, dtype=np.intp)
    first[member[::-1]] = folds[::-1]
    straddles = np.zeros(n_groups, dtype=bool)
    np.logical_or.at(straddles, member, folds != first[member])
    return Leak(n_groups=int(straddles.sum()), n_posts=int(straddles[member].sum()))


def members(groups: ArrayLike) -> tuple[NDArray[np.intp], int]:
    """Number the groups from 0: return each post's group, (n,), and how many there are."""
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    return member.astype(np.intp), len(names)
