"""What sets each theme's vocabulary apart: class-based TF-IDF from sums over one term matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from narraframe.errors import InputError
from narraframe.themes.counting import TermMatrix, count_terms
from narraframe.themes.keywords import Keywords, choose_keywords, theme_name

__all__ = [
    "Keywords",
    "TermMatrix",
    "ThemeTerms",
    "count_terms",
    "group_terms",
    "keywords_of",
    "merge_themes",
    "term_rarity",
    "theme_keywords",
    "theme_name",
    "theme_terms",
]

# Sums of multiples of this are exact up to 2**29, whatever the order: merged equals counted anew.
_UNIT = 2.0**-24


@dataclass(frozen=True)
class ThemeTerms:
    """What the keywords of t themes are chosen from; rows are summed to merge themes.

    `themes` int32 (t,) are their ids, ascending; `counts` sparse float64 (t, n_terms) the damped
    counts of terms; `posts` sparse int32 (t, n_terms) the number of posts with the term; `rarity`
    float64 (n_terms,) weighs a term by its use in the whole corpus.
    """

    themes: NDArray[np.int32]
    counts: sp.csr_matrix
    posts: sp.csr_matrix
    rarity: NDArray[np.float64]
    terms: tuple[str, ...]


def theme_terms(matrix: TermMatrix, theme: NDArray[np.int32]) -> ThemeTerms:
    """Sum the terms of each theme's posts.

    A term that a post holds m times counts ``1 + log2(m)`` there, so that one long post does not
    name the theme. The rarity of a term is ``log(1 + A / f)`` with f its count over all posts and A
    the mean count of terms per theme, noise counted as one.

    Parameters
    ----------
    matrix : TermMatrix
        With n rows.
    theme : int32 array of shape (n,)
        Theme id per row; negative is noise.

    References
    ----------
    Grootendorst (2022), arXiv:2203.05794.
    """
    themes, number = _numbered(theme)
    rarity = term_rarity(matrix, n_themes=len(themes))
    first = int(np.searchsorted(themes, 0))
    return group_terms(matrix, _members(number)[first:], themes[first:], rarity=rarity)


def term_rarity(matrix: TermMatrix, *, n_themes: int) -> NDArray[np.float64]:
    """Return the rarity of each term where there are so many themes, noise counted as one."""
    weights = _damped(matrix.counts.data)
    f = np.bincount(matrix.counts.indices, weights=weights, minlength=len(matrix.terms))
    rarity: NDArray[np.float64] = np.log1p(f.sum() / max(n_themes, 1) / np.maximum(f, 1.0))
    return rarity


def group_terms(
    matrix: TermMatrix,
    members: sp.csr_matrix,
    groups: NDArray[np.integer],
    *,
    rarity: NDArray[np.float64],
) -> ThemeTerms:
    """Sum the terms of any groups of posts, as `theme_terms` does.

    Parameters
    ----------
    matrix : TermMatrix
        With n rows.
    members : sparse float64 array of shape (g, n)
        1 where the post belongs to the group.
    groups : int array of shape (g,)
        The id of each group, in the place of a theme's.
    rarity : float64 array of shape (n_terms,)
        From `term_rarity`.
    """
    counts = matrix.counts
    # Counts and numbers of posts in one product: the one real, the other imaginary.
    both = sp.csr_matrix((_damped(counts.data) + 1j, counts.indices, counts.indptr), counts.shape)
    return _summed(members @ both, groups, rarity, matrix.terms)


def merge_themes(terms: ThemeTerms, into: NDArray[np.int32]) -> ThemeTerms:
    """Sum the rows of themes that become one; the keywords of the others stay what they were.

    Parameters
    ----------
    terms : ThemeTerms
        Of t themes.
    into : int32 array of shape (t,)
        Id of the theme that each row becomes part of; its own where it stays alone. A negative id
        takes the row out.
    """
    themes, number = _numbered(into)
    first = int(np.searchsorted(themes, 0))
    places = terms.counts.indices, terms.counts.indptr
    both = sp.csr_matrix((terms.counts.data + 1j * terms.posts.data, *places), terms.counts.shape)
    return _summed(_members(number)[first:] @ both, themes[first:], terms.rarity, terms.terms)


def theme_keywords(
    matrix: TermMatrix, theme: NDArray[np.int32], *, n_keywords: int = 10
) -> tuple[Keywords, ...]:
    """Return each theme's keywords by class-based TF-IDF, best first, near-identical ones thinned.

    Parameters
    ----------
    matrix : TermMatrix
        With n rows.
    theme : int32 array of shape (n,)
        Theme id per row; negative is noise.
    n_keywords : int, default=10
        At most so many per theme.

    Returns
    -------
    tuple of tuple of (str, float)
        One entry per theme, in ascending order of their ids.

    References
    ----------
    Grootendorst (2022), arXiv:2203.05794.
    """
    return keywords_of(theme_terms(matrix, theme), n_keywords=n_keywords)


def keywords_of(
    terms: ThemeTerms, *, themes: Sequence[int] | None = None, n_keywords: int = 10
) -> tuple[Keywords, ...]:
    """Return the keywords of all themes, or of some in the order asked for.

    Raises
    ------
    InputError
        If a theme is asked for that there is not.
    """
    counts, posts = terms.counts, terms.posts
    if themes is not None:
        row = {int(number): i for i, number in enumerate(terms.themes)}
        unknown = [number for number in themes if number not in row]
        if unknown:
            raise InputError("there is no such theme", got=unknown[0])
        rows = [row[number] for number in themes]
        counts, posts = counts[rows], posts[rows]
    return choose_keywords(terms.terms, counts, posts, terms.rarity, n_keywords=n_keywords)


def _damped(counts: NDArray[np.int32]) -> NDArray[np.float64]:
    return np.rint((1.0 + np.log2(counts)) / _UNIT) * _UNIT


def _numbered(theme: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the ids that occur, ascending (-1 for all noise), and the number of each row's."""
    shifted = np.maximum(theme, -1) + 1
    occurs = np.bincount(shifted) > 0
    return np.flatnonzero(occurs) - 1, (np.cumsum(occurs) - 1)[shifted]


def _members(number: NDArray[np.intp]) -> sp.csr_matrix:
    """Return 0/1 rows, one per number, over what is numbered."""
    n = len(number)
    shape = int(number.max(initial=-1)) + 1, n
    return sp.csr_matrix((np.ones(n), (number, np.arange(n))), shape)


def _summed(
    both: sp.csr_matrix,
    themes: NDArray[np.integer],
    rarity: NDArray[np.float64],
    terms: tuple[str, ...],
) -> ThemeTerms:
    # There and back sorts each row's columns, faster than sorting does.
    both = both.tocsc().tocsr()
    places = both.indices, both.indptr
    counts = sp.csr_matrix((np.ascontiguousarray(both.data.real), *places), both.shape)
    posts = sp.csr_matrix((np.rint(both.data.imag).astype(np.int32), *places), both.shape)
    return ThemeTerms(themes.astype(np.int32), counts, posts, rarity, terms)
