"""What the codebook alone says of labels: for those that cannot be trained, and before any label.

A post is scored by its likeness to a label, less its mean likeness to all labels and what is usual
for the label, in standard deviations over posts. Two of them make 1/2: an order of the posts to
begin labelling with, not a probability to count by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from narraframe.classifiers.bend import straight
from narraframe.classifiers.settings import HeadSettings
from narraframe.classifiers.stack import Stack
from narraframe.classifiers.tuned import unit
from narraframe.classifiers.views import Described, FittedView, fit_definitions, score_view

BAR = 2.0
"""Standard deviations above the usual likeness from which a label is decided."""
CUT = 0.5
"""The probability there."""
RARE = 100
"""Annotated posts that say that a label which they do not teach is a rare one."""


@dataclass(frozen=True)
class Background:
    """Posts that say what likeness to a label is usual, whether they are labelled or not.

    `vectors` float32 (m, d) are their embeddings; `row` intp (m,) says which labelled post each is,
    -1 = none. `described` bool (k,) marks the labels that may be scored by the codebook.
    """

    vectors: NDArray[np.float32]
    row: NDArray[np.intp]
    described: NDArray[np.bool_]

    def only(self, kept: NDArray[np.bool_]) -> Background:
        """Return it for the labelled posts that `kept` (n,) marks, without the other labelled."""
        number = np.append(np.cumsum(kept) - 1, -1)  # the last for those that are not labelled
        stays = np.append(kept, True)[self.row]
        return replace(self, vectors=self.vectors[stays], row=number[self.row[stays]])


@dataclass(frozen=True)
class CodebookScores:
    """The view "definitions" and its `stack` (1, k), nan for labels that it is not to score; its
    `scores` (n, k) of the labelled posts.
    """

    view: FittedView
    stack: Stack
    scores: NDArray[np.float64]


def with_definitions(settings: HeadSettings) -> HeadSettings:
    """Return `settings` whose views hold what codebook scores need."""
    return replace(settings, features=tuple(dict.fromkeys((*settings.features, "definitions"))))


def fit_to_codebook(
    vectors: NDArray[np.float32], definitions: NDArray[np.float32]
) -> tuple[FittedView, Stack]:
    """Learn what likeness is usual, and how much it varies, from posts without their labels.

    Parameters
    ----------
    vectors : float32 array of shape (m, d)
    definitions : float32 array of shape (k, d)
        Vectors of what the codebook says of each label, by the same encoder; nan where nothing.

    Returns
    -------
    The view, and its stack (1, k): nan for labels that it says nothing of.
    """
    posts = Described(len(vectors), {"definitions": unit(vectors)}, {}, {}, definitions)
    view, scores = fit_definitions(posts, np.arange(len(vectors)))
    spread = scores.std(axis=0)
    told = np.isfinite(definitions).all(axis=1) & (spread > 0)
    slopes = np.where(told, 1 / np.where(told, spread, 1), np.nan)[None, :]
    return view, Stack(slopes, np.where(told, -BAR, np.nan), straight(len(told)))


def score_by_codebook(
    posts: Described, rows: NDArray[np.intp], background: Background | None
) -> CodebookScores | None:
    """Score labelled posts, learning from the background without the labelled posts not in `rows`.

    None without a background, or where none of it is left.
    """
    if background is None:
        return None
    if posts.definitions is None:
        raise ValueError("scores by the codebook need the labels' vectors")
    kept = np.isin(np.arange(posts.n), rows)
    here = background.only(kept)
    if not len(here.vectors):
        return None
    view, stack = fit_to_codebook(here.vectors, posts.definitions)
    return CodebookScores(view, stack.only(here.described), score_view(view, posts, rows))
