"""Texts as sets of hashed character shingles: what near-duplicates are compared by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex
from numpy.typing import NDArray

LENGTH = 5
"""Characters of a shingle. In a script without spaces every character is set apart as a word, so
that a shingle there spans two or three characters."""

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
# Thai, Lao, Myanmar, Khmer, kana and Han. The standard library's `re`: this runs over every text.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, bits evenly mixed (2**64 / golden ratio)


@dataclass(frozen=True, slots=True)
class Shingles:
    """Hashes (m,) uint64 of the shingles of n texts; `starts` (n,) says where each text's begin."""

    hashes: NDArray[np.uint64]
    starts: NDArray[np.intp]


def normalise(text: str) -> str:
    """Return the words of a text in one letter case with one space between: "" without words.

    Punctuation, emoji, line breaks and compatibility forms do not count. Characters of scripts that
    are written without spaces count as words.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_WORD.findall(_UNSPACED.sub(r" \g<0> ", folded)))


def shingle_hashes(texts: Sequence[str]) -> Shingles:
    """Hash every run of `LENGTH` characters of every text.

    Parameters
    ----------
    texts : sequence of str of length n
        Each at least `LENGTH` characters long.

    Returns
    -------
    Shingles
        64-bit polynomial hashes, mixed; the same on every machine and in every process.
    """
    lengths = np.fromiter(map(len, texts), dtype=np.intp, count=len(texts))
    points = np.frombuffer("".join(texts).encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    hashes = np.zeros(len(points) - LENGTH + 1, dtype=np.uint64)
    for offset in range(LENGTH):
        hashes *= _MULTIPLIER
        hashes += points[offset : offset + len(hashes)]
    ends = np.cumsum(lengths)
    within_one_text = np.ones(len(points), dtype=np.bool_)
    for offset in range(1, LENGTH):
        within_one_text[ends - offset] = False
    shingles = lengths - LENGTH + 1
    return Shingles(mix(hashes[within_one_text[: len(hashes)]]), np.cumsum(shingles) - shingles)


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter the values over all 64 bits, one to one.

    References
    ----------
    Appleby (2011), MurmurHash3, the 64-bit finalizer.
    """
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        values = (values ^ (values >> np.uint64(33))) * np.uint64(multiplier)
    return values ^ (values >> np.uint64(33))
