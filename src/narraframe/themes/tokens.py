"""Words and word pairs of a text in any script, without the stop words of its language."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, count

import numpy as np
import regex
from numpy.typing import NDArray

# Runs of Han or Katakana, which are written without spaces; else words that hold a letter.
# Hiragana is left out: alone it is nearly always grammar. Nor does a word begin with a mark: those
# are the tail of an emoji.
_SPACED = r"(?!\p{M})[[\p{L}\p{M}\p{N}]--[\p{Han}\p{Katakana}\p{Hiragana}]]+"
_RUN = regex.compile(
    r"(?V1)(?P<han>[\p{Han}々]+)|(?P<katakana>[\p{Katakana}ー]{2,})"
    rf"|(?P<word>{_SPACED}(?:['\-]{_SPACED})*)"
)
_LETTER = regex.compile(r"\p{L}")
_APOSTROPHE = regex.compile(r"[\u2018\u2019\u02bc\uff07`]")
_DOTTED = regex.compile(r"\b(?:\p{Lu}\.){2,}")
_LINK = regex.compile(r"(?:https?://|www\.)[^\s\x1c-\x1f]+", regex.IGNORECASE)
_ELISION = regex.compile(r"^(?:[cdjlmnst]|qu|un|dell|nell|all|sull|dall)'(?=\p{L}{2})")
# Stop words in lower case, yet names when written so.
_NAMES = frozenset({"US", "WHO"})

# Latin, Greek and Cyrillic without combining marks, and general punctuation: there a word is a run
# of what Python calls alphanumeric, and is found many times faster.
_PLAIN = re.compile(r"[\0-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u203a]+")
_PLAIN_RUN = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*|\n|(?:[^\w\n]|_)+")


@dataclass(frozen=True)
class ChunkWords:
    """Words of chunk i: ``words[start[i] : start[i] + n_words[i]]``; numbers from a vocabulary."""

    words: NDArray[np.int32]
    start: NDArray[np.int32]
    n_words: NDArray[np.int32]


def tokenise(text: str, stop: frozenset[str]) -> list[str]:
    """Return the terms of a text in order: words, and pairs of words with only a space between.

    Lower case, compatibility forms normalised, possessive and elided parts taken off. Han text
    gives its character pairs, Katakana whole runs. Numbers and single letters are left out, and
    stop words end a pair.

    Parameters
    ----------
    text : str
        Any script, or several.
    stop : frozenset of str
        Words to leave out, lower case; from `stop_words`.
    """
    vocabulary = new_vocabulary()
    found = chunk_words(text.split(), stop, vocabulary)
    strings = list(vocabulary)
    terms: list[str] = []
    before = ""
    for start, n_words in zip(found.start, found.n_words, strict=True):
        for number in found.words[start : start + n_words]:
            word = strings[number]
            if word:
                terms.append(word)
            if word and before:
                terms.append(f"{before} {word}")
            before = word
    return terms


def new_vocabulary() -> defaultdict[str, int]:
    """Return a dictionary that gives each new word the next number; the break "" has 0."""
    return defaultdict(count(1).__next__, {"": 0})


def chunk_words(
    chunks: Sequence[str], stop: frozenset[str], vocabulary: defaultdict[str, int]
) -> ChunkWords:
    """Return the words of pieces of text between white space, as numbers; 0 is a break.

    Nothing in a text reaches over white space, so its words are those of its chunks in turn, and a
    chunk that occurs again need not be looked at again. Two words in succession, of one chunk or of
    two, are a pair; where they are not, a break stands between.

    Parameters
    ----------
    chunks : sequence of str
        From ``text.split()``.
    stop : frozenset of str
        Words to leave out, lower case; each leaves a break.
    vocabulary : defaultdict of str to int
        From `new_vocabulary`; the words that it lacks are added.
    """
    plain = np.fromiter(map(_is_plain, chunks), bool, len(chunks))
    words, ends = _plain_words(list(compress(chunks, plain)), stop, vocabulary)
    n_words = np.zeros(len(chunks), np.int32)
    n_words[plain] = np.diff(ends, prepend=0)
    others: list[int] = []
    for i in np.flatnonzero(~plain):
        found = _words(chunks[i], stop)
        others += map(vocabulary.__getitem__, found)
        n_words[i] = len(found)
    start = np.zeros(len(chunks), np.int32)
    order = np.argsort(~plain, kind="stable")
    start[order] = np.cumsum(n_words[order]) - n_words[order]
    return ChunkWords(np.append(words, np.array(others, np.int32)), start, n_words)


def _is_plain(chunk: str) -> bool:
    return chunk.isascii() or (
        _PLAIN.fullmatch(chunk) is not None and unicodedata.is_normalized("NFKC", chunk)
    )


def _plain_words(
    chunks: Sequence[str], stop: frozenset[str], vocabulary: defaultdict[str, int]
) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return the words of all chunks, and where the words of each one end."""
    found = _PLAIN_RUN.findall(_rewritten("".join([f"{chunk}\n" for chunk in chunks])))
    number = {
        run: vocabulary[_word(run, stop)] if run[0].isalnum() else 0 for run in dict.fromkeys(found)
    }
    number["\n"] = -1
    words = np.fromiter(map(number.__getitem__, found), np.int32, len(found))
    ends = np.flatnonzero(words < 0)
    return words[words >= 0], ends - np.arange(len(ends))


def _words(chunk: str, stop: frozenset[str]) -> list[str]:
    text = _rewritten(unicodedata.normalize("NFKC", chunk))
    words: list[str] = []
    end = 0
    for match in _RUN.finditer(text):
        if text[end : match.start()].strip():
            words.append("")
        if match.lastgroup == "word":
            words.append(_word(match[0], stop))
        else:
            for term in _pairs(match[0]) if match.lastgroup == "han" else [match[0]]:
                words += ["", term] if term not in stop else []
            words.append("")
        end = match.end()
    return [*words, ""] if text[end:].strip() else words


def _rewritten(text: str) -> str:
    """Cut links, write one apostrophe for all, and no dots in abbreviations."""
    # Each step costs more than to see that there is nothing for it to do.
    if "://" in text or "www." in text.lower():
        text = _LINK.sub("|", text)
    if "`" in text or not text.isascii():
        text = _APOSTROPHE.sub("'", text)
    return _DOTTED.sub(lambda match: match[0].replace(".", ""), text) if "." in text else text


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


def _word(written: str, stop: frozenset[str]) -> str:
    """Return the term for a word as written, "" if it is to be left out."""
    if written in _NAMES:
        return written
    word = written.lower()
    if word in stop:
        return ""
    if "'" in word:
        word = str(_ELISION.sub("", word)).removesuffix("'s")
    if len(word) < 2 or word in stop or not (word.isalpha() or _LETTER.search(word)):
        return ""
    return word
