"""A classifier before the first label: likeness to what the codebook says, not calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from narraframe.classifiers.classifier import Classifier
from narraframe.classifiers.heads import Heads
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.stack import Stack
from narraframe.classifiers.structure import build_structure
from narraframe.classifiers.views import describe, fit_definitions

BAR = 2.0
"""Standard deviations above the usual likeness from which a label is decided."""
UNDESCRIBED = "the codebook does not say what it is"


def fit_unlabelled(
    vectors: NDArray[np.float32],
    label_ids: Sequence[str],
    *,
    definitions: NDArray[np.float32],
    parents: Mapping[str, str],
    single_choice: Sequence[Sequence[str]],
) -> Classifier:
    """Make a classifier of what the codebook says and of posts without labels.

    A post is scored by its likeness to a label, less its mean likeness to all labels and what is
    usual for the label, in standard deviations over the posts. Two of them make 1/2: an order of
    the posts to begin labelling with, not a probability to count by.

    Parameters
    ----------
    vectors : float32 array of shape (n, d)
        Embeddings of posts, with or without labels: they say what likeness is usual.
    label_ids : sequence of str of length k
    definitions : float32 array of shape (k, d)
        Vectors of what the codebook says of each label, by the same encoder; nan where nothing.
    parents, single_choice
        As for `fit_classifier`.
    """
    settings = HeadSettings(features=("definitions",))
    posts = describe([""] * len(vectors), {"embedding": vectors}, settings, definitions=definitions)
    view, scores = fit_definitions(posts, np.arange(len(vectors)))
    spread = scores.std(axis=0)
    told = np.isfinite(definitions).all(axis=1) & (spread > 0)
    slopes = np.where(told, 1 / np.where(told, spread, 1), np.nan)[None, :]
    structure = build_structure(label_ids, parents=parents, single_choice=single_choice)
    heads = Heads(
        views=(view,),
        stack=Stack(slopes, np.where(told, -BAR, np.nan)),
        thresholds=np.where(told, 0.5, np.nan),
        reasons=tuple("" if ok else UNDESCRIBED for ok in told),
        structure=structure.opened(),
    )
    return Classifier(tuple(label_ids), settings, {"definitions": vectors.shape[1]}, {}, heads)
