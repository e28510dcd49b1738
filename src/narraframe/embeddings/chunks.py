"""Cut a long text into chunks that an encoder can read whole, losing nothing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

import regex

CountTokens: TypeAlias = Callable[[Sequence[str]], list[int]]

# A sentence ends at a terminator with its closing quotes, unless a small letter follows or a lone
# letter stands before it (initials, "г.", "M."); or at a line break; or, without any space, at a
# full-width terminator. Wrong breaks cost little: packing joins sentences again, so a language
# by language list of abbreviations (sentencex) is not worth a dependency.
_SENTENCE_END = regex.compile(
    r"(?<!\b\p{L})[\p{STerm}…]+[\p{Pe}\p{Pf}\"']*\s++(?!\p{Ll})"
    r"|[\u3002\uff01\uff1f\uff61]+[\p{Pe}\p{Pf}\"']*\s*+"
    r"|\n\s*+"
)
_SPACE = re.compile(r"\s+")


def split_sentences(text: str) -> list[str]:
    """Cut a text of any language after each sentence.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        With their outer space: joined, they are `text`. Empty for an empty text.
    """
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return [text[a:b] for a, b in itertools.pairwise([0, *ends, len(text)]) if a < b]


def chunk(text: str, *, max_tokens: int, count_tokens: CountTokens) -> list[str]:
    """Pack the sentences of a text, in order, into chunks of at most `max_tokens` tokens.

    A sentence beyond the limit is halved at the space nearest its middle (at the middle, where it
    has no space) until its parts fit.

    Parameters
    ----------
    text : str
        The text; one that fits is returned whole.
    max_tokens : int
        Limit of a chunk, special tokens counted.
    count_tokens : callable
        Tokens of each of several texts, special tokens counted.

    Returns
    -------
    list of str, never empty
        Slices of `text` without outer space: joined, they hold every other character in order.
        Only a single character can still be beyond the limit.

    Raises
    ------
    ValueError
        If `max_tokens` leaves no room beside the special tokens.
    """
    [special, whole] = count_tokens(["", text])
    if max_tokens <= special:
        raise ValueError(f"max_tokens={max_tokens} leaves no room beside {special} special tokens")
    if whole <= max_tokens:
        return [text]
    pieces = _fit(split_sentences(text), max_tokens, count_tokens)
    packed = _pack(pieces, max_tokens, special)
    # Tokens of joined sentences need not add up in every tokenizer, hence the second look.
    fitting = (piece.strip() for piece, _ in _fit(packed, max_tokens, count_tokens))
    return [piece for piece in fitting if piece] or [text]


def _fit(
    pieces: Sequence[str], max_tokens: int, count_tokens: CountTokens
) -> list[tuple[str, int]]:
    """Halve the pieces that are beyond the limit; return pieces with their token counts."""
    fitting: list[tuple[str, int]] = []
    for piece, n_tokens in zip(pieces, count_tokens(pieces), strict=True):
        if n_tokens <= max_tokens or len(piece) < 2:
            fitting.append((piece, n_tokens))
        else:
            fitting.extend(_fit(_halve(piece), max_tokens, count_tokens))
    return fitting


def _halve(piece: str) -> list[str]:
    middle = len(piece) // 2
    spaces = (match.end() for match in _SPACE.finditer(piece) if match.end() < len(piece))
    cut = min(spaces, key=lambda end: abs(end - middle), default=middle)
    return [piece[:cut], piece[cut:]]


def _pack(pieces: Sequence[tuple[str, int]], max_tokens: int, special: int) -> list[str]:
    """Join neighbours for as long as they fit together."""
    packed: list[str] = []
    room = 0
    for piece, n_tokens in pieces:
        needed = n_tokens - special
        if packed and needed <= room:
            packed[-1] += piece
        else:
            packed.append(piece)
            room = max_tokens - special
        room -= needed
    return packed
