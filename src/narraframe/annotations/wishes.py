"""Which posts each label would have labelled next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNSURE, LIKE, DEFINED = "the model is unsure", "like a labelled post", "near a definition"


@dataclass(frozen=True)
class Wishes:
    """`value` (m, k) in [0, 1], nan where a label cannot say; `kind`: why, "" where it never can.

    `shown` (m, k) is the figure behind `value`: a probability or a similarity.
    """

    value: NDArray[np.float64]
    shown: NDArray[np.float64]
    kind: tuple[str, ...]


def wishes(
    vectors: NDArray[np.float32],
    *,
    labelled: NDArray[np.float32],
    positive: NDArray[np.bool_],
    probability: NDArray[np.floating],
    thresholds: NDArray[np.floating],
    definitions: NDArray[np.float32],
) -> Wishes:
    """Say how much each label wants each candidate.

    A label that the model has learnt wants the posts near its threshold. One that it has not wants
    those like a post labelled with it or, where there is none, like its definition.

    Parameters
    ----------
    vectors : float32 array of shape (m, d)
        Unit embeddings of the candidates.
    labelled, positive : float32 array of shape (l, d), bool array of shape (l, k)
        Unit embeddings of the labelled posts; where a label is known to apply.
    probability, thresholds : float arrays of shapes (m, k) and (k,)
        Of the current model; nan where it has none.
    definitions : float32 array of shape (k, d)
        Unit embeddings of what the codebook says of each label; nan where it says nothing.
    """
    shape = probability.shape
    value, shown = np.full(shape, np.nan), np.full(shape, np.nan)
    kinds = []
    for j in range(shape[1]):
        kind = ""
        if not np.isnan(probability[:, j]).all():
            kind, shown[:, j] = UNSURE, probability[:, j]
            value[:, j] = closeness(probability[:, j], float(thresholds[j]))
        elif positive[:, j].any():
            kind, shown[:, j] = LIKE, nearest(vectors, labelled[positive[:, j]])
        elif np.isfinite(definitions[j]).all():
            kind, shown[:, j] = DEFINED, nearest(vectors, definitions[j : j + 1])
        if kind != UNSURE:
            value[:, j] = np.clip(shown[:, j], 0, 1)
        kinds.append(kind)
    return Wishes(value, shown, tuple(kinds))


def closeness(p: NDArray[np.floating], threshold: float) -> NDArray[np.float64]:
    """Return 1 at the threshold, falling to 0 at the probabilities 0 and 1; nan stays nan."""
    t = 0.5 if np.isnan(threshold) else min(max(threshold, 1e-3), 1 - 1e-3)
    p = p.astype(np.float64)
    return np.where(p < t, p / t, (1 - p) / (1 - t))


def nearest(
    vectors: NDArray[np.float32], others: NDArray[np.float32], *, block: int = 4096
) -> NDArray[np.float64]:
    """Return each vector's largest cosine similarity to `others`, 0 without any; shape (m,)."""
    found = np.zeros(len(vectors))
    if len(others):
        for start in range(0, len(vectors), block):
            part = vectors[start : start + block]
            found[start : start + block] = (part @ others.T).max(axis=1)
    return found.round(5)  # the last bits depend on the number of threads
