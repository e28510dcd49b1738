"""What sets each theme's vocabulary apart: class-based TF-IDF on one sparse term matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from narraframe.themes.tokens import stop_words, tokenise

Keywords = tuple[tuple[str, float], ...]

# Best terms looked at per keyword wanted, since near-identical ones are thinned out.
_CANDIDATES = 8
# A word goes when so much of its use in the theme is within one pair: "unilateral measures".
_MOSTLY = 0.6
_FIRST_HAN = "\u3400"


@dataclass(frozen=True)
class TermMatrix:
    """Term counts, sparse int64 (n_posts, n_terms), and the `terms` that the columns count.

    Every relabelling, merge or time slice is a product with this one matrix.
    """

    counts: sp.csr_matrix
    terms: tuple[str, ...]


def count_terms(
    texts: Sequence[str], langs: Sequence[str | None], *, min_df: int | None = None
) -> TermMatrix:
    """Count words and word pairs per text, each text without the stop words of its language.

    Parameters
    ----------
    texts : sequence of str of length n
        Texts in any script.
    langs : sequence of str or None of length n
        ISO 639-1 code of each text, None where unknown.
    min_df : int, default=None
        Leave out terms in fewer texts; None takes 1 below 15 texts, 2 below 1,000, else 3.

    Returns
    -------
    TermMatrix
        Columns in alphabetical order; none if no term is frequent enough.
    """
    stop = stop_words(langs)
    tokens = [tokenise(t, stop[lang or None]) for t, lang in zip(texts, langs, strict=True)]
    n = len(tokens)
    least = min_df or (1 if n < 15 else 2 if n < 1000 else 3)
    vectorizer = CountVectorizer(analyzer=_as_given)
    if not any(tokens):
        return TermMatrix(sp.csr_matrix((n, 0), dtype=np.int64), ())
    counts = vectorizer.fit_transform(tokens)
    kept = np.flatnonzero(counts.getnnz(axis=0) >= least)
    terms = vectorizer.get_feature_names_out()[kept]
    return TermMatrix(counts[:, kept], tuple(str(term) for term in terms))


def theme_keywords(
    matrix: TermMatrix, theme: NDArray[np.int32], *, n_keywords: int = 10
) -> tuple[Keywords, ...]:
    """Return each theme's keywords by class-based TF-IDF, best first, near-identical ones thinned.

    A term's weight in a theme is its share of the theme's term counts, times
    ``log(1 + A / f)`` with f the term's count over all posts and A the mean count of terms per
    theme, noise counted as one. Unlike the source, a term that a post holds m times counts
    ``1 + log2(m)`` there, so that one long post does not name the theme; and only terms in two or
    more posts of the theme are taken, as far as there are any.

    Parameters
    ----------
    matrix : TermMatrix
        With n rows.
    theme : int32 array of shape (n,)
        Theme per row, 0 to the largest without gaps; -1 is noise.
    n_keywords : int, default=10
        At most so many per theme.

    Returns
    -------
    tuple of tuple of (str, float)
        One entry per theme.

    References
    ----------
    Grootendorst (2022), arXiv:2203.05794.
    """
    n_themes = int(theme.max(initial=-1)) + 1
    members = _members(theme, n_themes)
    damped = matrix.counts.astype(np.float64)
    damped.data = 1.0 + np.log2(damped.data)
    counts = (members @ damped).sorted_indices()
    posts = (members @ (matrix.counts > 0).astype(np.int64)).sorted_indices()
    mean_size = counts.sum() / max(np.count_nonzero(counts.getnnz(axis=1)), 1)
    rarity = np.log1p(mean_size / np.maximum(np.asarray(counts.sum(axis=0)).ravel(), 1))
    rows = [slice(*counts.indptr[i : i + 2]) for i in range(n_themes)]
    return tuple(
        _keywords(
            [matrix.terms[i] for i in counts.indices[row]],
            counts.data[row],
            posts.data[row],
            rarity[counts.indices[row]],
            n_keywords,
        )
        for row in rows
    )


def theme_name(keywords: Keywords, *, n_terms: int = 3) -> str:
    """Return a readable name of the first few keywords, such as "sanctions · economy"."""
    return " · ".join(term for term, _ in keywords[:n_terms])


def _as_given(tokens: list[str]) -> list[str]:
    return tokens


def _members(theme: NDArray[np.int32], n_themes: int) -> sp.csr_matrix:
    """Return 0/1 rows per theme, and a last one for noise."""
    row = np.where(theme < 0, n_themes, theme)
    ones = np.ones(len(theme), np.int64)
    return sp.csr_matrix((ones, (row, np.arange(len(theme)))), shape=(n_themes + 1, len(theme)))


def _keywords(
    terms: Sequence[str],
    counts: NDArray[np.float64],
    posts: NDArray[np.int64],
    rarity: NDArray[np.float64],
    n_keywords: int,
) -> Keywords:
    """Choose from one theme's terms, given in alphabetical order."""
    weights = counts / max(counts.sum(), 1) * rarity
    if np.any(posts >= 2):
        weights = np.where(posts >= 2, weights, 0.0)
    # Stable: equal weights stay in alphabetical order.
    best = np.argsort(-weights, kind="stable")[: n_keywords * _CANDIDATES]
    candidates = [int(i) for i in best if weights[i] > 0]
    count_of = {terms[i]: float(counts[i]) for i in candidates}
    chosen: list[tuple[str, float]] = []
    for i in candidates:
        if _is_part(terms[i], count_of) or any(_near_identical(terms[i], t) for t, _ in chosen):
            continue
        chosen.append((terms[i], float(weights[i])))
        if len(chosen) == n_keywords:
            break
    return tuple(chosen)


def _is_part(term: str, count_of: dict[str, float]) -> bool:
    """Say whether a single word is used in one of the pairs for the most part."""
    return any(
        term in pair.split(" ") and count >= _MOSTLY * count_of[term]
        for pair, count in count_of.items()
        if " " in pair and pair != term
    )


def _near_identical(a: str, b: str) -> bool:
    """Say whether two terms share a word, in whatever inflection, or overlap in a character."""
    if len(a) == len(b) == 2 and min(a + b) >= _FIRST_HAN:
        return a[1] == b[0] or b[1] == a[0]
    return any(_same_stem(x, y) for x in a.split(" ") for y in b.split(" "))


def _same_stem(x: str, y: str) -> bool:
    """Say whether two words differ in their ending at most, going by their common beginning."""
    short, long = sorted((x, y), key=len)
    common = next((i for i, (p, q) in enumerate(zip(x, y, strict=False)) if p != q), len(short))
    if common == len(short) and len(long) - common <= 2:
        return True
    return common >= 4 and common >= 0.6 * len(long)
