"""Windows on their way: read and cleaned in one thread, embedded in a second, while the caller
decides on the one before and writes it. What comes out, and in which order, is the same as without.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import repeat, takewhile

import numpy as np
from numpy.typing import NDArray

from narraframe.embeddings.batches import ahead
from narraframe.embeddings.embed import VectorCache
from narraframe.workflows.score_items import window_digest, windows
from narraframe.workflows.scored_window import Item, posts_of, prepared
from narraframe.workflows.scorer import Scorer

NoteOf = Callable[[int, str], str | None]


@dataclass(frozen=True)
class ReadWindow:
    """Items whose posts are prepared, the `digest` of what they were before, and the bytes that
    were read for them.
    """

    items: Sequence[Item]
    digest: str
    n_bytes: int


@dataclass(frozen=True)
class EmbeddedWindow:
    """A window, with what was noted of it when an earlier run finished it, or else its vectors."""

    read: ReadWindow
    note: str | None
    vectors: Mapping[str, NDArray[np.float32]] | None


class _CancelledError(Exception):
    """Nobody waits for this any more."""


@contextmanager
def embedded_ahead(
    items: Iterable[Item],
    scorer: Scorer,
    *,
    note_of: NoteOf,
    n_bytes: Callable[[], int],
    live: bool = False,
    cache: VectorCache | None = None,
) -> Iterator[Iterator[EmbeddedWindow]]:
    """Yield the windows of `items`, each embedded while the caller deals with the one before.

    Leaving it waits for no more than the batch that is being embedded.

    Parameters
    ----------
    items : iterable of Post or Unscored
        Read in another thread, some windows ahead, unless `live`.
    scorer : Scorer
    note_of : callable
        Called with number and digest of a window, in the caller's thread; what it returns of a
        finished window spares its embedding.
    n_bytes : callable
        Says how many bytes were read so far.
    live : bool, default=False
        Whether the items come from a stream that can keep one waiting: no reading ahead.
    cache : VectorCache, default=None
        Vectors of the scorer's encoder.
    """
    cancelled = threading.Event()

    def go_on(_: int = 0) -> None:
        if cancelled.is_set():
            raise _CancelledError

    def embed(window: tuple[ReadWindow, str | None]) -> EmbeddedWindow:
        read, note = window
        if note is not None:
            return EmbeddedWindow(read, note, None)
        go_on()
        vectors = scorer.embed(posts_of(read.items), cache=cache, progress=go_on)
        return EmbeddedWindow(read, None, vectors)

    cut = windows(items)
    before = 0

    def read(_: None) -> ReadWindow | None:
        nonlocal before
        go_on()
        window = next(cut, None)
        if window is None:
            return None
        digest = window_digest(window)
        now = n_bytes()
        before, here = now, now - before
        return ReadWindow(prepared(window), digest, here)

    # Whoever waits for a stream waits in the caller's thread, where an interrupt ends it.
    turns = repeat(None)
    found = map(read, turns) if live else ahead(read, turns, cancel=cancelled.set)
    numbered = enumerate(takewhile(lambda window: window is not None, found))
    noted = ((one, note_of(i, one.digest)) for i, one in numbered if one is not None)
    with ExitStack() as stack:
        if isinstance(found, Generator):
            stack.enter_context(closing(found))
        yield stack.enter_context(closing(ahead(embed, noted, most=1, cancel=cancelled.set)))
