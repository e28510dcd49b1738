"""The view "tuned": heads on vectors of an encoder that was tuned on the labels.

As the tuning sees labels, the vectors of a post that it saw flatter. So there are several tunings,
each without one fold of the posts, and a post is judged by the one that did not see its group. A
new post, which none of them saw, gets the mean of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from narraframe.classifiers.kernel_ridge import RidgeHead
from narraframe.classifiers.kernels import kernel
from narraframe.classifiers.linear import FoldMaker

Weights = Mapping[str, NDArray[np.float16]]
ALPHA = 0.3


class Tuner(Protocol):
    """Tunes an encoder. It sees no post but those that it is given."""

    def tune(
        self, texts: Sequence[str], y: NDArray[np.int8], mask: NDArray[np.bool_], *, seed: int
    ) -> Weights:
        """Return the weights, by name, that make the encoder tell the labels apart.

        `y` and `mask` (n, k) are of the n `texts`; cells outside the mask are unknown. The same
        texts, labels and seed give the same weights.
        """

    def encode(self, weights: Weights, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of `texts` by the encoder with `weights`, shape (n, d)."""


@dataclass(frozen=True)
class TunedHead:
    """One tuning, and an RBF ridge on the vectors that it makes.

    `weights` are those of the encoder that differ from the encoder as it came; `landmarks` float32
    (m, d) and `coefficients` float32 (m, k) are as in `FittedView`.
    """

    weights: Weights
    landmarks: NDArray[np.float32]
    coefficients: NDArray[np.float32]

    def score(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the scores (n, k) of posts by their vectors (n, d)."""
        wide = kernel(unit(vectors), self.landmarks, "rbf", dtype=np.float64)
        return np.asarray(wide @ self.coefficients.astype(np.float64))


def fit_tuned(
    texts: Sequence[str],
    y: NDArray[np.int8],
    mask: NDArray[np.bool_],
    groups: NDArray[np.intp],
    *,
    tuner: Tuner,
    make_folds: FoldMaker,
    seed: int,
) -> tuple[tuple[TunedHead, ...], NDArray[np.float64]]:
    """Tune once a fold, on the posts outside it.

    Returns
    -------
    A head a fold, and the scores (n, k) of known cells by the head that did not see the post's
    group; nan where a label had no known positive, or no known negative, outside the fold.
    """
    fold = make_folds(y, mask, groups, seed=seed)
    heads, scores = [], np.full(y.shape, np.nan)
    for one in np.unique(fold):
        seen, held = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        here = [texts[i] for i in seen]
        weights = tuner.tune(here, y[seen], mask[seen], seed=seed)
        ridge = RidgeHead(kernel="rbf", alpha=ALPHA, seed=seed)
        ridge.fit(unit(tuner.encode(weights, here)), y[seen], mask=mask[seen])
        head = TunedHead(weights, np.asarray(ridge.landmarks_), ridge.coefficients_)
        found = head.score(tuner.encode(weights, [texts[i] for i in held]))
        known = mask[held] & _two_sided(y[seen], mask[seen])
        scores[held] = np.where(known, found, np.nan)
        heads.append(head)
    return tuple(heads), scores


def tuned_vectors(
    heads: Sequence[TunedHead], tuner: Tuner, texts: Sequence[str]
) -> NDArray[np.float32]:
    """Return the vectors of `texts` by all tunings, side by side: (n, d * number of heads)."""
    return np.hstack([tuner.encode(head.weights, texts) for head in heads])


def score_tuned(heads: Sequence[TunedHead], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean scores (n, k) of all tunings, by what `tuned_vectors` returns."""
    parts = np.split(vectors, len(heads), axis=1)
    scores = [head.score(part) for head, part in zip(heads, parts, strict=True)]
    return np.asarray(np.mean(scores, axis=0))


def tuned_width(heads: Sequence[TunedHead]) -> int:
    """Return how wide the vectors of all tunings are side by side."""
    return sum(head.landmarks.shape[1] for head in heads)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _two_sided(y: NDArray[np.int8], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(((y == 1) & mask).any(axis=0) & ((y == 0) & mask).any(axis=0))
