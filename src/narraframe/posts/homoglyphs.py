"""Mend words that mix Latin and Cyrillic letters of the same shape."""

from __future__ import annotations

import re

_CYRILLIC = "АВЕЅІЈКМНОРСТУХԚԜЁЇаеѕіјорсухһԁԛԝёї"
_LATIN = "ABESIJKMHOPCTYXQWËÏaesijopcyxhdqwëï"
_TO_LATIN = dict(zip(_CYRILLIC, _LATIN, strict=True))
_TO_CYRILLIC = dict(zip(_LATIN, _CYRILLIC, strict=True))

# The standard library's `re` with plain ranges: the search below runs over every text.
_LATIN_RANGE, _CYRILLIC_RANGE = r"A-Za-z\u00c0-\u024f", r"\u0400-\u052f"
_SEAM = re.compile(
    f"[{_LATIN_RANGE}][{_CYRILLIC_RANGE}]|[{_CYRILLIC_RANGE}][{_LATIN_RANGE}]",
)
_WORD = re.compile(r"[^\W\d_]+")
_IS_LATIN = re.compile(f"[{_LATIN_RANGE}]")
_IS_CYRILLIC = re.compile(f"[{_CYRILLIC_RANGE}]")


def repair_homoglyphs(text: str) -> str:
    """Return the text with look-alike letters of the other script replaced, word by word.

    A word is mended only when there is no doubt: most of its letters are of one script, all the
    others have a twin in it, and the reverse reading is impossible. So "Сooperation" with a
    Cyrillic first letter becomes Latin, "Мрiя" with a Latin i Cyrillic, while "КуZбасс" (no twin)
    and an all-capital "СССP" (possible both ways) stay.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Of the same length.
    """
    if text.isascii() or not _SEAM.search(text):
        return text
    return _WORD.sub(lambda match: _repair_word(match[0]), text)


def _repair_word(word: str) -> str:
    if not _SEAM.search(word):
        return word
    latin, cyrillic = _IS_LATIN.findall(word), _IS_CYRILLIC.findall(word)
    can_be_latin = all(letter in _TO_LATIN for letter in cyrillic)
    can_be_cyrillic = all(letter in _TO_CYRILLIC for letter in latin)
    if can_be_latin and not can_be_cyrillic and len(latin) > len(cyrillic):
        return "".join(_TO_LATIN.get(letter, letter) for letter in word)
    if can_be_cyrillic and not can_be_latin and len(cyrillic) > len(latin):
        return "".join(_TO_CYRILLIC.get(letter, letter) for letter in word)
    return word
