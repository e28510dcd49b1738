"""Clean a post: `text` as a person should read it, `model_text` as the encoder should."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

import regex

from narraframe.posts.model_text import find_hashtags, model_text
from narraframe.posts.repeats import collapse_repeats
from narraframe.records import Post

MEDIA_MARKERS = frozenset(
    {
        "Media is too big",
        "VIEW IN TELEGRAM",
        "Please open Telegram to view this post",
        "This media is not supported in your browser",
        "This media is not supported in the widget",
    }
)

_LINE_BREAK = regex.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
_CONTROL = regex.compile(r"[\p{Cc}\p{Cs}--[\t\n]]", regex.V1)
# Joiners, tags and variation selectors can be spelling (Persian, Indic) or part of an emoji; only
# where they can be neither do they go.
_INVISIBLE = regex.compile(
    r"[\p{DI}--[\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]]", regex.V1
)
_STRAY_TAG = regex.compile(r"(?<!\U0001f3f4[\U000e0020-\U000e007f]*)[\U000e0020-\U000e007f]+")
_STRAY_SELECTOR = regex.compile(r"(?<![^\s\p{DI}])[\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
_JOINING = (
    r"\p{Arabic}\p{Syriac}\p{Mongolian}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}"
    r"\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}\p{Khmer}\p{Myanmar}\p{Tibetan}"
)
_STRAY_JOINER = regex.compile(
    rf"(?<![{_JOINING}])\u200c|\u200c(?![{_JOINING}])"
    rf"|(?<![{_JOINING}\p{{ExtPict}}\p{{EMod}}\ufe0f])\u200d|\u200d(?![{_JOINING}\p{{ExtPict}}])"
)
_BLANK_RUN = regex.compile(r"\n{3,}")


def clean(post: Post) -> Post:
    """Return the post with `text` cleaned and `model_text` and `hashtags` filled in.

    `text` keeps what the author wrote: only characters that nobody sees, the page's media markers,
    a body that the copy holds twice and superfluous blank lines go. `model_text` is made from it
    (see `posts.model_text`); a post whose `model_text` is empty carries no text. Hashtags are those
    of the text in order, then those that only the input knew. Cleaning twice changes nothing.

    Parameters
    ----------
    post : Post
        As read; only `text` and `hashtags` are looked at.

    Returns
    -------
    Post
        A new post; all other fields are unchanged.
    """
    text = clean_text(post.text)
    return replace(
        post,
        text=text,
        model_text=model_text(text),
        hashtags=_distinct((*find_hashtags(text), *post.hashtags)),
    )


def clean_text(text: str) -> str:
    """Return a post's text as a person should read it; see `clean`."""
    lines = [line.rstrip() for line in _visible(text).split("\n")]
    lines = [line for line in lines if line.strip() not in MEDIA_MARKERS]
    kept: str = _BLANK_RUN.sub("\n\n", "\n".join(collapse_repeats(lines)))
    return kept.strip()


def _visible(text: str) -> str:
    """Return the text in NFC, with line feeds only, without what cannot be seen."""
    if not text.isprintable():
        text = _CONTROL.sub("", _LINE_BREAK.sub("\n", text))
    if text.isascii():
        return text
    # In this order: each step may strand what the next one looks for.
    for pattern in (_INVISIBLE, _STRAY_TAG, _STRAY_SELECTOR, _STRAY_JOINER):
        text = pattern.sub("", text)
    return unicodedata.normalize("NFC", text)


def _distinct(hashtags: Iterable[str]) -> tuple[str, ...]:
    """Drop repeats in any letter case, as Telegram does; the first spelling stays."""
    first: dict[str, str] = {}
    for hashtag in hashtags:
        name = hashtag.lstrip("#＃")
        if name:
            first.setdefault(name.casefold(), name)
    return tuple(first.values())
