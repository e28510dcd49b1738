"""Honest probabilities for posts that are labelled: each from heads that never saw its fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from narraframe.classifiers.features import count
from narraframe.classifiers.fit import check_inputs
from narraframe.classifiers.heads import fit_heads, predict_heads
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.structure import build_structure


class FoldMaker(Protocol):
    """Assigns posts to folds, whole groups together: a partial of `grouped_folds` fits."""

    def __call__(
        self,
        y: NDArray[np.int8],
        mask: NDArray[np.bool_],
        groups: NDArray[np.intp],
        /,
        *,
        seed: int,
    ) -> NDArray[np.intp]:
        """Return the fold of each post."""
        ...


@dataclass(frozen=True)
class OutOfFold:
    """`probability` float32 and `decision` bool (n, k), `fold` (n,): who scored each post.

    Probability is nan where the other folds could not train the label.
    """

    probability: NDArray[np.float32]
    decision: NDArray[np.bool_]
    fold: NDArray[np.intp]


def cross_fit(
    vectors: NDArray[np.float32],
    texts: Sequence[str],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    label_ids: Sequence[str],
    *,
    groups: ArrayLike,
    folds: NDArray[np.intp],
    make_inner_folds: FoldMaker,
    seed: int,
    settings: HeadSettings,
    parents: Mapping[str, str],
    single_choice: Sequence[Sequence[str]],
    progress: Callable[[int], None] | None = None,
) -> OutOfFold:
    """Score every post by a classifier trained without its fold, thresholds included.

    Nothing of a fold reaches its own scores: terms and their weights, heads, calibration and
    thresholds are learned from the other folds, calibration and thresholds on inner folds of them.
    (Only the counting of words in a post is shared, and that looks at no other post.)

    Parameters
    ----------
    vectors, texts, y, mask, label_ids, settings, parents, single_choice
        As for `fit_classifier`.
    groups : array-like of shape (n,)
        Near-duplicate group of each post.
    folds : intp array of shape (n,)
        The outer fold of each post.
    make_inner_folds : callable
        Called as ``make_inner_folds(y, mask, groups, seed=seed)`` with the rows outside a fold.
    seed : int
        Passed on; the same seed gives the same bytes.
    progress : callable, default=None
        Called with 1 after each fit: for each outer fold, its inner folds and one.

    Raises
    ------
    ValueError
        If an outer or inner fold splits a group.
    TrainingError
        If the embeddings are not finite, or `make_inner_folds` cannot fill its folds.
    """
    check_inputs(vectors, texts, y, mask, label_ids, settings)
    member = np.unique(np.asarray(groups), return_inverse=True)[1]
    _check_together(member, folds)
    structure = build_structure(label_ids, parents=parents, single_choice=single_choice)
    probability = np.full(y.shape, np.nan, dtype=np.float32)
    decision = np.zeros(y.shape, dtype=bool)
    with threadpool_limits(limits=1):
        raw = count(vectors, texts, settings)
        for fold in np.unique(folds):
            out, rows = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            inner = make_inner_folds(y[rows], mask[rows], member[rows], seed=seed)
            _check_together(member[rows], inner)
            heads = fit_heads(
                raw,
                rows,
                y[rows],
                mask[rows],
                inner,
                settings=settings,
                structure=structure,
                progress=progress,
            )
            found = predict_heads(raw, out, heads)
            probability[out], decision[out] = found.probability, found.decision
    return OutOfFold(probability, decision, folds)


def _check_together(member: NDArray[np.intp], folds: NDArray[np.intp]) -> None:
    """Refuse folds that put near-duplicates on both sides: every figure would flatter."""
    if len(np.unique(folds)) < 2:
        raise ValueError("there must be at least two folds")
    pairs = np.unique(np.column_stack([member, folds]), axis=0)
    if len(pairs) > len(np.unique(member)):
        raise ValueError("folds split a group of near-duplicates")
