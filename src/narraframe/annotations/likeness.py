"""Pre-annotation without a model: how like a post is to what the codebook says of its labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.records import Codebook, Label

BAR = 2.0
"""Standard deviations above the usual likeness from which a label is ticked."""
_FEWEST = 10


@dataclass(frozen=True)
class Likeness:
    """What each of m labels is about: unit `vectors` (m, d) of its description.

    `usual` (m,) and `spread` (m,) are mean and standard deviation of its likeness to the
    descriptions of other labels.
    """

    label_ids: tuple[str, ...]
    vectors: NDArray[np.float64]
    usual: NDArray[np.float64]
    spread: NDArray[np.float64]


@dataclass(frozen=True)
class Alike:
    """`p` float32 (n, m): 1/2 at the bar, more above, not calibrated; `decision` bool (n, m)."""

    p: NDArray[np.float32]
    decision: NDArray[np.bool_]


def descriptions(codebook: Codebook) -> tuple[tuple[str, str], ...]:
    """Return label id and text of all that says what a leaf is: definition, use, examples."""
    return tuple(
        (label_id, text)
        for label_id in codebook.leaf_ids
        for text in _said(codebook.by_id[label_id])
    )


def is_described(codebook: Codebook) -> NDArray[np.bool_]:
    """Tell of which labels the codebook says more than the name; shape (k,)."""
    return np.array([bool(_said(label)) for label in codebook.labels], dtype=np.bool_)


def _said(label: Label) -> tuple[str, ...]:
    texts = (label.definition, label.include, *label.examples)
    return tuple(text for text in texts if text.strip())


def fit_likeness(label_ids: Sequence[str], vectors: NDArray[np.floating]) -> Likeness:
    """Learn what is usual from the descriptions alone.

    A label is the mean of its descriptions. How like two texts of this subject and kind are anyway
    is seen from the descriptions of the other labels. So a post gets the same pre-annotation
    whatever posts come with it, and one label that fits most of a corpus is ticked on most of it.

    Parameters
    ----------
    label_ids : sequence of str of length t
        Whom each text of `descriptions` describes.
    vectors : float array of shape (t, d)
        Unit vectors of those texts.

    Returns
    -------
    Likeness
        Without the labels to which fewer than ten texts of others can be compared.
    """
    owners = np.array(label_ids, dtype=object)
    kept, means, usual, spread = [], [], [], []
    for label_id in dict.fromkeys(label_ids):
        own = owners == label_id
        mean = vectors[own].mean(axis=0, dtype=np.float64)
        length = float(np.linalg.norm(mean))
        if (~own).sum() < _FEWEST or not length:
            continue
        others = vectors[~own] @ (mean / length)
        if others.std() > 0:
            kept.append(label_id)
            means.append(mean / length)
            usual.append(others.mean())
            spread.append(others.std())
    return Likeness(
        label_ids=tuple(kept),
        vectors=np.array(means).reshape(len(kept), vectors.shape[1]),
        usual=np.array(usual),
        spread=np.array(spread),
    )


def score_likeness(likeness: Likeness, vectors: NDArray[np.floating]) -> Alike:
    """Tell which labels posts are like.

    A label is ticked where a post is at least two standard deviations more like it than other
    texts of the codebook are. On the bundled sample, with the default encoder and held against
    its first annotator, that ticks narratives with a precision of .85 at a recall of .46, frames
    with .76 at .12, and no stance, which is not told from likeness.

    Parameters
    ----------
    likeness : Likeness
        From `fit_likeness`.
    vectors : float array of shape (n, d)
        Unit vectors of posts, by the encoder of the descriptions.
    """
    # each label by itself, so that a post's result has the same bits in any batch
    alike = np.empty((len(vectors), len(likeness.label_ids)))
    for j, label in enumerate(likeness.vectors):
        alike[:, j] = (vectors * label).sum(axis=1)
    above = (alike - likeness.usual) / likeness.spread
    return Alike((1 / (1 + np.exp(BAR - above))).astype(np.float32), above >= BAR)
