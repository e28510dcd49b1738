"""A post cut into what is evidence of a decision and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST, BEFORE = 700, 160


@dataclass(frozen=True)
class Passage:
    """A piece of a text; `marked` where it is evidence."""

    text: str
    marked: bool


def passages(text: str, spans: Sequence[tuple[int, int]]) -> tuple[Passage, ...]:
    """Cut `text` at the code points [start, end) of `spans`.

    Spans may overlap and come in any order; what lies outside of the text is left out. A text of
    more than `LONGEST` characters is cut to so many, from a little before the first span on.
    """
    marked = _merged(text, spans)
    first = marked[0][0] if marked else 0
    begin = max(0, first - BEFORE) if first > LONGEST - BEFORE else 0
    end = min(len(text), begin + LONGEST)
    pieces, at = [Passage("…", False)] if begin else [], begin
    for start, stop in marked:
        if start >= end:
            break
        if start > at:
            pieces.append(Passage(text[at:start], False))
        pieces.append(Passage(text[start : min(stop, end)], True))
        at = min(stop, end)
    if at < end:
        pieces.append(Passage(text[at:end], False))
    if end < len(text):
        pieces.append(Passage("…", False))
    return tuple(pieces)


def _merged(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    inside = sorted((max(0, start), min(end, len(text))) for start, end in spans)
    merged: list[tuple[int, int]] = []
    for start, end in inside:
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
