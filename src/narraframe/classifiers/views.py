"""What a post is described by, and one head for each description.

Terms are counted once; which of them are kept and how they weigh is then learned from the training
rows alone, as if the rest had never been read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from narraframe.classifiers.kernel_ridge import RidgeHead
from narraframe.classifiers.kernels import Matrix, kernel
from narraframe.classifiers.linear import FoldMaker, LinearHead
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.terms import (
    ANALYZERS,
    TermWeights,
    count_terms,
    fit_terms,
    weigh_terms,
)
from narraframe.classifiers.tuned import (
    TunedHead,
    Tuner,
    fit_tuned,
    score_tuned,
    tuned_vectors,
    unit,
)

DENSE = ("embedding", "sentences", "definitions")
_ALPHA = {"rbf": 0.3, "linear": 1.0}


@dataclass(frozen=True)
class Described:
    """Posts before anything is learned, n rows in each part.

    `vectors`: float32 (n, d) of each view that has any; `definitions` float32 (k, d): what the
    codebook says of each label, rows of nan where it says nothing; `counts` csr (n, terms) and
    `terms` of "words" and "characters"; `texts` and the `tuner` that reads them, for "tuned".
    """

    n: int
    vectors: Mapping[str, NDArray[np.float32]]
    counts: Mapping[str, sp.csr_matrix]
    terms: Mapping[str, tuple[str, ...]]
    definitions: NDArray[np.float32] | None = None
    texts: Sequence[str] = ()
    tuner: Tuner | None = None


@dataclass(frozen=True)
class FittedView:
    """What scores a view: `coefficients` float32 along features (f, k), or along the `landmarks`
    (m, f) of an RBF kernel, and `intercept` (k,). For "definitions" the landmarks are the labels'
    vectors, and the intercept is the usual likeness to each. "tuned" has none of these but its
    `tuned` heads, whose scores' mean is its score.
    """

    view: str
    coefficients: NDArray[np.float32]
    intercept: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None = None
    weights: TermWeights | None = None
    tuned: tuple[TunedHead, ...] = ()


def describe(
    texts: Sequence[str],
    vectors: Mapping[str, NDArray[np.float32]],
    settings: HeadSettings,
    *,
    terms: Mapping[str, tuple[str, ...]] | None = None,
    definitions: NDArray[np.float32] | None = None,
    tuner: Tuner | None = None,
) -> Described:
    """Describe posts one by one; no row depends on another.

    Parameters
    ----------
    texts : sequence of str of length n
        What the encoder saw of the posts.
    vectors : mapping
        "embedding" and "sentences", float32 (n, d), as far as the views of `settings` need them;
        to score "tuned", what `tuned_vectors` returns.
    settings : HeadSettings
        Which views are used.
    terms : mapping, default=None
        The terms to count in "words" and "characters". None counts those in `settings.min_df`
        texts or more: a term in fewer of all texts is in fewer of any part of them.
    definitions : float32 array of shape (k, d), default=None
        Vectors of what the codebook says of each label, nan where nothing; to fit "definitions".
    tuner : Tuner, default=None
        To fit "tuned".
    """
    counts, names = {}, {}
    for view in settings.features:
        if view in ANALYZERS:
            given = None if terms is None else terms[view]
            counts[view], names[view] = count_terms(texts, view, settings.min_df, given)
    dense = {}
    for view in settings.features:
        if view == "tuned":
            if view in vectors:
                dense[view] = vectors[view]
        elif view not in ANALYZERS:
            dense[view] = unit(np.asarray(vectors[source(view)], dtype=np.float32))
    return Described(len(texts), dense, counts, names, definitions, texts, tuner)


def source(view: str) -> str:
    """Name the vectors that a view is made of."""
    return "embedding" if view == "definitions" else view


def fit_view(
    view: str,
    posts: Described,
    rows: NDArray[np.intp],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    groups: NDArray[np.intp],
    *,
    settings: HeadSettings,
    make_folds: FoldMaker,
    seed: int,
) -> tuple[FittedView, NDArray[np.float64]]:
    """Fit a view's head on the posts at `rows`; `y`, `mask`, `groups` belong to those posts.

    Returns
    -------
    The head, and its scores (rows, k) of known cells by fits that did not see the post's group.
    Terms and their weights, which know no label, are those of all `rows`: a rare term that a post
    shares with one other would not be kept without it. Refits on 300 headlines ranked worse by .03
    (words) and .01 (characters) mean average precision; figures of quality do not rest on this.
    """
    if view == "definitions":
        return fit_definitions(posts, rows)
    if view == "tuned":
        return _fit_tuned(posts, rows, y, mask, groups, make_folds=make_folds, seed=seed)
    weights = None
    if view in ANALYZERS:
        weights = fit_terms(posts.counts[view], rows, min_df=settings.min_df)
    x = _matrix(view, posts, rows, weights)
    if settings.head == "ridge":
        kind = "rbf" if view in DENSE else "linear"
        ridge = RidgeHead(kernel=kind, alpha=_ALPHA[kind], seed=seed)
        ridge.fit(x, y, mask=mask, groups=groups)
        return _of_ridge(view, ridge, weights), ridge.held_out_scores_
    head = LinearHead(kind=settings.head, make_folds=make_folds, seed=seed)
    head.fit(x, y, mask=mask, groups=groups)
    parts = head.coefficients_[:-1], head.coefficients_[-1]
    return FittedView(view, *parts, weights=weights), head.held_out_scores_


def score_view(fitted: FittedView, posts: Described, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the scores (rows, k) of a view; 0 where it says nothing of a label."""
    if fitted.view == "definitions":
        assert fitted.landmarks is not None
        alike = _likeness(posts.vectors["definitions"][rows], fitted.landmarks)
        return np.nan_to_num(alike - fitted.intercept)
    if fitted.view == "tuned":
        return score_tuned(fitted.tuned, _tuned_vectors(fitted, posts, rows))
    x = _matrix(fitted.view, posts, rows, fitted.weights)
    coefficients = fitted.coefficients.astype(np.float64)
    if fitted.landmarks is not None:
        return np.asarray(kernel(x, fitted.landmarks, "rbf", dtype=np.float64) @ coefficients)
    return np.asarray(x.astype(np.float64) @ coefficients) + fitted.intercept


def _of_ridge(view: str, ridge: RidgeHead, weights: TermWeights | None) -> FittedView:
    if ridge.kernel == "rbf":
        nothing = np.zeros(ridge.coefficients_.shape[1], dtype=np.float32)
        return FittedView(view, ridge.coefficients_, nothing, landmarks=ridge.landmarks_)
    along = ridge.landmarks_.T @ ridge.coefficients_
    return FittedView(
        view, np.asarray(along, np.float32), ridge.coefficients_.sum(axis=0), weights=weights
    )


def _matrix(
    view: str, posts: Described, rows: NDArray[np.intp], weights: TermWeights | None
) -> Matrix:
    if weights is not None:
        return weigh_terms(posts.counts[view][rows], weights)
    return posts.vectors[view][rows]


def fit_definitions(
    posts: Described, rows: NDArray[np.intp]
) -> tuple[FittedView, NDArray[np.float64]]:
    """Learn only what likeness is usual: it takes no label, so the scores are of unseen labels."""
    if posts.definitions is None:
        raise ValueError("the view definitions needs the labels' vectors")
    about = posts.definitions
    alike = _likeness(posts.vectors["definitions"][rows], about)
    usual = np.nan_to_num(alike.mean(axis=0)).astype(np.float32)
    nothing = np.zeros((0, len(about)), dtype=np.float32)
    fitted = FittedView("definitions", nothing, usual, landmarks=about)
    return fitted, score_view(fitted, posts, rows)


def _fit_tuned(
    posts: Described,
    rows: NDArray[np.intp],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    groups: NDArray[np.intp],
    *,
    make_folds: FoldMaker,
    seed: int,
) -> tuple[FittedView, NDArray[np.float64]]:
    if posts.tuner is None:
        raise ValueError("the view tuned needs a tuner")
    texts = [posts.texts[i] for i in rows]
    heads, scores = fit_tuned(
        texts, y, mask, groups, tuner=posts.tuner, make_folds=make_folds, seed=seed
    )
    k = y.shape[1]
    nothing = np.zeros((0, k), dtype=np.float32), np.zeros(k, dtype=np.float32)
    return FittedView("tuned", *nothing, tuned=heads), scores


def _tuned_vectors(
    fitted: FittedView, posts: Described, rows: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return the vectors that were made before; else let the tuner make them."""
    if "tuned" in posts.vectors:
        return posts.vectors["tuned"][rows]
    if posts.tuner is None:
        raise ValueError("the view tuned needs vectors, or a tuner")
    return tuned_vectors(fitted.tuned, posts.tuner, [posts.texts[i] for i in rows])


def _likeness(vectors: NDArray[np.float32], about: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return each post's likeness to each label, less its mean likeness to all; nan = unknown."""
    alike: NDArray[np.float64] = vectors.astype(np.float64) @ about.T.astype(np.float64)
    said = np.isfinite(about).all(axis=1)
    if said.any():
        alike -= alike[:, said].mean(axis=1, keepdims=True)
    return alike
