"""What the encoder sees of a cleaned text, and the hashtags in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

import regex

from narraframe.posts.calls_to_action import is_call_to_action
from narraframe.posts.homoglyphs import repair_homoglyphs

_MARKDOWN_LINK = regex.compile(r"\[([^\[\]\n]*)\]\((?:https?://|tg://|mailto:)[^()\s]*\)")
_MARKDOWN_MARK = regex.compile(r"\*\*|__|~~|`{1,3}")
_LINK = regex.compile(
    r"(?:https?|ftp|tg)://[^\s<>()«»\"]+|\bwww\.[^\s<>()«»\"]+"
    r"|(?<![\w@.-])(?:[a-z0-9-]+\.)+[a-z]{2,}/[^\s<>()«»\"]*",
    regex.I,
)
_ELISION = regex.compile(r"<[^\S\n]*(?:\.{2,}|…)[^\S\n]*>|\*{3,}")
_EMOJI = regex.compile(
    r"[0-9#*]\ufe0f?\u20e3|[\p{ExtPict}\p{RI}\p{EMod}\ufe00-\ufe0f\u200d\U000e0020-\U000e007f]+"
)
_GAP = re.compile(r"[ \u00a0]+(?=[,.](?:\s|$))")  # left where an emoji stood before a comma
_EMPTY_BRACKETS = regex.compile(r"\([^\S\n]*\)|\[[^\S\n]*\]|«[^\S\n]*»")
_HANDLE = regex.compile(r"(?<![\w.])@\w+")
_WORDLESS = regex.compile(r"[^\p{L}\p{N}]*")
# A hashtag holds a letter; a variation selector after it belongs to an emoji.
_HASHTAG = regex.compile(
    r"(?<![\p{L}\p{N}_&/])[#＃](?=[\p{N}_]*\p{L})([\p{L}\p{M}\p{N}_--[\ufe00-\ufe0f\u20e3]]+)",
    regex.V1,
)
_HASHES = "#＃"
_CAMEL = regex.compile(r"(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})")


def model_text(text: str) -> str:
    """Return what the encoder should see of an already cleaned text.

    Gone are calls to action, links (a Markdown link leaves its words), lines of handles, emoji,
    elisions and lines without a letter or digit. Hashtags become words ("#RussiaChina" -> "Russia
    China") and letters of the wrong script are mended. Lines stay lines, for they bound sentences.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Lines without blanks at their ends or in a row; "" when nothing is left to read.
    """
    lines = (_content(line) for line in _words_only(text).split("\n"))
    joined = "\n".join(line for line in lines if line)
    return repair_homoglyphs(joined)


def find_hashtags(text: str) -> list[str]:
    """Return the hashtags of a text in order, repeats included, without the hash."""
    return [match[1] for match in _HASHTAG.finditer(text)] if _has(text, _HASHES) else []


def _words_only(text: str) -> str:
    """Return the text without links, Markdown marks, elisions and emoji; lines stay lines."""
    if "/" in text:
        text = _LINK.sub(" ", _MARKDOWN_LINK.sub(r"\1", text))
    if _has(text, ("<", "***")):
        text = _ELISION.sub(" ", text)
    if _has(text, ("**", "__", "~~", "`")):
        text = _MARKDOWN_MARK.sub("", text)
    if not text.isascii():
        text = _GAP.sub("", _EMOJI.sub(" ", text))
    return str(_EMPTY_BRACKETS.sub(" ", text)) if _has(text, "([«") else text


def _has(text: str, marks: Iterable[str]) -> bool:
    """Tell whether one of `marks` is there at all: most texts have none, and patterns cost more."""
    return any(mark in text for mark in marks)


def _content(line: str) -> str:
    """Return the line with hashtags as words, or "" when it says nothing to the encoder."""
    bare = _HANDLE.sub(" ", line) if "@" in line else line
    if _WORDLESS.fullmatch(bare) or is_call_to_action(bare):
        return ""
    if _has(line, _HASHES):
        line = _HASHTAG.sub(lambda match: _CAMEL.sub(" ", match[1].replace("_", " ")), line)
    return " ".join(line.split())
