"""Which short texts are quoted from longer ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from narraframe.posts.shingles import normalise

_WORDS, _ENOUGH = 3, 6
SHARE = 0.5
"""Share of a text's runs of three words from which it counts as quoted."""


def quoted(texts: Sequence[str], sources: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which texts are taken from one of the sources, whole or for the greater part.

    Parameters
    ----------
    texts : sequence of str of length n
        For example the examples of a codebook.
    sources : sequence of str
        For example posts. A source that is itself contained in a text counts as well.

    Returns
    -------
    bool array of shape (n,)
        True where at least half of the text's runs of three words, or of those of a source of some
        length, are in the other; texts of fewer than three words are compared whole.
    """
    runs_of = [_runs(source) for source in sources]
    holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, runs in enumerate(runs_of):
        for run in runs:
            holders[run].append(i)
    found = np.zeros(len(texts), dtype=np.bool_)
    for j, text in enumerate(texts):
        own = _runs(text)
        shared = Counter(i for run in own for i in holders.get(run, ()))
        found[j] = any(n >= SHARE * _bar(len(own), len(runs_of[i])) for i, n in shared.items())
    return found


def _bar(own: int, source: int) -> int:
    """Return of how many runs the share is asked: a source of a few words is in many texts."""
    return min(own, source) if source >= _ENOUGH else own


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = normalise(text).split()
    if len(words) < _WORDS:
        return frozenset({tuple(words)}) if words else frozenset()
    return frozenset(tuple(words[i : i + _WORDS]) for i in range(len(words) - _WORDS + 1))
