"""Counts of given terms, as scikit-learn's CountVectorizer has them, in a fraction of its time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_WORD = re.compile(r"\b\w\w+\b")
_SPACE = ord(" ")
_LETTER_BITS = 16  # four letters make one number

Counter = Callable[[Sequence[str]], sp.csr_matrix]


@lru_cache(maxsize=8)  # the places of a model's terms, for all the blocks of posts that it scores
def word_counter(terms: tuple[str, ...]) -> Counter:
    """Return what counts `terms`, words and pairs of neighbours, in texts.

    Parameters
    ----------
    terms : tuple of str
        Distinct, in lower case.

    Returns
    -------
    callable
        From n texts to their counts, float32 csr (n, terms).
    """
    place = {term: column for column, term in enumerate(terms)}

    def columns_of(text: str) -> list[int]:
        words = _WORD.findall(text.lower())
        found = map(place.get, chain(words, map(" ".join, pairwise(words))))
        return [column for column in found if column is not None]

    def count(texts: Sequence[str]) -> sp.csr_matrix:
        found = [columns_of(text) for text in texts]
        sizes = np.array([len(columns) for columns in found], dtype=np.intp)
        columns = np.fromiter(chain.from_iterable(found), dtype=np.intp, count=int(sizes.sum()))
        return _counts(columns, np.concatenate([[0], np.cumsum(sizes)]), len(terms))

    return count


@lru_cache(maxsize=8)
def character_counter(terms: tuple[str, ...]) -> Counter:
    """Return what counts `terms`, three and four characters of a word and the spaces around it.

    All texts are one row of letters, each a number of 16 bits, and a term is a number of 64 bits,
    which is looked up among those of the terms. A sequence that reaches over a word's end has a
    space within: no term has.

    Parameters
    ----------
    terms : tuple of str
        Distinct, in lower case, of at most 65,535 different letters.

    Returns
    -------
    callable
        From n texts to their counts, float32 csr (n, terms).
    """
    letters = np.unique(_code_points("".join(terms)))
    if len(letters) >= 1 << _LETTER_BITS:
        raise ValueError(f"{len(letters)} different letters in terms")
    number_of = np.zeros(int(letters.max(initial=0)) + 2, dtype=np.uint64)  # the last: any other
    number_of[letters] = np.arange(1, len(letters) + 1)

    def numbers(text: str) -> NDArray[np.uint64]:
        found: NDArray[np.uint64] = number_of[np.minimum(_code_points(text), len(number_of) - 1)]
        return found

    at = np.cumsum([0, *map(len, terms)])
    of_terms = numbers("".join(terms) + " ")
    codes = np.zeros(len(terms), dtype=np.uint64)
    for i in range(4):
        there = at[1:] - at[:-1] > i
        codes[there] |= _shifted(of_terms[at[:-1][there] + i], i)
    order = np.argsort(codes)
    known = codes[order]

    def count(texts: Sequence[str]) -> sp.csr_matrix:
        padded = [f" {' '.join(text.lower().split())} " for text in texts]
        row = "".join(padded)
        starts = np.cumsum([0, *map(len, padded)])
        letter, is_space = numbers(row), _code_points(row) == _SPACE
        found: list[NDArray[np.intp]] = []
        where: list[NDArray[np.intp]] = []
        for size in (3, 4):
            n = max(len(letter) - size + 1, 0)
            parts = [letter[i : i + n] for i in range(size)]
            whole = np.logical_and.reduce([part != 0 for part in parts])
            for i in range(1, size - 1):
                whole &= ~is_space[i : i + n]
            places = np.flatnonzero(whole)
            asked = np.zeros(len(places), dtype=np.uint64)
            for i, part in enumerate(parts):
                asked |= _shifted(part[places], i)
            column = np.minimum(np.searchsorted(known, asked), len(known) - 1)
            hit = known[column] == asked
            found.append(order[column[hit]])
            where.append(places[hit])
        text = np.searchsorted(starts, np.concatenate(where), side="right") - 1
        by_text = np.argsort(text, kind="stable")
        ends = np.cumsum(np.bincount(text, minlength=len(texts)))
        columns = np.concatenate(found)[by_text]
        return _counts(columns, np.concatenate([[0], ends]), len(terms))

    return count


def _counts(columns: NDArray[np.intp], starts: NDArray[np.intp], n_terms: int) -> sp.csr_matrix:
    ones = np.ones(len(columns), dtype=np.float32)
    counts = sp.csr_matrix((ones, columns, starts), shape=(len(starts) - 1, n_terms))
    counts.sum_duplicates()
    return counts


def _shifted(letter: NDArray[np.uint64], i: int) -> NDArray[np.uint64]:
    """Put letter i of a term in its place; the first stands highest."""
    return letter << np.uint64(_LETTER_BITS * (3 - i))


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
