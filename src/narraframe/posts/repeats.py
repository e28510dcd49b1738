"""Collapse a body that a copied channel page holds twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

SHORTEST = 40
"""Characters that a repeated block must hold, each line counted once: chants and refrains stay."""


def collapse_repeats(lines: Sequence[str]) -> list[str]:
    """Return the lines with every block that repeats right after itself kept once.

    Pages copied from channel previews read "title, body, the same body". Blank lines do not count
    in the comparison. A block shorter than `SHORTEST` (its distinct lines together) is taken for a
    deliberate repetition and stays.

    Parameters
    ----------
    lines : sequence of str

    Returns
    -------
    list of str
        A subsequence of `lines`.
    """
    kept = list(lines)
    while (repeat := _second_copy(kept)) is not None:
        del kept[repeat]
    return kept


def _second_copy(lines: Sequence[str]) -> slice | None:
    """Find the largest block that repeats right after itself, and where its second copy lies."""
    if len(lines) < 2:
        return None
    at = [i for i, line in enumerate(lines) if line.strip()]
    body = [lines[i].strip() for i in at]
    count = Counter(body)
    # Two copies of a block side by side are one run of lines that all occur at least twice.
    runs = (list(run) for again, run in groupby(body, lambda line: count[line] > 1) if again)
    longest = max((len(run) // 2 for run in runs if sum(map(len, run)) >= 2 * SHORTEST), default=0)
    for size in range(longest, 0, -1):
        start = _first_repeat(body, size)
        if start is not None:
            return slice(at[start + size - 1] + 1, at[start + 2 * size - 1] + 1)
    return None


def _first_repeat(body: Sequence[str], size: int) -> int | None:
    """Find the first start whose `size` lines equal the next `size` lines, and are long enough."""
    equal = 0
    for i in range(len(body) - size):
        equal = equal + 1 if body[i] == body[i + size] else 0
        if equal >= size:
            start = i - size + 1
            if sum(map(len, set(body[start : start + size]))) >= SHORTEST:
                return start
    return None
