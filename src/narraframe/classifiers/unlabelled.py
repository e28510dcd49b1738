"""A classifier before the first label: likeness to what the codebook says, not calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from narraframe.classifiers.classifier import Classifier
from narraframe.classifiers.facets import fixed_for_choices
from narraframe.classifiers.from_codebook import CUT, fit_to_codebook
from narraframe.classifiers.heads import Heads
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.structure import build_structure

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
    view, stack = fit_to_codebook(vectors, definitions)
    told = np.isfinite(stack.intercept)
    structure = build_structure(label_ids, parents=parents, single_choice=single_choice).opened()
    heads = Heads(
        views=(view,),
        stack=stack,
        thresholds=fixed_for_choices(np.where(told, CUT, np.nan), structure, told),
        reasons=tuple("" if ok else UNDESCRIBED for ok in told),
        structure=structure,
    )
    settings = HeadSettings(features=("definitions",))
    return Classifier(tuple(label_ids), settings, {"definitions": vectors.shape[1]}, {}, heads)
