"""Which posts teach and which test: by group, channel, time, or frozen once for all trainings.

In every split made here no near-duplicate group is on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from narraframe.annotations.folds import Leak, grouped_folds, leak, members, random_folds
from narraframe.errors import TooFewError, TrainingError

__all__ = [
    "Leak",
    "Split",
    "channel_splits",
    "check_split",
    "frozen_test",
    "group_splits",
    "grouped_folds",
    "held_out_by",
    "leak",
    "random_folds",
    "time_split",
]

_PARTS = 20  # the finest that a share is rounded to, so that rare labels still spread over parts


def _no_rows() -> NDArray[np.intp]:
    return np.zeros(0, dtype=np.intp)


@dataclass(frozen=True)
class Split:
    """Row numbers, rising, of the posts that teach and of those that test.

    `copies` would have tested, but a near-duplicate of each teaches: they are on neither side.
    """

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    copies: NDArray[np.intp] = field(default_factory=_no_rows)


def check_split(split: Split, groups: ArrayLike) -> None:
    """Refuse a split with a group on both sides: every figure would flatter.

    Raises
    ------
    ValueError
        If there is such a group; a row on both sides is one too.
    """
    member, _ = members(groups)
    shared = np.intersect1d(member[split.train], member[split.test])
    if len(shared):
        raise ValueError(f"{len(shared)} near-duplicate groups are on both sides of the split")


def group_splits(
    y: NDArray[np.int8], mask: NDArray[np.bool_], groups: ArrayLike, *, n_folds: int, seed: int
) -> tuple[Split, ...]:
    """Split so that each post is tested once, and rare labels spread: see `grouped_folds`.

    Raises
    ------
    TooFewError
        If there are fewer groups than folds.
    """
    folds = grouped_folds(y, mask, groups, n_folds=n_folds, seed=seed)
    return tuple(
        Split(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold))
        for fold in range(n_folds)
    )


def channel_splits(
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    groups: ArrayLike,
    channels: Sequence[str | None],
    *,
    n_folds: int,
    seed: int,
    named: str = "channel",
) -> tuple[Split, ...]:
    """Split so that each post is tested by a model that saw nothing of its channel, or author.

    Whole channels are dealt to folds, labels spread as by `grouped_folds`. Channels copy one
    another: to keep those that share a copy together would chain most of a network into one fold,
    so a post with a copy in the training channels leaves the test instead (`Split.copies`). Posts
    without a channel always teach, as nobody can say whose they are.

    Parameters
    ----------
    y, mask : int8 and bool arrays of shape (n, k)
        Targets.
    groups : array-like of shape (n,)
        Near-duplicate group of each post.
    channels : sequence of str or None of length n
        Where each post appeared, or whose it is; None or "" is unknown.
    n_folds : int
        Number of folds, 2 at least; with fewer channels than that, each is a fold of its own.
    seed : int
        The same seed gives the same splits.
    named : str, default="channel"
        What `channels` are, for the reader of an error.

    Returns
    -------
    tuple of Split
        One a fold; a fold that held nothing but copies is left out.

    Raises
    ------
    TrainingError
        If there are fewer than two channels, or they hold nothing but copies of one another.
    """
    known = np.array([bool(channel) for channel in channels], dtype=bool)
    names = np.array([channel or "" for channel in channels], dtype=object)[known].astype(str)
    n_channels = len(np.unique(names))
    if n_channels < 2:
        raise TrainingError(
            f"a split by {named} needs labelled posts of two {named}s at least",
            got=n_channels,
            remedy=f'Label posts of more {named}s, or split by "group".',
        )
    folds = np.full(len(known), -1, dtype=np.intp)
    folds[known] = grouped_folds(
        y[known], mask[known], names, n_folds=min(n_folds, n_channels), seed=seed
    )
    made = [_without_copies(folds != f, folds == f, groups) for f in range(folds.max() + 1)]
    splits = tuple(split for split in made if len(split.test))
    if not splits:
        raise TrainingError(
            f"every {named}'s posts are copied by other {named}s: none is left to test",
            got=n_channels,
            remedy='Split by "group" instead.',
        )
    return splits


def time_split(
    times: NDArray[np.datetime64],
    groups: ArrayLike,
    *,
    since: np.datetime64 | None = None,
    share: float = 0.2,
) -> Split:
    """Split so that the past teaches and what came later tests.

    Posts without a time are on neither side: they may come from either. A later post with a copy
    in the past leaves the test (`Split.copies`).

    Parameters
    ----------
    times : datetime64[us] array of shape (n,)
        When each post was published (UTC), NaT where unknown.
    groups : array-like of shape (n,)
        Near-duplicate group of each post.
    since : datetime64, default=None
        Posts strictly before it teach, from it on they test. None: the moment for which the share
        of dated posts that test comes closest to `share`, copies not yet taken out.
    share : float, default=0.2
        Between 0 and 1; not used where `since` is given.

    Raises
    ------
    TrainingError
        If nothing is left on one side.
    """
    dated = ~np.isnat(times)
    if since is None:
        since = _moment(times[dated], share)
    split = _without_copies(dated & (times < since), dated & (times >= since), groups)
    if not len(split.train) or not len(split.test):
        side = f"before {since.astype('datetime64[s]')} to learn from"
        if len(split.train):
            side = f"since {since.astype('datetime64[s]')} to test on"
        raise TrainingError(
            f"of {int(dated.sum())} labelled posts with a time, none is left {side} "
            f"({len(split.copies)} later posts are copies of earlier ones)",
            remedy='Choose another moment, or split by "group".',
        )
    return split


def _moment(times: NDArray[np.datetime64], share: float) -> np.datetime64:
    """Return the moment, not the first, from which on the share of `times` is nearest `share`."""
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, not {share}")
    moments = np.unique(times)
    if len(moments) < 2:
        raise TrainingError(
            "a split by time needs labelled posts of two different times at least",
            got=len(moments),
            remedy='Ingest the posts with their times, or split by "group".',
        )
    starts = np.searchsorted(np.sort(times), moments[1:])
    return np.datetime64(moments[1:][np.argmin(np.abs(1 - starts / len(times) - share))])


def _without_copies(train: NDArray[np.bool_], test: NDArray[np.bool_], groups: ArrayLike) -> Split:
    member, _ = members(groups)
    copied = test & np.isin(member, member[train])
    return Split(np.flatnonzero(train), np.flatnonzero(test & ~copied), np.flatnonzero(copied))


def frozen_test(
    groups: ArrayLike, y: NDArray[np.int8], mask: NDArray[np.bool_], *, share: float, seed: int
) -> NDArray[np.bool_]:
    """Draw the posts that no training will ever see: whole groups, labels spread.

    Groups are dealt to equal parts (`grouped_folds`), of which some are taken: 1 of 5 for a
    `share` of 0.2. As the parts are alike, every post is drawn with the same probability, whatever
    the size of its group or the rarity of its labels: the test set stands for all posts.

    Parameters
    ----------
    groups : array-like of shape (n,)
        Near-duplicate group of each post.
    y, mask : int8 and bool arrays of shape (n, k)
        Targets.
    share : float
        Of the posts, above 0 and at most 0.5; rounded to a fraction with a denominator of at most
        20, or to 1/m where it is below 0.05.
    seed : int
        The same seed draws the same posts.

    Returns
    -------
    bool array of shape (n,)

    Raises
    ------
    TooFewError
        If there are fewer groups than parts.
    """
    if not 0 < share <= 0.5:
        raise ValueError(f"share must be above 0 and at most 0.5, not {share}")
    part = Fraction(share).limit_denominator(max(_PARTS, ceil(1 / share)))
    n_groups = members(groups)[1]
    if n_groups < part.denominator:
        raise TooFewError(
            f"{n_groups} near-duplicate groups of labelled posts are too few "
            f"to set {share:g} of them aside for testing",
            remedy="Label more posts, or set none aside.",
        )
    parts = grouped_folds(y, mask, groups, n_folds=part.denominator, seed=seed)
    return np.asarray(parts < part.numerator)


def held_out_by(
    test_ids: Sequence[str], post_ids: Sequence[str], groups: ArrayLike
) -> NDArray[np.bool_]:
    """Mark the posts that must not teach: frozen test posts and every near-duplicate of theirs.

    Parameters
    ----------
    test_ids : sequence of str
        The frozen test set. One that is no longer among `post_ids` holds nothing back, as nobody
        can say what its copies are.
    post_ids, groups : sequences of length n
        The posts at hand and their near-duplicate groups.

    Returns
    -------
    bool array of shape (n,)
    """
    frozen = set(test_ids)
    member, n_groups = members(groups)
    touched = np.zeros(n_groups, dtype=bool)
    touched[member[[post_id in frozen for post_id in post_ids]]] = True
    return touched[member]
