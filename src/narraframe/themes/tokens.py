"""Words and word pairs of a text in any script, without the stop words of its language."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

import regex
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

# Runs of Han or Katakana, which are written without spaces; else words that hold a letter.
# Hiragana is left out: alone it is nearly always grammar.
_RUN = regex.compile(
    r"(?P<han>[\p{Han}々]+)|(?P<katakana>[\p{Katakana}ー]{2,})"
    r"|(?P<word>(?:(?![\p{Han}\p{Katakana}\p{Hiragana}])[\p{L}\p{M}\p{N}])+"
    r"(?:['\-](?:(?![\p{Han}\p{Katakana}\p{Hiragana}])[\p{L}\p{M}\p{N}])+)*)"
)
_LETTER = regex.compile(r"\p{L}")
_APOSTROPHE = regex.compile(r"[\u2018\u2019\u02bc\uff07`]")
_DOTTED = regex.compile(r"\b(?:\p{Lu}\.){2,}")
_LINK = regex.compile(r"(?:https?://|www\.)\S+", regex.IGNORECASE)
_ELISION = regex.compile(r"^(?:[cdjlmnst]|qu|un|dell|nell|all|sull|dall)'(?=\p{L}{2})")
# Stop words in lower case, yet names when written so.
_NAMES = frozenset({"US", "WHO"})

# Content words in scikit-learn's English list, kept; and function words that it lacks.
_ENGLISH_KEPT = frozenset(
    "bill computer cry detail fill fire interest mill system top".split()  # noqa: SIM905
)
_ENGLISH_MORE = frozenset(
    "did didn does doesn doing don going got having isn just let like ll make makes really re said "  # noqa: SIM905
    "say saying says shall thanks think use used uses using ve want wasn won wouldn yes".split()
)


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
    text = _LINK.sub(" | ", unicodedata.normalize("NFKC", text))
    text = _APOSTROPHE.sub("'", text)
    text = _DOTTED.sub(lambda match: match[0].replace(".", ""), text)
    terms: list[str] = []
    before, end = "", -1
    for match in _RUN.finditer(text):
        if match["word"] is None:
            found = _pairs(match["han"]) if match["han"] else [match["katakana"]]
            terms += [term for term in found if term not in stop]
            before = ""
            continue
        word = _word(match["word"], stop)
        if word:
            terms.append(word)
            if before and text[end : match.start()].isspace():
                terms.append(f"{before} {word}")
        before, end = word, match.end()
    return terms


def stop_words(langs: Sequence[str | None]) -> dict[str | None, frozenset[str]]:
    """Return the stop words of each language that occurs.

    A text of unknown language (None) gets those of all the others, or of English if there are none.

    Parameters
    ----------
    langs : sequence of str or None
        ISO 639-1 codes, one per text; a region ("en-US") is ignored.
    """
    stop: dict[str | None, frozenset[str]] = {
        lang: _stop_words(lang.split("-")[0].lower()) for lang in set(langs) if lang
    }
    stop[None] = frozenset().union(*stop.values()) if stop else _stop_words("en")
    return stop


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


def _word(written: str, stop: frozenset[str]) -> str:
    """Return the term for a word as written, "" if it is to be left out."""
    if written in _NAMES:
        return written
    word = written.lower()
    if word in stop:
        return ""
    word = str(_ELISION.sub("", word)).removesuffix("'s")
    if len(word) < 2 or word in stop or not _LETTER.search(word):
        return ""
    return word


@cache
def _stop_words(lang: str) -> frozenset[str]:
    from stop_words import safe_get_stop_words

    listed = frozenset(safe_get_stop_words(lang))
    if lang != "en":
        return listed
    # The package's English list holds many content words: only its contractions are taken.
    contractions = frozenset(word for word in listed if "'" in word)
    return (frozenset(ENGLISH_STOP_WORDS) - _ENGLISH_KEPT) | _ENGLISH_MORE | contractions
