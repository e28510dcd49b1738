"""How far evidence and what annotators marked are the same words, beside chance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Overlap:
    """Words of the evidence that are marked (`precision`), marked words that are evidence
    (`recall`), and their harmonic mean; the same for as many words at random places of each post.

    nan = undefined: no evidence, or nothing marked.
    """

    precision: float
    recall: float
    f1: float
    chance_precision: float
    chance_recall: float
    chance_f1: float


def overlap_with_spans(
    texts: Sequence[str],
    evidence: Sequence[Sequence[Span]],
    spans: Sequence[Sequence[Span]],
) -> Overlap:
    """Compare the evidence of n posts with the spans that annotators marked in them.

    Words of all posts are pooled. Leave out posts whose marking is unknown; ``()`` says that
    nothing is marked.

    Parameters
    ----------
    texts : sequence of str of length n
    evidence, spans : sequences of length n of sequences of (start, end)
        Code points into the text; ranges of one post may overlap, a word counts once.

    Returns
    -------
    Overlap

    References
    ----------
    DeYoung et al. (2020), ERASER, arXiv:1911.03429 (token-level F1).
    """
    return overlap_of(count_words(texts, evidence, spans).sum(axis=0))


def count_words(
    texts: Sequence[str],
    evidence: Sequence[Sequence[Span]],
    spans: Sequence[Sequence[Span]],
) -> NDArray[np.float64]:
    """Count per post the words of the evidence, those marked, those that are both, and how many
    would be both at random places: float64 of shape (n, 4). Sums of rows go to `overlap_of`.
    """
    counts = np.zeros((len(texts), 4))
    for i, (text, found, marked) in enumerate(zip(texts, evidence, spans, strict=True)):
        starts = np.array([match.start() for match in _WORD.finditer(text)], dtype=np.intp)
        in_evidence, in_spans = _inside(starts, found), _inside(starts, marked)
        n_evidence, n_marked = int(in_evidence.sum()), int(in_spans.sum())
        by_chance = n_evidence * n_marked / max(len(starts), 1)
        counts[i] = n_evidence, n_marked, (in_evidence & in_spans).sum(), by_chance
    return counts


def overlap_of(counts: NDArray[np.float64]) -> Overlap:
    """Turn a sum of the counts of `count_words`, shape (4,), into shares."""
    n_evidence, n_marked, both, by_chance = (float(count) for count in counts)

    def shares(hits: float) -> tuple[float, float, float]:
        if not n_evidence or not n_marked:
            return np.nan, np.nan, np.nan
        return hits / n_evidence, hits / n_marked, 2 * hits / (n_evidence + n_marked)

    return Overlap(*shares(both), *shares(by_chance))


def _inside(starts: NDArray[np.intp], spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Tell which words begin inside one of the spans."""
    inside = np.zeros(len(starts), dtype=np.bool_)
    for start, end in spans:
        inside |= (starts >= start) & (starts < end)
    return inside
