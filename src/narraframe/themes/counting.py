"""The words and word pairs of all posts, counted once in one sparse matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from narraframe.errors import InputError
from narraframe.themes.stopwords import stop_words
from narraframe.themes.tokens import chunk_words, new_vocabulary

_BATCH = 4096


@dataclass(frozen=True)
class TermMatrix:
    """Term counts, sparse int32 (n_posts, n_terms), and the `terms` that the columns count.

    Every relabelling, merge or time slice is a product with this one matrix.
    """

    counts: sp.csr_matrix
    terms: tuple[str, ...]


@dataclass(frozen=True)
class _Stream:
    """The words of all texts in order, as numbers in the `vocabulary` (0: a break), and the text
    that each is of; both int32 (m,).
    """

    word: NDArray[np.int32]
    row: NDArray[np.int32]
    vocabulary: tuple[str, ...]


@dataclass(frozen=True)
class _Columns:
    """Counts of the frequent terms, whose numbers ascend, column by column."""

    numbers: NDArray[np.int64]
    counts: sp.csc_matrix


def count_terms(
    texts: Sequence[str], langs: Sequence[str | None], *, min_df: int | None = None
) -> TermMatrix:
    """Count words and word pairs per text, each text without the stop words of its language.

    A piece of text between white space is looked at once per language, however often it occurs, and
    a pair gets a string only if it is frequent enough.

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

    Raises
    ------
    InputError
        If there are more different pairs in more texts than 63 bits can number.
    """
    n = len(texts)
    least = min_df or (1 if n < 15 else 2 if n < 1000 else 3)
    stream = _stream(texts, langs)
    said = np.flatnonzero(stream.word)
    words = _frequent(stream.word[said].astype(np.int64), stream.row[said], n, least)
    # A pair is no more frequent than its words: the others need not be counted.
    place = np.full(len(stream.vocabulary), -1, np.int64)
    place[words.numbers] = np.arange(len(words.numbers))
    word, row = place[stream.word], stream.row
    paired = np.flatnonzero((word[:-1] >= 0) & (word[1:] >= 0) & (row[:-1] == row[1:]))
    v = max(len(words.numbers), 1)
    pairs = _frequent(word[paired] * v + word[paired + 1], row[paired], n, least)
    strings = [stream.vocabulary[i] for i in words.numbers.tolist()]
    firsts, seconds = (pairs.numbers // v).tolist(), (pairs.numbers % v).tolist()
    strings += [f"{strings[a]} {strings[b]}" for a, b in zip(firsts, seconds, strict=True)]
    order = sorted(range(len(strings)), key=strings.__getitem__)
    counts = sp.hstack([words.counts, pairs.counts], format="csc")[:, order]
    return TermMatrix(counts.tocsr(), tuple(strings[i] for i in order))


def _stream(texts: Sequence[str], langs: Sequence[str | None]) -> _Stream:
    stop = stop_words(langs)
    rows_of: dict[str | None, list[int]] = {}
    for i, (_, lang) in enumerate(zip(texts, langs, strict=True)):
        rows_of.setdefault(lang or None, []).append(i)
    vocabulary = new_vocabulary()
    words: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
    rows: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
    for lang, members in rows_of.items():
        for word, row in _batches(texts, members, stop[lang], vocabulary):
            words.append(word)
            rows.append(row)
    return _Stream(np.concatenate(words), np.concatenate(rows), tuple(vocabulary))


def _batches(
    texts: Sequence[str],
    members: Sequence[int],
    stop: frozenset[str],
    vocabulary: defaultdict[str, int],
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Yield `_Stream.word` and `.row` of the texts of one language."""
    known: defaultdict[str, int] = defaultdict(count().__next__)
    word: NDArray[np.int32] = np.zeros(0, np.int32)
    start, n_words = word, word
    for begin in range(0, len(members), _BATCH):
        batch = members[begin : begin + _BATCH]
        chunks = [texts[i].split() for i in batch]
        lengths = np.fromiter(map(len, chunks), np.int64, len(chunks))
        chunk = np.fromiter(map(known.__getitem__, chain.from_iterable(chunks)), np.int32)
        new = chunk_words(list(islice(known, len(start), None)), stop, vocabulary)
        start = np.append(start, new.start + np.int32(len(word)))
        n_words = np.append(n_words, new.n_words)
        word = np.append(word, new.words)
        times = n_words[chunk]
        # Each chunk's words lie in a row in `word`: the first one's place, and on from there.
        shift = start[chunk] - (np.cumsum(times) - times)
        place = np.repeat(shift, times) + np.arange(times.sum())
        yield word[place], np.repeat(np.repeat(np.array(batch, np.int32), lengths), times)


def _frequent(number: NDArray[np.int64], row: NDArray[np.int32], n: int, least: int) -> _Columns:
    """Count each number per row, and keep those that are in enough rows."""
    if (int(number.max(initial=0)) + 1) * n >= 2**63:
        raise InputError("there are too many words in too many posts to count pairs of words")
    keys = number * n + row
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    times = np.diff(first, append=len(keys)).astype(np.int32)
    found, rows = np.divmod(keys[first], max(n, 1))
    begin = np.flatnonzero(np.diff(found, prepend=-1))
    held_by = np.diff(begin, append=len(found))
    enough = held_by >= least
    kept = np.repeat(enough, held_by)
    ends = np.concatenate([[0], np.cumsum(held_by[enough])])
    counts = sp.csc_matrix((times[kept], rows[kept], ends), shape=(n, len(ends) - 1))
    return _Columns(found[begin[enough]], counts)
