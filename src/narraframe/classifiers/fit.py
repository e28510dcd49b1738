"""Train a classifier on all labelled posts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from narraframe.classifiers.classifier import Classifier
from narraframe.classifiers.features import TermWeights, count
from narraframe.classifiers.heads import fit_heads
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.structure import build_structure
from narraframe.errors import TrainingError


def fit_classifier(
    vectors: NDArray[np.float32],
    texts: Sequence[str],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    label_ids: Sequence[str],
    *,
    folds: NDArray[np.intp],
    settings: HeadSettings,
    parents: Mapping[str, str],
    single_choice: Sequence[Sequence[str]],
    progress: Callable[[int], None] | None = None,
) -> Classifier:
    """Train one head per label, with calibration and threshold from out-of-fold scores.

    Parameters
    ----------
    vectors : float32 array of shape (n, d)
        Embeddings of the labelled posts.
    texts : sequence of str of length n
        What the encoder saw of them.
    y, mask : int8 and bool arrays of shape (n, k)
        Targets. Unknown cells take no part.
    label_ids : sequence of str of length k
        Columns of `y`.
    folds : intp array of shape (n,)
        Fold of each post, for the out-of-fold scores; near-duplicates must share one.
    settings : HeadSettings
        Features and strengths.
    parents : mapping of str to str
        Label id of the parent, for labels that have one.
    single_choice : sequence of sequences of label ids
        The labels of each single-choice facet.
    progress : callable, default=None
        Called with 1 after each of the ``len(set(folds)) + 1`` fits.

    Returns
    -------
    Classifier
        A label with fewer than `settings.min_positive` known positives or negatives, or whose
        out-of-fold probability is the same for every post, is not trained: probability and
        threshold nan, and the reason in `reasons`.

    Raises
    ------
    TrainingError
        If no label can be trained, there is one fold only, or the embeddings are not finite.
    """
    check_inputs(vectors, texts, y, mask, label_ids, settings)
    if len(folds) != len(texts):
        raise ValueError(f"{len(folds)} folds for {len(texts)} posts")
    if len(np.unique(folds)) < 2:
        raise TrainingError("all labelled posts are in one fold", remedy="Label more posts.")
    structure = build_structure(label_ids, parents=parents, single_choice=single_choice)
    with threadpool_limits(limits=1):
        raw = count(vectors, texts, settings)
        heads = fit_heads(
            raw,
            np.arange(len(texts)),
            y,
            mask,
            folds,
            settings=settings,
            structure=structure,
            progress=progress,
        )
    if all(heads.reasons):
        raise TrainingError(
            f"none of {len(label_ids)} labels can be trained",
            got=dict(zip(label_ids, heads.reasons, strict=True)),
            remedy="Label more posts, or review the labels: each needs at least "
            f"{settings.min_positive} posts with it, as many without, and text that tells them "
            "apart.",
        )
    kept = zip(raw.terms, heads.term_weights, strict=True)
    terms = tuple(tuple(names[j] for j in weight.columns) for names, weight in kept)
    weights = tuple(TermWeights(np.arange(len(w.idf)), w.idf) for w in heads.term_weights)
    return Classifier(
        label_ids=tuple(label_ids),
        settings=settings,
        n_dimensions=vectors.shape[1],
        terms=terms,
        heads=replace(heads, term_weights=weights),
    )


def check_inputs(
    vectors: NDArray[np.float32],
    texts: Sequence[str],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    label_ids: Sequence[str],
    settings: HeadSettings,
) -> None:
    """Refuse inputs that do not belong together or that no head can be fitted on."""
    shape = (len(texts), len(label_ids))
    if y.shape != shape or mask.shape != shape or len(vectors) != len(texts):
        raise ValueError(
            f"vectors {vectors.shape}, {len(texts)} texts, y {y.shape}, mask {mask.shape} and "
            f"{len(label_ids)} label_ids do not fit together"
        )
    if settings.features != "tfidf" and not np.isfinite(vectors).all():
        raise TrainingError(
            "embeddings hold nan or infinite values",
            got=int((~np.isfinite(vectors)).any(axis=1).sum()),
            remedy="Leave out posts without text, and embed again.",
        )
