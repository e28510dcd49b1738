"""Everything that is learned for a set of labels: views, their stack, thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from narraframe.classifiers.bend import fit_bend
from narraframe.classifiers.facets import answerable, fixed_for_choices, opened
from narraframe.classifiers.from_codebook import CUT, RARE, CodebookScores
from narraframe.classifiers.linear import FoldMaker
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.softmax import fit_softmax, softmax
from narraframe.classifiers.stack import Stack, fit_stack, logits
from narraframe.classifiers.structure import Structure, abstain, cohere, decide
from narraframe.classifiers.thresholds import precise_thresholds, tune_thresholds
from narraframe.classifiers.views import Described, FittedView, fit_view, score_view

DECIMALS = 6
"""Sums over landmarks may differ in their last bits from batch to batch; a probability of so many
decimals does not.
"""


@dataclass(frozen=True)
class Heads:
    """Heads for k labels; `thresholds` float64 (k,), each a float32; `abstain` the risk above which
    there is no decision, 0 = always one.

    Where `reasons` is not "", the label was not trained: its stack and threshold are nan, or those
    by which the codebook alone scores it.
    """

    views: tuple[FittedView, ...]
    stack: Stack
    thresholds: NDArray[np.float64]
    reasons: tuple[str, ...]
    structure: Structure
    abstain: float = 0.0


@dataclass(frozen=True)
class Prediction:
    """`probability` float32 (n, k), nan where there is none; `decision` bool (n, k); `abstained`
    bool (n, k): too close to call, so that the decision is not to be used.
    """

    probability: NDArray[np.float32]
    decision: NDArray[np.bool_]
    abstained: NDArray[np.bool_]


@dataclass(frozen=True)
class ViewScores:
    """The heads of all views, with their scores (v, rows, k) of posts that they did not see."""

    fitted: tuple[FittedView, ...]
    scores: NDArray[np.float64]


def fit_views(
    posts: Described,
    rows: NDArray[np.intp],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    groups: NDArray[np.intp],
    *,
    settings: HeadSettings,
    make_folds: FoldMaker,
    seed: int,
    views: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
) -> ViewScores:
    """Fit each view's head on the posts at `rows`; `y`, `mask`, `groups` belong to those posts.

    `views` are some of those of the settings; default: all.
    """
    wanted = mask & (too_few(y, mask, settings.min_positive) == "")
    fitted, scores = [], []
    for view in views or settings.features:
        head, unseen = fit_view(
            view,
            posts,
            rows,
            y,
            wanted,
            groups,
            settings=settings,
            make_folds=make_folds,
            seed=seed,
        )
        fitted.append(head)
        scores.append(unseen)
        if progress is not None:
            progress(1)
    return ViewScores(tuple(fitted), np.array(scores))


def fit_heads(
    views: ViewScores,
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    groups: NDArray[np.intp],
    *,
    settings: HeadSettings,
    structure: Structure,
    codebook: CodebookScores | None = None,
) -> tuple[Heads, NDArray[np.float32]]:
    """Weigh the views against each other, and tune the thresholds, on scores of unseen posts.

    A label that cannot be trained is scored by the `codebook`, as far as that scores it: no label
    of a post has a part in that score, and the stack of the other labels does not change. From
    `RARE` posts on that hardly show it, it is not: then it is rare, and likeness would count it
    where it is not.

    Returns
    -------
    The heads, and the probability (n, k) of each known cell by heads that did not see its post
    (the stack and the thresholds did); nan elsewhere.
    """
    reasons = too_few(y, mask, settings.min_positive)
    known = mask & np.isfinite(views.scores).all(axis=0) & (reasons == "")
    reasons = np.where(reasons == "", _one_sided(y, known, groups), reasons)
    stack = fit_stack(views.scores, y, known & (reasons == ""))
    told = expit(logits(views.scores, stack))
    reasons = np.where(reasons == "", _untold(told, known), reasons)
    trained = reasons == ""
    known &= trained
    stack = stack.only(trained)
    fallen = np.zeros_like(trained)
    if codebook is not None:
        fallen = ~trained & (mask.sum(axis=0) < RARE) & np.isfinite(codebook.stack.intercept)
    scored = trained | fallen
    structure = opened(answerable(structure, scored), y, mask, trained)
    stack = _bent(stack, views.scores, y, known, structure)
    for choice in structure.choices:
        stack = fit_softmax(stack, views.scores, y, known, choice)
    if codebook is not None and fallen.any():
        views, stack = _fall_back(views, stack, codebook, fallen)
    p = _probability(views.scores, stack, structure)
    if settings.aim == "precision":
        thresholds = precise_thresholds(y, p, known, precision=settings.precision)
    else:
        thresholds = tune_thresholds(y, p, known)
    thresholds = np.where(fallen, CUT, thresholds)
    thresholds = fixed_for_choices(thresholds, structure, scored)
    heads = Heads(
        views.fitted, stack, thresholds, tuple(map(str, reasons)), structure, settings.abstain
    )
    return heads, np.where(known, p, np.float32(np.nan))


def predict_heads(posts: Described, rows: NDArray[np.intp], heads: Heads) -> Prediction:
    """Score the posts at `rows`."""
    scores = np.array([score_view(view, posts, rows) for view in heads.views])
    p = _probability(scores, heads.stack, heads.structure)
    decision = decide(p, heads.thresholds, heads.structure)
    unsure = abstain(p, decision, heads.structure, risk=heads.abstain)
    return Prediction(p, decision, unsure)


def too_few(y: NDArray[np.int8], mask: NDArray[np.bool_], least: int) -> NDArray[np.str_]:
    """Name the labels that have fewer than `least` known positives or negatives, "" = enough."""
    positive = ((y == 1) & mask).sum(axis=0)
    negative = ((y == 0) & mask).sum(axis=0)
    few_negatives = np.where(negative == 0, "no negatives", "too few negatives")
    return np.where(
        positive < least, "too few positives", np.where(negative < least, few_negatives, "")
    )


def _bent(
    stack: Stack,
    scores: NDArray[np.float64],
    y: NDArray[np.int8],
    known: NDArray[np.bool_],
    structure: Structure,
) -> Stack:
    """Bend the labels that are answered yes or no; a single-choice facet's have a softmax."""
    free = np.ones(y.shape[1], dtype=np.bool_)
    for choice in structure.choices:
        free[list(choice.leaves + choice.parents)] = False
    free &= np.isfinite(stack.intercept)
    if not free.any():
        return stack
    bend = stack.bend.copy()
    bend[:, free] = fit_bend(logits(scores, stack), y, known & free)[:, None]
    return replace(stack, bend=bend)


def _probability(
    scores: NDArray[np.float64], stack: Stack, structure: Structure
) -> NDArray[np.float32]:
    logit = logits(scores, stack)
    p = expit(logit)
    for choice in structure.choices:
        leaves = list(choice.leaves)
        p[:, leaves] = softmax(logit[:, leaves], choice)
    return np.round(cohere(p, structure), DECIMALS).astype(np.float32)


def _one_sided(
    y: NDArray[np.int8], known: NDArray[np.bool_], groups: NDArray[np.intp]
) -> NDArray[np.str_]:
    """Name the labels whose positives, or negatives, are one post and its copies."""

    def several(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.array([len(np.unique(groups[column])) > 1 for column in cells.T], dtype=np.bool_)

    positive, negative = several((y == 1) & known), several((y == 0) & known)
    return np.where(
        ~positive,
        "positives in one group of copies only",
        np.where(~negative, "negatives in one group of copies only", ""),
    )


def _untold(p: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.str_]:
    """Name the labels to which all posts give one probability: any cut says all posts or none."""
    rounded = np.round(p, DECIMALS)
    lowest = np.where(known, rounded, np.inf).min(axis=0)
    highest = np.where(known, rounded, -np.inf).max(axis=0)
    return np.where(lowest == highest, "cannot be told from the text", "")


def _fall_back(
    views: ViewScores, stack: Stack, codebook: CodebookScores, fallen: NDArray[np.bool_]
) -> tuple[ViewScores, Stack]:
    """Have the view "definitions" alone score the `fallen` labels, bool (k,), by the codebook.

    Where it is not among the views it joins them, without weight for the other labels.
    """
    fitted, scores = list(views.fitted), [np.where(fallen, 0.0, view) for view in views.scores]
    slopes = [np.where(fallen, 0.0, slope) for slope in stack.slopes]
    at = next((i for i, view in enumerate(fitted) if view.view == "definitions"), None)
    if at is None:
        at = len(fitted)
        fitted.append(codebook.view)
        scores.append(codebook.scores)
        slopes.append(np.where(np.isfinite(stack.intercept), 0.0, np.nan))
    usual = np.where(fallen, codebook.view.intercept, fitted[at].intercept)
    fitted[at] = replace(fitted[at], intercept=usual)
    scores[at] = np.where(fallen, codebook.scores, scores[at])
    slopes[at] = np.where(fallen, codebook.stack.slopes[0], slopes[at])
    intercept = np.where(fallen, codebook.stack.intercept, stack.intercept)
    stack = replace(stack, slopes=np.array(slopes), intercept=intercept)
    return ViewScores(tuple(fitted), np.array(scores)), stack
