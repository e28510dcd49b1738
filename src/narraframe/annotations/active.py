"""What to label next, so that labelling teaches most, and why in words.

Each label asks in turn for the post of which the model is least sure. In the simulations of
`make bench-queue` this taught rare labels early; one figure for the post as a whole (entropy,
distance to the nearest threshold, novelty) did so later or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narraframe.annotations.wishes import DEFINED, LIKE, UNSURE, nearest, wishes

THEME, NOVEL = "theme coverage", "unlike all that is labelled"

# Of twenty posts one goes to a thin theme and one to what nothing labelled is like. These find what
# the codebook lacks, and cost a little of what the others teach.
_TURNS, _THEME_TURN, _NOVEL_TURN = 20, 9, 19
_ALIKE = 0.2
"""What a post loses by being a copy of one chosen before; being unsure of it is worth 1 at most."""
_REFERENCES = 2_000


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """What is known of m candidates, and of l posts that are labelled or queued already.

    Parameters
    ----------
    vectors : float32 array of shape (m, d)
        Unit embeddings of the candidates, one per near-duplicate group.
    labelled : float32 array of shape (l, d)
        Unit embeddings of the posts that need no more asking.
    positive : bool array of shape (l, k)
        True where a label is known to apply.
    label_names : sequence of str of length k
    probability, thresholds : float arrays of shapes (m, k) and (k,)
        Of the current model; nan where it has none.
    definitions : float32 array of shape (k, d)
        Unit embeddings of what the codebook says of each label; nan where it says nothing.
    theme, labelled_theme : int arrays of shapes (m,) and (l,)
        Negative = none.
    """

    vectors: NDArray[np.float32]
    labelled: NDArray[np.float32]
    positive: NDArray[np.bool_]
    label_names: Sequence[str]
    probability: NDArray[np.floating]
    thresholds: NDArray[np.floating]
    definitions: NDArray[np.float32]
    theme: NDArray[np.integer]
    labelled_theme: NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate chosen, by `row`; of what `kind` its `reason` is, and the reason in words."""

    row: int
    kind: str
    reason: str


def choose(corpus: Corpus, *, n: int) -> tuple[Choice, ...]:
    """Choose `n` candidates, the most useful first; all of them if there are fewer.

    Nine in ten are asked for by the labels in turn, those with the fewest positives first (see
    `wishes`). Of the others half are of the theme with the smallest labelled share, and half stand
    for most of what nothing labelled is like. Of each label's wishes those are put back that are
    like a post chosen before. The same input gives the same choice.
    """
    picker = _Picker(corpus)
    chosen: list[Choice] = []
    for turn in range(min(n, len(corpus.vectors))):
        place = turn % _TURNS
        found = picker.of_thin_theme() if place == _THEME_TURN else None
        if place != _NOVEL_TURN:
            found = found or picker.of_next_label() or picker.of_thin_theme()
        found = found or picker.novel()
        picker.take(found.row)
        chosen.append(found)
    return tuple(chosen)


class _Picker:
    """The state of one choice: who is left, and how like the chosen ones they are."""

    def __init__(self, corpus: Corpus) -> None:
        m = len(corpus.vectors)
        self.corpus = corpus
        self.left = np.ones(m, dtype=np.bool_)
        self.likeness: NDArray[np.float64] = np.zeros(m)
        self.wishes = wishes(
            corpus.vectors,
            labelled=corpus.labelled,
            positive=corpus.positive,
            probability=corpus.probability,
            thresholds=corpus.thresholds,
            definitions=corpus.definitions,
        )
        rare_first = np.argsort(corpus.positive.sum(axis=0), kind="stable").tolist()
        self.labels = [j for j in rare_first if self.wishes.kind[j]]
        self.turn = 0
        self.nearest = nearest(corpus.vectors, corpus.labelled)
        self.references = np.arange(0, m, max(1, -(-m // _REFERENCES)))
        vectors = corpus.vectors[self.references]
        self.alike = (vectors @ vectors.T).round(5)
        n_themes = 1 + max(corpus.theme.max(initial=-1), corpus.labelled_theme.max(initial=-1))
        self.left_of = _count(corpus.theme, n_themes)
        self.labelled_of = _count(corpus.labelled_theme, n_themes)

    def take(self, row: int) -> None:
        """Take a candidate off the list."""
        self.left[row] = False
        vectors = self.corpus.vectors
        self.likeness = np.maximum(self.likeness, nearest(vectors, vectors[row : row + 1]))
        if (theme := int(self.corpus.theme[row])) >= 0:
            self.left_of[theme] -= 1
            self.labelled_of[theme] += 1

    def of_next_label(self) -> Choice | None:
        """Return what the next label asks for; None if none can say."""
        for _ in self.labels:
            j = self.labels[self.turn % len(self.labels)]
            self.turn += 1
            wish = np.where(self.left, self.wishes.value[:, j], np.nan)
            if np.isnan(wish).all():
                continue
            row = int(np.nanargmax(wish - _ALIKE * self.likeness))
            name, shown = self.corpus.label_names[j], self.wishes.shown[row, j]
            words = {
                UNSURE: f"the model is unsure of {name} ({shown:.2f})",
                LIKE: f"like a post labelled {name} ({shown:.2f})",
                DEFINED: f"near the definition of {name} ({shown:.2f})",
            }
            kind = self.wishes.kind[j]
            return Choice(row, kind, words[kind])
        return None

    def of_thin_theme(self) -> Choice | None:
        """Return the most typical post left of the theme of which the least is labelled."""
        open_ = self.left_of > 0
        if not open_.any():
            return None
        size = np.maximum(self.left_of + self.labelled_of, 1)
        theme = int(np.where(open_, (self.labelled_of + 0.5) / size, np.inf).argmin())
        members = np.flatnonzero(self.corpus.theme == theme)
        vectors = self.corpus.vectors[members]
        typical = (vectors @ vectors.mean(axis=0)).round(5) - _ALIKE * self.likeness[members]
        row = int(members[np.where(self.left[members], typical, -np.inf).argmax()])
        labelled = int(self.labelled_of[theme])
        has = f"{labelled} of {size[theme]:,} posts labelled" if labelled else "no labelled post"
        return Choice(row, THEME, f"theme T{theme} has {has}")

    def novel(self) -> Choice:
        """Return the post through which most of what is unlike the labelled posts gets company."""
        near = np.maximum(self.nearest, self.likeness)
        rows = self.references
        gain = np.maximum(self.alike - near[rows][:, None], 0).sum(axis=0)
        if self.left[rows].any():
            row = int(rows[np.where(self.left[rows], gain, -1).argmax()])
        else:
            row = int(self.left.argmax())
        return Choice(row, NOVEL, f"nothing like it is labelled (nearest {near[row]:.2f})")


def _count(theme: NDArray[np.integer], n: int) -> NDArray[np.intp]:
    return np.bincount(theme[theme >= 0], minlength=n)
