"""Honest probabilities for posts that are labelled: each from heads that never saw its group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from narraframe.classifiers.fit import check_inputs
from narraframe.classifiers.from_codebook import Background, score_by_codebook, with_definitions
from narraframe.classifiers.heads import (
    Prediction,
    ViewScores,
    fit_heads,
    fit_views,
    predict_heads,
)
from narraframe.classifiers.linear import FoldMaker
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.structure import build_structure
from narraframe.classifiers.tuned import Tuner
from narraframe.classifiers.views import Described, describe

__all__ = ["CrossFit", "FoldMaker", "OutOfFold", "RowSplit", "chosen", "cross_fit"]


class RowSplit(Protocol):
    """Rows to train on and rows to test on; no near-duplicate group is on both sides."""

    @property
    def train(self) -> NDArray[np.intp]:
        """Rows that may be learned from."""

    @property
    def test(self) -> NDArray[np.intp]:
        """Rows that are scored."""


@dataclass(frozen=True)
class OutOfFold:
    """`probability` float32, `decision` and `abstained` bool (n, k); `fold` (n,): the split that
    scored each post, -1 = none did.

    Probability is nan where the training side could neither train the label nor score it by the
    codebook.
    """

    probability: NDArray[np.float32]
    decision: NDArray[np.bool_]
    abstained: NDArray[np.bool_]
    fold: NDArray[np.intp]


@dataclass(frozen=True)
class CrossFit:
    """What each of c candidates did on the test side of each split, and its `evidence` (splits, c)
    from the training side alone: mean average precision on posts that its heads did not see.
    """

    candidates: tuple[OutOfFold, ...]
    evidence: NDArray[np.float64]


def cross_fit(
    vectors: Mapping[str, NDArray[np.float32]],
    texts: Sequence[str],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    label_ids: Sequence[str],
    *,
    groups: ArrayLike,
    splits: Sequence[RowSplit],
    candidates: Sequence[HeadSettings],
    make_folds: FoldMaker,
    parents: Mapping[str, str],
    single_choice: Sequence[Sequence[str]],
    definitions: NDArray[np.float32] | None = None,
    background: Background | None = None,
    tuner: Tuner | None = None,
    seed: int = 0,
    honest: bool = True,
    progress: Callable[[int], None] | None = None,
) -> CrossFit:
    """Score the test side of each split by classifiers trained on its training side alone.

    Nothing of a test post reaches its own scores: terms and their weights, heads, stack and
    thresholds are learned from the training side. (Only the counting of words in a post is shared,
    and that looks at no other post.)

    Parameters
    ----------
    vectors, texts, y, mask, label_ids, groups, make_folds, parents, single_choice, definitions
    tuner, seed
        As for `fit_classifier`.
    background
        As for `fit_classifier`; of the labelled posts, only those of a training side are in its
        background.
    splits : sequence of row splits
        Test sides do not overlap.
    candidates : sequence of HeadSettings
        One or several; heads that several share are fitted once.
    honest : bool, default=True
        False lets a split separate near-duplicates, to show what that would have given.
    progress : callable, default=None
        Called with 1 after each split.

    Raises
    ------
    ValueError
        If a split separates a group, or test sides overlap.
    TrainingError
        If the embeddings are not finite.
    """
    check_inputs(vectors, texts, y, mask, label_ids)
    member = np.unique(np.asarray(groups), return_inverse=True)[1]
    if honest:
        _check_together(member, splits)
    structure = build_structure(label_ids, parents=parents, single_choice=single_choice)
    results = [_nothing(y.shape) for _ in candidates]
    evidence = np.full((len(splits), len(candidates)), np.nan)
    with threadpool_limits(limits=1):
        settings = _all_views(candidates)
        described = settings if background is None else with_definitions(settings)
        posts = describe(texts, vectors, described, definitions=definitions, tuner=tuner)
        for i, split in enumerate(splits):
            part = _Part(posts, split.train, y[split.train], mask[split.train], member[split.train])
            codebook = score_by_codebook(posts, split.train, background)
            for c, settings in enumerate(candidates):
                views = part.views(settings, make_folds=make_folds, seed=seed)
                heads, unseen = fit_heads(
                    views,
                    part.y,
                    part.mask,
                    part.groups,
                    settings=settings,
                    structure=structure,
                    codebook=codebook,
                )
                evidence[i, c] = _mean_average_precision(part.y, part.mask, unseen)
                _put(results[c], predict_heads(posts, split.test, heads), split.test, i)
            if progress is not None:
                progress(1)
    return CrossFit(tuple(results), evidence)


def chosen(fitted: CrossFit) -> OutOfFold:
    """Return what the choice of a candidate by evidence gives: each split has its own best.

    As the choice is made on the training sides, figures on the result tell of the whole procedure,
    choice included; those of the best candidate afterwards would flatter.
    """
    if len(fitted.candidates) == 1:
        return fitted.candidates[0]
    first = fitted.candidates[0]
    result = _nothing(first.probability.shape)
    for i, row in enumerate(fitted.evidence):
        best = fitted.candidates[int(np.argmax(np.nan_to_num(row, nan=-1)))]
        rows = np.flatnonzero(best.fold == i)
        here = Prediction(best.probability[rows], best.decision[rows], best.abstained[rows])
        _put(result, here, rows, i)
    return result


@dataclass
class _Part:
    """The training side of a split, with the views fitted on it so far."""

    posts: Described
    rows: NDArray[np.intp]
    y: NDArray[np.int8]
    mask: NDArray[np.bool_]
    groups: NDArray[np.intp]

    def __post_init__(self) -> None:
        self._fitted: dict[object, ViewScores] = {}

    def views(self, settings: HeadSettings, *, make_folds: FoldMaker, seed: int) -> ViewScores:
        found = []
        for view in settings.features:
            key = (view, settings.head, settings.min_df, settings.min_positive)
            if key not in self._fitted:
                self._fitted[key] = fit_views(
                    self.posts,
                    self.rows,
                    self.y,
                    self.mask,
                    self.groups,
                    settings=settings,
                    views=(view,),
                    make_folds=make_folds,
                    seed=seed,
                )
            found.append(self._fitted[key])
        return ViewScores(
            tuple(part.fitted[0] for part in found), np.concatenate([p.scores for p in found])
        )


def _all_views(candidates: Sequence[HeadSettings]) -> HeadSettings:
    used = dict.fromkeys(view for settings in candidates for view in settings.features)
    least = min(settings.min_df for settings in candidates)
    return replace(candidates[0], features=tuple(used), min_df=least)


def _nothing(shape: tuple[int, ...]) -> OutOfFold:
    return OutOfFold(
        np.full(shape, np.nan, dtype=np.float32),
        np.zeros(shape, dtype=np.bool_),
        np.zeros(shape, dtype=np.bool_),
        np.full(shape[0], -1, dtype=np.intp),
    )


def _put(result: OutOfFold, found: Prediction, rows: NDArray[np.intp], split: int) -> None:
    if (result.fold[rows] >= 0).any():
        raise ValueError("a post is on the test side of two splits")
    result.probability[rows], result.decision[rows] = found.probability, found.decision
    result.abstained[rows], result.fold[rows] = found.abstained, split


def _mean_average_precision(
    y: NDArray[np.int8], mask: NDArray[np.bool_], p: NDArray[np.float32]
) -> float:
    """Return the mean over all labels with known positives; cells without probability rank last.

    So a label that was not trained counts as one told by chance: else the candidate that trains
    nothing but the easy labels would look best.
    """
    from sklearn.metrics import average_precision_score

    ranked = np.nan_to_num(p)
    usable = [j for j in range(y.shape[1]) if (y[mask[:, j], j] == 1).any()]
    figures = [average_precision_score(y[mask[:, j], j], ranked[mask[:, j], j]) for j in usable]
    return float(np.mean(figures)) if figures else float("nan")


def _check_together(member: NDArray[np.intp], splits: Sequence[RowSplit]) -> None:
    """Refuse splits that put near-duplicates on both sides: every figure would flatter."""
    for split in splits:
        if np.intersect1d(member[split.train], member[split.test]).size:
            raise ValueError("a split separates a group of near-duplicates")
