"""Detect the language of posts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import regex

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LANGUAGES = (
    "am ar az be bg bn ca cs da de el en es et fa fi fr he hi hr hu hy id is it ja ka kk km ko "
    "ky lo lt lv mk mn ms my ne nl no pl ps pt ro ru sk sl so sq sr sv sw ta tg th tk tl tr uk ur "
    "uz vi zh"
)
"""ISO 639-1 codes of the languages that are told apart; rarer ones would only take short posts
away from these."""

_FEWEST_BYTES = 12  # of UTF-8: 12 Latin, 6 Cyrillic or 4 Chinese letters say about as much
_READ = 500  # characters; more change the time and hardly an answer
_SURE = 0.5  # probability of the best language

_NOT_WORDS = regex.compile(r"@\w+|[^\p{L}\p{M}\s'’-]+")


def detect(texts: Sequence[str]) -> list[str | None]:
    """Return the language of each text, or None where there is too little to be sure.

    Each text is judged by itself, by its words in lower case. The answer is None with fewer than 12
    Latin, 6 Cyrillic or 4 Chinese letters, and where the best language has a probability under one
    half, as in mixtures, lists of names and languages not in `LANGUAGES`.

    Parameters
    ----------
    texts : sequence of str
        Best the `model_text`: links and calls to action mislead.

    Returns
    -------
    list of str or None
        ISO 639-1 codes, in the order of the texts.

    Notes
    -----
    Measured on `model_text` of 2,674 Ukrainian and Russian Telegram posts, 2,990 English and French
    news excerpts, 15,435 Russian Telegram news posts and 5,000 English and Russian tweets, on one
    core of a busy machine, in this order. As it is here (py3langid 0.4.0): .9989, .9993, .9992 and
    .9994 right of the decided, 0, 1.6, 0.9 and 3.1 % undecided, 4,000, 4,100, 4,600 and 10,200
    posts/s, 101 MB, half a second to load. lingua 2.1.1, 46 languages, full models: .992, .996,
    .996, .991 right, 0 to 0.9 % undecided, 1,600, 920, 1,800, 820 posts/s, 1,052 MB, 9 s to load;
    in its low-accuracy mode .991, .994, .993, .954 right, 1,800, 1,200, 2,500, 4,500 posts/s,
    59 MB. Hence py3langid. Lower case took the undecided tweets from 11 to 3 %.

    References
    ----------
    Lui and Baldwin (2012), langid.py: An Off-the-shelf Language Identification Tool.
    """
    return [_detect_one(text) for text in texts]


def _detect_one(text: str) -> str | None:
    # Lower case: headlines in capitals are taken for other languages.
    words = " ".join(_NOT_WORDS.sub(" ", text[:_READ]).lower().split())
    if len(words.encode()) < _FEWEST_BYTES:
        return None
    language, probability = _identifier().classify(words)
    return str(language) if probability >= _SURE else None


@cache
def _identifier() -> LanguageIdentifier:
    """Load the model once (a second, 100 MB): it is read only."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES.split())
    return identifier
