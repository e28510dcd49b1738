"""Everything that is learned for a set of labels: terms, ridge heads, calibration, thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from narraframe.classifiers.calibration import Calibration, calibrate, probability
from narraframe.classifiers.features import RawFeatures, TermWeights, design, fit_terms
from narraframe.classifiers.ridge import fit_ridge, score
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.structure import Choice, Structure, cohere, decide
from narraframe.classifiers.thresholds import tune_thresholds


@dataclass(frozen=True)
class Heads:
    """Heads for k labels; `coefficients` float32 (f, k), `thresholds` float64 (k,), each a float32.

    Where `reasons` is not "", the label was not trained: its calibration and threshold are nan.
    """

    term_weights: tuple[TermWeights, ...]
    coefficients: NDArray[np.float32]
    calibration: Calibration
    thresholds: NDArray[np.float64]
    reasons: tuple[str, ...]
    structure: Structure


@dataclass(frozen=True)
class Prediction:
    """`probability` float32 (n, k), nan where there is none; `decision` bool (n, k)."""

    probability: NDArray[np.float32]
    decision: NDArray[np.bool_]


def fit_heads(
    raw: RawFeatures,
    rows: NDArray[np.intp],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    folds: NDArray[np.intp],
    *,
    settings: HeadSettings,
    structure: Structure,
    progress: Callable[[int], None] | None = None,
) -> Heads:
    """Learn from the posts at `rows` of `raw` only; `y`, `mask`, `folds` belong to those posts.

    Calibration and thresholds are fitted on scores from heads that did not see the post's fold.
    """
    reasons = _too_few(y, mask, settings.min_positive)
    scores = _out_of_fold_scores(raw, rows, y, mask & (reasons == ""), folds, settings, progress)
    known = mask & np.isfinite(scores)
    reasons = np.where(reasons == "", _one_sided(y, known), reasons)
    calibration = calibrate(scores, y, known & (reasons == ""))
    reasons = np.where(reasons == "", _untold(probability(scores, calibration), known), reasons)
    trained = reasons == ""
    known &= trained
    calibration = calibration.only(trained)
    structure = _opened(structure, y, mask, trained)
    p = cohere(probability(scores, calibration), structure).astype(np.float32)
    thresholds = _fixed_for_choices(tune_thresholds(y, p, known), structure, trained)
    weights = fit_terms(raw, rows, settings)
    coefficients = fit_ridge(design(raw, rows, weights), y, mask & trained, alpha=settings.alpha)
    if progress is not None:
        progress(1)
    return Heads(
        weights, coefficients, calibration, thresholds, tuple(map(str, reasons)), structure
    )


def predict_heads(raw: RawFeatures, rows: NDArray[np.intp], heads: Heads) -> Prediction:
    """Score the posts at `rows` of `raw`."""
    scores = score(design(raw, rows, heads.term_weights), heads.coefficients)
    p = cohere(probability(scores, heads.calibration), heads.structure).astype(np.float32)
    return Prediction(p, decide(p, heads.thresholds, heads.structure))


def _out_of_fold_scores(
    raw: RawFeatures,
    rows: NDArray[np.intp],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    folds: NDArray[np.intp],
    settings: HeadSettings,
    progress: Callable[[int], None] | None,
) -> NDArray[np.float64]:
    """Return scores (n, k), nan where the other folds lack positives or negatives of the label."""
    scores = np.full(y.shape, np.nan)
    for fold in np.unique(folds):
        out = folds == fold
        inside = rows[~out]
        weights = fit_terms(raw, inside, settings)
        coefficients = fit_ridge(
            design(raw, inside, weights), y[~out], mask[~out], alpha=settings.alpha
        )
        fitted = _one_sided(y[~out], mask[~out]) == ""
        found = score(design(raw, rows[out], weights), coefficients)
        scores[np.ix_(out, fitted)] = found[:, fitted]
        if progress is not None:
            progress(1)
    return scores


def _too_few(y: NDArray[np.int8], mask: NDArray[np.bool_], least: int) -> NDArray[np.str_]:
    positive = ((y == 1) & mask).sum(axis=0)
    negative = ((y == 0) & mask).sum(axis=0)
    few_negatives = np.where(negative == 0, "no negatives", "too few negatives")
    return np.where(
        positive < least, "too few positives", np.where(negative < least, few_negatives, "")
    )


def _one_sided(y: NDArray[np.int8], known: NDArray[np.bool_]) -> NDArray[np.str_]:
    """Name the labels whose known cells do not hold both values."""
    positive = ((y == 1) & known).any(axis=0)
    negative = ((y == 0) & known).any(axis=0)
    return np.where(
        ~positive,
        "positives in one fold only",
        np.where(~negative, "negatives in one fold only", ""),
    )


def _untold(p: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.str_]:
    """Name the labels to which all posts give one probability: any cut says all posts or none."""
    rounded = p.astype(np.float32)
    lowest = np.where(known, rounded, np.inf).min(axis=0)
    highest = np.where(known, rounded, -np.inf).max(axis=0)
    return np.where(lowest == highest, "cannot be told from the text", "")


def _opened(
    structure: Structure,
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    trained: NDArray[np.bool_],
) -> Structure:
    """Mark the single-choice facets that may stay without an answer."""

    def is_open(choice: Choice) -> bool:
        leaves = list(choice.leaves)
        none = mask[:, leaves].all(axis=1) & (y[:, leaves] == 0).all(axis=1)
        return bool(not trained[leaves].all() or none.any())

    choices = tuple(replace(choice, is_open=is_open(choice)) for choice in structure.choices)
    return replace(structure, choices=choices)


def _fixed_for_choices(
    thresholds: NDArray[np.float64], structure: Structure, trained: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Give single-choice labels the least probability that a most probable label can have."""
    thresholds = thresholds.copy()
    for choice in structure.choices:
        columns = np.array(choice.leaves + choice.parents, dtype=np.intp)
        ways = max(int(trained[list(choice.leaves)].sum()) + choice.is_open, 1)
        thresholds[columns[trained[columns]]] = np.float32(1 / ways)
    return thresholds
