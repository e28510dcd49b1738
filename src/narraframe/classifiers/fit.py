"""Train a classifier on all labelled posts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from narraframe.classifiers.classifier import Classifier
from narraframe.classifiers.from_codebook import Background, score_by_codebook, with_definitions
from narraframe.classifiers.heads import fit_heads, fit_views
from narraframe.classifiers.linear import FoldMaker
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.structure import build_structure
from narraframe.classifiers.tuned import Tuner, tuned_width
from narraframe.classifiers.views import describe
from narraframe.errors import TooFewError, TrainingError


def fit_classifier(
    vectors: Mapping[str, NDArray[np.float32]],
    texts: Sequence[str],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    label_ids: Sequence[str],
    *,
    groups: ArrayLike,
    settings: HeadSettings,
    make_folds: FoldMaker,
    parents: Mapping[str, str],
    single_choice: Sequence[Sequence[str]],
    definitions: NDArray[np.float32] | None = None,
    background: Background | None = None,
    tuner: Tuner | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Classifier:
    """Train heads, their stack and thresholds; the latter two on scores of unseen posts.

    Parameters
    ----------
    vectors : mapping of str to float32 array of shape (n, ...)
        "embedding" and "sentences", as far as the views of `settings` need them.
    texts : sequence of str of length n
        What the encoder saw of the posts.
    y, mask : int8 and bool arrays of shape (n, k)
        Targets. Unknown cells take no part.
    label_ids : sequence of str of length k
        Columns of `y`.
    groups : array-like of shape (n,)
        Near-duplicates: what a post is scored by for the stack saw none of its group.
    settings : HeadSettings
        Views and heads.
    make_folds : callable
        Called as ``make_folds(y, mask, groups, seed=seed)`` by heads that need folds.
    parents : mapping of str to str
        Label id of the parent, for labels that have one.
    single_choice : sequence of sequences of label ids
        The labels of each single-choice facet.
    definitions : float32 array of shape (k, d), default=None
        Vectors of what the codebook says of each label, nan where nothing; for "definitions".
    background : Background, default=None
        With it (and `definitions`), a label that is described and cannot be trained is scored by
        the codebook alone, exactly as `fit_unlabelled` on these posts scores it.
    tuner : Tuner, default=None
        What tunes the encoder, for "tuned".
    progress : callable, default=None
        Called with 1 after each view.

    Returns
    -------
    Classifier
        A label with fewer than `settings.min_positive` known positives or negatives, or whose
        unseen posts all get the same probability, is not trained: probability and threshold nan
        where the codebook does not score it, and the reason in `reasons`.

    Raises
    ------
    TooFewError
        If no label can be trained, or all posts are copies of one.
    TrainingError
        If vectors are not finite.
    """
    check_inputs(vectors, texts, y, mask, label_ids)
    member = np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(member) != len(texts):
        raise ValueError(f"{len(member)} groups for {len(texts)} posts")
    if len(np.unique(member)) < 2:
        raise TooFewError("all labelled posts are copies of one", remedy="Label more posts.")
    structure = build_structure(label_ids, parents=parents, single_choice=single_choice)
    with threadpool_limits(limits=1):
        described = settings if background is None else with_definitions(settings)
        posts = describe(texts, vectors, described, definitions=definitions, tuner=tuner)
        rows = np.arange(len(texts))
        views = fit_views(
            posts,
            rows,
            y,
            mask,
            member,
            settings=settings,
            make_folds=make_folds,
            seed=seed,
            progress=progress,
        )
        heads, _ = fit_heads(
            views,
            y,
            mask,
            member,
            settings=settings,
            structure=structure,
            codebook=score_by_codebook(posts, rows, background),
        )
    check_trained(label_ids, heads.reasons, settings=settings)
    used = tuple(view.view for view in heads.views)
    return Classifier(
        label_ids=tuple(label_ids),
        settings=replace(settings, features=used),
        n_dimensions={view: part.shape[1] for view, part in posts.vectors.items() if view in used}
        | {view.view: tuned_width(view.tuned) for view in heads.views if view.tuned},
        terms=posts.terms,
        heads=heads,
    )


def check_trained(
    label_ids: Sequence[str], reasons: Sequence[str], *, settings: HeadSettings
) -> None:
    """Refuse labels of which none can be trained; `reasons` say why each cannot, "" = it can.

    Raises
    ------
    TooFewError
        If each has a reason.
    """
    if all(reasons):
        raise TooFewError(
            f"none of {len(label_ids)} labels can be trained",
            got=dict(zip(label_ids, map(str, reasons), strict=True)),
            remedy="Label more posts, or review the labels: each needs at least "
            f"{settings.min_positive} posts with it, as many without, and text that tells them "
            "apart.",
        )


def check_inputs(
    vectors: Mapping[str, NDArray[np.float32]],
    texts: Sequence[str],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    label_ids: Sequence[str],
) -> None:
    """Refuse inputs that do not belong together or that no head can be fitted on."""
    shape = (len(texts), len(label_ids))
    shapes = {view: part.shape for view, part in vectors.items()}
    if y.shape != shape or mask.shape != shape or any(s[0] != shape[0] for s in shapes.values()):
        raise ValueError(
            f"vectors {shapes}, {len(texts)} texts, y {y.shape}, mask {mask.shape} and "
            f"{len(label_ids)} label_ids do not fit together"
        )
    for part in vectors.values():
        if not np.isfinite(part).all():
            raise TrainingError(
                "embeddings hold nan or infinite values",
                got=int((~np.isfinite(part)).any(axis=1).sum()),
                remedy="Leave out posts without text, and embed again.",
            )
