"""Which posts a page holds the text of: all where there is room, else those that matter most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from narraframe.report.pack import squeeze

# Characters of a post that are kept where not all posts can be kept whole.
EXTRACT = 500
_TRIAL = 2_000_000
_SAFETY = 0.97


@dataclass(frozen=True)
class HeldTexts:
    """A text or None for each post; `n_held` posts have one, `n_cut` of them a shortened one."""

    texts: tuple[str | None, ...]
    n_held: int
    n_cut: int


def hold_texts(
    texts: Sequence[str], *, first: Sequence[int], room: int, seed: int = 0
) -> HeldTexts:
    """Choose the texts that fit into `room` bytes once they are compressed.

    All of them, whole, where they fit. Else at most `EXTRACT` characters each: of the posts `first`
    whatever the room, then of others drawn at random.

    Parameters
    ----------
    texts : sequence of str
        The posts' texts, n of them.
    first : sequence of int
        Posts that the page speaks of elsewhere: their rows.
    room : int
        How many bytes there are.
    seed : int, default=0
        Of the draw.
    """
    raw = sum(map(len, texts))
    # Text never shrinks to a twelfth: what is that much larger need not be compressed to be known.
    if raw <= 12 * room and len(squeeze(_joined(texts))) <= room:
        return HeldTexts(tuple(texts), len(texts), 0)
    wanted = dict.fromkeys(first)
    drawn = np.random.default_rng(seed).permutation(len(texts)).tolist()
    order = [*wanted, *(row for row in drawn if row not in wanted)]
    short = [texts[row][:EXTRACT] for row in order]
    n = _how_many(short, room=room, least=len(wanted))
    held: list[str | None] = [None] * len(texts)
    n_cut = 0
    for row, text in zip(order[:n], short[:n], strict=True):
        cut = len(texts[row]) > EXTRACT
        n_cut += cut
        held[row] = text.rstrip() + "…" if cut else text
    return HeldTexts(tuple(held), n, n_cut)


def _how_many(texts: Sequence[str], *, room: int, least: int) -> int:
    """Return how many of `texts`, from the first on, fit: estimated from a trial, then proved."""
    sizes = np.cumsum([len(text.encode("utf-8", "replace")) for text in texts])
    trial = int(np.searchsorted(sizes, _TRIAL)) + 1
    packed = len(squeeze(_joined(texts[:trial])))
    ratio = packed / max(int(sizes[min(trial, len(sizes)) - 1]), 1)
    n = int(np.searchsorted(sizes, _SAFETY * room / max(ratio, 1e-9)))
    while n > least and len(squeeze(_joined(texts[:n]))) > room:
        n = int(n * 0.95)
    return max(n, least)


def _joined(texts: Sequence[str]) -> bytes:
    return "".join(texts).encode("utf-8", "replace")
