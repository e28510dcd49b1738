"""What a head sees of a post: its embedding, and weighted words and character sequences.

Terms are counted once; which of them are kept and how they weigh is then learned from the training
rows alone, as if the rest had never been read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from narraframe.classifiers.settings import HeadSettings

# Character sequences within words serve any language, inflection and misspelling.
_NGRAMS = {"word": (1, 2), "char_wb": (3, 4)}
ANALYZERS = tuple(_NGRAMS)


@dataclass(frozen=True)
class RawFeatures:
    """Posts before anything is learned: `vectors` csr (n, d) of unit rows, or None; `counts` csr
    (n, v) and `terms` (v,) for each analyzer in use.
    """

    vectors: sp.csr_matrix | None
    counts: tuple[sp.csr_matrix, ...]
    terms: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class TermWeights:
    """What was learned of one analyzer's terms: `columns` kept, `idf` float32 of each."""

    columns: NDArray[np.intp]
    idf: NDArray[np.float32]


def count(
    vectors: NDArray[np.float32],
    texts: Sequence[str],
    settings: HeadSettings,
    *,
    terms: tuple[tuple[str, ...], ...] | None = None,
) -> RawFeatures:
    """Describe posts one by one; no row depends on another.

    Parameters
    ----------
    vectors : float32 array of shape (n, d)
        Embeddings; not looked at for "tfidf".
    texts : sequence of str of length n
        Texts; not looked at for "embedding".
    settings : HeadSettings
        Which of the two are used.
    terms : tuple of tuples of str, default=None
        The terms to count, for each analyzer. None counts those in `settings.min_df` texts or
        more: a term in fewer of all texts is in fewer of any part of them.
    """
    dense = settings.features != "tfidf"
    unit = normalize(sp.csr_matrix(np.asarray(vectors, dtype=np.float32))) if dense else None
    if settings.features == "embedding":
        return RawFeatures(unit, (), ())
    found = [
        _count_terms(texts, analyzer, settings.min_df, terms[i] if terms is not None else None)
        for i, analyzer in enumerate(ANALYZERS)
    ]
    return RawFeatures(unit, tuple(c for c, _ in found), tuple(t for _, t in found))


def fit_terms(
    raw: RawFeatures, rows: NDArray[np.intp], settings: HeadSettings
) -> tuple[TermWeights, ...]:
    """Learn from the posts at `rows` which terms are kept, and their inverse document frequency.

    The result is that of scikit-learn's TfidfVectorizer (smooth idf) fitted on those posts.
    """
    learned = []
    for counts in raw.counts:
        df = np.bincount(counts[rows].indices, minlength=counts.shape[1])
        columns = np.flatnonzero(df >= settings.min_df)
        idf = np.log((1 + len(rows)) / (1 + df[columns])) + 1
        learned.append(TermWeights(columns, idf.astype(np.float32)))
    return tuple(learned)


def design(
    raw: RawFeatures, rows: NDArray[np.intp], weights: tuple[TermWeights, ...]
) -> sp.csr_matrix:
    """Return the float32 matrix (rows, features): unit embedding, unit terms, and a constant 1.

    Terms are weighted by (1 + log count) * idf and scaled to length 1 over both analyzers.
    """
    blocks = [] if raw.vectors is None else [raw.vectors[rows]]
    for counts, weight in zip(raw.counts, weights, strict=True):
        terms = counts[rows][:, weight.columns]
        terms.data = (1 + np.log(terms.data)) * weight.idf[terms.indices]
        if len(weight.columns):
            blocks.append(normalize(terms) * np.float32(len(raw.counts) ** -0.5))
    constant = sp.csr_matrix(np.ones((len(rows), 1), dtype=np.float32))
    return sp.hstack([*blocks, constant], format="csr", dtype=np.float32)


def _count_terms(
    texts: Sequence[str], analyzer: str, min_df: int, terms: tuple[str, ...] | None
) -> tuple[sp.csr_matrix, tuple[str, ...]]:
    if terms is not None and not terms:
        return sp.csr_matrix((len(texts), 0), dtype=np.float32), ()
    counter = CountVectorizer(
        analyzer=analyzer, ngram_range=_NGRAMS[analyzer], vocabulary=terms, dtype=np.float32
    )
    if terms is not None:
        return counter.transform(texts), terms
    if not any(map(counter.build_analyzer(), texts)):
        return sp.csr_matrix((len(texts), 0), dtype=np.float32), ()
    counts = counter.fit_transform(texts)
    enough = np.flatnonzero(np.bincount(counts.indices, minlength=counts.shape[1]) >= min_df)
    names = counter.get_feature_names_out()
    kept = counts[:, enough]
    kept.sort_indices()  # else sums run in the order in which other posts brought their terms up
    return kept, tuple(str(name) for name in names[enough])
