"""Which sentences of a post carry a decision: those that, alone, speak for the label the loudest.

Each sentence is scored by itself. The strongest is evidence; so is each further one that would be
decided on alone, up to three. That costs one encoding of the post's own words, cut in pieces. With
`check`, sentences are deleted in that order until the label is no longer decided, at the price of
up to three encodings of nearly the whole text for each decision.

Measured on posts that the model (embedding and terms in one ridge head) had not seen, but on which
this ranking was chosen, for its cost, among some fifteen: expect a little less elsewhere.
231 Telegram posts of 5 sentences in languages that the encoder does not know, 530 decisions:
deleting the first sentence lowers the probability by .104 [.093, .113] more than deleting another.
Occlusion (delete each sentence in turn), the most that one sentence can do, gives .114, the longest
sentence .019, one at random .002. Kept alone, the first sentence loses .011 of the probability
[-.003, .023], that of occlusion .035, the longest .144. Annotators' spans are met only a little
better than by chance: F1 of the first sentence .524 against .475, gain [.024, .075], of all named
.602 against .564. Occlusion encodes 7.5 times the text of the decided posts, this 1.0 times.
317 English posts of two sentences: it names occlusion's sentence in 99.8 % of the decisions.
With a head for each view, 140 Telegram posts, partly the same: .103 [.089, .118] more than another,
.094 [.080, .111] more than as many running words (`experiments/benchmarks/evidence.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

MOST = 3
"""Sentences of evidence at most: who reads more might as well read the post."""

Margins: TypeAlias = Callable[[Sequence[str]], NDArray[np.float64]]
Cell: TypeAlias = tuple[int, int]
Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class EvidenceSentence:
    """Code points [start, end) of the scored text, and the `weight` of what stands there: its
    margin when scored alone. From 0 on, the label would be decided on it by itself.
    """

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What carries the decision at (`row`, `column`): `sentences`, the strongest first.

    `left`: the margin of the post without them; below 0 the label would not be decided without
    them. nan = not checked, or nothing is left to be scored.
    """

    row: int
    column: int
    sentences: tuple[EvidenceSentence, ...]
    left: float = np.nan


@dataclass(frozen=True, slots=True)
class _Posts:
    """The posts, and `ask`, which has a text measured once."""

    texts: Sequence[str]
    sentences: Sequence[Sequence[Span]]
    ask: Margins

    def alone(self, row: int, sentence: int) -> str:
        start, end = self.sentences[row][sentence]
        return self.texts[row][start:end]

    def without(self, row: int, gone: Sequence[int]) -> str:
        """Return the text without some sentences; "" if no sentence is left."""
        spans = self.sentences[row]
        if len(gone) == len(spans):
            return ""
        text = self.texts[row]
        for start, end in sorted((spans[s] for s in gone), reverse=True):
            text = text[:start] + text[end:]
        return text.strip()


def find_evidence(
    texts: Sequence[str],
    sentences: Sequence[Sequence[Span]],
    margins: NDArray[np.float64],
    decision: NDArray[np.bool_],
    measure: Margins,
    *,
    links: Sequence[tuple[int, int]] = (),
    check: bool = False,
) -> tuple[Evidence, ...]:
    """Find for each decided label the sentences that carry the decision.

    A margin is how far a label's logit lies above the least with which it would be decided.

    Parameters
    ----------
    texts : sequence of str of length n
        As they were scored.
    sentences : sequence of length n of sequences of (start, end)
        The sentences of each text in order, at least one, without outer space; those without a
        word left out.
    margins : float64 array of shape (n, k)
        Of the whole texts.
    decision : bool array of shape (n, k)
        Which labels apply; nothing is asked of the others.
    measure : callable
        Returns the margins, float64 (m, k), of any m texts. Called once, and up to three times more
        with `check`; no text is asked twice.
    links : sequence of (child, parent) columns, default=()
        The deepest first. A parent has the evidence of its decided child of the highest margin.
    check : bool, default=False
        Whether to delete the evidence and score what is left, and so to take the fewest sentences
        without which the label is not decided (three may not be enough: then `left` is 0 or more).

    Returns
    -------
    tuple of Evidence
        One for each True in `decision`, by row, then by column. A post of one sentence is its own
        evidence.

    Raises
    ------
    ValueError
        If the arguments differ in length, or a decided post has no sentence.

    References
    ----------
    DeYoung et al. (2020), ERASER, arXiv:1911.03429 (sufficiency, comprehensiveness); Li et al.
    (2016), arXiv:1612.08220 (erasure).
    """
    _check_shapes(texts, sentences, margins, decision)
    child_of = _serving_children(margins, decision, links)
    cells = [(int(i), int(j)) for i, j in np.argwhere(decision)]
    known = {texts[i]: margins[i] for i, _ in cells}
    posts = _Posts(texts, sentences, _remembering(measure, known, width=margins.shape[1]))
    ranked = _rank([cell for cell in cells if cell not in child_of], posts)
    found = _smallest_sets(ranked, posts) if check else _self_sufficient(ranked)

    def serving(cell: Cell) -> Cell:
        return serving(child_of[cell]) if cell in child_of else cell

    def evidence(cell: Cell) -> Evidence:
        chosen, left = found[serving(cell)]
        spans = sentences[cell[0]]
        return Evidence(*cell, tuple(EvidenceSentence(*spans[s], w) for s, w in chosen), left)

    return tuple(map(evidence, cells))


_Ranked: TypeAlias = list[tuple[int, float]]
_Found: TypeAlias = tuple[_Ranked, float]


def _rank(cells: Sequence[Cell], posts: _Posts) -> dict[Cell, _Ranked]:
    """Return for each cell the sentences that are strongest alone, with what they score."""
    rows = dict.fromkeys(i for i, _ in cells)
    numbers = [(i, s) for i in rows for s in range(len(posts.sentences[i]))]
    scores = posts.ask([posts.alone(i, s) for i, s in numbers])
    of_row: dict[int, list[int]] = {i: [] for i in rows}
    for at, (i, _) in enumerate(numbers):
        of_row[i].append(at)

    def best(i: int, j: int) -> _Ranked:
        order = sorted(of_row[i], key=lambda at: -scores[at, j])[:MOST]
        return [(numbers[at][1], float(scores[at, j])) for at in order]

    return {(i, j): best(i, j) for i, j in cells}


def _self_sufficient(ranked: Mapping[Cell, _Ranked]) -> dict[Cell, _Found]:
    """Take the strongest sentence, and each further one that would be decided on alone."""
    return {
        cell: (order[:1] + [(s, weight) for s, weight in order[1:] if weight >= 0], np.nan)
        for cell, order in ranked.items()
    }


def _smallest_sets(ranked: Mapping[Cell, _Ranked], posts: _Posts) -> dict[Cell, _Found]:
    """Delete sentences, the strongest first, until the label is not decided."""
    found: dict[Cell, _Found] = {}
    for size in range(1, MOST + 1):
        still = [c for c, order in ranked.items() if size <= len(order) and _holds(found.get(c))]
        gone = [[s for s, _ in ranked[cell][:size]] for cell in still]
        left = posts.ask([posts.without(i, g) for (i, _), g in zip(still, gone, strict=True)])
        for at, cell in enumerate(still):
            found[cell] = ranked[cell][:size], float(left[at, cell[1]])
    return found


def _holds(found: _Found | None) -> bool:
    """Tell whether the label is still decided; nan (nothing is left) is not."""
    return found is None or found[1] >= 0


def _remembering(
    measure: Margins, known: Mapping[str, NDArray[np.float64]], *, width: int
) -> Margins:
    """Ask for each text once, and not for a known one; nan for an empty one."""
    answers = {**known, "": np.full(width, np.nan)}

    def ask(texts: Sequence[str]) -> NDArray[np.float64]:
        new = [text for text in dict.fromkeys(texts) if text not in answers]
        if new:
            answers.update(zip(new, measure(new), strict=True))
        return np.array([answers[text] for text in texts]).reshape(len(texts), width)

    return ask


def _serving_children(
    margins: NDArray[np.float64], decision: NDArray[np.bool_], links: Sequence[tuple[int, int]]
) -> dict[Cell, Cell]:
    """For each decided parent with decided children, the cell of the child that serves it."""
    serving: dict[Cell, Cell] = {}
    for child, parent in links:
        for i in map(int, np.flatnonzero(decision[:, child] & decision[:, parent])):
            best = serving.get((i, parent))
            if best is None or margins[i, child] > margins[best]:
                serving[i, parent] = (i, child)
    return serving


def _check_shapes(
    texts: Sequence[str],
    sentences: Sequence[Sequence[Span]],
    margins: NDArray[np.float64],
    decision: NDArray[np.bool_],
) -> None:
    if not len(texts) == len(sentences) == len(margins) or margins.shape != decision.shape:
        raise ValueError(
            f"{len(texts)} texts, {len(sentences)} lists of sentences, margins {margins.shape} and "
            f"decision {decision.shape} do not fit together"
        )
    empty = [i for i in np.flatnonzero(decision.any(axis=1)) if not sentences[i]]
    if empty:
        raise ValueError(
            f"{len(empty)} decided posts have no sentence, the first at row {empty[0]}"
        )
