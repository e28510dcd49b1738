"""The choice of keywords from weighed terms, without saying the same thing twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Keywords = tuple[tuple[str, float], ...]

# Best terms looked at per keyword wanted, since near-identical ones are thinned out.
_CANDIDATES = 5
# A word goes when so much of its use in the theme is within one pair: "unilateral measures".
_MOSTLY = 0.6
# Pairs whose other words begin alike are one: "colour revolution", "colour revolutions".
_STEM = 5


def choose_keywords(
    terms: Sequence[str],
    counts: sp.csr_matrix,
    posts: sp.csr_matrix,
    rarity: NDArray[np.float64],
    *,
    n_keywords: int,
) -> tuple[Keywords, ...]:
    """Choose each row's keywords by class-based TF-IDF, best first, near-identical ones thinned.

    A term's weight is its share of the row's counts times its rarity. Only terms in two or more
    posts of the row are taken, as far as there are any; of equal weights the first column's.

    Parameters
    ----------
    terms : sequence of str of length n_terms
        In alphabetical order.
    counts, posts : sparse arrays of shape (t, n_terms)
        Same places filled, columns ascending within rows.
    rarity : float64 array of shape (n_terms,)
    n_keywords : int
        At most so many per row.
    """
    t = counts.shape[0]
    row = np.repeat(np.arange(t), np.diff(counts.indptr))
    size = np.bincount(row, weights=counts.data, minlength=t)
    enough = posts.data >= 2
    served = np.bincount(row[enough], minlength=t) > 0
    eligible = np.flatnonzero(enough | ~served[row])
    row, column, used = row[eligible], counts.indices[eligible], counts.data[eligible]
    weight = used / size[row] * rarity[column]
    order = np.lexsort((-weight, row))
    ends = np.cumsum(np.bincount(row, minlength=t)).tolist()
    chosen = []
    for begin, end in zip([0, *ends], ends, strict=False):
        best = order[begin : min(begin + n_keywords * _CANDIDATES, end)]
        listed = [terms[i] for i in column[best].tolist()]
        chosen.append(_thinned(listed, weight[best].tolist(), used[best].tolist(), n_keywords))
    return tuple(chosen)


def _thinned(
    terms: Sequence[str], weights: Sequence[float], counts: Sequence[float], n_keywords: int
) -> Keywords:
    within = _within_pairs(terms, counts)
    chosen: list[tuple[str, float]] = []
    taken: dict[str, list[str]] = {}
    for term, weight, used in zip(terms, weights, counts, strict=True):
        words = term.split(" ")
        if within.get(term, 0.0) >= _MOSTLY * used:
            continue
        if any(_near_identical(x, y) for x in words for k in _keys(x) for y in taken.get(k, ())):
            continue
        chosen.append((term, weight))
        for word in words:
            for key in _keys(word):
                taken.setdefault(key, []).append(word)
        if len(chosen) == n_keywords:
            break
    return tuple(chosen)


def _within_pairs(terms: Sequence[str], counts: Sequence[float]) -> dict[str, float]:
    """Return how often each word is used in its most frequent pair, inflections of it included."""
    used_with: dict[tuple[str, str], float] = {}
    for pair, used in zip(terms, counts, strict=True):
        if " " in pair:
            a, b = pair.split(" ")
            for key in (a, b[:_STEM]), (b, a[:_STEM]):
                used_with[key] = used_with.get(key, 0.0) + used
    within: dict[str, float] = {}
    for (word, _), used in used_with.items():
        within[word] = max(used, within.get(word, 0.0))
    return within


def _keys(word: str) -> str:
    """Return characters of which near-identical words have one in common."""
    return word if _is_han_pair(word) else word[0]


def _near_identical(x: str, y: str) -> bool:
    """Say whether two words differ in their ending at most, or two Han pairs overlap.

    An ending is up to two letters after the whole of the shorter word, or whatever follows a common
    beginning of four letters or more that makes six tenths of the longer word.
    """
    if x[0] != y[0]:
        return _is_han_pair(x) and _is_han_pair(y) and (x[1] == y[0] or y[1] == x[0])
    short, long = (x, y) if len(x) <= len(y) else (y, x)
    if len(long) - len(short) <= 2 and long.startswith(short):
        return True
    common = max(4, -(-6 * len(long) // 10))
    return len(short) >= common and short[:common] == long[:common]


def _is_han_pair(word: str) -> bool:
    return len(word) == 2 and all("\u3400" <= character <= "\u9fff" for character in word)


def theme_name(keywords: Keywords, *, n_terms: int = 3) -> str:
    """Return a readable name of the first few keywords, such as "sanctions · economy"."""
    return " · ".join(term for term, _ in keywords[:n_terms])
