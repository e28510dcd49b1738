"""Weighted words and character sequences of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from narraframe.classifiers.given_terms import character_counter, word_counter

# Character sequences within words serve any language, inflection and misspelling.
_WAYS = {"words": ("word", (1, 2)), "characters": ("char_wb", (3, 4))}
_COUNTERS = {"words": word_counter, "characters": character_counter}
ANALYZERS = tuple(_WAYS)


@dataclass(frozen=True)
class TermWeights:
    """What was learned of one view's terms: `columns` kept, `idf` float32 of each."""

    columns: NDArray[np.intp]
    idf: NDArray[np.float32]


def count_terms(
    texts: Sequence[str], view: str, min_df: int, terms: tuple[str, ...] | None
) -> tuple[sp.csr_matrix, tuple[str, ...]]:
    """Count the terms of each text: those given, or those in at least `min_df` texts.

    Returns
    -------
    Counts float32 csr (n, terms), and the terms.
    """
    if terms is not None and not terms:
        return sp.csr_matrix((len(texts), 0), dtype=np.float32), ()
    if terms is not None:
        return _COUNTERS[view](terms)(texts), terms
    analyzer, lengths = _WAYS[view]
    counter = CountVectorizer(analyzer=analyzer, ngram_range=lengths, dtype=np.float32)
    if not any(map(counter.build_analyzer(), texts)):
        return sp.csr_matrix((len(texts), 0), dtype=np.float32), ()
    counts = counter.fit_transform(texts)
    enough = np.flatnonzero(np.bincount(counts.indices, minlength=counts.shape[1]) >= min_df)
    names = counter.get_feature_names_out()
    kept = counts[:, enough]
    kept.sort_indices()  # else sums run in the order in which other posts brought their terms up
    return kept, tuple(str(name) for name in names[enough])


def fit_terms(counts: sp.csr_matrix, rows: NDArray[np.intp], *, min_df: int) -> TermWeights:
    """Learn from the posts at `rows` which terms are kept, and their inverse document frequency.

    The result is that of scikit-learn's TfidfVectorizer (smooth idf) fitted on those posts.
    """
    df = np.bincount(counts[rows].indices, minlength=counts.shape[1])
    columns = np.flatnonzero(df >= min_df)
    idf = np.log((1 + len(rows)) / (1 + df[columns])) + 1
    return TermWeights(columns, idf.astype(np.float32))


def weigh_terms(counts: sp.csr_matrix, weights: TermWeights) -> sp.csr_matrix:
    """Return (1 + log count) * idf of the kept terms, each row scaled to length 1."""
    every = len(weights.columns) == counts.shape[1]
    terms = counts.copy() if every else counts[:, weights.columns]
    if not all(terms.shape):
        return terms  # nothing to weigh, which `normalize` refuses
    terms.data = (1 + np.log(terms.data)) * weights.idf[terms.indices]
    return normalize(terms).astype(np.float32)
